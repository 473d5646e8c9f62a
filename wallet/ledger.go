package wallet

import (
	"bytes"
	"cmp"
	"iter"
	"slices"

	"starling/wire"
)

// status says where a transaction stands.
type status uint8

const (
	// unconfirmed is a transaction that may still get into a block.
	unconfirmed status = iota
	// confirmed is one in a block of the best chain.
	confirmed
	// conflicted is one that cannot confirm any more, as a block holds another
	// that spends the same.
	conflicted
	// abandoned is one that the user gave up.
	abandoned
	// orphaned is a reward whose block has left the chain, or one that builds
	// on such a reward: it cannot confirm unless that block comes back.
	orphaned
)

// record is a transaction of the wallet. All fields but the last two are on disk.
type record struct {
	tx    *wire.Tx
	id    wire.Hash
	order uint64 // rises with the order in which the wallet saw them

	status status
	// block is the one that holds the transaction or, if conflicted, the one
	// that holds the other.
	block     wire.Hash
	height    int32 // of block
	index     int32 // place in block
	blockTime int64

	time       int64 // when the wallet first saw it, in seconds since 1970
	replacedBy wire.Hash
	replaces   wire.Hash
	comment    string
	to         string

	inPool bool // the node has it among its unconfirmed transactions
	// thawed are the outputs that it spends and that were frozen before, true
	// if on disk.
	thawed map[wire.OutPoint]bool
}

// owned is an output that pays the wallet.
type owned struct {
	op     wire.OutPoint
	value  int64
	script []byte
	rec    *record
}

// ledger knows the wallet's transactions and what became of each output. It
// decides what a new transaction, a block or its undoing mean for the others.
// It does no I/O; dirty names what must be written.
type ledger struct {
	owns func(script []byte) bool
	// fresh is told of each new transaction.
	fresh    func(r *record)
	records  map[wire.Hash]*record
	outs     map[wire.OutPoint]*owned
	spenders map[wire.OutPoint][]*record // of any output, ours or not
	next     uint64                      // order of the next record

	// taken names the transactions in the node's pool that spend what one of
	// the wallet's spends and are not the wallet's themselves.
	taken map[wire.OutPoint]wire.Hash

	dirty   map[wire.Hash]bool
	removed map[wire.Hash]bool
	unsaved int // bytes of the transactions in dirty
}

func newLedger(owns func([]byte) bool, fresh func(*record)) *ledger {
	return &ledger{
		owns:     owns,
		fresh:    fresh,
		records:  map[wire.Hash]*record{},
		outs:     map[wire.OutPoint]*owned{},
		spenders: map[wire.OutPoint][]*record{},
		taken:    map[wire.OutPoint]wire.Hash{},
		dirty:    map[wire.Hash]bool{},
		removed:  map[wire.Hash]bool{},
	}
}

// touches reports whether a transaction pays the wallet or spends of it.
func (l *ledger) touches(tx *wire.Tx) bool {
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

// rivals reports whether a transaction spends what one of the wallet's spends,
// also if that is not the wallet's: then it decides about it.
func (l *ledger) rivals(tx *wire.Tx) bool {
	for i := range tx.In {
		if len(l.spenders[tx.In[i].PrevOut]) > 0 {
			return true
		}
	}
	return false
}

// take notes that the node's pool has a transaction that is not the wallet's,
// but may spend what one of the wallet's spends.
func (l *ledger) take(tx *wire.Tx) {
	for i := range tx.In {
		if op := tx.In[i].PrevOut; len(l.spenders[op]) > 0 {
			l.taken[op] = tx.TxID()
		}
	}
}

// release takes back what take noted, as the pool has the transaction no more.
func (l *ledger) release(tx *wire.Tx) {
	for i := range tx.In {
		if op := tx.In[i].PrevOut; l.taken[op] == tx.TxID() {
			delete(l.taken, op)
		}
	}
}

// insert takes a record in whose fields are set, and links it.
func (l *ledger) insert(r *record) {
	l.records[r.id] = r
	l.next = max(l.next, r.order+1)
	for i := range r.tx.In {
		if op := r.tx.In[i].PrevOut; !op.IsNull() {
			l.spenders[op] = append(l.spenders[op], r)
		}
	}
	l.claim(r)
}

// claim finds the outputs of r that are ours.
func (l *ledger) claim(r *record) {
	for i := range r.tx.Out {
		o := &r.tx.Out[i]
		op := wire.OutPoint{Hash: r.id, Index: uint32(i)}
		if _, known := l.outs[op]; !known && l.owns(o.Script) {
			l.outs[op] = &owned{op: op, value: o.Value, script: o.Script, rec: r}
		}
	}
}

// reclaim looks at all outputs again, after keys have come in.
func (l *ledger) reclaim() {
	for _, r := range l.records {
		l.claim(r)
	}
}

// add returns the record of tx, which it makes if there is none.
func (l *ledger) add(tx *wire.Tx, now int64) (r *record, fresh bool) {
	id := tx.TxID()
	if r = l.records[id]; r != nil {
		return r, false
	}
	// A copy, as tx may be a view into a whole block.
	own, err := wire.ParseTx(bytes.Clone(tx.Bytes()))
	if err != nil {
		panic("wallet: a transaction that was parsed does not parse: " + err.Error())
	}
	r = &record{tx: own, id: id, order: l.next, time: now, height: -1, index: -1}
	l.insert(r)
	l.touch(r)
	l.fresh(r)
	return r, true
}

func (l *ledger) touch(r *record) {
	if !l.dirty[r.id] {
		l.dirty[r.id] = true
		l.unsaved += len(r.tx.Bytes())
	}
}

// saved says that all that dirty and removed name has been written.
func (l *ledger) saved() {
	clear(l.dirty)
	clear(l.removed)
	l.unsaved = 0
}

// confirm records that tx is in a block. now is the time to remember for one
// that is new.
func (l *ledger) confirm(tx *wire.Tx, block wire.Hash, height, index int32, blockTime, now int64) *record {
	r, fresh := l.add(tx, min(now, blockTime))
	if !fresh && r.status == confirmed && r.block == block {
		return r
	}
	back := r.status == orphaned
	r.status, r.block, r.height, r.index, r.blockTime = confirmed, block, height, index, blockTime
	r.inPool = false
	l.touch(r)
	l.defeat(tx, block, height)
	if back {
		l.judgeRewards()
	}
	return r
}

// defeat marks what can not confirm any more because tx is in a block: the
// wallet's transactions that spend the same, and all that builds on them.
func (l *ledger) defeat(tx *wire.Tx, block wire.Hash, height int32) {
	id := tx.TxID()
	for i := range tx.In {
		for _, s := range l.spenders[tx.In[i].PrevOut] {
			if s.id != id {
				l.conflict(s, block, height)
			}
		}
	}
}

// conflict marks r and its descendants.
func (l *ledger) conflict(r *record, block wire.Hash, height int32) {
	todo := []*record{r}
	for len(todo) > 0 {
		r, todo = todo[0], todo[1:]
		if r.status == confirmed || r.status == conflicted {
			continue
		}
		r.status, r.block, r.height, r.index, r.blockTime = conflicted, block, height, -1, 0
		r.inPool = false
		l.touch(r)
		todo = append(todo, l.children(r)...)
	}
}

// children returns the wallet's transactions that spend an output of r.
func (l *ledger) children(r *record) []*record {
	var all []*record
	for i := range r.tx.Out {
		all = append(all, l.spenders[wire.OutPoint{Hash: r.id, Index: uint32(i)}]...)
	}
	return all
}

// disconnect takes back what the block decided: its transactions are
// unconfirmed again, and so is what it made impossible.
func (l *ledger) disconnect(block wire.Hash) {
	for _, r := range l.records {
		if r.block != block || r.status != confirmed && r.status != conflicted {
			continue
		}
		r.status, r.block, r.height, r.index, r.blockTime = unconfirmed, wire.Hash{}, -1, -1, 0
		l.touch(r)
	}
	l.judgeRewards()
}

// judgeRewards marks as orphaned what builds on a reward that is in no block of
// the chain, and takes the mark back from what does so no more.
func (l *ledger) judgeRewards() {
	lost := map[*record]bool{}
	var line []*record
	for _, r := range l.records {
		if r.tx.IsCoinbase() && r.status != confirmed {
			lost[r] = true
			line = append(line, r)
		}
	}
	for len(line) > 0 {
		var r *record
		r, line = line[0], line[1:]
		for _, c := range l.children(r) {
			if !lost[c] {
				lost[c] = true
				line = append(line, c)
			}
		}
	}
	for _, r := range l.records {
		switch {
		case lost[r] && r.status == unconfirmed:
			r.status = orphaned
			l.touch(r)
		case !lost[r] && r.status == orphaned:
			r.status = unconfirmed
			l.touch(r)
		}
	}
}

// abandon gives r and all that builds on it up. It reports false if r is
// confirmed, known to conflict, or in the node's pool, or if what builds on it
// is.
func (l *ledger) abandon(r *record) bool {
	all := l.family(r)
	for _, d := range all {
		if d.inPool || d.status == confirmed {
			return false
		}
	}
	if r.status == conflicted {
		return false
	}
	for _, d := range all {
		if d.status == unconfirmed || d.status == orphaned && !d.tx.IsCoinbase() {
			d.status = abandoned
			l.touch(d)
		}
	}
	return true
}

// family returns r and all that builds on it, parents first.
func (l *ledger) family(r *record) []*record {
	all := []*record{r}
	seen := map[wire.Hash]bool{r.id: true}
	for i := 0; i < len(all); i++ {
		for _, c := range l.children(all[i]) {
			if !seen[c.id] {
				seen[c.id] = true
				all = append(all, c)
			}
		}
	}
	return all
}

// remove forgets a record as if it had never been.
func (l *ledger) remove(r *record) {
	delete(l.records, r.id)
	for i := range r.tx.In {
		op := r.tx.In[i].PrevOut
		l.spenders[op] = slices.DeleteFunc(l.spenders[op], func(o *record) bool { return o == r })
		if len(l.spenders[op]) == 0 {
			delete(l.spenders, op)
		}
	}
	for i := range r.tx.Out {
		delete(l.outs, wire.OutPoint{Hash: r.id, Index: uint32(i)})
	}
	if l.dirty[r.id] {
		delete(l.dirty, r.id)
		l.unsaved -= len(r.tx.Bytes())
	}
	l.removed[r.id] = true
}

// poolRivals returns the transactions for which r can not get into the node's
// pool now: those in it that spend what r spends, or what one spends that r
// builds on. One may come more than once.
func (l *ledger) poolRivals(r *record) iter.Seq[wire.Hash] {
	return func(yield func(wire.Hash) bool) {
		line := []*record{r} // r and what it builds on, as far as the pool does not have it
		seen := map[*record]bool{r: true}
		for i := 0; i < len(line); i++ {
			r := line[i]
			if r.inPool || r.status == confirmed {
				continue
			}
			for j := range r.tx.In {
				op := r.tx.In[j].PrevOut
				if id, taken := l.taken[op]; taken && !yield(id) {
					return
				}
				for _, s := range l.spenders[op] {
					if s != r && s.inPool && !yield(s.id) {
						return
					}
				}
				if parent := l.records[op.Hash]; parent != nil && !seen[parent] {
					seen[parent] = true
					line = append(line, parent)
				}
			}
		}
	}
}

// poolRival reports whether r has any of poolRivals.
func (l *ledger) poolRival(r *record) bool {
	for range l.poolRivals(r) {
		return true
	}
	return false
}

// outranked reports whether one of r's poolRivals is another's, or the wallet
// made or saw it after r: then r had its turn, as with a payment whose fee was
// raised.
func (l *ledger) outranked(r *record) bool {
	for id := range l.poolRivals(r) {
		if rival := l.records[id]; rival == nil || rival.order > r.order {
			return true
		}
	}
	return false
}

// counts reports whether what r spends is spent: it is confirmed, or may yet
// be.
func (l *ledger) counts(r *record) bool {
	switch r.status {
	case confirmed:
		return true
	case unconfirmed:
		return !l.poolRival(r)
	default:
		return false
	}
}

// spent reports whether an output is spent, as far as the wallet knows.
func (l *ledger) spent(op wire.OutPoint) bool {
	for _, s := range l.spenders[op] {
		if l.counts(s) {
			return true
		}
	}
	return false
}

// depth returns how many confirmations r has at the given height of the tip,
// below zero if it conflicts with a block.
func (r *record) depth(tip int32) int32 {
	switch r.status {
	case confirmed:
		return max(1, tip-r.height+1)
	case conflicted:
		return -max(1, tip-r.height+1)
	default:
		return 0
	}
}

// debit returns what r spends of ours, and whether all that it spends is.
func (l *ledger) debit(r *record) (sum int64, all bool) {
	all = true
	for i := range r.tx.In {
		if o, ok := l.outs[r.tx.In[i].PrevOut]; ok {
			sum += o.value
		} else {
			all = false
		}
	}
	return sum, all
}

// credit returns what r pays us.
func (l *ledger) credit(r *record) (sum int64) {
	for i := range r.tx.Out {
		if o, ok := l.outs[wire.OutPoint{Hash: r.id, Index: uint32(i)}]; ok {
			sum += o.value
		}
	}
	return sum
}

// trusted reports whether the outputs of r can be relied upon: it is
// confirmed, or in the pool and made by us of nothing but trusted outputs.
func (l *ledger) trusted(r *record) bool { return l.trustedIn(r, map[wire.Hash]bool{}) }

func (l *ledger) trustedIn(r *record, known map[wire.Hash]bool) bool {
	switch {
	case r.status == confirmed:
		return true
	case r.status != unconfirmed || !r.inPool:
		return false
	}
	if t, ok := known[r.id]; ok {
		return t
	}
	known[r.id] = false
	for i := range r.tx.In {
		o, ok := l.outs[r.tx.In[i].PrevOut]
		if !ok || !l.trustedIn(o.rec, known) {
			return false
		}
	}
	known[r.id] = true
	return true
}

// sorted returns all records in the order in which the wallet saw them.
func (l *ledger) sorted() []*record {
	all := make([]*record, 0, len(l.records))
	for _, r := range l.records {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *record) int { return cmp.Compare(a.order, b.order) })
	return all
}

// conflicts returns the ids of the wallet's other transactions that spend the
// same as r, in order.
func (l *ledger) conflicts(r *record) []*record {
	var all []*record
	for i := range r.tx.In {
		for _, s := range l.spenders[r.tx.In[i].PrevOut] {
			if s != r && !slices.Contains(all, s) {
				all = append(all, s)
			}
		}
	}
	slices.SortFunc(all, func(a, b *record) int { return cmp.Compare(a.order, b.order) })
	return all
}
