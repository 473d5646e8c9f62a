package wallet

import (
	"context"

	"starling/wallet/coinselect"
	"starling/wallet/ledger"
	"starling/wire"
)

// walletIncrement is by how much more a replacement pays at least if the
// wallet chooses, in satoshi for 1,000 virtual bytes. It is Core's figure,
// above what nodes ask for today, so that it is enough when they ask for more.
const walletIncrement = 5000

// BumpOptions say how to replace a payment.
type BumpOptions struct {
	Fee FeeOptions
	// Payments replace those of the old transaction; nil to keep them.
	Payments []Payment
	// Change is the output of the old transaction that is change; nil for the
	// one that is the wallet's own change.
	Change    *int
	NoReplace bool // do not say that the new one may be replaced
}

// Bumped is a replacement for a payment.
type Bumped struct {
	Draft
	OldFee int64
}

// Bump replaces an unconfirmed payment by one that pays a higher fee, and hands
// it to the node.
func (w *Wallet) Bump(ctx context.Context, id wire.Hash, o BumpOptions) (Entry, *Bumped, error) {
	p, b, err := w.prepareBump(ctx, id, o)
	if err != nil {
		return Entry{}, nil, err
	}
	w.mu.Lock()
	r, err := w.payBump(p, b)
	w.mu.Unlock()
	if err != nil {
		return Entry{}, nil, err
	}
	e, err := w.hand(ctx, r)
	return e, b, err
}

// DraftBump is Bump without signing.
func (w *Wallet) DraftBump(ctx context.Context, id wire.Hash, o BumpOptions) (*Bumped, error) {
	p, b, err := w.prepareBump(ctx, id, o)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	d, err := w.fundBump(p, b)
	if err != nil {
		return nil, err
	}
	b.Draft = *d
	return b, w.save()
}

func (w *Wallet) payBump(p *plan, b *Bumped) (*ledger.Record, error) {
	if err := w.needKeys(); err != nil {
		return nil, err
	}
	d, err := w.fundBump(p, b)
	if err != nil {
		return nil, err
	}
	b.Draft = *d
	tx, err := w.signAll(d.Tx, d.Spent)
	if err != nil {
		return nil, err
	}
	return w.keep(tx, p.o)
}

// fundBump makes the replacement. The old payment may have got into a block
// meanwhile.
func (w *Wallet) fundBump(p *plan, b *Bumped) (*Draft, error) {
	if err := w.bumpable(p.o.replaces); err != nil {
		return nil, err
	}
	d, err := w.fund(p)
	if err != nil {
		return nil, err
	}
	if d.Fee <= b.OldFee {
		return nil, paramErrorf("Insufficient total fee %s, must be more than the old fee %s", coins(d.Fee), coins(b.OldFee))
	}
	return d, nil
}

// bumpable says why a transaction cannot be replaced.
func (w *Wallet) bumpable(r *ledger.Record) error {
	switch {
	case w.ledger.Get(r.ID) != r:
		return ErrUnknownTx
	case r.Status == ledger.Confirmed || r.Status == ledger.Conflicted:
		return paymentErrorf("Transaction has been mined, or is conflicted with a mined transaction")
	case r.ReplacedBy != wire.Hash{}:
		return paymentErrorf("Cannot bump transaction %s which was already bumped by transaction %s", r.ID, r.ReplacedBy)
	}
	if w.ledger.BuiltOn(r) {
		return paramErrorf("Transaction has descendants in the wallet")
	}
	if pkg, ok := w.m.pool.Package(r.ID); ok && pkg.Descendants > 1 {
		return paramErrorf("Transaction has descendants in the mempool")
	}
	if _, all := w.ledger.Debit(r); !all {
		return paymentErrorf("Transaction contains inputs that don't belong to this wallet")
	}
	return nil
}

// prepareBump works out what a replacement must look like.
func (w *Wallet) prepareBump(ctx context.Context, id wire.Hash, o BumpOptions) (*plan, *Bumped, error) {
	if err := w.keepToPay(ctx); err != nil {
		return nil, nil, err
	}
	w.mu.Lock()
	r := w.ledger.Get(id)
	var err error
	if r == nil {
		err = ErrUnknownTx
	} else {
		err = w.bumpable(r)
	}
	if err != nil {
		w.mu.Unlock()
		return nil, nil, err
	}
	b := &Bumped{OldFee: w.entry(r).Fee}
	so, err := w.sameAgain(r, o)
	w.mu.Unlock()
	if err != nil {
		return nil, nil, err
	}
	oldSize := int64(r.Tx.VSize())
	oldRate := (b.OldFee*1000 + oldSize - 1) / oldSize
	increment := w.m.pool.IncrementalFee()
	p, err := w.prepare(so)
	if err != nil {
		return nil, nil, err
	}
	if o.Fee.Rate != 0 {
		more := coinselect.Fee(oldSize*wire.WitnessScale, increment)
		if fee := coinselect.Fee(oldSize*wire.WitnessScale, o.Fee.Rate); fee < b.OldFee+more {
			return nil, nil, paramErrorf("Insufficient total fee %s, must be at least %s (oldFee %s + incrementalFee %s)",
				coins(fee), coins(b.OldFee+more), coins(b.OldFee), coins(more))
		}
	} else {
		// One more, as the old rate was rounded.
		p.rate = max(p.rate, oldRate+1+max(increment, walletIncrement))
	}
	return p, b, nil
}

// sameAgain returns what makes a transaction like an old one.
func (w *Wallet) sameAgain(r *ledger.Record, o BumpOptions) (*SpendOptions, error) {
	so := &SpendOptions{
		Fee: o.Fee, Version: r.Tx.Version, NoReplace: o.NoReplace,
		Filter: CoinFilter{MinDepth: 1}, Comment: r.Comment, To: r.To, replaces: r,
	}
	if r.Tx.LockTime > uint32(w.at.Height) {
		so.LockTime = &r.Tx.LockTime // somebody wants it to wait
	}
	for i := range r.Tx.In {
		so.Inputs = append(so.Inputs, Input{OutPoint: r.Tx.In[i].PrevOut})
	}
	change := -1
	if o.Change != nil {
		if change = *o.Change; change < 0 || change >= len(r.Tx.Out) {
			return nil, paramErrorf("Change position is out of range")
		}
	}
	for i := range r.Tx.Out {
		out := &r.Tx.Out[i]
		isChange := i == change || o.Change == nil && so.Change == nil && w.isChange(out.Script)
		if isChange && (len(r.Tx.Out) > 1 || o.Payments != nil) {
			so.Change = out.Script
			continue
		}
		if isChange {
			// All that there is went back to us: it bears the fee.
			so.Payments = append(so.Payments, Payment{Script: out.Script, Rest: true})
			so.OnlyInputs = true
			continue
		}
		so.Payments = append(so.Payments, Payment{Script: out.Script, Amount: out.Value})
	}
	if o.Payments != nil {
		so.Payments = o.Payments
	}
	return so, nil
}
