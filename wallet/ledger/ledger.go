package ledger

import (
	"bytes"
	"cmp"
	"slices"

	"starling/wire"
)

// Ledger knows the wallet's transactions and what became of each output. It
// decides what a new transaction, a block or its undoing mean for the others.
// It does no I/O; Dirty names what must be written.
type Ledger struct {
	owns func(script []byte) bool
	// fresh is told of each new transaction.
	fresh    func(r *Record)
	Records  map[wire.Hash]*Record
	Outs     map[wire.OutPoint]*Output
	Spenders map[wire.OutPoint][]*Record // of any output, ours or not
	next     uint64                      // order of the next record

	// Taken names the transactions in the node's pool that spend what one of
	// the wallet's spends and are not the wallet's themselves.
	Taken map[wire.OutPoint]wire.Hash

	Dirty   map[wire.Hash]bool
	Removed map[wire.Hash]bool
	Unsaved int // bytes of the transactions in Dirty
}

// New returns an empty ledger. owns reports whether a script is the
// wallet's.
func New(owns func([]byte) bool, fresh func(*Record)) *Ledger {
	return &Ledger{
		owns:     owns,
		fresh:    fresh,
		Records:  map[wire.Hash]*Record{},
		Outs:     map[wire.OutPoint]*Output{},
		Spenders: map[wire.OutPoint][]*Record{},
		Taken:    map[wire.OutPoint]wire.Hash{},
		Dirty:    map[wire.Hash]bool{},
		Removed:  map[wire.Hash]bool{},
	}
}

// Touches reports whether a transaction pays the wallet or spends of it.
func (l *Ledger) Touches(tx *wire.Tx) bool {
	for i := range tx.In {
		if _, ok := l.Outs[tx.In[i].PrevOut]; ok {
			return true
		}
	}
	for i := range tx.Out {
		if l.owns(tx.Out[i].Script) {
			return true
		}
	}
	return false
}

// Insert takes a record in whose fields are set, and links it.
func (l *Ledger) Insert(r *Record) {
	l.Records[r.ID] = r
	l.next = max(l.next, r.Order+1)
	for i := range r.Tx.In {
		if op := r.Tx.In[i].PrevOut; !op.IsNull() {
			l.Spenders[op] = append(l.Spenders[op], r)
		}
	}
	l.claim(r)
}

// claim finds the outputs of r that are ours.
func (l *Ledger) claim(r *Record) {
	for i := range r.Tx.Out {
		o := &r.Tx.Out[i]
		op := wire.OutPoint{Hash: r.ID, Index: uint32(i)}
		if _, known := l.Outs[op]; !known && l.owns(o.Script) {
			l.Outs[op] = &Output{OutPoint: op, Value: o.Value, Script: o.Script, Record: r}
		}
	}
}

// Reclaim looks at all outputs again, after keys have come in.
func (l *Ledger) Reclaim() {
	for _, r := range l.Records {
		l.claim(r)
	}
}

// Add returns the record of tx, which it makes if there is none.
func (l *Ledger) Add(tx *wire.Tx, now int64) (r *Record, fresh bool) {
	id := tx.TxID()
	if r = l.Records[id]; r != nil {
		return r, false
	}
	// A copy, as tx may be a view into a whole block.
	own, err := wire.ParseTx(bytes.Clone(tx.Bytes()))
	if err != nil {
		panic("wallet: a transaction that was parsed does not parse: " + err.Error())
	}
	r = &Record{Tx: own, ID: id, Order: l.next, Time: now, Height: -1, Index: -1}
	l.Insert(r)
	l.Touch(r)
	l.fresh(r)
	return r, true
}

// Touch has a record written with the next save.
func (l *Ledger) Touch(r *Record) {
	if !l.Dirty[r.ID] {
		l.Dirty[r.ID] = true
		l.Unsaved += len(r.Tx.Bytes())
	}
}

// Saved says that all that Dirty and Removed name has been written.
func (l *Ledger) Saved() {
	clear(l.Dirty)
	clear(l.Removed)
	l.Unsaved = 0
}

// Sorted returns all records in the order in which the wallet saw them.
func (l *Ledger) Sorted() []*Record {
	all := make([]*Record, 0, len(l.Records))
	for _, r := range l.Records {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *Record) int { return cmp.Compare(a.Order, b.Order) })
	return all
}
