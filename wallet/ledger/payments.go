package ledger

import (
	"cmp"
	"slices"

	"starling/wire"
)

// Children returns the wallet's transactions that spend an output of r.
func (l *Ledger) Children(r *Record) []*Record {
	var all []*Record
	for i := range r.Tx.Out {
		all = append(all, l.Spenders[wire.OutPoint{Hash: r.ID, Index: uint32(i)}]...)
	}
	return all
}

// Abandon gives r and all that builds on it up. It reports false if r is
// confirmed, known to conflict, or in the node's pool, or if what builds on it
// is.
func (l *Ledger) Abandon(r *Record) bool {
	all := l.family(r)
	for _, d := range all {
		if d.InPool || d.Status == Confirmed {
			return false
		}
	}
	if r.Status == Conflicted {
		return false
	}
	for _, d := range all {
		if d.Status == Unconfirmed || d.Status == Orphaned && !d.Tx.IsCoinbase() {
			d.Status = Abandoned
			l.Touch(d)
		}
	}
	return true
}

// family returns r and all that builds on it, parents first.
func (l *Ledger) family(r *Record) []*Record {
	all := []*Record{r}
	seen := map[wire.Hash]bool{r.ID: true}
	for i := 0; i < len(all); i++ {
		for _, c := range l.Children(all[i]) {
			if !seen[c.ID] {
				seen[c.ID] = true
				all = append(all, c)
			}
		}
	}
	return all
}

// Remove forgets a record as if it had never been.
func (l *Ledger) Remove(r *Record) {
	delete(l.Records, r.ID)
	for i := range r.Tx.In {
		op := r.Tx.In[i].PrevOut
		l.Spenders[op] = slices.DeleteFunc(l.Spenders[op], func(o *Record) bool { return o == r })
		if len(l.Spenders[op]) == 0 {
			delete(l.Spenders, op)
		}
	}
	for i := range r.Tx.Out {
		delete(l.Outs, wire.OutPoint{Hash: r.ID, Index: uint32(i)})
	}
	if l.Dirty[r.ID] {
		delete(l.Dirty, r.ID)
		l.Unsaved -= len(r.Tx.Bytes())
	}
	l.Removed[r.ID] = true
}

// Conflicts returns the ids of the wallet's other transactions that spend the
// same as r, in order.
func (l *Ledger) Conflicts(r *Record) []*Record {
	var all []*Record
	for i := range r.Tx.In {
		for _, s := range l.Spenders[r.Tx.In[i].PrevOut] {
			if s != r && !slices.Contains(all, s) {
				all = append(all, s)
			}
		}
	}
	slices.SortFunc(all, func(a, b *Record) int { return cmp.Compare(a.Order, b.Order) })
	return all
}
