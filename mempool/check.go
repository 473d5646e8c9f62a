package mempool

import (
	"fmt"

	"starling/wire"
)

// Check goes through the whole pool and returns what is wrong with it: nil,
// unless this package has a mistake. With coins it also looks up every coin
// that is spent; the chain must not move meanwhile. For tests and debugging.
func (p *Pool) Check(coins bool) error {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if err := p.graph.Check(); err != nil {
		return fmt.Errorf("graph: %w", err)
	}
	if n := len(p.byTxID); len(p.byWTxID) != n || p.graph.Len() != n || len(p.byAge) != n {
		return fmt.Errorf("%d entries by txid, %d by wtxid, %d in the graph, %d by age", n, len(p.byWTxID), p.graph.Len(), len(p.byAge))
	}
	var sum totals
	inputs := 0
	for id, it := range p.byTxID {
		if err := p.checkItem(id, it); err != nil {
			return fmt.Errorf("%v: %w", id, err)
		}
		if coins {
			if err := p.checkCoins(it); err != nil {
				return fmt.Errorf("%v: %w", id, err)
			}
		}
		sum.vsize += it.e.VSize
		sum.fee += it.e.Fee
		sum.usage += it.usage
		inputs += len(it.e.Tx.In)
	}
	if sum != p.sum {
		return fmt.Errorf("the sums are %+v instead of %+v", p.sum, sum)
	}
	if len(p.spends) != inputs {
		return fmt.Errorf("%d spent outputs for %d inputs", len(p.spends), inputs)
	}
	for id := range p.unbroadcast {
		if p.byTxID[id] == nil {
			return fmt.Errorf("%v is unbroadcast and gone", id)
		}
	}
	// The order of blocks must have parents first.
	seen := make(map[wire.Hash]struct{})
	for _, e := range p.entries() {
		for _, parent := range p.parentsOf(e.Tx) {
			if !has(seen, parent.e.TxID) {
				return fmt.Errorf("%v comes before its parent", e.TxID)
			}
		}
		seen[e.TxID] = struct{}{}
	}
	if len(seen) != len(p.byTxID) {
		return fmt.Errorf("%d entries in order, of %d", len(seen), len(p.byTxID))
	}
	return nil
}

func (p *Pool) checkItem(id wire.Hash, it *item) error {
	e := it.e
	switch {
	case e.TxID != id || e.Tx.TxID() != id || e.WTxID != e.Tx.WTxID():
		return fmt.Errorf("ids do not fit")
	case p.byWTxID[e.WTxID] != it:
		return fmt.Errorf("not found by wtxid")
	case p.byAge[it.age] != it:
		return fmt.Errorf("not found by age")
	case owner(it.node) != it || !p.graph.Contains(it.node):
		return fmt.Errorf("not in the graph")
	case e.ModifiedFee != e.Fee+p.deltas[id]:
		return fmt.Errorf("fee %d and delta %d make %d", e.Fee, p.deltas[id], e.ModifiedFee)
	}
	if r := p.graph.Rate(it.node); r.Fee != e.ModifiedFee || r.Size != e.AdjustedWeight() {
		return fmt.Errorf("the graph has %v for fee %d and weight %d", r, e.ModifiedFee, e.AdjustedWeight())
	}
	for i := range e.Tx.In {
		if p.spends[e.Tx.In[i].PrevOut] != it {
			return fmt.Errorf("input %d is not listed", i)
		}
	}
	// Ancestors by the tables and by the graph must agree.
	up := make(map[*item]struct{})
	for todo := []*item{it}; len(todo) > 0; {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if !has(up, at) {
			up[at] = struct{}{}
			todo = append(todo, p.parentsOf(at.e.Tx)...)
		}
	}
	ancestors := p.graph.Ancestors(it.node)
	for _, t := range ancestors {
		if !has(up, owner(t)) {
			return fmt.Errorf("the graph knows an ancestor that is none")
		}
	}
	if len(ancestors) != len(up) {
		return fmt.Errorf("%d ancestors in the graph, %d by inputs", len(ancestors), len(up))
	}
	return nil
}

// checkCoins looks up what an item spends.
func (p *Pool) checkCoins(it *item) error {
	var in, out int64
	for i := range it.e.Tx.In {
		op := it.e.Tx.In[i].PrevOut
		if parent := p.byTxID[op.Hash]; parent != nil {
			in += parent.e.Tx.Out[op.Index].Value
			continue
		}
		coin, ok, at, err := p.cfg.Chain.Coin(op)
		switch {
		case err != nil:
			return err
		case !ok:
			return fmt.Errorf("spends %v:%d, which does not exist", op.Hash, op.Index)
		case at != p.tip:
			return fmt.Errorf("the chain stands on block %d, the pool on %d", at.Height, p.tip.Height)
		}
		in += coin.Value
	}
	for i := range it.e.Tx.Out {
		out += it.e.Tx.Out[i].Value
	}
	if in-out != it.e.Fee {
		return fmt.Errorf("fee %d is %d", it.e.Fee, in-out)
	}
	if !p.stillValid(it) {
		return fmt.Errorf("not valid in the next block")
	}
	return nil
}
