package nodecmd

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"starling/internal/cli/cmdkit"
	"starling/node/attach"
	"starling/node/settings"
	"starling/rpc"
	"starling/rpc/jsonrpc"
	"starling/rpc/walletrpc"
)

// NewRPC returns the command rpc.
func NewRPC() *cobra.Command {
	c := &cobra.Command{
		Use:   "rpc METHOD [ARGUMENT]...",
		Short: "Call a method of a running node",
		Long: `Call a method of a running node and print the answer. It reads the cookie file
in the data directory of the network, so that on the same machine no password
is needed. Texts are printed as they are, everything else as JSON.

  starling rpc getblockcount
  starling rpc getblockhash 170
  starling rpc --named getblock blockhash=000000… verbosity=2
  starling rpc help                 all methods
  starling rpc help getblock        one method
  starling rpc --stdin submitblock < block.hex

Flags may stand before or after the method. Negative numbers are arguments;
others that begin with a dash stand after --.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmdkit.UsageError{Err: errors.New("rpc needs a method; \"starling rpc help\" lists them")}
			}
			return nil
		},
		ValidArgsFunction: completeRPC,
		RunE:              callRPC,
	}
	settings.AddFlags(c.Flags(), true)
	c.Flags().SortFlags = false
	c.Flags().Bool("named", false, "arguments of the form name=value are given by name")
	c.Flags().Bool("stdin", false, "read more arguments from the standard input, one a line")
	c.Flags().Bool("wait", false, "wait until the node answers, for scripts that start one")
	c.Flags().String("wallet", "", "which `WALLET` the call is about, if several are loaded")
	return c
}

func callRPC(c *cobra.Command, args []string) error {
	cfg, err := cmdkit.LoadConfig(c)
	if err != nil {
		return err
	}
	method, words := args[0], args[1:]
	if more, _ := c.Flags().GetBool("stdin"); more {
		more, err := readLines(cmdkit.Stdin(c))
		if err != nil {
			return err
		}
		words = append(words, more...)
	}
	named, _ := c.Flags().GetBool("named")
	params, err := rpc.Methods().ParseArgs(method, words, named)
	if err != nil {
		return cmdkit.UsageError{Err: err}
	}
	wait, _ := c.Flags().GetBool("wait")
	ctx := c.Context()
	if name, _ := c.Flags().GetString("wallet"); name != "" {
		ctx = walletrpc.WithWallet(ctx, name)
	}
	for {
		// A node that starts meanwhile says where it answers.
		result, err := attach.Client(cfg).Call(ctx, method, params)
		if err == nil && method == "help" && len(words) == 1 && bytes.HasPrefix(result, []byte(noHelp)) {
			// Clients of Core take this for an answer; who types it should be told.
			return cmdkit.Explain(words[0], &jsonrpc.Error{Code: jsonrpc.CodeMethodNotFound})
		}
		if err == nil {
			return cmdkit.PrintResult(c.OutOrStdout(), result)
		}
		if !wait || !notYet(err) {
			return cmdkit.Explain(method, attach.Explain(cfg, err))
		}
		if err := cmdkit.Pause(c.Context(), cmdkit.RetryEvery); err != nil {
			return err
		}
	}
}

// noHelp begins what the method help answers about a method that there is not, in
// JSON.
const noHelp = `"help: unknown command: `

// notYet reports whether an error may go away by waiting for the node.
func notYet(err error) bool {
	var unreachable *jsonrpc.UnreachableError
	var auth *jsonrpc.AuthError
	return errors.As(err, &unreachable) || errors.As(err, &auth) || errors.Is(err, &jsonrpc.Error{Code: jsonrpc.CodeInWarmup})
}

func readLines(r io.Reader) ([]string, error) {
	var lines []string
	s := bufio.NewScanner(r)
	const longest = 16 << 20 // a block in hexadecimal digits fits
	s.Buffer(nil, longest)
	for s.Scan() {
		if line := strings.TrimSpace(s.Text()); line != "" {
			lines = append(lines, line)
		}
	}
	return lines, s.Err()
}

// completeRPC completes the names of methods, also after help.
func completeRPC(_ *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 1 || len(args) == 1 && args[0] != "help" {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, m := range rpc.Methods().Methods() {
		if strings.HasPrefix(m.Name, start) {
			names = append(names, m.Name+"\t"+m.Usage())
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
