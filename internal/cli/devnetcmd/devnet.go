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

	"starling/devnet"
	"starling/internal/cli/cmdkit"
	"starling/internal/cputime"
	"starling/internal/layered"
	"starling/internal/loglevel"
	"starling/node"
	"starling/node/settings"
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

// New returns the command devnet, with those that act on a running network below.
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
	layered.DurationFlag(fl, &f.latency, "latency", 0, "time from one node to the next")
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
		layered.DurationFlag(sub.Flags(), &f.patience, "patience", 0, "how long to wait for the network to be there, for scripts that start one")
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
	if err != nil || !(v >= 0 && v <= 100) {
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
		// Whatever it failed by: who interrupts a start wants no other reason.
		return errors.Join(c.Context().Err(), err)
	}
	done := make(chan struct{})
	go func() { defer close(done); show.follow(ctx, d) }()
	err = d.Run(ctx)
	cancel()
	<-done
	return err
}
