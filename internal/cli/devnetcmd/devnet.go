package devnetcmd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"starling/clock"
	"starling/devnet"
	"starling/internal/cli/cmdkit"
	"starling/internal/cputime"
	"starling/internal/loglevel"
	"starling/node"
	"starling/node/settings"
	"starling/params/netfile"
)

// devnetFlags are the flags of devnet.
type devnetFlags struct {
	nodes                int
	topology, mine, loss string
	latency, patience    time.Duration
	txRate               float64
	state, logLevel      string
	json                 bool
	wait                 bool
	node                 string
	ports                int
	user, password       string
}

func New() *cobra.Command {
	var f devnetFlags
	c := &cobra.Command{
		Use:   "devnet",
		Short: "Run a whole network on this machine, to try things out",
		Long: `Run a network of whole nodes in one process, on a new chain of its own: with
wallets that have money, a miner, and faults on demand. The first block is there
in a moment, nothing has to be set up, and Ctrl-C leaves nothing behind.

  starling devnet
  starling devnet --nodes 5 --topology ring --latency 50ms --tx-rate 2
  starling devnet --mine interval=10s --state ~/my-devnet
  starling devnet --ports 20000 --rpc-user dev --rpc-password dev

While it runs, from another terminal:
  starling devnet status                    how each node stands
  starling devnet pay wallet 1.5            pay a node's wallet, or an address
  starling devnet mine 3                    make blocks
  starling devnet partition central,wallet  split these from the others
  starling devnet heal                      end that
  starling devnet reorg 2                   replace the last two blocks
  starling devnet stop miner                stop one node; start brings it back
  starling devnet stop`,
		Args: cmdkit.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := f.config(c)
			if err != nil {
				return cmdkit.UsageError{Err: err}
			}
			return runDevnet(c, cfg, f.json)
		},
	}
	fl := c.Flags()
	fl.IntVar(&f.nodes, "nodes", 0, fmt.Sprintf("how many nodes (default %d, or as many as --state has)", devnet.DefaultNodes))
	fl.StringVar(&f.topology, "topology", "", "who connects to whom: line, ring, star or random (default line)")
	fl.DurationVar(&f.latency, "latency", 0, "time from one node to the next")
	fl.StringVar(&f.loss, "loss", "0", "share of packets that get lost, such as 1% or 0.01")
	fl.StringVar(&f.mine, "mine", "instant", "when blocks are made: instant, interval=TIME, poisson=TIME or hand")
	fl.Float64Var(&f.txRate, "tx-rate", 0, "make up so many payments a second")
	fl.IntVar(&f.ports, "ports", 0, "the first `PORT`: each node takes two, for peers and for RPC (default any)")
	fl.StringVar(&f.user, "rpc-user", "", "let this `NAME` call every node, with --rpc-password, beside its cookie file")
	fl.StringVar(&f.password, "rpc-password", "", "the `WORD` that goes with --rpc-user")
	fl.StringVar(&f.logLevel, "log-level", "error", "what of the nodes' logs is shown: debug, info, warn or error")
	fl.BoolVar(&f.json, "json", false, "write events as JSON, one a line, and nothing else")
	c.PersistentFlags().StringVar(&f.state, "state", "", "directory that keeps the network for the next time")
	fl.SortFlags = false
	for _, sub := range f.commands() {
		sub.Flags().DurationVar(&f.patience, "patience", 0, "how long to wait for the network to be there, for scripts that start one")
		c.AddCommand(sub)
	}
	return c
}

// control returns the directory of the control file.
func (f *devnetFlags) control() string {
	if f.state != "" {
		return f.state
	}
	return filepath.Join(settings.DefaultDataDir(), "devnet")
}

// config turns the flags into settings.
func (f *devnetFlags) config(c *cobra.Command) (devnet.Config, error) {
	cfg := devnet.Config{
		Nodes: f.nodes, TxRate: f.txRate, State: f.state, Control: f.control(),
		Ports: f.ports, RPCUser: f.user, RPCPassword: f.password,
		Since: cputime.Start(), Version: cmdkit.Version,
	}
	if c.Flags().Changed("nodes") && f.nodes < 1 {
		return cfg, fmt.Errorf("nodes: want from 1 to %d", devnet.MaxNodes)
	}
	if c.Flags().Changed("ports") && f.ports == 0 {
		return cfg, errors.New("ports: 0 is no port; leave --ports out for any")
	}
	var err error
	if f.topology != "" {
		if cfg.Topology, err = devnet.ParseTopology(f.topology); err != nil {
			return cfg, fmt.Errorf("topology: %w", err)
		}
	}
	if cfg.Mode, err = devnet.ParseMode(f.mine); err != nil {
		return cfg, fmt.Errorf("mine: %w", err)
	}
	cfg.Path.Latency = f.latency
	if cfg.Path.Loss, err = parseShare(f.loss); err != nil {
		return cfg, fmt.Errorf("loss: %w", err)
	}
	levels, err := loglevel.New(node.Parts(), []string{f.logLevel})
	if err != nil {
		return cfg, fmt.Errorf("log-level: %w", err)
	}
	stderr := cmdkit.NewScreen(c.ErrOrStderr())
	log := cmdkit.NewLogger(&settings.Settings{LogFormat: map[bool]string{true: "json"}[f.json]}, levels, stderr)
	cfg.Log = func(node string) *slog.Logger { return log.With("node", node) }
	return cfg, cfg.Check()
}

// parseShare reads a share such as 0.01 or 1%.
func parseShare(s string) (float64, error) {
	digits, percent := strings.CutSuffix(s, "%")
	v, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a share such as 0.01 or 1%%", s)
	}
	if percent {
		v /= 100
	}
	return v, nil
}

// runDevnet runs a network until it is told to stop.
func runDevnet(c *cobra.Command, cfg devnet.Config, asJSON bool) error {
	show := newDevnetShow(c.OutOrStdout(), asJSON)
	cfg.Events = show.event
	ctx, cancel := context.WithCancel(c.Context())
	defer cancel()
	d, err := devnet.Open(ctx, cfg)
	if err != nil {
		return err
	}
	done := make(chan struct{})
	go func() { defer close(done); show.follow(ctx, d) }()
	err = d.Run(ctx)
	cancel()
	<-done
	return err
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

// commands are those that act on a running network.
func (f *devnetFlags) commands() []*cobra.Command {
	var path devnetFlags
	do := func(c *cobra.Command, action string, q devnet.Request) (r devnet.Reply, err error) {
		err = f.do(c.Context(), func(client *devnet.Client) (err error) {
			r, err = client.Do(c.Context(), action, q)
			return err
		})
		return r, err
	}
	say := func(c *cobra.Command, format string, args ...any) { fmt.Fprintf(c.OutOrStdout(), format+"\n", args...) }
	node := func(c *cobra.Command, help string) *cobra.Command {
		c.Flags().StringVar(&f.node, "node", "", help)
		return c
	}
	count := func(args []string) (int, error) {
		if len(args) == 0 {
			return 1, nil
		}
		n, err := strconv.Atoi(args[0])
		if err != nil || n < 1 {
			return 0, cmdkit.UsageError{Err: fmt.Errorf("%q is not a number of blocks", args[0])}
		}
		return n, nil
	}
	blocks := func(action, use, short, long, help string) *cobra.Command {
		return node(&cobra.Command{
			Use: use, Short: short, Long: long, Args: atMost(1),
			RunE: func(c *cobra.Command, args []string) error {
				n, err := count(args)
				if err != nil {
					return err
				}
				r, err := do(c, action, devnet.Request{Node: f.node, N: n})
				for _, h := range r.Hashes {
					say(c, "%s", h)
				}
				return err
			},
		}, help)
	}

	status := &cobra.Command{
		Use: "status", Short: "Tell how each node stands", Args: cmdkit.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := do(c, "status", devnet.Request{})
			if err != nil {
				return err
			}
			return showStatus(c.OutOrStdout(), r.Status, f.json)
		},
	}
	status.Flags().BoolVar(&f.json, "json", false, "write JSON")
	info := &cobra.Command{
		Use: "info", Short: "Tell what one needs to use the nodes: addresses, seed phrases, commands", Args: cmdkit.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := do(c, "info", devnet.Request{})
			if err != nil {
				return err
			}
			return showInfo(c.OutOrStdout(), r.Info, f.json)
		},
	}
	info.Flags().BoolVar(&f.json, "json", false, "write JSON")
	partition := &cobra.Command{
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
			r, err := do(c, "partition", q)
			if err != nil {
				return err
			}
			say(c, "%s", groupText(r.Groups))
			return nil
		},
	}
	heal := &cobra.Command{
		Use: "heal", Short: "End a partition; what waited arrives", Args: cmdkit.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := do(c, "heal", devnet.Request{})
			return err
		},
	}
	link := &cobra.Command{
		Use: "link", Short: "Change latency and loss between the nodes", Args: cmdkit.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			loss, err := parseShare(path.loss)
			if err != nil {
				return cmdkit.UsageError{Err: fmt.Errorf("loss: %w", err)}
			}
			_, err = do(c, "path", devnet.Request{Path: devnet.Path{Latency: path.latency, Loss: loss}})
			return err
		},
	}
	link.Flags().DurationVar(&path.latency, "latency", 0, "time from one node to the next")
	link.Flags().StringVar(&path.loss, "loss", "0", "share of packets that get lost, such as 1% or 0.01")
	pay := node(&cobra.Command{
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
			r, err := do(c, "pay", devnet.Request{Node: f.node, To: args[0], Amount: amount, Wait: f.wait})
			if err != nil {
				return err
			}
			say(c, "%s", r.Payment.TxID)
			return nil
		},
	}, "the node that pays (default central)")
	pay.Flags().BoolVar(&f.wait, "wait", false, "return once it is confirmed, and all nodes that can be reached know it")
	start := &cobra.Command{
		Use: "start NODE", Short: "Start a node again that was stopped",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return cmdkit.UsageError{Err: errors.New("start needs the name of a node; \"starling devnet status\" lists them")}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			_, err := do(c, "start-node", devnet.Request{Node: args[0]})
			return err
		},
	}
	stop := &cobra.Command{
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
				_, err := do(c, "stop-node", devnet.Request{Node: args[0]})
				return err
			}
			return f.do(c.Context(), func(client *devnet.Client) error { return client.Stop(c.Context()) })
		},
	}
	return []*cobra.Command{status, info, pay,
		blocks("mine", "mine [N]", "Make blocks, one unless told otherwise",
			"Make blocks, one unless told otherwise, and wait until all nodes that can be\nreached have them. It prints their hashes.", "the node that makes them (default miner)"),
		partition, heal, link,
		blocks("reorg", "reorg [N]", "Replace the last block, or the last N, by a longer branch",
			"Replace the last block, or the last N, by a longer branch, and wait until all\nnodes that can be reached have gone over to it. It prints the new blocks' hashes.\nTransactions of the old blocks are mined again.", "the node that makes the branch (default central)"),
		start, stop}
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
