package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"

	"starling/rpc/jsonrpc"
	"starling/rpc/netrpc"
	"starling/rpc/walletrpc"
	"starling/server/fanout"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/clock"
	"starling/index"
	"starling/mining"
	"starling/rpc"
	"starling/server"
	"starling/store"
	"starling/telemetry"
	"starling/wallet"
)

// Node is a whole node. The fields are set by [Open] and not changed after.
type Node struct {
	Server  *server.Server
	Table   *jsonrpc.Table     // all methods
	RPC     *jsonrpc.Server    // nil without
	TxIndex *index.TxIndex     // nil without
	Filters *index.FilterIndex // nil without
	Metrics *telemetry.Metrics // nil without
	Wallets *wallet.Manager    // nil without
	Miner   *mining.Miner      // makes blocks on demand
	Worker  *mining.Worker     // makes blocks all the time; nil unless asked for
	Clock   *clock.Settable

	cfg      Config
	log      *slog.Logger // of the part "server"
	messages *netrpc.Tap  // the last messages that passed
	part     func(string) *slog.Logger

	lock                     io.Closer // of the data directory
	rpcListen, metricsListen net.Listener
	stopRPC                  func() error  // ends the RPC server and returns its error
	rpcFailed                chan struct{} // closed when it ends, asked or not
}

// Open opens a node: first it takes the data directory, so that the cookie and the
// word that another node has left there stay as they are, then the sockets that are
// not for peers, so that the RPC interface can tell how far the start is, then all
// else. It is to be followed by Run, or else by Close. ctx only bounds the opening.
func Open(ctx context.Context, cfg Config) (*Node, error) {
	n := &Node{cfg: cfg, Clock: cfg.Clock}
	if n.Clock == nil {
		n.Clock = clock.NewSettable()
	}
	if n.cfg.Server.FS == nil {
		n.cfg.Server.FS = vfs.Default
	}
	log := cfg.Server.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	n.part = cfg.Server.Logs
	if n.part == nil {
		n.part = Logs(log)
	}
	n.log = n.part("server")
	if n.cfg.Levels == nil {
		n.cfg.Levels = fixedLevels{}
	}
	var err error
	if n.lock, err = store.LockDir(n.cfg.Server.FS, n.cfg.Server.Dir); err != nil {
		return nil, err
	}
	if err := n.listen(ctx); err != nil {
		return nil, errors.Join(err, n.lock.Close())
	}
	about := []any{"version", cfg.Version, "network", cfg.Server.Network.Name, "dir", cfg.Server.Dir}
	if a := n.RPCAddr(); a != nil {
		about = append(about, "rpc", a)
	}
	n.log.Info("starting", about...)
	if n.rpcListen != nil {
		if err := n.writeContact(); err != nil {
			return nil, errors.Join(err, n.closeListeners(), n.lock.Close())
		}
	}
	n.serveRPC(ctx)
	if err := n.open(ctx); err != nil {
		return nil, errors.Join(err, n.release())
	}
	return n, nil
}

// listen opens the sockets that are not for peers.
func (n *Node) listen(ctx context.Context) error {
	if n.cfg.RPCListen != "" {
		var err error
		var lc net.ListenConfig
		if n.rpcListen, err = lc.Listen(ctx, "tcp", n.cfg.RPCListen); err != nil {
			return fmt.Errorf("rpc-listen: %w", plainNet(err))
		}
		if tcp, ok := n.rpcListen.Addr().(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
			n.part("rpc").Warn("RPC can be reached from other machines, and is not encrypted", "addr", tcp)
		}
	}
	if n.cfg.Metrics != "" {
		var err error
		if n.metricsListen, err = telemetry.Listen(ctx, n.cfg.Metrics); err != nil {
			return errors.Join(fmt.Errorf("metrics-listen: %w", plainNet(err)), n.closeListeners())
		}
	}
	return nil
}

// closeListeners closes the sockets that nobody serves yet.
func (n *Node) closeListeners() error {
	var errs []error
	for _, l := range []net.Listener{n.rpcListen, n.metricsListen} {
		if l != nil {
			errs = append(errs, l.Close())
		}
	}
	return errors.Join(errs...)
}

// serveRPC starts to answer calls. The server outlives ctx: it ends first when
// the node stops, as its methods use everything else.
func (n *Node) serveRPC(ctx context.Context) {
	n.rpcFailed = make(chan struct{})
	if n.rpcListen == nil {
		n.stopRPC = func() error { return nil }
		return
	}
	opts := n.cfg.RPC
	opts.Table, opts.Paths, opts.Log = rpc.NewMethods(rpc.Groups{Node: n.early()}), []string{walletrpc.WalletPath}, n.part("rpc")
	opts.AllowHosts = append([]string{n.cfg.RPCListen}, opts.AllowHosts...)
	n.RPC = jsonrpc.NewServer(opts)
	rpcCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	var failure error
	go func() {
		defer close(n.rpcFailed)
		failure = n.RPC.Serve(rpcCtx, n.rpcListen)
	}()
	n.stopRPC = func() error {
		stop()
		<-n.rpcFailed
		n.removeContact()
		return failure
	}
}

// open opens the chain and what depends on it.
func (n *Node) open(ctx context.Context) error {
	cfg := &n.cfg
	sc := cfg.Server
	sc.Clock, sc.Locked = n.Clock, true
	n.messages = netrpc.NewTap(n.Clock)
	sc.PeerObservers = append(sc.PeerObservers[:len(sc.PeerObservers):len(sc.PeerObservers)], n.messages)
	if n.metricsListen != nil {
		n.Metrics = telemetry.New(telemetry.Options{Version: cfg.Version, Network: sc.Network.Name})
		sc.SyncObserver, sc.ConnObserver, sc.Metrics = n.Metrics, n.Metrics, fanout.Subscriber{Chain: n.Metrics, Pool: n.Metrics}
		sc.PeerObservers = append(sc.PeerObservers, n.Metrics)
	}
	for _, f := range sc.Load {
		// Better now than after the chain has been opened.
		if _, err := os.Stat(f); err != nil {
			return fmt.Errorf("load-block: %w", err)
		}
	}
	what := "Loading block index…"
	if sc.Reindex {
		what = "Reindexing blocks on disk…"
	}
	if n.RPC != nil {
		n.RPC.SetWarmup(what)
	}
	n.log.Info(what)
	var err error
	if n.Server, err = server.New(sc); err != nil {
		return explain(err)
	}
	c := n.Server.Chain()
	if err := n.openIndexes(); err != nil {
		return err
	}
	if n.Metrics != nil {
		n.Metrics.Watch(c)
		n.Metrics.WatchMempool(n.Server.Mempool(), n.Server.TxDownload())
	}
	if err := n.openWallets(ctx); err != nil {
		return err
	}
	if err := n.openMining(); err != nil {
		return err
	}
	n.Table = rpc.NewMethods(n.groups())
	return nil
}

// Close releases what Open has opened. It is for nodes that were never run;
// Run does the same at its end.
func (n *Node) Close() error { return n.release() }

func (n *Node) release() error {
	errs := []error{n.stopRPC()}
	if n.metricsListen != nil {
		errs = append(errs, n.metricsListen.Close())
	}
	errs = append(errs, n.closeIndexes())
	if n.Wallets != nil {
		errs = append(errs, n.Wallets.Close())
	}
	if n.Server != nil {
		errs = append(errs, n.Server.Close())
	}
	return errors.Join(append(errs, n.lock.Close())...)
}

// RPCAddr returns where calls are answered, or nil.
func (n *Node) RPCAddr() net.Addr {
	if n.rpcListen == nil {
		return nil
	}
	return n.rpcListen.Addr()
}

// plainNet shortens an error of listening to what is wrong.
func plainNet(err error) error {
	var op *net.OpError
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Errorf("%s: there is no such name", dns.Name)
	case errors.As(err, &dns):
		return fmt.Errorf("%s: %s", dns.Name, dns.Err)
	case errors.As(err, &op) && op.Addr != nil:
		return fmt.Errorf("%s: %s", op.Addr, strings.TrimPrefix(op.Err.Error(), "bind: "))
	}
	return err
}

// explain puts errors of opening a node into one line.
func explain(err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "listen" {
		return fmt.Errorf("listen: %w", plainNet(err))
	}
	return err
}
