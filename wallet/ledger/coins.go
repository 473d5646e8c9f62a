package ledger

import (
	"cmp"
	"slices"

	"starling/wire"
)

// Output is an output that pays the wallet.
type Output struct {
	OutPoint wire.OutPoint
	Value    int64
	Script   []byte
	Record   *Record
}

// counts reports whether what r spends is spent: it is confirmed, or may yet
// be.
func (l *Ledger) counts(r *Record) bool {
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
	for _, s := range l.spenders[op] {
		if l.counts(s) {
			return true
		}
	}
	return false
}

// SpentBut reports whether an output is spent by another than r.
func (l *Ledger) SpentBut(op wire.OutPoint, r *Record) bool {
	for _, s := range l.spenders[op] {
		if s != r && l.counts(s) {
			return true
		}
	}
	return false
}

// exists reports whether an output is, or will be, in the set of unspent
// outputs of the chain; those of a genesis block are only on some networks.
func (l *Ledger) exists(o *Output) bool {
	switch o.Record.Status {
	case Confirmed:
		return o.Record.Height > 0 || l.rules.GenesisSpendable
	case Unconfirmed:
		return true
	default:
		return false
	}
}

// Unspent returns the outputs that are in a block or in the pool and that
// nothing spends, in the order in which the wallet saw them.
func (l *Ledger) Unspent() []*Output {
	var all []*Output
	for _, o := range l.outs {
		if l.exists(o) && !l.Spent(o.OutPoint) && (o.Record.Status == Confirmed || o.Record.InPool) {
			all = append(all, o)
		}
	}
	slices.SortFunc(all, func(a, b *Output) int {
		if d := cmp.Compare(a.Record.Order, b.Record.Order); d != 0 {
			return d
		}
		return cmp.Compare(a.OutPoint.Index, b.OutPoint.Index)
	})
	return all
}

// Matures returns how many blocks are missing, at a height of the tip, until the
// outputs of a transaction can be spent. As Core does, the wallet waits for one
// block more than the rules want.
func (l *Ledger) Matures(r *Record, tip int32) int32 {
	if !r.Tx.IsCoinbase() || r.Status != Confirmed || r.Height == 0 || l.rules.CoinbaseMaturity == 0 {
		return 0
	}
	return max(0, l.rules.CoinbaseMaturity+1-r.Depth(tip))
}

// Balance is what a wallet has, in satoshi.
type Balance struct {
	// Trusted is confirmed and mature, or unconfirmed change of our own.
	Trusted int64
	// Pending is unconfirmed and comes from others.
	Pending int64
	// Immature is what fresh coinbases pay.
	Immature int64
}

// Balance adds up what is unspent at a height of the tip.
func (l *Ledger) Balance(tip int32) Balance {
	var b Balance
	for _, o := range l.outs {
		if l.Spent(o.OutPoint) {
			continue
		}
		switch {
		case !l.exists(o):
		case o.Record.Status == Confirmed && l.Matures(o.Record, tip) > 0:
			b.Immature += o.Value
		case l.Trusted(o.Record):
			b.Trusted += o.Value
		case o.Record.InPool:
			b.Pending += o.Value
		}
	}
	return b
}

// Debit returns what r spends of ours, and whether all that it spends is.
func (l *Ledger) Debit(r *Record) (sum int64, all bool) {
	all = true
	for i := range r.Tx.In {
		if o, ok := l.outs[r.Tx.In[i].PrevOut]; ok {
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
		if o, ok := l.outs[wire.OutPoint{Hash: r.ID, Index: uint32(i)}]; ok {
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
		o, ok := l.outs[r.Tx.In[i].PrevOut]
		if !ok || !l.trustedIn(o.Record, known) {
			return false
		}
	}
	known[r.ID] = true
	return true
}
