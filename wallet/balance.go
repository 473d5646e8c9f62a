package wallet

import (
	"starling/address"
	"starling/script/descriptor"
	"starling/wallet/ledger"
	"starling/wire"
)

// Balance adds up what is unspent.
func (w *Wallet) Balance() ledger.Balance {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ledger.Balance(w.at.Height)
}

// Coin is an unspent output of the wallet.
type Coin struct {
	OutPoint wire.OutPoint
	Value    int64
	Script   []byte
	Address  string // "" if there is none for the script
	Label    string
	HasLabel bool // false for change
	Depth    int32
	Coinbase bool
	Immature bool
	// Safe coins are confirmed, or made by the wallet itself.
	Safe       bool
	Spendable  bool // the wallet has the keys
	Solvable   bool // the wallet knows all but, perhaps, the keys
	Frozen     bool // not to be spent, see [Wallet.Freeze]
	Desc       string
	ParentDesc string
	Redeem     []byte
	Witness    []byte
	Kind       Kind
}

// CoinFilter chooses coins. The zero value wants confirmed and safe coins that
// can be spent now.
type CoinFilter struct {
	MinDepth           int32
	MaxDepth           *int32 // nil is no limit
	Unsafe             bool   // also unconfirmed coins from others
	Immature           bool
	Frozen             bool
	MinValue, MaxValue int64 // MaxValue 0 is no limit
	Addresses          map[string]bool
	Brief              bool // leave Desc, Redeem and Witness out, which take time
}

// Coins returns the unspent outputs that a filter lets through, in the order
// in which the wallet saw them.
func (w *Wallet) Coins(f CoinFilter) []Coin {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.coins(f)
}

// coins is Coins with the lock held.
func (w *Wallet) coins(f CoinFilter) []Coin {
	var all []Coin
	for _, o := range w.ledger.Unspent() {
		depth := o.Record.Depth(w.at.Height)
		frozen := w.ledger.IsFrozen(o.OutPoint)
		immature := w.ledger.Matures(o.Record, w.at.Height) > 0
		switch {
		case depth < f.MinDepth, f.MaxDepth != nil && depth > *f.MaxDepth:
			continue
		case frozen && !f.Frozen, immature && !f.Immature:
			continue
		case o.Value < f.MinValue, f.MaxValue > 0 && o.Value > f.MaxValue:
			continue
		}
		safe := o.Record.Status == ledger.Confirmed || w.ledger.Trusted(o.Record)
		if !safe && !f.Unsafe {
			continue
		}
		c := w.describe(o, !f.Brief)
		if f.Addresses != nil && !f.Addresses[c.Address] {
			continue
		}
		c.Depth, c.Safe, c.Frozen, c.Immature = depth, safe, frozen, immature
		all = append(all, c)
	}
	return all
}

// describe says what is known of an output of the wallet.
func (w *Wallet) describe(o *ledger.Output, full bool) Coin {
	c := Coin{OutPoint: o.OutPoint, Value: o.Value, Script: o.Script, Coinbase: o.Record.Tx.IsCoinbase()}
	c.Address = w.addressOf(o.Script)
	c.Label, c.HasLabel = w.labelOf(o.Script)
	p, ok := w.scripts[string(o.Script)]
	if !ok {
		return c
	}
	c.Kind = p.chain.kind
	c.ParentDesc = p.chain.text
	c.Solvable = p.chain.desc.IsSolvable()
	c.Spendable = p.chain.hasKeys
	if !full {
		return c
	}
	if out, ok := w.outputAt(p, o.Script); ok {
		c.Redeem, c.Witness = out.Redeem, out.Witness
		c.Desc = descriptor.Infer(out, w.chain.Network()).String()
	}
	return c
}

// outputAt returns what is known of a script at its place.
func (w *Wallet) outputAt(p place, script []byte) (descriptor.Output, bool) {
	d := p.chain.desc
	if d.NeedsPrivate() {
		var err error
		if d, err = w.private(p.chain); err != nil {
			return descriptor.Output{}, false
		}
	}
	outs, err := d.Expand(uint32(p.index))
	if err != nil {
		return descriptor.Output{}, false
	}
	for _, o := range outs {
		if string(o.Script) == string(script) {
			return o, true
		}
	}
	return descriptor.Output{}, false
}

func (w *Wallet) addressOf(script []byte) string {
	a, ok := address.FromScript(script, w.chain.Network())
	if !ok {
		return ""
	}
	return a.String()
}

// labelOf returns the label of a script; ok is false for change and for what
// is not ours, unless somebody labelled it.
func (w *Wallet) labelOf(script []byte) (label string, ok bool) {
	label, ok = w.labels[string(script)]
	if ok {
		return label, true
	}
	p, mine := w.scripts[string(script)]
	return "", mine && !p.chain.internal
}

// isChange reports whether an output is change: it pays us on an address that
// was never given out.
func (w *Wallet) isChange(script []byte) bool {
	if _, mine := w.scripts[string(script)]; !mine {
		return false
	}
	_, labelled := w.labelOf(script)
	return !labelled
}
