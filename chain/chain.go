package chain

import (
	"context"
	"io"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"starling/chain/coins"
	"starling/chain/headertree"
	"starling/clock"
	"starling/params"
	"starling/script"
	"starling/store"
	"starling/wire"
)

const (
	// MinDBCache is the smallest Config.DBCache, in bytes.
	MinDBCache = 4 << 20
	// DefaultDBCache is used where Config.DBCache is zero: 450 MiB, as
	// Bitcoin Core has it.
	DefaultDBCache = 450 << 20

	// KeepBlocks is how many blocks below the tip are never pruned.
	KeepBlocks = 288

	// defaultWaiting is Config.Waiting where that is zero. A parsed block takes
	// about twice its size beside its bytes, so it costs at most about 100 MB.
	defaultWaiting = 32 << 20
	// looseBudget is how many bytes of checked blocks whose ancestors are not
	// all there stay in memory; others are read from disk again.
	looseBudget = 32 << 20

	// indexEvery is how often changes of the block index are written. After a
	// crash at most so much of what arrived is fetched again.
	indexEvery = 5 * time.Second
	// coinsEvery is how often the UTXO set is written even if the cache has
	// room, so that a start after a crash replays little.
	coinsEvery = 10 * time.Minute
)

// Config says what chain to keep, where, and how. Network, FS and Dir are
// needed; the zero value of everything else works.
type Config struct {
	Network *params.Network
	FS      vfs.FS
	Dir     string // the data directory of this network
	Locked  bool   // the caller has taken Dir ([store.LockDir]), and keeps it until the chain is closed

	DBCache int64 // memory for the UTXO set, in bytes; 0 for DefaultDBCache
	Prune   int64 // target size of block and undo files, in bytes; 0 keeps all, 1 prunes on request
	MaxFile int64 // how long a block file grows, in bytes; 0 for 128 MiB
	Workers int   // checking workers and script goroutines; 0 for one per core
	Waiting int64 // bytes of blocks that may wait between Submit and being connected; 0 for 32 MiB
	Reindex bool  // rebuild index and UTXO set from the block files, in Run

	Clock    clock.Clock
	Log      *slog.Logger
	Observer Observer

	// Verifier checks scripts. A pool that checks its transactions with the
	// same one saves the blocks that hold them the work. Nil for a new one.
	Verifier *script.Verifier

	// OnInvalid is told when a block from origin breaks a rule, also if that
	// shows long after it was submitted. It must not block.
	OnInvalid func(origin any, hash wire.Hash, err error)
}

// Chain is the block chain. Its methods may be called from any goroutine.
type Chain struct {
	cfg  Config
	net  *params.Network
	log  *slog.Logger
	clk  clock.Clock
	obs  Observer
	tree *headertree.Tree

	blocks, undos *store.Files
	indexDB       *store.DB
	coinDB        *store.DB
	coins         *coins.Cache
	verifier      *script.Verifier
	pool          Pool
	lock          io.Closer
	reindexing    bool // whether Run must rebuild the index first

	tip      atomic.Pointer[headertree.Node] // published
	caughtUp atomic.Bool                     // latch of IsInitialDownload

	tipMu      sync.Mutex
	tipChanged chan struct{} // closed and replaced when the tip changes

	budget   *semaphore.Weighted
	incoming chan *arrival
	stored   chan *arrival
	commands chan func()
	ready    chan struct{} // closed when the block index is complete
	stopped  chan struct{} // closed when Run has returned

	arriving arrivals
	bodies   bodyCache
	holds    holds
	index    indexState
	invalid  invalidList

	w writer // owned by the writer goroutine while Run runs
}

// Open reads the chain from Dir, and finishes what a crash left unfinished.
func Open(cfg Config) (*Chain, error) {
	if cfg.DBCache == 0 {
		cfg.DBCache = DefaultDBCache
	}
	cfg.DBCache = max(cfg.DBCache, MinDBCache)
	if cfg.Workers <= 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	if cfg.Waiting <= 0 {
		cfg.Waiting = defaultWaiting
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.System()
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Observer == nil {
		cfg.Observer = NopObserver{}
	}
	c := &Chain{
		cfg: cfg, net: cfg.Network, log: cfg.Log, clk: cfg.Clock, obs: cfg.Observer,
		tree:       headertree.New(cfg.Network),
		tipChanged: make(chan struct{}),
		budget:     semaphore.NewWeighted(cfg.Waiting),
		incoming:   make(chan *arrival, 4*cfg.Workers),
		stored:     make(chan *arrival, 64),
		commands:   make(chan func()),
		ready:      make(chan struct{}),
		stopped:    make(chan struct{}),
	}
	c.arriving.init()
	c.bodies.init(looseBudget)
	c.index.init()
	c.w.init(c)
	err := c.openStores()
	if err == nil {
		err = c.load()
	}
	if err != nil {
		c.closeStores()
		return nil, err
	}
	return c, nil
}

// Run validates and connects blocks until ctx ends, then writes everything to
// disk and returns nil; it returns an error if the disk fails. It is called
// once.
func (c *Chain) Run(ctx context.Context) error {
	defer close(c.stopped)
	if err := c.finishIndex(ctx); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for range c.cfg.Workers {
		g.Go(func() error { return c.checkArrivals(ctx) })
	}
	g.Go(func() error { return c.runIndex(ctx) })
	g.Go(func() error { return c.w.run(ctx) })
	err := g.Wait()
	c.rejectWaiting()
	if ferr := c.w.flushCoins(true); err == nil {
		err = ferr
	}
	return err
}

// Close releases the files. Run must have returned, or never have been called.
func (c *Chain) Close() error { return c.closeStores() }

// Network returns the network's parameters, which must not be changed.
func (c *Chain) Network() *params.Network { return c.net }

// Headers returns the tree of all headers.
func (c *Chain) Headers() *headertree.Tree { return c.tree }

// Tip returns the block at the end of the best valid chain.
func (c *Chain) Tip() *headertree.Node { return c.tip.Load() }

// At returns the block at a height of the best chain, or nil.
func (c *Chain) At(height int32) *headertree.Node { return c.Tip().Ancestor(height) }

// Contains reports whether n is in the best chain.
func (c *Chain) Contains(n *headertree.Node) bool { return c.At(n.Height) == n }

// TipChanged returns a channel that is closed when the tip next changes. Ask
// for it before looking at the tip, so that no change goes unseen.
func (c *Chain) TipChanged() <-chan struct{} {
	c.tipMu.Lock()
	defer c.tipMu.Unlock()
	return c.tipChanged
}

// IsInitialDownload reports whether the node is still catching up with the
// network. Once it has caught up this stays false.
func (c *Chain) IsInitialDownload() bool {
	if c.caughtUp.Load() {
		return false
	}
	tip := c.Tip()
	age := c.net.MaxTipAge
	if tip.Work.Lt(c.net.MinimumChainWork) || age > 0 && tip.Header.Time().Before(c.clk.Now().Add(-age)) {
		return true
	}
	if !c.caughtUp.Swap(true) {
		// Whether others have more is not for this package to say.
		c.log.Debug("initial download is over", "height", tip.Height)
	}
	return false
}

// VerificationProgress estimates, between 0 and 1, how much of the work of
// validating the chain up to now is done, from the rate of transactions that
// the network's parameters give.
func (c *Chain) VerificationProgress(n *headertree.Node) float64 {
	done := float64(n.ChainTx())
	stats := c.net.TxStats
	now := c.clk.Now().Unix()
	var total float64
	if done <= float64(stats.Count) {
		total = float64(stats.Count) + float64(now-stats.Time)*stats.Rate
	} else {
		age := time.Duration(max(now-n.Time(), 0)) * time.Second
		total = done + age.Seconds()*stats.Rate
	}
	if total <= 0 {
		return 1
	}
	return min(done/total, 1)
}

// AcceptHeaders adds headers, each the child of the one before, to the tree.
// It returns the last one that was accepted or known, how many were new, and
// the [consensus.RuleError] that stopped it.
func (c *Chain) AcceptHeaders(headers []wire.Header) (last *headertree.Node, added int, err error) {
	hashes := make([]wire.Hash, len(headers))
	for i := range headers {
		hashes[i] = headers[i].Hash()
	}
	return c.AcceptHashed(headers, hashes)
}

// AcceptHashed is [Chain.AcceptHeaders] for headers that the caller has hashed:
// hashes[i] must be the hash of headers[i], worked out by this node.
func (c *Chain) AcceptHashed(headers []wire.Header, hashes []wire.Hash) (last *headertree.Node, added int, err error) {
	now := c.clk.Now()
	for i := range headers {
		n, isNew, err := c.addHeader(hashes[i], &headers[i], now)
		if err != nil {
			return last, added, err
		}
		if isNew {
			added++
		}
		last = n
	}
	if added > 0 {
		c.obs.HeadersAccepted(added, c.tree.Best())
	}
	return last, added, nil
}

// addHeader adds one header to the tree and notes it for the index.
func (c *Chain) addHeader(hash wire.Hash, h *wire.Header, now time.Time) (n *headertree.Node, isNew bool, err error) {
	n, isNew, err = c.tree.AddHashed(hash, h, now)
	if isNew {
		c.index.touch(n)
		if c.invalid.has(n.Hash) {
			c.markFailed(n)
		}
	}
	return n, isNew, err
}

// do runs fn on the writer goroutine and waits for it.
func (c *Chain) do(ctx context.Context, fn func() error) error {
	done := make(chan error, 1)
	select {
	case c.commands <- func() { done <- fn() }:
		return <-done
	case <-c.stopped:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}
