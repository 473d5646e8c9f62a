package ledger

import (
	"bytes"
	"cmp"
	"iter"
	"slices"

	"starling/wire"
)

// Status says where a transaction stands.
type Status uint8

const (
	// Unconfirmed is a transaction that may still get into a block.
	Unconfirmed Status = iota
	// Confirmed is one in a block of the best chain.
	Confirmed
	// Conflicted is one that cannot confirm any more, as a block holds another
	// that spends the same.
	Conflicted
	// Abandoned is one that the user gave up.
	Abandoned
	// Orphaned is a reward whose block has left the chain, or one that builds
	// on such a reward: it cannot confirm unless that block comes back.
	Orphaned
)

// Record is a transaction of the wallet. All fields but the last two are on disk.
type Record struct {
	Tx    *wire.Tx
	ID    wire.Hash
	Order uint64 // rises with the order in which the wallet saw them

	Status Status
	// Block is the one that holds the transaction or, if conflicted, the one
	// that holds the other.
	Block     wire.Hash
	Height    int32 // of block
	Index     int32 // place in block
	BlockTime int64

	Time       int64 // when the wallet first saw it, in seconds since 1970
	ReplacedBy wire.Hash
	Replaces   wire.Hash
	Comment    string
	To         string

	InPool bool // the node has it among its unconfirmed transactions
	// Thawed are the outputs that it spends and that were frozen before, true
	// if on disk.
	Thawed map[wire.OutPoint]bool
}

// Output is an output that pays the wallet.
type Output struct {
	OutPoint wire.OutPoint
	Value    int64
	Script   []byte
	Record   *Record
}

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

// Rivals reports whether a transaction spends what one of the wallet's spends,
// also if that is not the wallet's: then it decides about it.
func (l *Ledger) Rivals(tx *wire.Tx) bool {
	for i := range tx.In {
		if len(l.Spenders[tx.In[i].PrevOut]) > 0 {
			return true
		}
	}
	return false
}

// Take notes that the node's pool has a transaction that is not the wallet's,
// but may spend what one of the wallet's spends.
func (l *Ledger) Take(tx *wire.Tx) {
	for i := range tx.In {
		if op := tx.In[i].PrevOut; len(l.Spenders[op]) > 0 {
			l.Taken[op] = tx.TxID()
		}
	}
}

// Release takes back what Take noted, as the pool has the transaction no more.
func (l *Ledger) Release(tx *wire.Tx) {
	for i := range tx.In {
		if op := tx.In[i].PrevOut; l.Taken[op] == tx.TxID() {
			delete(l.Taken, op)
		}
	}
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

// Confirm records that tx is in a block. now is the time to remember for one
// that is new.
func (l *Ledger) Confirm(tx *wire.Tx, block wire.Hash, height, index int32, blockTime, now int64) *Record {
	r, fresh := l.Add(tx, min(now, blockTime))
	if !fresh && r.Status == Confirmed && r.Block == block {
		return r
	}
	back := r.Status == Orphaned
	r.Status, r.Block, r.Height, r.Index, r.BlockTime = Confirmed, block, height, index, blockTime
	r.InPool = false
	l.Touch(r)
	l.Defeat(tx, block, height)
	if back {
		l.JudgeRewards()
	}
	return r
}

// Defeat marks what can not confirm any more because tx is in a block: the
// wallet's transactions that spend the same, and all that builds on them.
func (l *Ledger) Defeat(tx *wire.Tx, block wire.Hash, height int32) {
	id := tx.TxID()
	for i := range tx.In {
		for _, s := range l.Spenders[tx.In[i].PrevOut] {
			if s.ID != id {
				l.conflict(s, block, height)
			}
		}
	}
}

// conflict marks r and its descendants.
func (l *Ledger) conflict(r *Record, block wire.Hash, height int32) {
	todo := []*Record{r}
	for len(todo) > 0 {
		r, todo = todo[0], todo[1:]
		if r.Status == Confirmed || r.Status == Conflicted {
			continue
		}
		r.Status, r.Block, r.Height, r.Index, r.BlockTime = Conflicted, block, height, -1, 0
		r.InPool = false
		l.Touch(r)
		todo = append(todo, l.Children(r)...)
	}
}

// Children returns the wallet's transactions that spend an output of r.
func (l *Ledger) Children(r *Record) []*Record {
	var all []*Record
	for i := range r.Tx.Out {
		all = append(all, l.Spenders[wire.OutPoint{Hash: r.ID, Index: uint32(i)}]...)
	}
	return all
}

// Disconnect takes back what the block decided: its transactions are
// unconfirmed again, and so is what it made impossible.
func (l *Ledger) Disconnect(block wire.Hash) {
	for _, r := range l.Records {
		if r.Block != block || r.Status != Confirmed && r.Status != Conflicted {
			continue
		}
		r.Status, r.Block, r.Height, r.Index, r.BlockTime = Unconfirmed, wire.Hash{}, -1, -1, 0
		l.Touch(r)
	}
	l.JudgeRewards()
}

// JudgeRewards marks as orphaned what builds on a reward that is in no block of
// the chain, and takes the mark back from what does so no more.
func (l *Ledger) JudgeRewards() {
	lost := map[*Record]bool{}
	var line []*Record
	for _, r := range l.Records {
		if r.Tx.IsCoinbase() && r.Status != Confirmed {
			lost[r] = true
			line = append(line, r)
		}
	}
	for len(line) > 0 {
		var r *Record
		r, line = line[0], line[1:]
		for _, c := range l.Children(r) {
			if !lost[c] {
				lost[c] = true
				line = append(line, c)
			}
		}
	}
	for _, r := range l.Records {
		switch {
		case lost[r] && r.Status == Unconfirmed:
			r.Status = Orphaned
			l.Touch(r)
		case !lost[r] && r.Status == Orphaned:
			r.Status = Unconfirmed
			l.Touch(r)
		}
	}
}

// Abandon gives r and all that builds on it up. It reports false if r is
// confirmed, known to conflict, or in the node's pool, or if what builds on it
// is.
func (l *Ledger) Abandon(r *Record) bool {
	all := l.family(r)
	for _, d := range all {
		if d.InPool || d.Status == Confirmed {
			return false
		}
	}
	if r.Status == Conflicted {
		return false
	}
	for _, d := range all {
		if d.Status == Unconfirmed || d.Status == Orphaned && !d.Tx.IsCoinbase() {
			d.Status = Abandoned
			l.Touch(d)
		}
	}
	return true
}

// family returns r and all that builds on it, parents first.
func (l *Ledger) family(r *Record) []*Record {
	all := []*Record{r}
	seen := map[wire.Hash]bool{r.ID: true}
	for i := 0; i < len(all); i++ {
		for _, c := range l.Children(all[i]) {
			if !seen[c.ID] {
				seen[c.ID] = true
				all = append(all, c)
			}
		}
	}
	return all
}

// Remove forgets a record as if it had never been.
func (l *Ledger) Remove(r *Record) {
	delete(l.Records, r.ID)
	for i := range r.Tx.In {
		op := r.Tx.In[i].PrevOut
		l.Spenders[op] = slices.DeleteFunc(l.Spenders[op], func(o *Record) bool { return o == r })
		if len(l.Spenders[op]) == 0 {
			delete(l.Spenders, op)
		}
	}
	for i := range r.Tx.Out {
		delete(l.Outs, wire.OutPoint{Hash: r.ID, Index: uint32(i)})
	}
	if l.Dirty[r.ID] {
		delete(l.Dirty, r.ID)
		l.Unsaved -= len(r.Tx.Bytes())
	}
	l.Removed[r.ID] = true
}

// PoolRivals returns the transactions for which r can not get into the node's
// pool now: those in it that spend what r spends, or what one spends that r
// builds on. One may come more than once.
func (l *Ledger) PoolRivals(r *Record) iter.Seq[wire.Hash] {
	return func(yield func(wire.Hash) bool) {
		line := []*Record{r} // r and what it builds on, as far as the pool does not have it
		seen := map[*Record]bool{r: true}
		for i := 0; i < len(line); i++ {
			r := line[i]
			if r.InPool || r.Status == Confirmed {
				continue
			}
			for j := range r.Tx.In {
				op := r.Tx.In[j].PrevOut
				if id, taken := l.Taken[op]; taken && !yield(id) {
					return
				}
				for _, s := range l.Spenders[op] {
					if s != r && s.InPool && !yield(s.ID) {
						return
					}
				}
				if parent := l.Records[op.Hash]; parent != nil && !seen[parent] {
					seen[parent] = true
					line = append(line, parent)
				}
			}
		}
	}
}

// poolRival reports whether r has any of PoolRivals.
func (l *Ledger) poolRival(r *Record) bool {
	for range l.PoolRivals(r) {
		return true
	}
	return false
}

// Outranked reports whether one of r's PoolRivals is another's, or the wallet
// made or saw it after r: then r had its turn, as with a payment whose fee was
// raised.
func (l *Ledger) Outranked(r *Record) bool {
	for id := range l.PoolRivals(r) {
		if rival := l.Records[id]; rival == nil || rival.Order > r.Order {
			return true
		}
	}
	return false
}

// Counts reports whether what r spends is spent: it is confirmed, or may yet
// be.
func (l *Ledger) Counts(r *Record) bool {
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
	for _, s := range l.Spenders[op] {
		if l.Counts(s) {
			return true
		}
	}
	return false
}

// Depth returns how many confirmations r has at the given height of the tip,
// below zero if it conflicts with a block.
func (r *Record) Depth(tip int32) int32 {
	switch r.Status {
	case Confirmed:
		return max(1, tip-r.Height+1)
	case Conflicted:
		return -max(1, tip-r.Height+1)
	default:
		return 0
	}
}

// Debit returns what r spends of ours, and whether all that it spends is.
func (l *Ledger) Debit(r *Record) (sum int64, all bool) {
	all = true
	for i := range r.Tx.In {
		if o, ok := l.Outs[r.Tx.In[i].PrevOut]; ok {
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
		if o, ok := l.Outs[wire.OutPoint{Hash: r.ID, Index: uint32(i)}]; ok {
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
		o, ok := l.Outs[r.Tx.In[i].PrevOut]
		if !ok || !l.trustedIn(o.Record, known) {
			return false
		}
	}
	known[r.ID] = true
	return true
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

// Conflicts returns the ids of the wallet's other transactions that spend the
// same as r, in order.
func (l *Ledger) Conflicts(r *Record) []*Record {
	var all []*Record
	for i := range r.Tx.In {
		for _, s := range l.Spenders[r.Tx.In[i].PrevOut] {
			if s != r && !slices.Contains(all, s) {
				all = append(all, s)
			}
		}
	}
	slices.SortFunc(all, func(a, b *Record) int { return cmp.Compare(a.Order, b.Order) })
	return all
}
