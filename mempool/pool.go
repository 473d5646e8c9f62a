package mempool

import (
	"context"
	"errors"

	"starling/chain/headertree"
	"starling/wire"
)

// errUnfinished is returned by what is not built yet.
var errUnfinished = errors.New("mempool: not built yet")

// Pool holds the transactions that wait for a block. Its methods may be called
// from any goroutine, but for those that the chain calls.
type Pool struct {
	cfg Config
}

// New returns an empty pool. It is part of the chain's tip changes once it has
// been given to [*starling/chain.Chain.AttachPool].
func New(cfg Config) (*Pool, error) {
	if cfg.Chain == nil {
		return nil, errors.New("mempool: a pool needs a chain")
	}
	cfg.fill()
	return &Pool{cfg: cfg}, nil
}

// Add takes a transaction in, if it may. The error is a *[Rejection], or else
// that of ctx or of the disk. While the chain moves, Add waits.
func (p *Pool) Add(ctx context.Context, tx *wire.Tx, o AddOptions) (*Accepted, error) {
	return nil, errUnfinished
}

// AddPackage takes in a transaction that comes last in txs, with its
// unconfirmed parents before it (submitpackage): what fails alone for its fee
// may pass with its child. It can also be a single transaction. The error is
// that of ctx or of the disk; refusals are in the result.
func (p *Pool) AddPackage(ctx context.Context, txs []*wire.Tx, o AddOptions) (*PackageResult, error) {
	return nil, errUnfinished
}

// Test tells whether transactions would be accepted, each on top of those
// before it, without replacing any if there are several. maxFeeRate as in
// [AddOptions]. There is one result for each transaction. The error is that of
// ctx or of the disk.
func (p *Pool) Test(ctx context.Context, txs []*wire.Tx, maxFeeRate FeeRate) ([]TestResult, error) {
	return nil, errUnfinished
}

// Get returns the entry with a txid, or nil.
func (p *Pool) Get(txid wire.Hash) *Entry { return nil }

// GetByWTxID returns the entry with a wtxid, or nil.
func (p *Pool) GetByWTxID(wtxid wire.Hash) *Entry { return nil }

// Spender returns the entry that spends an output.
func (p *Pool) Spender(op wire.OutPoint) (*Entry, bool) { return nil, false }

// Len returns the number of transactions.
func (p *Pool) Len() int { return 0 }

// Info returns the figures of the whole pool.
func (p *Pool) Info() Info { return Info{} }

// MinFee returns the rate that a transaction must pay now, alone or with its
// package: the floor left by evictions, at least Config.MinRelayFee.
func (p *Pool) MinFee() FeeRate { return p.cfg.MinRelayFee }

// Tip returns the block that the pool's transactions wait on top of.
func (p *Pool) Tip() *headertree.Node { return p.cfg.Chain.Tip() }

// Entries returns all entries in the order in which miners want them: best
// chunk first, parents before children.
func (p *Pool) Entries() []*Entry { return nil }

// Ancestors returns the entries that the one with txid depends on, parents
// before children and without itself. ok is false if it is not in the pool.
func (p *Pool) Ancestors(txid wire.Hash) (all []*Entry, ok bool) { return nil, false }

// Descendants returns the entries that depend on the one with txid, parents
// before children and without itself. ok is false if it is not in the pool.
func (p *Pool) Descendants(txid wire.Hash) (all []*Entry, ok bool) { return nil, false }

// Cluster returns the chunks of the cluster that an entry is in, best first, or
// nil if it is not in the pool.
func (p *Pool) Cluster(txid wire.Hash) []Chunk { return nil }

// Details says how an entry stands among the others.
func (p *Pool) Details(txid wire.Hash) (d Details, ok bool) { return Details{}, false }

// Each calls fn with every entry, in the order of [Pool.Entries], until it
// returns false. The pool is locked meanwhile: fn must not call it.
func (p *Pool) Each(fn func(d Details) bool) {}

// Prioritise adds delta to the fee that the transaction counts as paying, now
// or once it comes. It adds up with earlier calls and ends when a block holds
// the transaction.
func (p *Pool) Prioritise(txid wire.Hash, delta int64) {}

// Prioritised returns what [Pool.Prioritise] has set, ordered by id.
func (p *Pool) Prioritised() []Delta { return nil }

// Unbroadcast returns the ids of local transactions that no peer has asked for
// yet, ordered.
func (p *Pool) Unbroadcast() []wire.Hash { return nil }

// Broadcast says that a peer has asked for a transaction, so that it counts as
// passed on.
func (p *Pool) Broadcast(txid wire.Hash) {}

// Sequence returns the number of changes so far: entries that came or left. An
// entry whose Sequence is below a number returned earlier was in the pool then.
func (p *Pool) Sequence() uint64 { return 0 }

// Changed returns a channel that is closed when an entry next comes or leaves,
// or the tip moves. Ask for it before looking, so that no change goes unseen.
func (p *Pool) Changed() <-chan struct{} { return nil }

// Select returns the entries that a block on top of the tip should hold, in
// the order of the block: whole chunks by fee rate as long as they fit into
// maxWeight weight units and maxSigOps of signature operation cost, and pay
// minRate. Nothing that is not final is in the pool.
func (p *Pool) Select(maxWeight int64, maxSigOps int, minRate FeeRate) []*Entry {
	e, _ := p.SelectAt(maxWeight, maxSigOps, minRate)
	return e
}

// SelectAt is [Pool.Select], with the tip that the block is to build on.
func (p *Pool) SelectAt(maxWeight int64, maxSigOps int, minRate FeeRate) ([]*Entry, *headertree.Node) {
	return nil, p.Tip()
}

// LoadStats says what became of a saved pool.
type LoadStats struct {
	Read, Accepted, Expired, Failed, Known int
}

// Load takes in what [Pool.Save] wrote. A damaged file is set aside and told
// of in the log; it is no error, nor is a missing one.
func (p *Pool) Load(ctx context.Context) (LoadStats, error) { return LoadStats{}, errUnfinished }

// Loaded reports whether Load has been through.
func (p *Pool) Loaded() bool { return false }

// Save writes the pool to Config.File, in one step.
func (p *Pool) Save() error { return errUnfinished }

// File returns Config.File.
func (p *Pool) File() string { return p.cfg.File }

// Run drops what has waited too long and saves the pool now and then, until
// ctx ends; then it saves the pool a last time and returns. It is called once.
func (p *Pool) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// BlockConnected implements [starling/chain.Pool].
func (p *Pool) BlockConnected(n *headertree.Node, b *wire.Block) {}

// BlockDisconnected implements [starling/chain.Pool].
func (p *Pool) BlockDisconnected(n *headertree.Node, b *wire.Block) {}

// TipMoving implements [starling/chain.Pool].
func (p *Pool) TipMoving(tip *headertree.Node, publish func()) { publish() }
