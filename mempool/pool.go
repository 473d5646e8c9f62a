package mempool

import (
	"errors"
	"slices"
	"sync"
	"time"

	"starling/chain/headertree"
	"starling/mempool/cluster"
	"starling/mempool/policy"
	"starling/params"
	"starling/wire"
)

// Pool holds the transactions that wait for a block. Its methods may be called
// from any goroutine, but for those that the chain calls.
type Pool struct {
	cfg   Config
	net   *params.Network
	rules policy.Rules

	mu     sync.RWMutex // guards all below
	tip    *headertree.Node
	moves  moves         // what the chain does to the tip just now
	settle chan struct{} // closed when the tip has next moved

	byTxID  map[wire.Hash]*item
	byWTxID map[wire.Hash]*item
	spends  map[wire.OutPoint]*item
	graph   *cluster.Graph
	byAge   ageHeap
	sum     totals
	seq     uint64 // number of the next change
	floor   floor

	deltas      map[wire.Hash]int64
	unbroadcast map[wire.Hash]struct{}
	loaded      bool

	wakeMu sync.Mutex
	wake   chan struct{} // closed at the next change, if anyone asked for it

	saver saver
}

// totals are sums over all entries.
type totals struct {
	vsize int64
	fee   int64 // without prioritisation
	usage int64 // memory in bytes
}

// New returns an empty pool. It is part of the chain's tip changes once it has
// been given to [*starling/chain.Chain.AttachPool].
func New(cfg Config) (*Pool, error) {
	if cfg.Chain == nil {
		return nil, errors.New("mempool: a pool needs a chain")
	}
	cfg.fill()
	p := &Pool{
		cfg: cfg, net: cfg.Chain.Network(), tip: cfg.Chain.Tip(), settle: make(chan struct{}),
		rules:   policy.Rules{DustFee: cfg.DustFee, DataCarrier: cfg.DataCarrier, RefuseBareMultiSig: cfg.RefuseBareMultiSig},
		byTxID:  make(map[wire.Hash]*item),
		byWTxID: make(map[wire.Hash]*item),
		spends:  make(map[wire.OutPoint]*item),
		// Sizes in the graph are adjusted weights.
		graph:  cluster.New(cluster.Limits{Count: MaxClusterCount, Size: MaxClusterVSize * wire.WitnessScale}),
		deltas: make(map[wire.Hash]int64), unbroadcast: make(map[wire.Hash]struct{}),
		seq: 1, // 0 marks entries that came back from a block
	}
	p.saver.init()
	return p, nil
}

// Get returns the entry with a txid, or nil.
func (p *Pool) Get(txid wire.Hash) *Entry {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.byTxID[txid].entry()
}

// GetByWTxID returns the entry with a wtxid, or nil.
func (p *Pool) GetByWTxID(wtxid wire.Hash) *Entry {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.byWTxID[wtxid].entry()
}

// Spender returns the entry that spends an output.
func (p *Pool) Spender(op wire.OutPoint) (*Entry, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	e := p.spends[op].entry()
	return e, e != nil
}

// Len returns the number of transactions.
func (p *Pool) Len() int {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return len(p.byTxID)
}

// Tip returns the block that the pool's transactions wait on top of.
func (p *Pool) Tip() *headertree.Node {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.tip
}

// Sequence returns the number of the next change; entries that come and leave
// are changes. An entry whose Sequence is below a number returned earlier was
// in the pool then.
func (p *Pool) Sequence() uint64 {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.seq
}

// Info returns the figures of the whole pool.
func (p *Pool) Info() Info {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Info{
		Loaded: p.loaded, Count: len(p.byTxID), VSize: p.sum.vsize, Usage: p.sum.usage, TotalFee: p.sum.fee,
		MaxBytes: p.cfg.MaxBytes, MinFee: p.minFee(p.cfg.Clock.Now()),
		MinRelayFee: p.cfg.MinRelayFee, Incremental: p.cfg.IncrementalFee,
		Unbroadcast:        len(p.unbroadcast),
		PermitBareMultiSig: !p.cfg.RefuseBareMultiSig, DataCarrier: p.cfg.DataCarrier,
		MaxClusterCount: MaxClusterCount, MaxClusterVSize: MaxClusterVSize, Sequence: p.seq,
	}
}

// MinFee returns the rate that a transaction must pay now, alone or with its
// package: the floor left by evictions, at least Config.MinRelayFee.
func (p *Pool) MinFee() FeeRate {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.minFee(p.cfg.Clock.Now())
}

// Unbroadcast returns the ids of local transactions that no peer has asked for
// yet, ordered.
func (p *Pool) Unbroadcast() []wire.Hash {
	p.mu.RLock()
	defer p.mu.RUnlock()
	ids := make([]wire.Hash, 0, len(p.unbroadcast))
	for id := range p.unbroadcast {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, compareIDs)
	return ids
}

// Broadcast says that a peer has asked for a transaction, so that it counts as
// passed on.
func (p *Pool) Broadcast(txid wire.Hash) {
	p.mu.RLock()
	_, ok := p.unbroadcast[txid]
	p.mu.RUnlock()
	if !ok {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.unbroadcast, txid)
	p.saver.note(txid)
}

// Changed returns a channel that is closed when an entry next comes or leaves,
// or the tip moves. Ask for it before looking, so that no change goes unseen.
func (p *Pool) Changed() <-chan struct{} {
	p.wakeMu.Lock()
	defer p.wakeMu.Unlock()
	if p.wake == nil {
		p.wake = make(chan struct{})
	}
	return p.wake
}

// changed wakes those who wait for a change.
func (p *Pool) changed() {
	p.wakeMu.Lock()
	defer p.wakeMu.Unlock()
	if p.wake != nil {
		close(p.wake)
		p.wake = nil
	}
}

// compareIDs orders ids by their bytes.
func compareIDs(a, b wire.Hash) int { return slices.Compare(a[:], b[:]) }

// whenZero returns t, or now if it is zero.
func (p *Pool) whenZero(t time.Time) time.Time {
	if t.IsZero() {
		return p.cfg.Clock.Now()
	}
	return t
}
