package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"starling/clock"
	"starling/internal/config"
	"starling/internal/plain"
)

const (
	exitFailure = 1
	exitUsage   = 2
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// usageError is an error in the command line or the settings.
type usageError struct{ error }

// Unwrap returns the error itself.
func (e usageError) Unwrap() error { return e.error }

// run executes a command line and returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := untilSignal(stderr)
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
	fmt.Fprintln(cleanErr, "starling: "+oneLine(err))
	var usage usageError
	if !started || errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailure
}

// oneLine returns the text of an error without line breaks.
func oneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}

// sameSignal is for how long further signals count as the first one: one Ctrl-C
// may come twice, from the terminal and from a program that passes it on.
const sameSignal = time.Second

// untilSignal returns a context that the first interrupt or termination signal
// ends. The second one ends the process at once.
func untilSignal(stderr io.Writer) (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		select {
		case <-signals:
			cancel()
		case <-done:
			return
		}
		impatient := false
		timer := clock.System().NewTimer(sameSignal)
		defer timer.Stop()
		for {
			select {
			case <-timer.C:
				impatient = true
			case <-signals:
				if impatient {
					fmt.Fprintln(stderr, "starling: stopped at once; the next start recovers")
					os.Exit(exitFailure)
				}
			case <-done:
				return
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel()
	}
}

// newRoot returns the command line.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "starling",
		Short: "A Bitcoin full node",
		Long: `Starling is a Bitcoin full node: it finds peers, fetches and checks every block,
and serves the chain to others.

  starling devnet                   a whole network on this machine, to try things out
  starling node                     run a node on the main network
  starling node --network regtest   run one on a network of your own
  starling rpc getblockchaininfo    ask a running node how far it is
  starling peers --watch            see who it is connected to`,
		Args:          noArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return usageError{suggestFlag(c, err)} })
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpCommand(newHelpCmd())
	root.AddCommand(newNodeCmd(), newRPCCmd(), newPeersCmd(), newDevnetCmd(), newNetworkCmd(), newWalletCmd(), newBalanceCmd(), newConfigCmd(), newVersionCmd(), newCompletionCmd(), newManCmd())
	addAliases(root)
	root.InitDefaultHelpCmd()
	return root
}

// loadConfig gathers the settings for a command.
func loadConfig(c *cobra.Command) (*config.Config, error) { return loadConfigWith(c, nil) }

// loadConfigWith is loadConfig with some settings decided by the command.
func loadConfigWith(c *cobra.Command, fixed map[string]string) (*config.Config, error) {
	cfg, err := config.LoadWith(c.Flags(), config.Environ(), fixed)
	if err != nil {
		return nil, usageError{err}
	}
	waits, _ := c.Flags().GetBool("wait") // for a node that may yet make it
	if !makes(c) && !waits {
		if err := cfg.CheckDataDir(); err != nil {
			return nil, usageError{err}
		}
	}
	return cfg, nil
}
