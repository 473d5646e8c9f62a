package ledger

import (
	"iter"

	"starling/wire"
)

// Rivals reports whether a transaction spends what one of the wallet's spends,
// also if that is not the wallet's: then it decides about it.
func (l *Ledger) Rivals(tx *wire.Tx) bool {
	for i := range tx.In {
		if len(l.Spenders[tx.In[i].PrevOut]) > 0 {
			return true
		}
	}
	return false
}

// Take notes that the node's pool has a transaction that is not the wallet's,
// but may spend what one of the wallet's spends.
func (l *Ledger) Take(tx *wire.Tx) {
	for i := range tx.In {
		if op := tx.In[i].PrevOut; len(l.Spenders[op]) > 0 {
			l.Taken[op] = tx.TxID()
		}
	}
}

// Release takes back what Take noted, as the pool has the transaction no more.
func (l *Ledger) Release(tx *wire.Tx) {
	for i := range tx.In {
		if op := tx.In[i].PrevOut; l.Taken[op] == tx.TxID() {
			delete(l.Taken, op)
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
				if id, taken := l.Taken[op]; taken && !yield(id) {
					return
				}
				for _, s := range l.Spenders[op] {
					if s != r && s.InPool && !yield(s.ID) {
						return
					}
				}
				if parent := l.Records[op.Hash]; parent != nil && !seen[parent] {
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

// Outranked reports whether one of r's PoolRivals is another's, or the wallet
// made or saw it after r: then r had its turn, as with a payment whose fee was
// raised.
func (l *Ledger) Outranked(r *Record) bool {
	for id := range l.PoolRivals(r) {
		if rival := l.Records[id]; rival == nil || rival.Order > r.Order {
			return true
		}
	}
	return false
}
