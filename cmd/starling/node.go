package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/spf13/cobra"

	"starling/clock"
	"starling/index"
	"starling/internal/config"
	"starling/mining"
	"starling/rpc"
	"starling/server"
	"starling/store"
	"starling/telemetry"
	"starling/transport"
)

func newNodeCmd() *cobra.Command {
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

Every option can also stand in ` + config.FileName + ` in the data directory, or in the
environment as ` + config.EnvPrefix + `… : --rpc-listen is STARLING_RPC_LISTEN.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := loadConfig(c)
			if err != nil {
				return err
			}
			return runNode(c.Context(), cfg, c.ErrOrStderr())
		},
	}
	config.AddFlags(c.Flags(), false)
	c.Flags().SortFlags = false
	return c
}

// node is a node that is being run, and what stands around it.
type node struct {
	cfg    *config.Config
	levels *config.Levels
	log    *slog.Logger
	screen *screen
	clk    *clock.Settable

	server  *server.Node
	txindex *index.TxIndex
	metrics *telemetry.Metrics
	rpc     *rpc.Server
	api     *rpc.API
	bar     *progress

	rpcListen, metricsListen net.Listener
}

// part returns the logger of one part of the node.
func (n *node) part(name string) *slog.Logger { return n.log.With(config.PartKey, name) }

// runNode runs a node until ctx ends, a client stops it, or it fails.
func runNode(ctx context.Context, cfg *config.Config, stderr io.Writer) error {
	levels, err := config.NewLevels(cfg.LogLevels)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	n := &node{cfg: cfg, levels: levels, screen: &screen{w: stderr}, clk: clock.NewSettable()}
	n.log = newLogger(cfg, levels, n.screen)
	n.bar = newProgress(n.screen, n.part("cmd"))
	if err := n.listen(ctx); err != nil {
		return err
	}

	n.api = &rpc.API{Clock: n.clk, Logs: levels, Stop: stop, Version: versionNumber}
	table := n.api.Table()
	n.rpc = rpc.NewServer(rpc.Options{
		Table: table, CookiePath: cfg.CookiePath(rpc.CookieFile),
		User: cfg.RPCUser, Password: cfg.RPCPassword, Log: n.part("rpc"),
	})
	n.api.Server = n.rpc
	n.log.Info("starting", "version", version, "network", cfg.Network.Name, "dir", cfg.NetDir, "rpc", n.rpcListen.Addr())

	// The RPC server runs from the start, to tell how far the start is, and
	// ends first, as its methods use everything else.
	rpcCtx, stopRPC := context.WithCancel(context.WithoutCancel(ctx))
	defer stopRPC()
	rpcDone := make(chan error, 1)
	go func() {
		err := n.rpc.Serve(rpcCtx, n.rpcListen)
		if err != nil {
			stop()
		}
		rpcDone <- err
	}()
	err = n.start(ctx)
	if err == nil {
		err = n.run(ctx, func() error { stopRPC(); return <-rpcDone })
	} else {
		stopRPC()
		err = errors.Join(err, <-rpcDone)
	}
	if err != nil {
		return err
	}
	n.log.Info("stopped")
	return nil
}

// listen takes the data directory for a moment, so that the cookie of another
// node that uses it is left alone, and opens the sockets that are not for
// peers.
func (n *node) listen(ctx context.Context) error {
	lock, err := store.LockDir(vfs.Default, n.cfg.NetDir)
	if err != nil {
		return err
	}
	if err := lock.Close(); err != nil {
		return err
	}
	var lc net.ListenConfig
	if n.rpcListen, err = lc.Listen(ctx, "tcp", n.cfg.RPCListen); err != nil {
		return fmt.Errorf("rpc-listen: %w", plainNet(err))
	}
	if tcp, ok := n.rpcListen.Addr().(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		n.part("rpc").Warn("RPC can be reached from other machines, and is not encrypted", "addr", tcp)
	}
	if n.cfg.MetricsListen != "" {
		if n.metricsListen, err = telemetry.Listen(ctx, n.cfg.MetricsListen); err != nil {
			n.rpcListen.Close()
			return fmt.Errorf("metrics-listen: %w", plainNet(err))
		}
	}
	return nil
}

// plainNet shortens an error of listening to what is wrong.
func plainNet(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return fmt.Errorf("%s: %s", op.Addr, strings.TrimPrefix(op.Err.Error(), "bind: "))
	}
	return err
}

// start opens the chain and what depends on it.
func (n *node) start(ctx context.Context) error {
	cfg := n.cfg
	sc := server.Config{
		Network: cfg.Network, Dir: cfg.NetDir,
		DBCache: cfg.DBCache, Prune: cfg.Prune, Reindex: cfg.Reindex,
		MaxPeers: cfg.MaxConnections, BanScore: float64(cfg.BanScore), BanTime: cfg.BanTime,
		PingInterval: cfg.PingInterval, PingTimeout: cfg.PingTimeout,
		UserAgent: userAgent(cfg.UserAgentComments),
		Load:      cfg.LoadBlock, Progress: n.bar.imported,
		Clock: n.clk, Log: n.log, Logs: n.part,
	}
	if cfg.MaxConnections == 0 {
		sc.MaxPeers = 1 // room for none, but not the default
	}
	n.api.Tap = rpc.NewTap(n.clk)
	sc.PeerObservers = append(sc.PeerObservers, n.api.Tap)
	var err error
	if sc.Listen, err = parseAddrs("listen", cfg.Listen); err != nil {
		return err
	}
	for _, l := range []struct {
		name string
		list []string
	}{{"connect", cfg.Connect}, {"addnode", cfg.AddNode}} {
		addrs, err := parseAddrs(l.name, l.list)
		if err != nil {
			return err
		}
		sc.Peers = append(sc.Peers, addrs...)
	}
	if n.metricsListen != nil {
		n.metrics = telemetry.New(telemetry.Options{Version: version, Network: cfg.Network.Name})
		sc.ChainObserver, sc.SyncObserver = n.metrics, n.metrics
		sc.PeerObservers = append(sc.PeerObservers, n.metrics)
	}
	for _, f := range cfg.LoadBlock {
		// Better now than after the chain has been opened.
		if _, err := os.Stat(f); err != nil {
			return fmt.Errorf("load-block: %w", err)
		}
	}

	what := "Loading block index…"
	if cfg.Reindex {
		what = "Reindexing blocks on disk…"
	}
	n.rpc.SetWarmup(what)
	n.part("cmd").Info(what)
	if n.server, err = server.New(sc); err != nil {
		return explainStart(err)
	}
	c := n.server.Chain()
	if cfg.TxIndex {
		n.txindex, err = index.OpenTx(index.Options{
			Source: index.Over(c), Dir: filepath.Join(cfg.NetDir, "indexes", "txindex"),
			Clock: n.clk, Log: n.part("index"),
		})
		if err != nil {
			return errors.Join(err, n.server.Close())
		}
		n.api.TxIndex = n.txindex
	}
	if n.metrics != nil {
		n.metrics.Watch(c)
	}
	n.api.Node, n.api.Chain = n.server, c
	n.api.Miner = mining.New(mining.Config{Chain: c, Clock: n.clk})
	return nil
}

// explainStart puts errors of opening a node into one line.
func explainStart(err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "listen" {
		return fmt.Errorf("listen: %w", plainNet(err))
	}
	return err
}

// run runs everything until ctx ends. stopRPC ends the RPC server and returns
// what it returned.
func (n *node) run(ctx context.Context, stopRPC func() error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	// Whatever fails stops the rest; the chain goes last.
	nodeCtx, stopNode := context.WithCancel(context.WithoutCancel(ctx))
	defer stopNode()
	nodeDone, sideDone := make(chan error, 1), make(chan error, 3)
	go func() {
		err := n.server.Run(nodeCtx)
		stop()
		nodeDone <- err
	}()
	sides := 0
	side := func(fn func(context.Context) error) {
		sides++
		go func() {
			err := fn(ctx)
			if err != nil {
				stop()
			}
			sideDone <- err
		}()
	}
	if n.txindex != nil {
		side(n.txindex.Run)
	}
	if n.metrics != nil {
		side(func(ctx context.Context) error {
			return n.metrics.ServeListener(ctx, n.metricsListen, n.part("metrics"))
		})
	}
	side(func(ctx context.Context) error { n.bar.follow(ctx, n.server); return nil })
	n.rpc.Ready()

	<-ctx.Done()
	n.part("cmd").Info("stopping")
	errs := []error{stopRPC()}
	for range sides {
		errs = append(errs, <-sideDone)
	}
	if n.txindex != nil {
		errs = append(errs, n.txindex.Close())
	}
	stopNode()
	errs = append(errs, <-nodeDone)
	return errors.Join(errs...)
}

// userAgent returns the name that peers see (BIP14).
func userAgent(comments []string) string {
	if len(comments) == 0 {
		return server.DefaultUserAgent
	}
	return strings.TrimSuffix(server.DefaultUserAgent, "/") + "(" + strings.Join(comments, "; ") + ")/"
}

// parseAddrs reads addresses of peers or to listen at.
func parseAddrs(name string, list []string) ([]ma.Multiaddr, error) {
	var addrs []ma.Multiaddr
	for _, s := range list {
		if host, port, err := net.SplitHostPort(s); err == nil && host == "" {
			s = net.JoinHostPort("::", port)
			if !hasIPv6() {
				s = net.JoinHostPort("0.0.0.0", port)
			}
		}
		a, err := transport.ParseAddr(s)
		if err != nil {
			return nil, usageError{fmt.Errorf("%s: %w", name, err)}
		}
		addrs = append(addrs, a)
	}
	return addrs, nil
}

// hasIPv6 reports whether this machine can listen on IPv6, which then takes
// IPv4 too.
func hasIPv6() bool {
	ln, err := net.Listen("tcp6", "[::1]:0")
	if err == nil {
		ln.Close()
	}
	return err == nil
}
