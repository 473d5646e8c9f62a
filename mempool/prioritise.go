package mempool

import (
	"slices"

	"starling/wire"
)

// Prioritise adds delta to the fee that the transaction counts as paying, now
// or once it comes. It adds up with earlier calls and ends when a block holds
// the transaction.
func (p *Pool) Prioritise(txid wire.Hash, delta int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.deltas[txid] + delta
	if d == 0 {
		delete(p.deltas, txid)
	} else {
		p.deltas[txid] = d
	}
	p.saver.note(txid)
	if it := p.byTxID[txid]; it != nil {
		e := *it.e
		e.ModifiedFee += delta
		it.e = &e
		p.graph.SetFee(it.node, e.ModifiedFee)
		p.changed()
	}
}

// Prioritised returns what [Pool.Prioritise] has set, ordered by id.
func (p *Pool) Prioritised() []Delta {
	p.mu.RLock()
	defer p.mu.RUnlock()
	all := make([]Delta, 0, len(p.deltas))
	for id, d := range p.deltas {
		all = append(all, Delta{TxID: id, Delta: d, Entry: p.byTxID[id].entry()})
	}
	slices.SortFunc(all, func(a, b Delta) int { return compareIDs(a.TxID, b.TxID) })
	return all
}
