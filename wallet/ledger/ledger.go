package ledger

import (
	"bytes"
	"cmp"
	"slices"

	"starling/wire"
)

// Rules are what a network says of coins.
type Rules struct {
	// CoinbaseMaturity is how many blocks must stand on the one of a reward
	// before it may be spent.
	CoinbaseMaturity int32
	// GenesisSpendable is set where the outputs of the first block may be spent.
	GenesisSpendable bool
}

// Ledger knows the wallet's transactions and what became of each output. It
// decides what a new transaction, a block or its undoing mean for the others.
// It does no I/O; [Ledger.Changes] names what must be written.
type Ledger struct {
	rules    Rules
	owns     func(script []byte) bool
	records  map[wire.Hash]*Record
	outs     map[wire.OutPoint]*Output
	spenders map[wire.OutPoint][]*Record // of any output, ours or not
	next     uint64                      // order of the next record

	// taken names the transactions in the node's pool that spend what one of
	// the wallet's spends and are not the wallet's themselves.
	taken map[wire.OutPoint]wire.Hash
	// frozen are the outputs that are not to be spent, true if that is to
	// outlast a restart.
	frozen map[wire.OutPoint]bool

	// What is not on disk yet: records, and outputs that are frozen there from
	// now on (true) or no more.
	dirty   map[wire.Hash]bool
	removed map[wire.Hash]bool
	locks   map[wire.OutPoint]bool
	unsaved int // bytes of the transactions in dirty
}

// New returns an empty ledger. owns reports whether a script is the wallet's.
func New(rules Rules, owns func(script []byte) bool) *Ledger {
	return &Ledger{
		rules:    rules,
		owns:     owns,
		records:  map[wire.Hash]*Record{},
		outs:     map[wire.OutPoint]*Output{},
		spenders: map[wire.OutPoint][]*Record{},
		taken:    map[wire.OutPoint]wire.Hash{},
		frozen:   map[wire.OutPoint]bool{},
		dirty:    map[wire.Hash]bool{},
		removed:  map[wire.Hash]bool{},
		locks:    map[wire.OutPoint]bool{},
	}
}

// Len returns how many transactions there are.
func (l *Ledger) Len() int { return len(l.records) }

// Get returns the record of a transaction, or nil.
func (l *Ledger) Get(id wire.Hash) *Record { return l.records[id] }

// Output returns an output of the wallet's, spent or not.
func (l *Ledger) Output(op wire.OutPoint) (*Output, bool) {
	o, ok := l.outs[op]
	return o, ok
}

// touches reports whether a transaction pays the wallet or spends of it.
func (l *Ledger) touches(tx *wire.Tx) bool {
	for i := range tx.In {
		if _, ok := l.outs[tx.In[i].PrevOut]; ok {
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

// Insert takes a record in as it was read from disk, and links it.
func (l *Ledger) Insert(r *Record) {
	l.records[r.ID] = r
	l.next = max(l.next, r.Order+1)
	for i := range r.Tx.In {
		if op := r.Tx.In[i].PrevOut; !op.IsNull() {
			l.spenders[op] = append(l.spenders[op], r)
		}
	}
	l.claim(r)
}

// claim finds the outputs of r that are ours.
func (l *Ledger) claim(r *Record) {
	for i := range r.Tx.Out {
		o := &r.Tx.Out[i]
		op := wire.OutPoint{Hash: r.ID, Index: uint32(i)}
		if _, known := l.outs[op]; !known && l.owns(o.Script) {
			l.outs[op] = &Output{OutPoint: op, Value: o.Value, Script: o.Script, Record: r}
		}
	}
}

// Reclaim looks at all outputs again, after keys have come in.
func (l *Ledger) Reclaim() {
	for _, r := range l.records {
		l.claim(r)
	}
}

// add returns the record of tx, which it makes if there is none.
func (l *Ledger) add(tx *wire.Tx, now int64) (r *Record, fresh bool) {
	id := tx.TxID()
	if r = l.records[id]; r != nil {
		return r, false
	}
	// A copy, as tx may be a view into a whole block.
	own, err := wire.ParseTx(bytes.Clone(tx.Bytes()))
	if err != nil {
		panic("ledger: a transaction that was parsed does not parse: " + err.Error())
	}
	r = &Record{Tx: own, ID: id, Order: l.next, Time: now, Height: -1, Index: -1}
	l.Insert(r)
	l.touch(r)
	l.thawSpent(r)
	return r, true
}

// Sorted returns all records in the order in which the wallet saw them.
func (l *Ledger) Sorted() []*Record {
	all := make([]*Record, 0, len(l.records))
	for _, r := range l.records {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *Record) int { return cmp.Compare(a.Order, b.Order) })
	return all
}
