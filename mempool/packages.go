package mempool

import (
	"context"
	"errors"

	"starling/mempool/cluster"
	"starling/mempool/policy"
	"starling/wire"
)

// AddPackage takes in a transaction that comes last in txs, with its
// unconfirmed parents before it (submitpackage): what fails alone for its fee
// may pass with its child. It can also be a single transaction. The error is
// that of ctx or of the disk; refusals are in the result.
func (p *Pool) AddPackage(ctx context.Context, txs []*wire.Tx, o AddOptions) (*PackageResult, error) {
	r := &PackageResult{Txs: make([]TxResult, len(txs))}
	for i, tx := range txs {
		r.Txs[i] = TxResult{Tx: tx, Err: reject(Unchecked, "package-not-validated", "")}
	}
	if err := policy.CheckPackage(txs); err != nil {
		r.Err = fromPolicy(Policy, err)
		return r, nil
	}
	if len(txs) > 1 && !policy.IsChildWithParents(txs) {
		r.Err = reject(Policy, "package-not-child-with-parents", "")
		return r, nil
	}
	if err := p.addEach(ctx, r, o); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	there := make([]bool, len(r.Txs)) // a block may have taken some meanwhile
	for i := range r.Txs {
		there[i] = r.Txs[i].Err == nil && p.byTxID[r.Txs[i].Entry.TxID] != nil
	}
	p.trim(p.cfg.Clock.Now())
	for i := range r.Txs {
		t := &r.Txs[i]
		if !there[i] || p.byTxID[t.Entry.TxID] != nil {
			continue
		}
		t.Entry, t.Status, t.Err = nil, StatusRejected, reject(Policy, "mempool full", "")
		if r.Err == nil {
			r.Err = txFailed()
		}
	}
	return r, nil
}

// txFailed is why a package is refused when one of its transactions is.
func txFailed() *Rejection { return reject(Policy, "transaction failed", "") }

// addEach tries each transaction of a package alone, and those together that
// may pass so.
func (p *Pool) addEach(ctx context.Context, r *PackageResult, o AddOptions) error {
	var together []*TxResult
	for i := range r.Txs {
		t := &r.Txs[i]
		if p.inPool(t) {
			continue
		}
		a, c, err := p.addOne(ctx, t.Tx, o, mode{replace: true, sibling: true, maxRate: o.MaxFeeRate})
		var rej *Rejection
		switch {
		case err == nil:
			t.accept(a.Entry, policy.Rate(c.modified, c.vsize), []wire.Hash{c.wtxid})
			r.Replaced = append(r.Replaced, a.Replaced...)
			continue
		case !errors.As(err, &rej):
			return err
		}
		t.Err = rej
		if len(r.Txs) == 1 || rej.Kind != Reconsiderable && rej.Kind != InputsMissing {
			// The others can not help it. They may still pass alone.
			r.Err = txFailed()
			continue
		}
		together = append(together, t)
	}
	if r.Err != nil || len(together) == 0 {
		return nil
	}
	if len(together) == 1 {
		r.Err = txFailed() // with the others in the pool it is alone again
		return nil
	}
	return p.addTogether(ctx, r, together, o)
}

// inPool fills in the result of a transaction that the pool holds already.
func (p *Pool) inPool(t *TxResult) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	it := p.byTxID[t.Tx.TxID()]
	if it == nil {
		return false
	}
	t.Entry, t.Err, t.Status = it.e, nil, StatusInPool
	if it.e.WTxID != t.Tx.WTxID() {
		t.Status = StatusDifferentWitness
	}
	return true
}

func (t *TxResult) accept(e *Entry, rate FeeRate, with []wire.Hash) {
	t.Entry, t.Err, t.Status = e, nil, StatusAccepted
	t.EffectiveRate, t.EffectiveWith = rate, with
}

// addTogether judges the transactions that failed alone by the fee rate of all
// of them.
func (p *Pool) addTogether(ctx context.Context, r *PackageResult, ts []*TxResult, o AddOptions) error {
	cs := make([]*candidate, len(ts))
	for i, t := range ts {
		var rej *Rejection
		cs[i], rej = p.candidate(t.Tx, p.whenZero(o.Time), mode{replace: true, packageFees: true, maxRate: o.MaxFeeRate})
		if rej != nil {
			t.Err, r.Err = rej, txFailed()
			return nil
		}
	}
	in, left, err := p.enterTogether(ctx, cs, o)
	var one *atError
	var pkg *packageError
	var rej *Rejection
	switch {
	case err == nil:
		rate, ids := packageRate(cs)
		for i, t := range ts {
			t.accept(in[i], rate, ids)
		}
		r.Replaced = append(r.Replaced, left...)
	case errors.As(err, &one) && errors.As(one.err, &rej):
		r.Err = txFailed()
		if one.pkg != nil {
			r.Err = one.pkg
		}
		for i, c := range cs {
			if c == one.c {
				ts[i].Err = rej
			}
		}
	case errors.As(err, &pkg):
		r.Err = pkg.rej
	default:
		return err
	}
	return nil
}

// enterTogether takes in candidates, parents first, all or none.
func (p *Pool) enterTogether(ctx context.Context, cs []*candidate, o AddOptions) (in, left []*Entry, err error) {
	err = p.examine(ctx, cs, func() error {
		s, out, err := p.judgePackage(cs)
		if err != nil {
			return err
		}
		in, left, err = p.enter(s, out, o, cs...)
		return err
	}, func() error {
		_, _, err := p.judgePackage(cs)
		return err
	})
	return in, left, err
}

// packageRate returns the fee rate of candidates together, and their wtxids.
func packageRate(cs []*candidate) (FeeRate, []wire.Hash) {
	ids := make([]wire.Hash, len(cs))
	var fee, vsize int64
	for i, c := range cs {
		ids[i] = c.wtxid
		fee += c.modified
		vsize += c.vsize
	}
	return policy.Rate(fee, vsize), ids
}

// judgePackage is judge for several candidates, parents first. The error is an
// *atError about one of them, or a *packageError. The lock must be held for
// writing.
func (p *Pool) judgePackage(cs []*candidate) (*cluster.Stage, []*item, error) {
	var fee, vsize int64
	conflicts := false
	txs := make([]*wire.Tx, len(cs))
	for i, c := range cs {
		txs[i] = c.tx
		if rej := p.relate(c); rej != nil {
			return nil, nil, at(c, rej)
		}
		if rej := c.checkMaxFee(); rej != nil {
			return nil, nil, at(c, rej)
		}
		fee += c.modified
		vsize += c.vsize
		conflicts = conflicts || len(c.conflicts) > 0
	}
	for _, c := range cs {
		if err := policy.CheckPackageTRUC(c.tx, c.vsize, txs, p.relatives(c)); err != nil {
			return nil, nil, &packageError{fromPolicy(Policy, err)}
		}
	}
	if last := cs[len(cs)-1]; last.mode.packageFees {
		if rej := p.checkFee(vsize, fee); rej != nil {
			_, rej.Rated = packageRate(cs)
			return nil, nil, at(last, rej)
		}
	}
	var out []*item
	if conflicts {
		var rej *Rejection
		if out, rej = p.replaceByPackage(cs, fee, vsize); rej != nil {
			return nil, nil, &packageError{rej}
		}
	}
	s := p.graph.Stage()
	p.stageOf(s, cs, out)
	if s.Oversized() {
		return nil, nil, &packageError{tooLarge()}
	}
	if conflicts && s.Compare() != cluster.Better {
		return nil, nil, &packageError{reject(Policy, "package RBF failed: insufficient feerate: does not improve feerate diagram", "")}
	}
	if p.cfg.RequireStandard {
		for _, c := range cs {
			if err := policy.CheckEphemeralSpends(c.tx, p.cfg.DustFee, p.unconfirmed(cs)); err != nil {
				return nil, nil, &atError{c: c, err: fromPolicy(Policy, err), pkg: reject(Policy, "unspent-dust", "")}
			}
		}
	}
	return s, out, nil
}

// replaceByPackage judges a package that conflicts with others: it must be one
// parent and one child, with nothing else unconfirmed about them, the child
// must pay for the parent, and both for what leaves. It returns all that
// leaves.
func (p *Pool) replaceByPackage(cs []*candidate, fee, vsize int64) ([]*item, *Rejection) {
	const failed = "package RBF failed: "
	if len(cs) != 2 || !spends(cs[1].tx, cs[0].txid) {
		return nil, reject(Policy, failed+"package must be 1-parent-1-child", "")
	}
	parent, child := cs[0], cs[1]
	if len(parent.parents)+len(child.parents) > 0 {
		return nil, reject(Policy, failed+"new transaction cannot have mempool ancestors", "")
	}
	direct := append([]*item(nil), parent.conflicts...)
	for _, it := range child.conflicts {
		if !contains(direct, it) {
			direct = append(direct, it)
		}
	}
	if n := p.clustersOf(direct); n > policy.MaxReplacedClusters {
		return nil, reject(Policy, failed+"too many potential replacements",
			"rejecting replacement %v; too many conflicting clusters (%d > %d)", child.txid, n, policy.MaxReplacedClusters)
	}
	out := p.withDescendants(direct...)
	if err := policy.PaysForReplacement(feesOf(out), fee, vsize, p.cfg.IncrementalFee, child.tx); err != nil {
		return nil, reject(Policy, failed+"insufficient anti-DoS fees", "%s", err.Detail)
	}
	if policy.CompareRates(fee, vsize, parent.modified, parent.vsize) <= 0 {
		return nil, reject(Policy, failed+"package feerate is less than or equal to parent feerate", "package feerate %v <= parent feerate is %v",
			policy.Rate(fee, vsize), policy.Rate(parent.modified, parent.vsize))
	}
	return out, nil
}
