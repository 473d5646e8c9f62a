package wallet

import "starling/wire"

// Freeze keeps an output from being spent by payments that do not name it. It
// is forgotten at the next start unless keep is set.
func (w *Wallet) Freeze(op wire.OutPoint, keep bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.freeze(op, keep)
}

func (w *Wallet) freeze(op wire.OutPoint, keep bool) error {
	if w.ledger.Freeze(op, keep) {
		return w.save()
	}
	return nil
}

// Thaw lets an output be spent again.
func (w *Wallet) Thaw(op wire.OutPoint) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ledger.Thaw(op) {
		return w.save()
	}
	return nil
}

// Frozen returns all outputs that are not to be spent.
func (w *Wallet) Frozen() []wire.OutPoint {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ledger.Frozen()
}

// Outpoint reports whether an outpoint is an output that the wallet knows,
// whether it is spent, and whether it is frozen.
func (w *Wallet) Outpoint(op wire.OutPoint) (known, exists, spent, frozen bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.ledger.Get(op.Hash)
	if r == nil {
		return false, false, false, false
	}
	return true, int(op.Index) < len(r.Tx.Out), w.ledger.Spent(op), w.ledger.IsFrozen(op)
}
