package mempool

import (
	"context"
	"errors"
	"slices"

	"starling/mempool/cluster"
	"starling/mempool/policy"
	"starling/wire"
)

// Add takes a transaction in, if it may. The error is a *[Rejection], or else
// that of ctx or of the disk. While the chain moves, Add waits.
func (p *Pool) Add(ctx context.Context, tx *wire.Tx, o AddOptions) (*Accepted, error) {
	a, _, err := p.addOne(ctx, tx, o, mode{replace: true, sibling: true, trim: true, maxRate: o.MaxFeeRate})
	return a, err
}

// full refuses a transaction that was evicted as soon as it had come.
func full(e *Entry) *Rejection {
	return &Rejection{Kind: Reconsiderable, Reason: "mempool full", Rate: e.FeeRate(), Rated: []wire.Hash{e.WTxID}}
}

// addOne takes a single transaction in.
func (p *Pool) addOne(ctx context.Context, tx *wire.Tx, o AddOptions, m mode) (*Accepted, *candidate, error) {
	c, rej := p.candidate(tx, p.whenZero(o.Time), m)
	if rej != nil {
		return nil, c, rej
	}
	var a *Accepted
	err := p.examine(ctx, []*candidate{c}, func() error {
		s, out, rej := p.judge(c)
		if rej != nil {
			return rej
		}
		in, left, err := p.enter(s, out, o, c)
		if err != nil {
			return err
		}
		if m.trim {
			p.trim(p.cfg.Clock.Now())
			if p.byTxID[c.txid] == nil {
				return full(in[0])
			}
		}
		a = &Accepted{Entry: in[0], Replaced: left}
		return nil
	}, func() error {
		_, _, rej := p.judge(c)
		return orNil(rej)
	})
	var one *atError
	if errors.As(err, &one) {
		err = one.err
	}
	return a, c, err
}

// orNil turns a rejection into an error that is nil without one.
func orNil(rej *Rejection) error {
	if rej == nil {
		return nil
	}
	return rej
}

// examine brings candidates before the pool's judgement. It finds what they
// spend, has them judged for a first time (try), checks their scripts without
// holding the lock, and has them judged for good (finish) by a pool that has
// not changed in what they hang on; otherwise it begins again. try and finish
// run with the lock held for writing. finish may be nil.
func (p *Pool) examine(ctx context.Context, cs []*candidate, finish, try func() error) error {
	for {
		for i, c := range cs {
			if err := p.gather(ctx, c, cs[:i]); err != nil {
				return at(c, err)
			}
			if rej := p.weigh(c); rej != nil {
				return at(c, rej)
			}
			if i < len(cs)-1 {
				// What a transaction lacks itself is told rather than what the
				// next one does.
				if rej := p.screen(c); rej != nil {
					return at(c, rej)
				}
			}
		}
		again, err := p.whileSame(cs, try)
		if again {
			continue
		}
		if err != nil {
			return err
		}
		for _, c := range cs {
			if rej := p.scripts(c); rej != nil {
				return at(c, rej)
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		if finish == nil {
			return nil
		}
		again, err = p.whileSame(cs, finish)
		if !again {
			return err
		}
	}
}

// screen judges one candidate of several by what it is alone.
func (p *Pool) screen(c *candidate) *Rejection {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.relate(c)
}

// whileSame runs fn with the lock held for writing, or returns true if what
// candidates spend may be another now.
func (p *Pool) whileSame(cs []*candidate, fn func() error) (again bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range cs {
		if p.stale(c, cs) {
			return true, nil
		}
	}
	return false, fn()
}

// stale reports whether a candidate must be gathered again: the chain moves or
// has moved, or an unconfirmed parent is gone. What it spends from the chain is
// still there on the same tip, and others that spend the same are found by
// judge.
func (p *Pool) stale(c *candidate, pkg []*candidate) bool {
	if p.moves.active || p.tip != c.tip {
		return true
	}
	if p.seq == c.seq {
		return false
	}
	next := c.tip.Height + 1
	for i := range c.tx.In {
		if h := c.tx.In[i].PrevOut.Hash; c.heights[i] == next && p.byTxID[h] == nil && find(pkg, h) == nil {
			return true
		}
	}
	return false
}

// atError is what became of one candidate among several.
type atError struct {
	c   *candidate
	err error
	pkg *Rejection // what is said of the package; nil for "transaction failed"
}

// Error implements the error interface.
func (e *atError) Error() string { return e.err.Error() }

// Unwrap returns what happened.
func (e *atError) Unwrap() error { return e.err }

// at says which candidate an error is about.
func at(c *candidate, err error) error { return &atError{c: c, err: err} }

// Test tells whether transactions would be accepted, each on top of those
// before it that would be, without replacing any if there are several.
// maxFeeRate as in [AddOptions]. There is one result for each transaction. The
// error is that of ctx or of the disk.
func (p *Pool) Test(ctx context.Context, txs []*wire.Tx, maxFeeRate FeeRate) ([]TestResult, error) {
	results := make([]TestResult, len(txs))
	for i, tx := range txs {
		results[i].Tx = tx
	}
	var err error
	switch len(txs) {
	case 0:
	case 1:
		if err = p.testOne(ctx, txs[0], &results[0]); err == nil {
			results[0].limit(maxFeeRate)
		}
	default:
		err = p.testMany(ctx, results, maxFeeRate)
	}
	if err != nil {
		return nil, err
	}
	return results, nil
}

// limit refuses what pays more than its sender wants, and reports whether it
// does.
func (r *TestResult) limit(most FeeRate) (refused bool) {
	if r.Err != nil || most <= 0 || r.Fee <= most.Fee(r.VSize) {
		return false
	}
	*r = TestResult{Tx: r.Tx, Err: reject(Policy, "max-fee-exceeded", "%d > %d", r.Fee, most.Fee(r.VSize))}
	return true
}

// testOne tests a single transaction, which may replace others.
func (p *Pool) testOne(ctx context.Context, tx *wire.Tx, r *TestResult) error {
	c, rej := p.candidate(tx, p.cfg.Clock.Now(), mode{replace: true, sibling: true})
	err := orNil(rej)
	if err == nil {
		err = p.examine(ctx, []*candidate{c}, nil, func() error {
			_, _, rej := p.judge(c)
			return orNil(rej)
		})
	}
	return r.set(c, err)
}

// set fills in a result from a candidate and what became of it. It returns what
// is not a rejection.
func (r *TestResult) set(c *candidate, err error) error {
	if err != nil {
		if !errors.As(err, &r.Err) {
			return err
		}
		return nil
	}
	r.VSize, r.Fee = c.vsize, c.fee
	r.EffectiveRate, r.EffectiveWith = policy.Rate(c.modified, c.vsize), []wire.Hash{c.wtxid}
	return nil
}

// testMany tests a list of transactions in which each may spend those before
// it. One that fails is taken out and the others are tested anew, so that each
// has an answer of its own: those that need it miss their inputs then.
func (p *Pool) testMany(ctx context.Context, results []TestResult, maxFeeRate FeeRate) error {
	left := make([]*TestResult, len(results))
	txs := make([]*wire.Tx, len(results))
	for i := range results {
		left[i], txs[i] = &results[i], results[i].Tx
	}
	if err := policy.CheckPackage(txs); err != nil {
		for _, r := range left {
			r.PackageErr = fromPolicy(Policy, err)
		}
		return nil
	}
	for len(left) > 0 {
		failed, err := p.testTogether(ctx, left, maxFeeRate)
		if failed < 0 || err != nil {
			return err
		}
		left = slices.Delete(left, failed, failed+1)
	}
	return nil
}

// testTogether tests a list of transactions and fills in all results if there
// is nothing against any or against the list. Otherwise it fills in the result
// of one that fails and says which; -1 is for none.
func (p *Pool) testTogether(ctx context.Context, results []*TestResult, maxFeeRate FeeRate) (failed int, err error) {
	cs := make([]*candidate, len(results))
	for i, r := range results {
		var rej *Rejection
		if cs[i], rej = p.candidate(r.Tx, p.cfg.Clock.Now(), mode{}); rej != nil {
			return i, r.set(cs[i], rej)
		}
	}
	err = p.examine(ctx, cs, nil, func() error {
		_, _, err := p.judgePackage(cs)
		return err
	})
	var one *atError
	var pkg *packageError
	switch {
	case errors.As(err, &one):
		i := slices.Index(cs, one.c)
		return i, results[i].set(one.c, one.err)
	case errors.As(err, &pkg):
		for _, r := range results {
			*r = TestResult{Tx: r.Tx, PackageErr: pkg.rej}
		}
		return -1, nil
	case err != nil:
		return -1, err
	}
	for i, c := range cs {
		r := TestResult{Tx: c.tx}
		if err := r.set(c, nil); err != nil {
			return -1, err
		}
		if *results[i] = r; results[i].limit(maxFeeRate) {
			return i, nil
		}
	}
	return -1, nil
}

// packageError refuses a package as a whole.
type packageError struct{ rej *Rejection }

// Error implements the error interface.
func (e *packageError) Error() string { return e.rej.Error() }

// stageOf is the change of the graph that a package comes to.
func (p *Pool) stageOf(s *cluster.Stage, cs []*candidate, out []*item) {
	for _, it := range out {
		s.Remove(it.node)
	}
	for i, c := range cs {
		p.stage(s, c)
		for _, parent := range cs[:i] {
			if spends(c.tx, parent.txid) {
				s.Depend(parent.node, c.node)
			}
		}
	}
}

func spends(tx *wire.Tx, id wire.Hash) bool {
	for i := range tx.In {
		if tx.In[i].PrevOut.Hash == id {
			return true
		}
	}
	return false
}
