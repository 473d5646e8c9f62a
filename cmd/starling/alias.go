package main

import (
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"starling/internal/config"
)

// The walk-through is the tutorial that this program grew from. Its commands
// are thin aliases of the real ones, and what people typed then still works:
// long flags with one dash, any letter case, and NODE_ID in the environment.

const (
	// aliasGroup is the group of the walk-through's commands in the help.
	aliasGroup = "walkthrough"
	// walkNetwork is the network that createblockchain makes.
	walkNetwork = "walkthrough"
	// nodeIDEnv tells the nodes of the walk-through apart.
	nodeIDEnv = "NODE_ID"
)

// newAliases returns the commands of the walk-through.
func newAliases() []*cobra.Command {
	all := []*cobra.Command{
		newCreateWalletAlias(), newCreateBlockchainAlias(), newSendAlias(), newStartNodeAlias(), newGetBalanceAlias(),
		newListAddressesAlias(), newGetPeerInfoAlias(), newPrintChainAlias(), newReindexAlias(),
	}
	for _, c := range all {
		c.GroupID = aliasGroup
		c.Args = noArgs
		c.Flags().SortFlags = false
	}
	return all
}

// aliasHelp is what the help of each of these commands ends with.
const aliasHelp = `

Part of the walk-through: NODE_ID, or --node-id, tells several nodes on one
machine apart. Node 8000 listens at 127.0.0.1:8000 for peers and 18000 for RPC,
and keeps its data in ~/.starling/node-8000. All use the network in
~/.starling/networks/walkthrough.toml, which createblockchain makes.`

// aliasFlags adds the flags that all commands of the walk-through have.
func aliasFlags(c *cobra.Command) {
	addSomeFlags(c.Flags(), "node-id", "datadir", "network", "config", "rpc-listen", "rpc-user", "rpc-password")
	c.Flag("network").DefValue = walkNetwork
}

// aliasSettings returns the settings that a command of the walk-through makes
// on its own.
func aliasSettings(c *cobra.Command) (map[string]string, error) {
	fixed := map[string]string{}
	own := func(name string) bool {
		o := config.Option{Name: name}
		return c.Flags().Changed(name) || os.Getenv(o.Env()) != ""
	}
	if !own("node-id") {
		id := os.Getenv(nodeIDEnv)
		if id == "" {
			return nil, errors.New("NODE_ID is not set: it tells the nodes apart, as in NODE_ID=8000 starling " + c.Name() +
				"; or give --node-id 8000")
		}
		fixed["node-id"] = id
	}
	if !own("network") {
		fixed["network"] = walkNetwork
	}
	return fixed, nil
}

// aliasConfig gathers the settings for a command of the walk-through.
func aliasConfig(c *cobra.Command) (*config.Config, error) {
	fixed, err := aliasSettings(c)
	if err != nil {
		return nil, err
	}
	return loadConfigWith(c, fixed)
}

// listFlags are the flags of the walk-through that take lists.
func listFlags() []string { return []string{"from", "to", "amount"} }

// walkArgs rewrites a command line of the walk-through into the usual form:
// commands and long flags in small letters with two dashes, and lists, which
// the shell may have cut at their spaces, in one piece. Other command lines are
// returned as they are.
func walkArgs(args []string, names []string) []string {
	if len(args) == 0 || !slices.Contains(names, strings.ToLower(args[0])) {
		return args
	}
	out := []string{strings.ToLower(args[0])}
	list := false // whether what follows belongs to the list of the flag before
	for i, a := range args[1:] {
		if a == "--" {
			return append(out, args[i+1:]...)
		}
		if !isLongFlag(a) {
			if last := len(out) - 1; list && !strings.HasPrefix(out[last], "--") {
				out[last] += " " + a
			} else {
				out = append(out, a)
			}
			continue
		}
		name, value, given := strings.Cut(strings.TrimLeft(a, "-"), "=")
		name = lower(name)
		list = slices.Contains(listFlags(), name)
		out = append(out, "--"+name)
		switch {
		case given && list:
			out = append(out, value)
		case given:
			out[len(out)-1] += "=" + value
		}
	}
	return out
}

// lower returns the name of a flag in small letters. Names are ASCII; what else
// somebody typed stays as it is, so that they are told of just that.
func lower(name string) string {
	b := []byte(name)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}

// isLongFlag reports whether a word is a flag with a name, rather than one
// letter or a negative number.
func isLongFlag(a string) bool {
	name := strings.TrimLeft(a, "-")
	dashes := len(a) - len(name)
	if dashes < 1 || dashes > 2 || name == "" {
		return false
	}
	letter := name[0]|0x20 >= 'a' && name[0]|0x20 <= 'z'
	return letter && (dashes == 2 || len(name) > 1)
}

// splitList reads a list as people write it: A,B or A B or ["A","B"].
func splitList(words []string) []string {
	return strings.FieldsFunc(strings.Join(words, ","), func(r rune) bool { return strings.ContainsRune("[]\"', \t", r) })
}

// aliasNames are the names of the walk-through's commands.
func aliasNames(root *cobra.Command) []string {
	var names []string
	for _, c := range root.Commands() {
		if c.GroupID == aliasGroup {
			names = append(names, c.Name())
		}
	}
	return names
}

// addAliases adds the walk-through to the command line.
func addAliases(root *cobra.Command) {
	const others = "main"
	root.AddGroup(&cobra.Group{ID: others, Title: "Commands:"}, &cobra.Group{ID: aliasGroup, Title: "Walk-through (thin aliases of the commands above):"})
	root.SetHelpCommandGroupID(others)
	for _, c := range root.Commands() {
		c.GroupID = others
	}
	root.AddCommand(newAliases()...)
}

// word returns a flag that must be given.
func word(c *cobra.Command, name, what string) (string, error) {
	s := c.Flag(name).Value.String()
	if s == "" {
		return "", usageError{errors.New("-" + name + " is needed: " + what)}
	}
	return s, nil
}
