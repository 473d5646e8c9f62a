package feeest

import (
	"errors"
	"math"
	"sort"
	"sync"

	"starling/wire"
)

// Shares of transactions that must have been confirmed in time, as Core has
// them: within half the target, the target, and twice the target.
const (
	halfShare   = .6
	fullShare   = .85
	doubleShare = .95
)

// oldestHistory is for how many blocks what a file says about an earlier run
// is good for.
const oldestHistory = 6 * 1008

// ErrInsufficient says that too little has been seen to estimate anything. The
// words are Core's.
//
//lint:ignore ST1005 the words are Core's
var ErrInsufficient = errors.New("Insufficient data or no feerate found")

// Tx is what is to be known of a transaction that begins to wait.
type Tx struct {
	ID     wire.Hash
	Height int32 // of the tip when it came
	Fee    int64 // in satoshi
	VSize  int64 // in virtual bytes
}

// rate returns satoshi per 1,000 virtual bytes, as whole as Core counts them.
func (t Tx) rate() float64 {
	if t.VSize <= 0 {
		return 0
	}
	return float64(t.Fee * 1000 / t.VSize)
}

// tracked is a transaction that waits.
type tracked struct {
	height int32
	bucket int32
	rate   float64
}

// Estimator learns and answers. Make one with [New].
type Estimator struct {
	mu     sync.Mutex
	bounds []float64
	stats  [3]*stats // by horizon
	txs    map[wire.Hash]tracked

	best  int32 // height of the last block that was counted
	first int32 // of the first block of this run that told something; 0 for none
	// What a file says of earlier runs.
	oldFirst, oldBest int32
}

// New returns an estimator that has seen nothing.
func New() *Estimator {
	e := &Estimator{bounds: buckets(), txs: map[wire.Hash]tracked{}}
	for h := range e.stats {
		e.stats[h] = newStats(Horizon(h), e.bounds)
	}
	return e
}

// Added says that a transaction has begun to wait. Say it only of those whose
// own fee decides when they are confirmed: with nothing unconfirmed among
// their inputs, not from a package, not put back by a reorganisation, and only
// while the chain is up to date. Those that do not come at the height of the
// last block are passed over.
func (e *Estimator) Added(tx Tx) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.txs[tx.ID]; ok || tx.Height != e.best {
		return
	}
	rate := tx.rate()
	b := sort.SearchFloat64s(e.bounds, rate)
	e.txs[tx.ID] = tracked{tx.Height, int32(b), rate}
	for _, s := range e.stats {
		s.came(tx.Height, b)
	}
}

// Removed says that a transaction waits no longer, and no block holds it.
// Those that were not added may be named as well.
func (e *Estimator) Removed(id wire.Hash) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.removed(id, false)
}

func (e *Estimator) removed(id wire.Hash, confirmed bool) (tracked, bool) {
	t, ok := e.txs[id]
	if !ok {
		return t, false
	}
	delete(e.txs, id)
	for _, s := range e.stats {
		s.left(t.height, e.best, int(t.bucket), confirmed)
	}
	return t, true
}

// Block says that the chain has a new block, and which of the transactions
// that waited it holds. A height that is not above all before it is a
// reorganisation and is passed over, with its transactions.
func (e *Estimator) Block(height int32, confirmed []wire.Hash) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if height <= e.best {
		for _, id := range confirmed {
			e.removed(id, true)
		}
		return
	}
	e.best = height
	for _, s := range e.stats {
		s.block(height)
	}
	any := false
	for _, id := range confirmed {
		t, ok := e.removed(id, true)
		if !ok {
			continue
		}
		any = true
		for _, s := range e.stats {
			s.confirmed(int(height-t.height), int(t.bucket), t.rate)
		}
	}
	if e.first == 0 && any {
		e.first = height
	}
}

// Forget counts all that wait as not confirmed. It is for the end of a run:
// nobody will see what becomes of them.
func (e *Estimator) Forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for id := range e.txs {
		e.removed(id, false) // only counts, so the order does not matter
	}
}

// span returns over how many blocks something was learned.
func (e *Estimator) span() int {
	now, old := 0, 0
	if e.first != 0 {
		now = int(e.best - e.first)
	}
	if e.oldFirst != 0 && e.best-e.oldBest <= oldestHistory {
		old = int(e.oldBest - e.oldFirst)
	}
	return max(now, old)
}

// Estimate is an answer.
type Estimate struct {
	Rate   int64 // satoshi per 1,000 virtual bytes
	Target int   // blocks that it is good for: what was asked, or what can be said
}

// Estimate returns the rate at which a transaction should be confirmed within
// target blocks, 1 to [MaxTarget]. A conservative one looks further back, and
// so reacts less to a short lull. The error is [ErrInsufficient]; Target is
// set with it.
func (e *Estimator) Estimate(target int, conservative bool) (Estimate, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if target < 1 || target > MaxTarget {
		return Estimate{Target: target}, ErrInsufficient
	}
	// Nobody can know what gets into the very next block. And half of what was
	// seen must be left to see failures in.
	target = min(max(target, 2), e.span()/2)
	if target <= 1 {
		return Estimate{Target: target}, ErrInsufficient
	}
	rate := max(
		e.combined(target/2, halfShare, true),
		e.combined(target, fullShare, true),
		e.combined(2*target, doubleShare, !conservative))
	if conservative || rate == -1 {
		rate = max(rate, e.careful(2*target))
	}
	if rate < 0 {
		return Estimate{Target: target}, ErrInsufficient
	}
	return Estimate{Rate: int64(math.Round(rate)), Target: target}, nil
}

// combined asks the shortest horizon that reaches the target. With shorter, a
// lower answer of a horizon that does not reach as far counts as well: so a
// longer target does not cost more.
func (e *Estimator) combined(target int, share float64, shorter bool) float64 {
	if target < 1 || target > MaxTarget {
		return -1
	}
	h := Short
	for target > e.stats[h].reach() {
		h++
	}
	rate := e.stats[h].estimate(target, share, e.best).rate
	for h--; shorter && h >= Short; h-- {
		s := e.stats[h]
		if r := s.estimate(s.reach(), share, e.best).rate; r > 0 && (rate < 0 || r < rate) {
			rate = r
		}
	}
	return rate
}

// careful asks all horizons that are longer than need be.
func (e *Estimator) careful(target int) float64 {
	rate := -1.0
	for h := Short; h < Long; h++ {
		if target <= e.stats[h].reach() {
			rate = max(rate, e.stats[h+1].estimate(target, doubleShare, e.best).rate)
		}
	}
	return rate
}

// Raw is the answer of one horizon, with what it is based on.
type Raw struct {
	Rate       int64 // satoshi per 1,000 virtual bytes; 0 if there is none
	Decay      float64
	Scale      int    // blocks in a period
	Pass, Fail *Range // the lowest range that was good enough, the highest that was not; may be nil
}

// Reach returns the longest target of a horizon, in blocks.
func (h Horizon) Reach() int { return shapes[h].periods * shapes[h].scale }

// Raw returns what one horizon says of a target from 1 to its reach, with the
// share of transactions, 0 to 1, that must have been confirmed in time.
func (e *Estimator) Raw(target int, share float64, h Horizon) Raw {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.stats[h]
	r := Raw{Decay: s.decay, Scale: s.scale}
	if target < 1 || target > s.reach() || !(share >= 0 && share <= 1) {
		return r
	}
	v := s.estimate(target, share, e.best)
	r.Pass, r.Fail = v.pass, v.fail
	if v.rate > 0 {
		r.Rate = int64(math.Round(v.rate))
	}
	return r
}
