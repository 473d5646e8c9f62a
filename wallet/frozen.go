package wallet

import (
	"slices"

	"starling/wallet/coinselect"
	"starling/wallet/ledger"
	"starling/wire"
)

func (w *Wallet) isFrozen(op wire.OutPoint) bool {
	_, ok := w.frozen[op]
	return ok
}

// Freeze keeps an output from being spent by payments that do not name it. It
// is forgotten at the next start unless keep is set.
func (w *Wallet) Freeze(op wire.OutPoint, keep bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.freeze(op, keep)
}

func (w *Wallet) freeze(op wire.OutPoint, keep bool) error {
	if w.frozen[op] && !keep {
		keep = true
	}
	w.frozen[op] = keep
	if keep {
		w.changes.Set(lockKeyOf(op), []byte{1})
		return w.save()
	}
	return nil
}

// Thaw lets an output be spent again.
func (w *Wallet) Thaw(op wire.OutPoint) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.thaw(op) {
		return w.save()
	}
	return nil
}

// thaw forgets that an output is frozen. It reports whether that has to be
// written.
func (w *Wallet) thaw(op wire.OutPoint) (onDisk bool) {
	onDisk = w.frozen[op]
	delete(w.frozen, op)
	if onDisk {
		w.changes.Delete(lockKeyOf(op))
	}
	return onDisk
}

// thawSpent forgets that outputs were frozen which a new transaction spends:
// there is nothing left to keep.
func (w *Wallet) thawSpent(r *ledger.Record) {
	for i := range r.Tx.In {
		op := r.Tx.In[i].PrevOut
		keep, frozen := w.frozen[op]
		if !frozen {
			continue
		}
		if r.Thawed == nil {
			r.Thawed = map[wire.OutPoint]bool{}
		}
		r.Thawed[op] = keep
		w.thaw(op)
	}
}

// refreeze takes thawSpent back for a transaction that came to nothing. What has
// changed is in the changes.
func (w *Wallet) refreeze(r *ledger.Record) {
	for op, keep := range r.Thawed {
		w.frozen[op] = keep
		if keep {
			w.changes.Set(lockKeyOf(op), []byte{1})
		}
	}
}

// Frozen returns all outputs that are not to be spent.
func (w *Wallet) Frozen() []wire.OutPoint {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []wire.OutPoint
	for op := range w.frozen {
		all = append(all, op)
	}
	slices.SortFunc(all, coinselect.CompareOutPoints)
	return all
}

// Outpoint reports whether an outpoint is an output that the wallet knows,
// whether it is spent, and whether it is frozen.
func (w *Wallet) Outpoint(op wire.OutPoint) (known, exists, spent, frozen bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.ledger.Records[op.Hash]
	if r == nil {
		return false, false, false, false
	}
	return true, int(op.Index) < len(r.Tx.Out), w.ledger.Spent(op), w.isFrozen(op)
}
