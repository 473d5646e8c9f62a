package mempool

import (
	"context"
	"errors"

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
// before it, without replacing any if there are several. maxFeeRate as in
// [AddOptions]. There is one result for each transaction. The error is that of
// ctx or of the disk.
func (p *Pool) Test(ctx context.Context, txs []*wire.Tx, maxFeeRate FeeRate) ([]TestResult, error) {
	results := make([]TestResult, len(txs))
	for i, tx := range txs {
		results[i].Tx = tx
	}
	if len(txs) == 0 {
		return results, nil
	}
	var pkgErr error
	if len(txs) == 1 {
		pkgErr = p.testOne(ctx, txs[0], &results[0])
	} else {
		pkgErr = p.testMany(ctx, txs, results)
	}
	if pkgErr != nil {
		return nil, pkgErr
	}
	// A fee that is too high for its sender stops the list where it stands.
	for i := range results {
		r := &results[i]
		if !r.Checked {
			continue
		}
		if r.Err == nil && maxFeeRate > 0 && r.Fee > maxFeeRate.Fee(r.VSize) {
			r.Err = reject(Policy, "max-fee-exceeded", "%d > %d", r.Fee, maxFeeRate.Fee(r.VSize))
			for j := i + 1; j < len(results); j++ {
				results[j] = TestResult{Tx: txs[j]}
			}
			break
		}
	}
	return results, nil
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
	r.Checked = true
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
// it.
func (p *Pool) testMany(ctx context.Context, txs []*wire.Tx, results []TestResult) error {
	if err := policy.CheckPackage(txs); err != nil {
		for i := range results {
			results[i].PackageErr = fromPolicy(Policy, err)
		}
		return nil
	}
	cs := make([]*candidate, len(txs))
	for i, tx := range txs {
		var rej *Rejection
		if cs[i], rej = p.candidate(tx, p.cfg.Clock.Now(), mode{}); rej != nil {
			return results[i].set(cs[i], rej)
		}
	}
	err := p.examine(ctx, cs, nil, func() error {
		_, _, err := p.judgePackage(cs)
		return err
	})
	var one *atError
	var pkg *packageError
	switch {
	case err == nil:
		for i, c := range cs {
			_ = results[i].set(c, nil)
		}
		return nil
	case errors.As(err, &one):
		for i, c := range cs {
			if c == one.c {
				return results[i].set(c, one.err)
			}
		}
	case errors.As(err, &pkg):
		for i := range results {
			results[i].PackageErr = pkg.rej
		}
		return nil
	}
	return err
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
