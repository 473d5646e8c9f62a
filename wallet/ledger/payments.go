package ledger

import (
	"cmp"
	"slices"

	"starling/wire"
)

// Note is what the user says of a payment.
type Note struct{ Comment, To string }

// Pay records a payment of the wallet's own. replaces is the one whose place it
// takes, or nil.
func (l *Ledger) Pay(tx *wire.Tx, now int64, n Note, replaces *Record) *Record {
	r, _ := l.add(tx, now)
	r.Comment, r.To = n.Comment, n.To
	if replaces != nil {
		r.Replaces = replaces.ID
		replaces.ReplacedBy = r.ID
		l.touch(replaces)
	}
	l.touch(r)
	return r
}

// Withdraw forgets a payment that the node refused. It reports false, and does
// nothing, if it has got into a block all the same, or a block speaks against it.
func (l *Ledger) Withdraw(r *Record) bool {
	if r.Status != Unconfirmed {
		return false
	}
	if old := l.records[r.Replaces]; old != nil && old.ReplacedBy == r.ID {
		old.ReplacedBy = wire.Hash{}
		l.touch(old)
	}
	l.remove(r)
	l.refreeze(r)
	return true
}

// BuiltOn reports whether a transaction of the wallet's that may confirm spends
// of r.
func (l *Ledger) BuiltOn(r *Record) bool { return slices.ContainsFunc(l.children(r), l.counts) }

// children returns the wallet's transactions that spend an output of r.
func (l *Ledger) children(r *Record) []*Record {
	var all []*Record
	for i := range r.Tx.Out {
		all = append(all, l.spenders[wire.OutPoint{Hash: r.ID, Index: uint32(i)}]...)
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
			l.touch(d)
		}
	}
	return true
}

// family returns r and all that builds on it, parents first.
func (l *Ledger) family(r *Record) []*Record {
	all := []*Record{r}
	seen := map[wire.Hash]bool{r.ID: true}
	for i := 0; i < len(all); i++ {
		for _, c := range l.children(all[i]) {
			if !seen[c.ID] {
				seen[c.ID] = true
				all = append(all, c)
			}
		}
	}
	return all
}

// remove forgets a record as if it had never been.
func (l *Ledger) remove(r *Record) {
	delete(l.records, r.ID)
	for i := range r.Tx.In {
		op := r.Tx.In[i].PrevOut
		l.spenders[op] = slices.DeleteFunc(l.spenders[op], func(o *Record) bool { return o == r })
		if len(l.spenders[op]) == 0 {
			delete(l.spenders, op)
		}
	}
	for i := range r.Tx.Out {
		delete(l.outs, wire.OutPoint{Hash: r.ID, Index: uint32(i)})
	}
	if l.dirty[r.ID] {
		delete(l.dirty, r.ID)
		l.unsaved -= len(r.Tx.Bytes())
	}
	l.removed[r.ID] = true
}

// Conflicts returns the ids of the wallet's other transactions that spend the
// same as r, in the order in which the wallet saw them.
func (l *Ledger) Conflicts(r *Record) []wire.Hash {
	var all []*Record
	for i := range r.Tx.In {
		for _, s := range l.spenders[r.Tx.In[i].PrevOut] {
			if s != r && !slices.Contains(all, s) {
				all = append(all, s)
			}
		}
	}
	slices.SortFunc(all, func(a, b *Record) int { return cmp.Compare(a.Order, b.Order) })
	var ids []wire.Hash
	for _, r := range all {
		ids = append(ids, r.ID)
	}
	return ids
}
