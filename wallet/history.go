package wallet

import (
	"slices"

	"starling/wallet/ledger"
	"starling/wire"
)

// Category says what an output is to the wallet, by Core's names.
type Category string

// The categories.
const (
	Send     Category = "send"
	Receive  Category = "receive"
	Generate Category = "generate" // a coinbase that can be spent
	Immature Category = "immature" // a coinbase that cannot be spent yet
	Orphan   Category = "orphan"   // a coinbase whose block left the chain
)

// Detail is one output of a transaction as the wallet sees it. One that the
// wallet pays to itself appears twice.
type Detail struct {
	Category Category
	Address  string // "" if no address stands for the script
	Script   []byte
	Amount   int64 // in satoshi; negative for [Send]
	Output   int
	Label    string
	HasLabel bool
	// Change is set for what a payment of the wallet's own gives back to it.
	Change bool
	// ParentDescs are the wallet's descriptors that the script belongs to.
	ParentDescs []string
}

// Entry is a transaction of the wallet.
type Entry struct {
	Tx    *wire.Tx
	ID    wire.Hash
	Order uint64 // rises with the order in which the wallet saw them
	Time  int64  // when the wallet first saw it, in seconds since 1970

	// Depth is the number of confirmations, 0 for none; below zero it says how
	// deep a block is that makes this transaction impossible.
	Depth     int32
	Block     wire.Hash // if Depth is not 0
	Height    int32
	Index     int32
	BlockTime int64

	InPool    bool // the node has it among its unconfirmed transactions
	Trusted   bool // its outputs can be relied upon
	Abandoned bool // given up, or it builds on a reward whose block has left the chain
	Generated bool // a coinbase
	Unripe    bool // a coinbase whose outputs can not be spent, or not yet

	// FromUs says that the wallet pays at least part of it; Fee is known if it
	// pays all.
	FromUs   bool
	HasFee   bool
	Fee      int64
	FeeFrom  FeeSource // only what [Wallet.Send] returns has it
	Debit    int64     // what it spends of the wallet's
	Credit   int64     // what it pays the wallet, change included
	External bool      // pays somebody else

	Conflicts []wire.Hash // the wallet's other transactions that spend the same
	// PoolConflicts are those in the pool for which this one can not get there:
	// they spend the same, or what one spends that this one builds on.
	PoolConflicts []wire.Hash
	ReplacedBy    wire.Hash
	Replaces      wire.Hash
	Comment, To   string
	Replaceable   bool // it says that it may be replaced (BIP125)

	Details []Detail
}

// History returns all transactions in the order in which the wallet saw them.
func (w *Wallet) History() []Entry {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make([]Entry, 0, w.ledger.Len())
	for _, r := range w.ledger.Sorted() {
		all = append(all, w.entry(r))
	}
	return all
}

// HistoryTail returns the newest transactions that together have at least n
// details that keep lets through, or all, oldest first.
func (w *Wallet) HistoryTail(n int, keep func(*Entry, *Detail) bool) []Entry {
	w.mu.Lock()
	defer w.mu.Unlock()
	sorted := w.ledger.Sorted()
	var all []Entry
	for i := len(sorted) - 1; i >= 0 && n > 0; i-- {
		e := w.entry(sorted[i])
		for j := range e.Details {
			if keep(&e, &e.Details[j]) {
				n--
			}
		}
		all = append(all, e)
	}
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
	return all
}

// Entry returns one transaction. The error is ErrUnknownTx.
func (w *Wallet) Entry(id wire.Hash) (Entry, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.ledger.Get(id)
	if r == nil {
		return Entry{}, ErrUnknownTx
	}
	return w.entry(r), nil
}

func (w *Wallet) entry(r *ledger.Record) Entry {
	e := Entry{
		Tx: r.Tx, ID: r.ID, Order: r.Order, Time: r.Time,
		Depth: r.Depth(w.at.Height), Height: r.Height, Index: r.Index, Block: r.Block, BlockTime: r.BlockTime,
		InPool: r.InPool, Trusted: w.ledger.Trusted(r), Abandoned: r.Status == ledger.Abandoned || r.Status == ledger.Orphaned, Generated: r.Tx.IsCoinbase(),
		ReplacedBy: r.ReplacedBy, Replaces: r.Replaces, Comment: r.Comment, To: r.To,
	}
	for i := range r.Tx.In {
		e.Replaceable = e.Replaceable || r.Tx.In[i].Sequence < maxReplaceable+1
	}
	e.Conflicts = w.ledger.Conflicts(r)
	for id := range w.ledger.PoolRivals(r) {
		if !slices.Contains(e.PoolConflicts, id) {
			e.PoolConflicts = append(e.PoolConflicts, id)
		}
	}
	var all bool
	e.Debit, all = w.ledger.Debit(r)
	e.Credit = w.ledger.Credit(r)
	e.FromUs = e.Debit > 0
	if e.FromUs && all {
		e.HasFee, e.Fee = true, e.Debit
		for i := range r.Tx.Out {
			e.Fee -= r.Tx.Out[i].Value
		}
	}
	got := Receive
	if e.Generated {
		switch {
		case r.Status != ledger.Confirmed:
			got = Orphan
		case w.ledger.Matures(r, w.at.Height) > 0:
			got = Immature
		default:
			got = Generate
		}
		e.Unripe = got != Generate
	}
	for i := range r.Tx.Out {
		o := &r.Tx.Out[i]
		p, mine := w.scripts[string(o.Script)]
		if !mine {
			e.External = true
		}
		d := Detail{Script: o.Script, Output: i, Address: w.addressOf(o.Script)}
		d.Change = e.FromUs && mine && w.isChange(o.Script)
		d.Label, d.HasLabel = w.labelOf(o.Script)
		if mine {
			d.ParentDescs = []string{p.chain.text}
		}
		if e.FromUs {
			s := d
			s.Category, s.Amount = Send, -o.Value
			e.Details = append(e.Details, s)
		}
		if mine {
			d.Category, d.Amount = got, o.Value
			e.Details = append(e.Details, d)
		}
	}
	return e
}

// Abandon gives an unconfirmed transaction up that the node does not have, and
// all that builds on it, so that what it spends can be spent otherwise.
func (w *Wallet) Abandon(id wire.Hash) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.ledger.Get(id)
	if r == nil {
		return ErrUnknownTx
	}
	if !w.ledger.Abandon(r) {
		return paymentErrorf("Transaction not eligible for abandonment")
	}
	return w.save()
}

// Position returns the block that the wallet stands on.
func (w *Wallet) Position() (hash wire.Hash, height int32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at.Hash, w.at.Height
}
