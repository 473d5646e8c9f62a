package wallet

import (
	"context"

	"starling/script/descriptor"
)

// Descriptor is one of a wallet's descriptors and how far it is in use.
type Descriptor struct {
	Text     string
	Created  int64 // nothing was paid to it before, in seconds since 1970
	Active   bool
	Internal bool
	Ranged   bool
	First    int32 // the first index that is watched
	End      int32 // behind the last one
	Next     int32 // the next one to give out
}

// Descriptors lists the wallet's descriptors. With private they hold private
// keys; the error is ErrLocked then if the wallet is.
func (w *Wallet) Descriptors(private bool) ([]Descriptor, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if private {
		if err := w.needKeys(); err != nil {
			return nil, err
		}
	}
	var all []Descriptor
	for _, k := range w.chains {
		d := Descriptor{
			Text: k.text, Created: k.created, Active: k.active, Internal: k.internal, Ranged: k.ranged(),
			First: k.first, End: k.derived, Next: k.next,
		}
		if private && k.hasKeys {
			p, err := w.private(k)
			if err != nil {
				return nil, err
			}
			d.Text, _ = p.Private()
		}
		all = append(all, d)
	}
	return all, nil
}

// Import says what to do with a descriptor.
type Import struct {
	Descriptor *descriptor.Descriptor
	Active     bool
	Internal   bool
	First      int32
	End        int32 // behind the last index to watch; below zero for the default
	Next       int32 // the next index to give out; below zero for the first
	// Created is when the first payment can have been made, in seconds since
	// 1970. A time that the chain has not reached stands for that of its tip.
	Created  int64
	Now      bool // nothing was paid to it yet, but, perhaps, just now
	Label    string
	HasLabel bool
}

// Import adds descriptors and reads the chain again from the earliest time on
// at which something can have been paid to one, and the pool. The errors are
// about one descriptor each; the last one is about all.
func (w *Wallet) Import(ctx context.Context, list []Import) ([]error, error) {
	errs := make([]error, len(list))
	s, err := w.addImports(list, errs)
	if err != nil {
		return errs, err
	}
	if s == nil {
		w.lookThroughPool()
		return errs, nil
	}
	return errs, w.awaitScan(ctx, s)
}

// addImports adds descriptors and begins a scan if one is needed.
func (w *Wallet) addImports(list []Import, errs []error) (*scanState, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.scanning != nil {
		return nil, ErrScanning
	}
	tip := w.tipTime()
	since := tip
	added := false
	lost := w.pruned(0, 0)
	for i := range list {
		created := tip
		if !list[i].Now {
			created = min(list[i].Created, tip)
		}
		if lost != nil && w.heightOfTime(created) <= lost.To {
			errs[i] = lost
			continue
		}
		if errs[i] = w.addImport(&list[i], created); errs[i] == nil {
			added = true
			since = min(since, created)
		}
	}
	if !added {
		return nil, nil
	}
	w.ledger.Reclaim()
	if err := w.save(); err != nil {
		return nil, err
	}
	from := w.heightOfTime(since)
	if from > w.at.Height {
		return nil, nil // these blocks are still to be read
	}
	return w.startScan(from, nil)
}

// tipTime is the time that the chain has reached for sure: whatever was paid
// after it is in a block that comes after the tip, or in the last few.
func (w *Wallet) tipTime() int64 {
	if w.isDetached() {
		return w.now()
	}
	return w.chain.Tip().MedianTime()
}

// addImport adds one descriptor. Importing one that is there already changes
// what is said of it.
func (w *Wallet) addImport(m *Import, created int64) error {
	d := m.Descriptor
	noKeys := w.meta.flags&flagNoKeys != 0
	switch {
	case noKeys && d.HasPrivate():
		return paymentErrorf("Cannot import private keys to a wallet with private keys disabled")
	case !noKeys && !d.HasPrivate():
		return paymentErrorf("Cannot import descriptor without private keys to a wallet with private keys enabled")
	case d.HasPrivate() && !w.vault.open():
		return ErrLocked
	case m.HasLabel && len(m.Label) > maxText:
		return paymentErrorf("a label has at most %d bytes", maxText)
	}
	text, err := d.Normalized()
	if err != nil {
		return err
	}
	var k *keychain
	for _, old := range w.chains {
		if old.text == text {
			k = old
		}
	}
	if k == nil {
		k = &keychain{active: m.Active, internal: m.Internal, first: m.First, next: max(m.First, m.Next), used: m.First, end: max(0, m.End), created: created}
		if err := w.addChain(k, d); err != nil {
			return err
		}
	} else {
		k.active, k.internal = m.Active, m.Internal
		k.created = min(k.created, created)
		k.end = max(k.end, m.End)
		k.next = max(k.next, m.Next)
		if m.First < k.first {
			// The scripts below are not watched yet.
			k.first, k.derived = m.First, m.First
		}
		if _, err := w.watch(k, d); err != nil {
			return err
		}
		w.changes.Set(k.key(), k.append(nil))
	}
	if k.active {
		// There is one keychain for new addresses of each kind.
		for _, other := range w.chains {
			if other != k && other.active && other.kind == k.kind && other.internal == k.internal {
				other.active = false
				w.changes.Set(other.key(), other.append(nil))
			}
		}
	}
	if m.HasLabel && !k.internal && !k.ranged() {
		outs, err := d.Expand(0)
		if err != nil {
			return err
		}
		for _, o := range outs {
			w.setLabel(o.Script, m.Label)
		}
	}
	w.meta.birthday = min(w.meta.birthday, created)
	w.changes.Set(keyMeta, w.meta.append(nil))
	return nil
}
