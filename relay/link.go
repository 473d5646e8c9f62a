package relay

import (
	"container/heap"
	"slices"
	"time"

	"starling/mempool"
	"starling/wire"
)

// link is the state of one link.
type link struct {
	id   PeerID
	info PeerInfo

	queue    queue   // what is to be announced, unless the peer is known to have it
	forced   []*item // what is to be announced in any case, and first
	isForced map[*item]bool
	all      bool      // the peer asks for all that there is
	rest     []*item   // what is left of that; with a filter it takes turns
	next     time.Time // when it is told, if there is something to tell
	told     time.Time // when it was told last
	sequence uint64    // of the pool at that time

	wanted Filter          // what the peer wants to hear of; nil for all
	filter mempool.FeeRate // least rate that the peer wants to hear of

	filterSent mempool.FeeRate // of this node, as the peer was told
	filterDue  time.Time       // when it is told again
}

// busy reports whether there is something to tell.
func (l *link) busy() bool { return l.all || len(l.rest) > 0 || len(l.queue) > 0 || len(l.forced) > 0 }

// waiting returns how many transactions are to be announced; one that waits for
// several reasons counts once.
func (l *link) waiting() int {
	if len(l.forced) == 0 && len(l.rest) == 0 {
		return len(l.queue)
	}
	all := make(map[*item]struct{}, len(l.queue)+len(l.forced)+len(l.rest))
	for _, list := range [][]*item{l.queue, l.forced, l.rest} {
		for _, it := range list {
			all[it] = struct{}{}
		}
	}
	return len(all)
}

// add has a transaction announced.
func (l *link) add(it *item) {
	heap.Push(&l.queue, it)
	l.limit()
}

// force has a transaction announced first and in any case.
func (l *link) force(it *item) {
	if l.isForced == nil {
		l.isForced = make(map[*item]bool)
	}
	if !l.isForced[it] {
		l.isForced[it] = true
		l.forced = append(l.forced, it)
	}
}

// nextForced takes the next one of them.
func (l *link) nextForced() *item {
	it := l.forced[0]
	delete(l.isForced, it)
	if l.forced = l.forced[1:]; len(l.forced) == 0 {
		l.forced, l.isForced = nil, nil
	}
	return it
}

// limit keeps the queue from growing without end.
func (l *link) limit() {
	if len(l.queue) <= maxWaiting {
		return
	}
	kept := slices.DeleteFunc(l.queue, func(it *item) bool { return it.entry == nil })
	slices.SortFunc(kept, compareItems)
	l.queue = slices.Clone(kept[:min(len(kept), maxWaiting/2)]) // sorted, and so a heap
}

// flush makes the announcements of one turn.
func (m *Manager) flush(now time.Time, l *link, out []Action) []Action {
	t := turn{m: m, l: l}
	if l.all {
		l.all, l.rest = false, m.inOrder()
	}
	for len(l.rest) > 0 && !t.tired() {
		t.announce(l.rest[0], true)
		l.rest = l.rest[1:]
	}
	if len(l.rest) == 0 {
		l.rest = nil
	}
	size := min(turnSize+(len(l.queue)+len(l.forced))/1000*5, maxTurn)
	half, most := t.n+size/2, t.n+size
	// What is announced again must not keep what is new waiting.
	for t.n < most && !t.tired() && len(l.forced) > 0 && (t.n < half || len(l.queue) == 0) {
		t.announce(l.nextForced(), true)
	}
	for t.n < most && !t.tired() && len(l.queue) > 0 {
		t.announce(heap.Pop(&l.queue).(*item), false)
	}
	if cap(l.queue) > 1024 && len(l.queue) < cap(l.queue)/4 {
		l.queue = slices.Clone(l.queue)
	}
	l.sequence = m.sequence
	l.told = now
	for inv := range slices.Chunk(t.inv, wire.MaxInv) {
		out = append(out, Action{l.id, &wire.MsgInv{Inv: inv}})
	}
	return out
}

// turn is what one link is told in one turn.
type turn struct {
	m   *Manager
	l   *link
	inv []wire.InvVect
	n   int // transactions in it

	filtered int64 // virtual bytes that were put to the link's filter
}

// tired reports whether enough was put to the link's filter for one turn.
func (t *turn) tired() bool { return t.filtered >= filteredSize }

// announce adds a transaction to the turn, after its parents if the peer is not
// known to have them. Unless again is set, it does nothing if the peer is known
// to have the transaction itself.
func (t *turn) announce(it *item, again bool) {
	e := it.entry
	if e == nil {
		return // it has left the pool
	}
	v := wire.InvVect{Type: wire.InvTx, Hash: e.TxID}
	if t.l.info.WTxID {
		v = wire.InvVect{Type: wire.InvWTx, Hash: e.WTxID}
	}
	if !again && t.l.info.Known.Has(v.Hash) {
		return
	}
	if e.Fee < t.l.filter.Fee(e.VSize) {
		// It would not enter the peer's pool. If a child pays for it, the peer
		// hears of the child and asks for it.
		return
	}
	if t.l.wanted != nil {
		if t.filtered += e.VSize; !t.l.wanted.Wants(e.Tx) {
			return
		}
	}
	// Noted before the parents are looked at, so that this ends.
	fresh := t.l.info.Known.Add(v.Hash)
	for i := range e.Tx.In {
		if p := t.m.pool[e.Tx.In[i].PrevOut.Hash]; p != nil {
			t.announce(p, false)
		}
	}
	if fresh || again {
		t.inv = append(t.inv, v)
		t.n++
	}
}

// queue is a heap of transactions with the best fee rate on top.
type queue []*item

func (q *queue) init() { heap.Init(q) }

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return better(q[i], q[j]) }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)        { *q = append(*q, x.(*item)) }
func (q *queue) Pop() any {
	old := *q
	it := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	return it
}

// compareItems is better in the form of cmp.Compare, for different items.
func compareItems(a, b *item) int {
	if better(a, b) {
		return -1
	}
	return 1
}

// better orders by fee rate, and for the same rate by id, which is as good as
// drawn by lot.
func better(a, b *item) bool {
	if a.rate != b.rate {
		return a.rate > b.rate
	}
	return slices.Compare(a.txid[:], b.txid[:]) < 0
}
