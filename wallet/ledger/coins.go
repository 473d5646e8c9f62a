package ledger

import (
	"starling/wire"
)

// Output is an output that pays the wallet.
type Output struct {
	OutPoint wire.OutPoint
	Value    int64
	Script   []byte
	Record   *Record
}

// Counts reports whether what r spends is spent: it is confirmed, or may yet
// be.
func (l *Ledger) Counts(r *Record) bool {
	switch r.Status {
	case Confirmed:
		return true
	case Unconfirmed:
		return !l.poolRival(r)
	default:
		return false
	}
}

// Spent reports whether an output is spent, as far as the wallet knows.
func (l *Ledger) Spent(op wire.OutPoint) bool {
	for _, s := range l.Spenders[op] {
		if l.Counts(s) {
			return true
		}
	}
	return false
}

// Debit returns what r spends of ours, and whether all that it spends is.
func (l *Ledger) Debit(r *Record) (sum int64, all bool) {
	all = true
	for i := range r.Tx.In {
		if o, ok := l.Outs[r.Tx.In[i].PrevOut]; ok {
			sum += o.Value
		} else {
			all = false
		}
	}
	return sum, all
}

// Credit returns what r pays us.
func (l *Ledger) Credit(r *Record) (sum int64) {
	for i := range r.Tx.Out {
		if o, ok := l.Outs[wire.OutPoint{Hash: r.ID, Index: uint32(i)}]; ok {
			sum += o.Value
		}
	}
	return sum
}

// Trusted reports whether the outputs of r can be relied upon: it is
// confirmed, or in the pool and made by us of nothing but trusted outputs.
func (l *Ledger) Trusted(r *Record) bool { return l.trustedIn(r, map[wire.Hash]bool{}) }

func (l *Ledger) trustedIn(r *Record, known map[wire.Hash]bool) bool {
	switch {
	case r.Status == Confirmed:
		return true
	case r.Status != Unconfirmed || !r.InPool:
		return false
	}
	if t, ok := known[r.ID]; ok {
		return t
	}
	known[r.ID] = false
	for i := range r.Tx.In {
		o, ok := l.Outs[r.Tx.In[i].PrevOut]
		if !ok || !l.trustedIn(o.Record, known) {
			return false
		}
	}
	known[r.ID] = true
	return true
}
