package ledger

import (
	"iter"
	"slices"

	"starling/wire"
)

// PoolAdded takes note of a transaction in the node's pool. news is true if it is
// the wallet's and in no block. retry is true if a payment waits for it, so that
// the pool may take what it refused before.
func (l *Ledger) PoolAdded(tx *wire.Tx, now int64) (news, retry bool) {
	r := l.records[tx.TxID()]
	if r == nil {
		if !l.touches(tx) {
			l.take(tx)
			return false, false
		}
		r, _ = l.add(tx, now)
	}
	if r.Status == Confirmed {
		return false, false
	}
	if r.Status != Unconfirmed && r.Status != Orphaned {
		// It was given up, or a block spoke against it that is gone. What rests
		// on a reward is back once the wallet has read the reward's block.
		r.Status, r.Block, r.Height, r.Index = Unconfirmed, wire.Hash{}, -1, -1
		l.touch(r)
	}
	r.InPool = true
	// What builds on it was refused for want of it, perhaps: another wallet or
	// node may have handed it in.
	return true, waits(l.children(r), nil)
}

// PoolRemoved takes note that a transaction has left the node's pool. retry is
// true if a payment spends the same, which was refused for want of a higher fee,
// perhaps.
func (l *Ledger) PoolRemoved(tx *wire.Tx) (retry bool) {
	r := l.records[tx.TxID()]
	if r != nil {
		r.InPool = false
	}
	l.release(tx)
	for i := range tx.In {
		if waits(l.spenders[tx.In[i].PrevOut], r) {
			return true
		}
	}
	return false
}

// PoolTaken takes note that the node's pool took a payment that was handed in.
func (l *Ledger) PoolTaken(r *Record) {
	if r.Status == Unconfirmed && l.records[r.ID] == r {
		r.InPool = true
	}
}

// ForgetPool forgets what is in the node's pool: all of it is told of anew.
func (l *Ledger) ForgetPool() {
	for _, r := range l.records {
		r.InPool = false
	}
	clear(l.taken)
}

// Unsent returns the payments that the node's pool does not have and may take,
// in the order in which the wallet saw them.
func (l *Ledger) Unsent() []*Record {
	var all []*Record
	for _, r := range l.Sorted() {
		if r.Status == Unconfirmed && !r.InPool && !l.outranked(r) {
			all = append(all, r)
		}
	}
	return all
}

// waits reports whether one of these, other than but, is one that the pool does
// not have and might.
func waits(these []*Record, but *Record) bool {
	return slices.ContainsFunc(these, func(r *Record) bool {
		return r != but && r.Status == Unconfirmed && !r.InPool
	})
}

// rivals reports whether a transaction spends what one of the wallet's spends,
// also if that is not the wallet's: then it decides about it.
func (l *Ledger) rivals(tx *wire.Tx) bool {
	for i := range tx.In {
		if len(l.spenders[tx.In[i].PrevOut]) > 0 {
			return true
		}
	}
	return false
}

// take notes that the node's pool has a transaction that is not the wallet's,
// but may spend what one of the wallet's spends.
func (l *Ledger) take(tx *wire.Tx) {
	for i := range tx.In {
		if op := tx.In[i].PrevOut; len(l.spenders[op]) > 0 {
			l.taken[op] = tx.TxID()
		}
	}
}

// release takes back what take noted, as the pool has the transaction no more.
func (l *Ledger) release(tx *wire.Tx) {
	for i := range tx.In {
		if op := tx.In[i].PrevOut; l.taken[op] == tx.TxID() {
			delete(l.taken, op)
		}
	}
}

// PoolRivals returns the transactions for which r can not get into the node's
// pool now: those in it that spend what r spends, or what one spends that r
// builds on. One may come more than once.
func (l *Ledger) PoolRivals(r *Record) iter.Seq[wire.Hash] {
	return func(yield func(wire.Hash) bool) {
		line := []*Record{r} // r and what it builds on, as far as the pool does not have it
		seen := map[*Record]bool{r: true}
		for i := 0; i < len(line); i++ {
			r := line[i]
			if r.InPool || r.Status == Confirmed {
				continue
			}
			for j := range r.Tx.In {
				op := r.Tx.In[j].PrevOut
				if id, taken := l.taken[op]; taken && !yield(id) {
					return
				}
				for _, s := range l.spenders[op] {
					if s != r && s.InPool && !yield(s.ID) {
						return
					}
				}
				if parent := l.records[op.Hash]; parent != nil && !seen[parent] {
					seen[parent] = true
					line = append(line, parent)
				}
			}
		}
	}
}

// poolRival reports whether r has any of PoolRivals.
func (l *Ledger) poolRival(r *Record) bool {
	for range l.PoolRivals(r) {
		return true
	}
	return false
}

// outranked reports whether one of r's PoolRivals is another's, or the wallet
// made or saw it after r: then r had its turn, as with a payment whose fee was
// raised.
func (l *Ledger) outranked(r *Record) bool {
	for id := range l.PoolRivals(r) {
		if rival := l.records[id]; rival == nil || rival.Order > r.Order {
			return true
		}
	}
	return false
}
