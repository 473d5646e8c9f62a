package cli

import (
	"context"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"starling/client"
	"starling/internal/cli/cmdkit"
	"starling/internal/cli/devnetcmd"
	"starling/internal/cli/networkcmd"
	"starling/internal/plain"
	"starling/node"
	"starling/node/attach"
)

// values returns the values that a shell may complete, with the command's flags
// as typed so far.
type values func(c *cobra.Command) []string

// completePatience bounds how long a shell waits for a running node or network
// to say what there is.
const completePatience = time.Second

// addCompletions has a shell complete the values of flags and arguments.
func addCompletions(root *cobra.Command) {
	flags := map[string]values{
		"network":    networkNames,
		"name":       walletNames,
		"wallet":     walletNames,
		"type":       fixed("bech32", "bech32m", "p2sh-segwit", "legacy"),
		"log-level":  logLevels,
		"log-format": fixed("text", "json"),
		"node":       nodeNames,
		"topology":   fixed("line", "ring", "star", "random"),
		"mine":       fixed("instant", "hand", "interval=", "poisson="),
	}
	// Their flags name what is still to be made.
	names := map[string]bool{"starling network create": true}
	args := map[string]values{
		"starling network show":     networkNames,
		"starling wallet load":      walletNames,
		"starling wallet unload":    walletNames,
		"starling devnet pay":       nodeNames,
		"starling devnet partition": nodeNames,
		"starling devnet start":     nodeNames,
		"starling devnet stop":      nodeNames,
	}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		offer := func(f *pflag.Flag) {
			list, known := flags[f.Name]
			if !known || f.Value.Type() == "bool" || names[c.CommandPath()] && f.Name != "network" {
				return
			}
			// It fails only for a flag that there is not.
			_ = c.RegisterFlagCompletionFunc(f.Name, func(c *cobra.Command, _ []string, start string) ([]string, cobra.ShellCompDirective) {
				return beginning(list(c), start), cobra.ShellCompDirectiveNoFileComp
			})
		}
		c.LocalNonPersistentFlags().VisitAll(offer)
		c.PersistentFlags().VisitAll(offer)
		if list := args[c.CommandPath()]; list != nil {
			c.ValidArgsFunction = func(c *cobra.Command, done []string, start string) ([]string, cobra.ShellCompDirective) {
				if len(done) > 0 && c.Name() != "partition" {
					return nil, cobra.ShellCompDirectiveNoFileComp
				}
				found := beginning(list(c), start)
				if c.Name() == "show" { // or a file
					return found, cobra.ShellCompDirectiveDefault
				}
				return found, cobra.ShellCompDirectiveNoFileComp
			}
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root)
}

// beginning keeps the words that begin with what has been typed.
func beginning(words []string, start string) []string {
	return slices.DeleteFunc(words, func(w string) bool { return !strings.HasPrefix(w, start) })
}

func fixed(words ...string) values {
	return func(*cobra.Command) []string { return slices.Clone(words) }
}

// networkNames are the networks that are found by name.
func networkNames(c *cobra.Command) []string {
	cfg, err := cmdkit.LoadConfigWith(c, map[string]string{"network": "main"})
	if err != nil {
		return nil
	}
	all, err := networkcmd.List(cfg)
	if err != nil {
		return nil
	}
	var names []string
	for _, n := range all {
		if n.Error == "" {
			names = append(names, plain.Line(n.Name))
		}
	}
	return names
}

// walletNames are the wallets of a node: those in its directory or, if there are
// none, those that a running node tells of.
func walletNames(c *cobra.Command) []string {
	cfg, err := cmdkit.LoadConfigWith(c, nil)
	if err != nil {
		return nil
	}
	var names []string
	entries, _ := os.ReadDir(node.WalletDir(cfg.Server.Dir))
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, plain.Line(e.Name()))
		}
	}
	if len(names) > 0 {
		return names
	}
	ctx, cancel := context.WithTimeout(c.Context(), completePatience)
	defer cancel()
	loaded, err := client.Over(attach.Client(cfg)).ListWallets(ctx)
	if err != nil {
		return nil
	}
	for _, n := range loaded {
		names = append(names, plain.Line(n))
	}
	return names
}

// logLevels are the levels, alone and for each part of the node.
func logLevels(*cobra.Command) []string {
	levels := []string{"debug", "info", "warn", "error"}
	all := slices.Clone(levels)
	for _, p := range node.Parts() {
		for _, l := range levels {
			all = append(all, p+"="+l)
		}
	}
	return all
}

// nodeNames are the nodes of the development network that runs.
func nodeNames(c *cobra.Command) []string {
	ctx, cancel := context.WithTimeout(c.Context(), completePatience)
	defer cancel()
	return devnetcmd.NodeNames(ctx, c)
}
