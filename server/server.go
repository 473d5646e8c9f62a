package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"sync"
	"sync/atomic"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"starling/addrmgr"
	"starling/chain"
	"starling/clock"
	"starling/connmgr"
	"starling/discover"
	"starling/internal/cputime"
	"starling/internal/lograte"
	"starling/mempool"
	"starling/mempool/feeest"
	"starling/netsync"
	"starling/netsync/txdownload"
	"starling/peer"
	"starling/relay"
	"starling/relay/gossip"
	scripts "starling/script"
	"starling/server/fanout"
	"starling/transport"
	"starling/wire"
)

// Server is the network side of a running node, or one that is about to run. Make one with [New].
// All methods but Run may be called by any goroutine.
type Server struct {
	cfg    Config
	clk    clock.Clock
	log    *slog.Logger
	uptime cputime.Stopwatch

	chain    *chain.Chain
	sync     *netsync.Manager
	conns    *connmgr.Manager
	tally    tally
	observer connmgr.Observer // of the configuration, and tally
	book     *addrmgr.Manager
	local    addrmgr.Local
	listen   []transport.Listener
	white    map[transport.Listener]peer.Permissions // of Config.WhiteBind

	handlers map[string]handler
	nonces   peer.Nonces
	wishes   v2Wishes
	sessions sessions
	totals   [2]atomic.Uint64 // bytes by [peer.Direction], of ended sessions too
	events   events
	fanout   *fanout.Fanout
	compact  compactState
	filters  FilterSource // nil if block filters are not served

	strangers strangers
	gossip    addrGossip
	anchors   anchors
	upload    *upload
	finder    *discover.Finder // nil if no source is to be asked

	pool     *mempool.Pool
	fees     *feeest.Watcher
	verifier *scripts.Verifier
	txs      *txdownload.Manager
	relay    *relay.Manager
	arrived  arrivals
	wakeTxs  chan struct{}   // has the relay loop look at its deadlines again
	wakeTry  chan struct{}   // tells that there are orphans to be tried again
	ctx      context.Context // of Run; transactions are checked under it

	loading   atomic.Bool
	running   atomic.Bool
	links     sync.WaitGroup // of inbound sessions
	admitting sync.Mutex     // held while a newcomer is given a place
}

// anchors are the sessions that exchange blocks alone, the oldest first.
type anchors struct {
	mu       sync.Mutex
	sessions []*session
}

// bounded returns the logger of a part whose lines others can cause. Whoever
// connects and goes, or sends what is refused, again and again, must not fill the
// disk.
func (n *Server) bounded(part string) *slog.Logger {
	return slog.New(lograte.New(n.cfg.Logs(part).Handler(), n.clk.Now))
}

// New opens all that a node needs: the data directory, the chain, the ban
// list, and the sockets to listen on. It is to be followed by Run, or else by
// Close.
func New(cfg Config) (*Server, error) {
	if err := cfg.fill(); err != nil {
		return nil, err
	}
	n := &Server{cfg: cfg, clk: cfg.Clock, uptime: cputime.Start()}
	n.log = n.bounded("net")
	n.handlers = handlers()
	n.wakeTxs, n.wakeTry = make(chan struct{}, 1), make(chan struct{}, 1)
	n.ctx = context.Background()
	n.white = make(map[transport.Listener]peer.Permissions)
	n.upload = newUpload(n.clk.Now(), cfg.MaxUpload, cfg.Network.TargetSpacing)
	n.events.init()
	n.sessions.init()
	n.observer = connmgr.Observers{&n.tally}
	if cfg.ConnObserver != nil {
		n.observer = connmgr.Observers{&n.tally, cfg.ConnObserver}
	}
	n.fanOut()
	if err := n.open(); err != nil {
		return nil, errors.Join(err, n.close())
	}
	return n, nil
}

func (n *Server) open() (err error) {
	cfg := &n.cfg
	n.verifier = scripts.NewVerifier(scripts.Options{SigCacheEntries: checkedTxs})
	n.chain, err = chain.Open(chain.Config{
		Network: cfg.Network, FS: cfg.FS, Dir: cfg.Dir, Locked: cfg.Locked,
		DBCache: cfg.DBCache, Prune: cfg.Prune, Workers: cfg.Workers, Reindex: cfg.Reindex,
		Clock: n.clk, Log: n.bounded("chain"), Observer: n.fanout.Chain(),
		OnInvalid: n.onInvalid, Verifier: n.verifier,
	})
	if err != nil {
		return err
	}
	if err := n.openPool(); err != nil {
		return err
	}
	n.sync = netsync.New(netsync.Config{
		Network: cfg.Network, Chain: n.chain, Seed: cfg.seedFor("netsync"),
		Pruned: cfg.Prune > 0, WholeBlocks: cfg.WholeBlocks || cfg.BlocksOnly, Observer: cfg.SyncObserver,
	})
	first, err := n.openBook()
	if err != nil {
		return err
	}
	n.gossip.m, n.gossip.wake = gossip.New(cfg.seedFor("gossip"), cfg.Gossip), make(chan struct{}, 1)
	cc := connmgr.Config{
		Dialer: dialer{n}, Clock: n.clk, Log: n.log, Observer: n.observer, Seed: cfg.seedFor("connmgr"),
		MaxInbound: cfg.maxInbound(), MaxPerHost: cfg.MaxPerHost, MaxPerGroup: cfg.MaxPerGroup, MaxPending: cfg.MaxPending,
		AcceptRate: cfg.AcceptRate, AcceptBurst: cfg.AcceptBurst,
		BanScore: cfg.BanScore, BanTime: cfg.BanTime, CountLocal: cfg.CountLocal,
		FS: cfg.FS, BanFile: path.Join(cfg.Dir, "bans.dat"), OldBanFile: path.Join(cfg.Dir, "banlist.dat"),
		Own: n.local.Has, Wanted: n.wanted, Manual: n.manualLinks,
	}
	if cfg.Slots != nil {
		cc.Book, cc.Slots, cc.Anchors = n.book, *cfg.Slots, first
	}
	cc.Slots.Grouper = n.book.Grouper()
	if n.conns, err = connmgr.New(cc); err != nil {
		return err
	}
	for _, a := range cfg.Peers {
		if err := n.conns.Add(a); err != nil && !errors.Is(err, connmgr.ErrAdded) {
			return fmt.Errorf("connect to %s: %w", transport.FormatAddr(a), err)
		}
	}
	for _, a := range cfg.Listen {
		if err := n.listenAt(a, 0); err != nil {
			return fmt.Errorf("listen on %s: %w", transport.FormatAddr(a), err)
		}
	}
	for _, w := range cfg.WhiteBind {
		if err := n.listenAt(w.Addr, w.Permissions); err != nil {
			return fmt.Errorf("whitebind on %s: %w", transport.FormatAddr(w.Addr), err)
		}
	}
	n.findOwn()
	n.openFinder()
	return nil
}

// listenAt listens with the first transport that takes the address. Perm is
// what those may do who connect there.
func (n *Server) listenAt(a ma.Multiaddr, perm peer.Permissions) error {
	for _, t := range n.cfg.Transports {
		if !t.CanDial(a) {
			continue
		}
		l, err := t.Listen(context.Background(), a)
		if err != nil {
			return err
		}
		n.listen = append(n.listen, l)
		n.white[l] = perm
		return nil
	}
	return transport.ErrAddress
}

// Close releases what New has opened. It is for nodes that were never run;
// Run does the same at its end.
func (n *Server) Close() error {
	if n.running.Load() {
		return errors.New("server: Close is for nodes that were never run")
	}
	return n.close()
}

func (n *Server) close() error {
	var errs []error
	for _, l := range n.listen {
		errs = append(errs, l.Close())
	}
	if n.conns != nil {
		errs = append(errs, n.conns.Close())
	}
	if n.chain != nil {
		errs = append(errs, n.chain.Close())
	}
	return errors.Join(errs...)
}

// Chain returns the node's chain.
func (n *Server) Chain() *chain.Chain { return n.chain }

// Uptime returns how long ago the node was made, whatever its clock says.
func (n *Server) Uptime() time.Duration {
	w := n.uptime
	return w.Lap()
}

// LocalServices returns the services that the node tells of.
func (n *Server) LocalServices() wire.ServiceFlag {
	s := wire.NodeWitness | wire.NodeNetworkLimited
	if n.cfg.Prune == 0 {
		s |= wire.NodeNetwork
	}
	if n.cfg.V2 {
		s |= wire.NodeP2PV2
	}
	if n.cfg.BloomFilters {
		s |= wire.NodeBloom
	}
	if n.filters != nil {
		s |= wire.NodeCompactFilters
	}
	return s
}

// UserAgent returns what the node says that it is.
func (n *Server) UserAgent() string { return n.cfg.UserAgent }

// Listening returns the addresses that the node listens at, with the ports
// that it really got.
func (n *Server) Listening() []ma.Multiaddr {
	var all []ma.Multiaddr
	for _, l := range n.listen {
		all = append(all, l.Addr())
	}
	return all
}

// Loading reports whether the node is still reading the files of
// Config.Load.
func (n *Server) Loading() bool { return n.loading.Load() }
