package walkthrough

import (
	"errors"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"starling/internal/cli/cmdkit"
	"starling/internal/cli/peercmd"
	"starling/internal/layered"
	"starling/node/settings"
)

// The walk-through is the tutorial that this program grew from. Its commands
// are thin aliases of the real ones, and what people typed then still works:
// long flags with one dash, any letter case, and NODE_ID in the environment.

const (
	// Group is the group of the walk-through's commands in the help.
	Group = "walkthrough"
	// walkNetwork is the network that createblockchain makes.
	walkNetwork = "walkthrough"
)

// newAliases returns the commands of the walk-through.
func newAliases() []*cobra.Command {
	all := []*cobra.Command{
		newCreateWalletAlias(), newCreateBlockchainAlias(), newSendAlias(), newStartNodeAlias(), newGetBalanceAlias(),
		newListAddressesAlias(), newGetPeerInfoAlias(), newPrintChainAlias(), newReindexAlias(),
	}
	for _, c := range all {
		c.GroupID = Group
		c.Args = cmdkit.NoArgs
		c.Flags().SortFlags = false
	}
	return append(all, adopt(peercmd.NewDNS()), adopt(peercmd.NewAddr()))
}

// adopt makes a command part of the walk-through that has the tutorial's name
// already. Where NODE_ID is set, or --node-id, it is about the walk-through's
// network unless another is named; without, it is what it is for all others.
func adopt(c *cobra.Command) *cobra.Command {
	c.GroupID = Group
	c.Long += `

Part of the walk-through too: with NODE_ID, or --node-id, the network is the one
that createblockchain makes, unless another is named.`
	run := c.RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		walks := os.Getenv(settings.NodeIDEnv) != "" || own(c, "node-id")
		if walks && !own(c, "network") {
			if _, err := aliasConfig(c); err != nil {
				return err
			}
			if err := c.Flags().Set("network", walkNetwork); err != nil {
				return err
			}
		}
		return run(c, args)
	}
	return c
}

// own reports whether a setting was made for this run.
func own(c *cobra.Command, name string) bool {
	return c.Flags().Changed(name) || os.Getenv(settings.Env(name)) != ""
}

// aliasHelp is what the help of each of these commands ends with.
const aliasHelp = `

Part of the walk-through: NODE_ID, or --node-id, tells several nodes on one
machine apart. Node 8000 listens at 127.0.0.1:8000 for peers and 18000 for RPC,
and keeps its data in ~/.starling/node-8000. All use the network in
~/.starling/networks/walkthrough.toml, which createblockchain makes.`

// aliasFlags adds the flags that all commands of the walk-through have.
func aliasFlags(c *cobra.Command) {
	cmdkit.AddSomeFlags(c.Flags(), "node-id", "datadir", "network", "config", "rpc-listen", "rpc-user", "rpc-password")
	c.Flag("network").DefValue = walkNetwork
}

// aliasSettings returns the settings that a command of the walk-through makes
// on its own. It wants to be told which node is meant.
func aliasSettings(c *cobra.Command) (map[string]string, error) {
	if !own(c, "node-id") && os.Getenv(settings.NodeIDEnv) == "" && !c.Flags().Changed("datadir") && !c.Flags().Changed("rpc-listen") {
		return nil, errors.New("NODE_ID is not set: it tells the nodes apart, as in NODE_ID=8000 starling " + c.Name() +
			"; or give --node-id 8000")
	}
	fixed := map[string]string{}
	if !own(c, "network") {
		fixed["network"] = walkNetwork
	}
	return fixed, nil
}

// aliasConfig gathers the settings for a command of the walk-through.
func aliasConfig(c *cobra.Command) (*settings.Settings, error) {
	fixed, err := aliasSettings(c)
	if err != nil {
		return nil, err
	}
	cfg, err := cmdkit.LoadConfigWith(c, fixed)
	var wrong *layered.Error
	if fixed["network"] != "" && errors.As(err, &wrong) && wrong.Name == "network" && wrong.Absent {
		return nil, errors.New("there is no blockchain yet; createblockchain makes one")
	}
	return cfg, err
}

// ListFlags are the flags of the walk-through that take lists.
func ListFlags() []string { return []string{"from", "to", "amount"} }

// splitList reads a list as people write it: A,B or A B or ["A","B"].
func splitList(words []string) []string {
	return strings.FieldsFunc(strings.Join(words, ","), func(r rune) bool { return strings.ContainsRune("[]\"', \t", r) })
}

// Add adds the walk-through to the command line.
func Add(root *cobra.Command) {
	const others = "main"
	root.AddGroup(&cobra.Group{ID: others, Title: "Commands:"}, &cobra.Group{ID: Group, Title: "Walk-through (thin aliases of the commands above, beside dns and addr):"})
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
		return "", cmdkit.UsageError{Err: errors.New("-" + name + " is needed: " + what)}
	}
	return s, nil
}
