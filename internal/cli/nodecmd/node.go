package nodecmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"starling/internal/cli/cmdkit"
	"starling/internal/loglevel"
	"starling/node"
	"starling/node/attach"
	"starling/node/settings"
)

// NewNode returns the command node.
func NewNode() *cobra.Command {
	c := &cobra.Command{
		Use:   "node",
		Short: "Run a node",
		Long: `Run a node until it is interrupted. The first interrupt or termination signal
stops it cleanly, a second one at once; either way nothing is lost.

A node on the main network:
  starling node

One with an index of all transactions, and more memory for a faster start:
  starling node --txindex --dbcache 2000

A network of your own, and two blocks on it:
  starling node --network regtest --listen 127.0.0.1
  starling rpc --network regtest generatetoaddress 2 ADDRESS

A second node, on the same machine, that fetches the chain from the first:
  starling node --network regtest --datadir /tmp/b --listen 0 \
      --rpc-listen 127.0.0.1:18500 --connect 127.0.0.1

From a file of blocks, without the network:
  starling node --load-block blocks.dat --connect 0 --listen 0

Every option can also stand in ` + settings.FileName + ` in the data directory, or in the
environment as ` + settings.EnvPrefix + `… : --rpc-listen is STARLING_RPC_LISTEN.`,
		Args: cmdkit.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := cmdkit.LoadConfig(c)
			if err != nil {
				return err
			}
			if err := ConfirmReindex(c, cfg); err != nil {
				return err
			}
			return Run(c.Context(), cfg, c.ErrOrStderr())
		},
	}
	settings.AddFlags(c.Flags(), false)
	c.Flags().SortFlags = false
	return cmdkit.MakesData(AddYesFlag(c))
}

// Run runs a node until ctx ends, a client stops it, or it fails.
func Run(ctx context.Context, cfg *settings.Settings, stderr io.Writer) error {
	for _, f := range cfg.Server.Load {
		// Better now than after all else has been opened.
		if _, err := os.Stat(f); errors.Is(err, fs.ErrNotExist) {
			return cmdkit.UsageError{Err: fmt.Errorf("load-block: there is no file %s", f)}
		}
	}
	levels, err := loglevel.New(node.Parts(), cfg.LogLevels)
	if err != nil {
		return err
	}
	fc, err := node.Configure(cfg)
	if err != nil {
		return cmdkit.UsageError{Err: err}
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	out := cmdkit.NewScreen(stderr)
	log := cmdkit.NewLogger(cfg, levels, out)
	bar := cmdkit.NewProgress(out, log.With(loglevel.PartKey, "cmd"))
	fc.Server.Log, fc.Server.Logs, fc.Levels = log, node.Logs(log), levels
	fc.Stop, fc.Version = stop, cmdkit.Version
	n, err := attach.Start(ctx, fc)
	if err != nil {
		return err
	}
	barCtx, stopBar := context.WithCancel(ctx)
	barDone := make(chan struct{})
	go func() { defer close(barDone); bar.Follow(barCtx, n.Server) }()
	err = n.Run(ctx)
	stopBar()
	<-barDone
	if err != nil {
		return err
	}
	log.Info("stopped")
	return nil
}
