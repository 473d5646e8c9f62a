package devnetcmd

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"starling/clock"
	"starling/devnet"
	"starling/internal/cli/cmdkit"
	"starling/internal/layered"
	"starling/params/netfile"
)

// commands are those that act on a running network.
func (f *devnetFlags) commands() []*cobra.Command {
	return []*cobra.Command{
		f.statusCmd(), f.infoCmd(), f.payCmd(),
		f.blocksCmd("mine", "mine [N]", "Make blocks, one unless told otherwise",
			"Make blocks, one unless told otherwise, and wait until all nodes that can be\nreached have them. It prints their hashes.", "the node that makes them (default miner)"),
		f.partitionCmd(), f.healCmd(), f.linkCmd(),
		f.blocksCmd("reorg", "reorg [N]", "Replace the last block, or the last N, by a longer branch",
			"Replace the last block, or the last N, by a longer branch, and wait until all\nnodes that can be reached have gone over to it. It prints the new blocks' hashes.\nTransactions of the old blocks are mined again.", "the node that makes the branch (default central)"),
		f.startCmd(), f.stopCmd(),
	}
}

// do asks the running network for an action, once there is one.
func (f *devnetFlags) do(ctx context.Context, action func(*devnet.Client) error) error {
	for left := f.patience; ; left -= cmdkit.RetryEvery {
		client, err := devnet.Dial(f.control())
		if err == nil {
			err = action(client)
		}
		var absent *devnet.NotRunningError
		if !errors.As(err, &absent) || left <= 0 {
			return err
		}
		if err := clock.Sleep(ctx, clock.System(), cmdkit.RetryEvery); err != nil {
			return err
		}
	}
}

// act has the running network do something that has a name, and returns its
// answer.
func (f *devnetFlags) act(c *cobra.Command, action string, q devnet.Request) (r devnet.Reply, err error) {
	err = f.do(c.Context(), func(client *devnet.Client) (err error) {
		r, err = client.Do(c.Context(), action, q)
		return err
	})
	return r, err
}

func say(c *cobra.Command, format string, args ...any) {
	fmt.Fprintf(c.OutOrStdout(), format+"\n", args...)
}

// withNode adds the flag that names a node.
func (f *devnetFlags) withNode(c *cobra.Command, help string) *cobra.Command {
	c.Flags().StringVar(&f.node, "node", "", help)
	return c
}

// blocksCmd is a command that makes blocks.
func (f *devnetFlags) blocksCmd(action, use, short, long, help string) *cobra.Command {
	return f.withNode(&cobra.Command{
		Use: use, Short: short, Long: long, Args: atMost(1),
		RunE: func(c *cobra.Command, args []string) error {
			n, err := blockCount(args)
			if err != nil {
				return err
			}
			r, err := f.act(c, action, devnet.Request{Node: f.node, N: n})
			for _, h := range r.Hashes {
				say(c, "%s", h)
			}
			return err
		},
	}, help)
}

// blockCount reads how many blocks to make.
func blockCount(args []string) (int, error) {
	if len(args) == 0 {
		return 1, nil
	}
	n, err := strconv.Atoi(args[0])
	if err != nil || n < 1 {
		return 0, cmdkit.UsageError{Err: fmt.Errorf("%q is not a number of blocks", args[0])}
	}
	return n, nil
}

// statusCmd tells how each node stands.
func (f *devnetFlags) statusCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "status", Short: "Tell how each node stands", Args: cmdkit.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := f.act(c, "status", devnet.Request{})
			if err != nil {
				return err
			}
			return showStatus(c.OutOrStdout(), r.Status, f.json)
		},
	}
	c.Flags().BoolVar(&f.json, "json", false, "write JSON")
	return c
}

// infoCmd tells what one needs to use the nodes.
func (f *devnetFlags) infoCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "info", Short: "Tell what one needs to use the nodes: addresses, seed phrases, commands", Args: cmdkit.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := f.act(c, "info", devnet.Request{})
			if err != nil {
				return err
			}
			return showInfo(c.OutOrStdout(), r.Info, f.json)
		},
	}
	c.Flags().BoolVar(&f.json, "json", false, "write JSON")
	return c
}

// partitionCmd splits the network.
func (f *devnetFlags) partitionCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "partition GROUP...", Short: "Split the network into groups that do not reach each other",
		Long: `Split the network into groups that do not reach each other. A group is a list of
nodes with commas between; nodes that are in none form one more. Links stay up,
but what is sent across waits until "starling devnet heal".

  starling devnet partition miner
  starling devnet partition central,wallet node4,node5`,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmdkit.UsageError{Err: errors.New("partition needs a group of nodes, such as: starling devnet partition central")}
			}
			var q devnet.Request
			for _, a := range args {
				q.Groups = append(q.Groups, strings.Split(a, ","))
			}
			r, err := f.act(c, "partition", q)
			if err != nil {
				return err
			}
			say(c, "%s", groupText(r.Groups))
			return nil
		},
	}
	return c
}

// healCmd ends a partition.
func (f *devnetFlags) healCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "heal", Short: "End a partition; what waited arrives", Args: cmdkit.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := f.act(c, "heal", devnet.Request{})
			return err
		},
	}
	return c
}

// linkCmd changes latency and loss. What is not named stays as it is.
func (f *devnetFlags) linkCmd() *cobra.Command {
	var path devnetFlags
	c := &cobra.Command{
		Use: "link", Short: "Change latency or loss between the nodes", Args: cmdkit.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var link devnet.PathChange
			if c.Flags().Changed("latency") {
				link.Latency = &path.latency
			}
			if c.Flags().Changed("loss") {
				loss, err := parseShare(path.loss)
				if err != nil {
					return cmdkit.UsageError{Err: fmt.Errorf("loss: %w", err)}
				}
				link.Loss = &loss
			}
			if link == (devnet.PathChange{}) {
				return cmdkit.UsageError{Err: errors.New("say what to change: --latency, --loss or both")}
			}
			if err := link.Check(); err != nil {
				return cmdkit.UsageError{Err: err}
			}
			_, err := f.act(c, "path", devnet.Request{Path: link})
			return err
		},
	}
	layered.DurationFlag(c.Flags(), &path.latency, "latency", 0, "time from one node to the next")
	c.Flags().StringVar(&path.loss, "loss", "0", "share of packets that get lost, such as 1% or 0.01")
	return c
}

// payCmd pays a wallet or an address.
func (f *devnetFlags) payCmd() *cobra.Command {
	c := f.withNode(&cobra.Command{
		Use: "pay TO COINS", Aliases: []string{"faucet"}, Short: "Pay a node's wallet, or an address",
		Long: `Pay a node's wallet, or an address of anybody's, from the wallet of the first
node or of another. It prints the id of the transaction.

  starling devnet pay wallet 1.5
  starling devnet pay bcrt1q… 10 --node miner`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return cmdkit.UsageError{Err: errors.New("pay needs two words: a node or an address, and how many coins")}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			amount, err := netfile.ParseCoins(args[1])
			if err != nil {
				return cmdkit.UsageError{Err: err}
			}
			r, err := f.act(c, "pay", devnet.Request{Node: f.node, To: args[0], Amount: amount, Wait: f.wait})
			if err != nil {
				return err
			}
			say(c, "%s", r.Payment.TxID)
			return nil
		},
	}, "the node that pays (default central)")
	c.Flags().BoolVar(&f.wait, "wait", false, "return once it is confirmed, and all nodes that can be reached know it")
	return c
}

// startCmd starts a node again.
func (f *devnetFlags) startCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "start NODE", Short: "Start a node again that was stopped",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return cmdkit.UsageError{Err: errors.New("start needs the name of a node; \"starling devnet status\" lists them")}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			_, err := f.act(c, "start-node", devnet.Request{Node: args[0]})
			return err
		},
	}
	return c
}

// stopCmd stops the network or a node.
func (f *devnetFlags) stopCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "stop [NODE]", Short: "Stop the network, or one node of it",
		Long: `Stop the network, or one node of it, as if its machine had been switched off in
good order. The others go on; "starling devnet start NODE" brings it back with
what it had, at the same ports.

  starling devnet stop miner
  starling devnet start miner
  starling devnet stop`,
		Args: atMost(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				_, err := f.act(c, "stop-node", devnet.Request{Node: args[0]})
				return err
			}
			return f.do(c.Context(), func(client *devnet.Client) error { return client.Stop(c.Context()) })
		},
	}
	return c
}

// atMost refuses more than n arguments.
func atMost(n int) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > n {
			return cmdkit.UsageError{Err: fmt.Errorf("unknown argument %q", args[n])}
		}
		return nil
	}
}
