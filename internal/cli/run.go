package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"starling/internal/cli/cmdkit"
	"starling/internal/cli/devnetcmd"
	"starling/internal/cli/networkcmd"
	"starling/internal/cli/nodecmd"
	"starling/internal/cli/peercmd"
	"starling/internal/cli/walkthrough"
	"starling/internal/cli/walletcmd"
	"starling/internal/plain"
)

// Run executes a command line and returns the exit code.
func Run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := cmdkit.UntilSignal(stderr)
	defer stop()
	started := false // whether the command line was good enough to begin
	root := newRoot()
	root.PersistentPreRun = func(*cobra.Command, []string) { started = true }
	root.SetIn(stdin)
	// Much of what is shown came from others: no text of theirs steers a terminal.
	cleanErr := plain.NewWriter(stderr)
	root.SetOut(plain.NewWriter(stdout))
	root.SetErr(cleanErr)
	args, err := tidyArgs(root, args)
	if err == nil {
		root.SetArgs(args)
		err = root.ExecuteContext(ctx)
	}
	if err == nil {
		return 0
	}
	var signalled *cmdkit.SignalError
	if errors.As(context.Cause(ctx), &signalled) && errors.Is(err, context.Canceled) {
		fmt.Fprintln(cleanErr, "starling: "+signalled.Error())
		return signalled.Code()
	}
	fmt.Fprintln(cleanErr, "starling: "+cmdkit.OneLine(err))
	var usage cmdkit.UsageError
	if !started || errors.As(err, &usage) {
		return cmdkit.ExitUsage
	}
	return cmdkit.ExitFailure
}

// newRoot returns the command line.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "starling",
		Short: "A Bitcoin full node",
		Long: `Starling is a Bitcoin full node: it fetches and checks every block,
and serves the chain to others.

  starling devnet                   a whole network on this machine, to try things out
  starling node                     run a node on the main network
  starling node --network regtest   run one on a network of your own
  starling rpc getblockchaininfo    ask a running node how far it is
  starling peers --watch            see who it is connected to

Exit codes: 0 it is done, 1 it could not be done, 2 the command line or a setting
is wrong, 130 it was interrupted (128 and the number of the signal).`,
		Args:          cmdkit.NoArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.Version = versionText()
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return cmdkit.UsageError{Err: cmdkit.SuggestFlag(c, err)} })
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpCommand(newHelpCmd())
	root.AddCommand(nodecmd.NewNode(), nodecmd.NewRPC(), peercmd.NewPeers(), peercmd.NewInfo(), peercmd.NewCrawl(), peercmd.NewSeeder(), devnetcmd.New(), networkcmd.New(), walletcmd.New(), walletcmd.NewBalance(), newConfigCmd(), newVersionCmd(), newCompletionCmd(), newManCmd())
	walkthrough.Add(root)
	root.InitDefaultHelpCmd()
	addCompletions(root)
	return root
}
