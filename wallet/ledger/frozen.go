package ledger

import (
	"maps"
	"slices"

	"starling/wire"
)

// InsertFrozen takes in, as it was read from disk, that an output is frozen.
func (l *Ledger) InsertFrozen(op wire.OutPoint) { l.frozen[op] = true }

// IsFrozen reports whether an output is not to be spent by payments that do not
// name it.
func (l *Ledger) IsFrozen(op wire.OutPoint) bool {
	_, ok := l.frozen[op]
	return ok
}

// Frozen returns all outputs that are frozen, in order.
func (l *Ledger) Frozen() []wire.OutPoint {
	return slices.SortedFunc(maps.Keys(l.frozen), compareOutPoints)
}

// Freeze keeps an output from being spent, also after a restart if keep is set.
// It reports whether there is something to write.
func (l *Ledger) Freeze(op wire.OutPoint, keep bool) (changed bool) {
	keep = keep || l.frozen[op]
	l.frozen[op] = keep
	if keep {
		l.locks[op] = true
	}
	return keep
}

// Thaw lets an output be spent again. It reports whether there is something to
// write.
func (l *Ledger) Thaw(op wire.OutPoint) (changed bool) {
	changed = l.frozen[op]
	delete(l.frozen, op)
	if changed {
		l.locks[op] = false
	}
	return changed
}

// thawSpent forgets that outputs were frozen which a new transaction spends:
// there is nothing left to keep.
func (l *Ledger) thawSpent(r *Record) {
	for i := range r.Tx.In {
		op := r.Tx.In[i].PrevOut
		keep, frozen := l.frozen[op]
		if !frozen {
			continue
		}
		if r.thawed == nil {
			r.thawed = map[wire.OutPoint]bool{}
		}
		r.thawed[op] = keep
		l.Thaw(op)
	}
}

// refreeze takes thawSpent back for a transaction that came to nothing.
func (l *Ledger) refreeze(r *Record) {
	for op, keep := range r.thawed {
		l.Freeze(op, keep)
	}
}
