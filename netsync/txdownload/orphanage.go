package txdownload

import (
	"cmp"
	"container/list"
	"math/rand/v2"
	"slices"
	"time"

	"starling/wire"
)

const (
	// ReservedWeight is how much weight of orphans each peer may have here
	// whatever others send: one transaction of the largest standard size, and a
	// little. 125 peers that use it up cost 50 MB, or 250 MB if their witnesses
	// are made of empty items, which take four bytes more each.
	ReservedWeight = 404_000

	// MaxOrphanScore bounds how many orphans there are in all: each
	// announcement counts one, and one more for every ten inputs, as that is
	// what it costs to look them through. Peers share it equally when it is used
	// up.
	MaxOrphanScore = 3000

	// MaxOrphanWeight is the weight of the largest transaction that is kept:
	// larger ones would not be relayed anyway.
	MaxOrphanWeight = 400_000

	// OrphanExpiry is how long an orphan waits for its parents.
	OrphanExpiry = 20 * time.Minute
)

// orphan is a transaction whose parents are missing, or one that comes too early
// for this node's tip.
type orphan struct {
	tx            *wire.Tx
	txid, wtxid   wire.Hash
	weight, score int
	parents       []wire.Hash // ids of the missing parents, when it came
	early         bool        // it waits for a new tip
	since         time.Time
	place         *list.Element // in orphanage.byAge
	from          []*claim      // who announced it, the first one first; never empty
}

// claim is one peer's announcement of an orphan. It counts against that peer.
type claim struct {
	orphan *orphan
	peer   PeerID
	seq    uint64
	work   bool // a parent has arrived: to be tried again on account of this peer
}

// account is what the orphans of one peer cost.
type account struct {
	claims        []*claim // the oldest first
	weight, score int
	work          int // claims to be tried again
}

// orphanage keeps orphans. What a peer announces counts against it in full,
// even if others have announced the same, so that nobody can use up what is
// reserved for another.
type orphanage struct {
	rng      *rand.Rand
	seq      uint64
	byID     map[wire.Hash]*orphan // by wtxid
	spending map[wire.OutPoint][]*orphan
	byAge    list.List // of *orphan, the oldest first
	peers    map[PeerID]*account

	weight, score int    // of all: the weight once for each orphan, the score for each claim
	turn          PeerID // whose orphan was tried last
}

func newOrphanage(rng *rand.Rand) *orphanage {
	return &orphanage{rng: rng, byID: make(map[wire.Hash]*orphan),
		spending: make(map[wire.OutPoint][]*orphan), peers: make(map[PeerID]*account)}
}

func (o *orphanage) has(wtxid wire.Hash) bool { return o.byID[wtxid] != nil }

func (o *orphanage) hasFrom(wtxid wire.Hash, peer PeerID) bool {
	x := o.byID[wtxid]
	return x != nil && x.claimOf(peer) != nil
}

func (x *orphan) claimOf(peer PeerID) *claim {
	for _, c := range x.from {
		if c.peer == peer {
			return c
		}
	}
	return nil
}

// add keeps a transaction on account of a peer, or notes that this peer has it
// too. Then it makes room if there is too much.
func (o *orphanage) add(now time.Time, tx *wire.Tx, parents []wire.Hash, peer PeerID) {
	o.keep(now, tx, parents, peer, false)
}

// addEarly keeps a transaction until the next tip.
func (o *orphanage) addEarly(now time.Time, tx *wire.Tx, peer PeerID) {
	o.keep(now, tx, nil, peer, true)
}

func (o *orphanage) keep(now time.Time, tx *wire.Tx, parents []wire.Hash, peer PeerID, early bool) {
	wtxid := tx.WTxID()
	x := o.byID[wtxid]
	if x == nil {
		weight := tx.Weight()
		if weight > MaxOrphanWeight {
			return
		}
		x = &orphan{tx: tx, txid: tx.TxID(), wtxid: wtxid, weight: weight, score: 1 + len(tx.In)/10,
			parents: parents, early: early, since: now}
		o.byID[wtxid] = x
		x.place = o.byAge.PushBack(x)
		o.weight += weight
		for i := range tx.In {
			op := tx.In[i].PrevOut
			if !slices.Contains(o.spending[op], x) {
				o.spending[op] = append(o.spending[op], x)
			}
		}
	}
	o.claim(x, peer)
	o.trim()
}

// claim notes that a peer has an orphan.
func (o *orphanage) claim(x *orphan, peer PeerID) {
	if x.claimOf(peer) != nil {
		return
	}
	a := o.peers[peer]
	if a == nil {
		a = &account{}
		o.peers[peer] = a
	}
	o.seq++
	c := &claim{orphan: x, peer: peer, seq: o.seq}
	x.from = append(x.from, c)
	a.claims = append(a.claims, c)
	a.weight += x.weight
	a.score += x.score
	o.score += x.score
}

// unclaim takes an announcement back, and the orphan with it if it was the
// last one.
func (o *orphanage) unclaim(c *claim) {
	x, a := c.orphan, o.peers[c.peer]
	a.claims = slices.DeleteFunc(a.claims, func(d *claim) bool { return d == c })
	a.weight -= x.weight
	a.score -= x.score
	o.score -= x.score
	if c.work {
		a.work--
	}
	if len(a.claims) == 0 {
		delete(o.peers, c.peer)
	}
	x.from = slices.DeleteFunc(x.from, func(d *claim) bool { return d == c })
	if len(x.from) == 0 {
		o.remove(x)
	} else if c.work {
		o.wake(x)
	}
}

// remove forgets an orphan that nobody announces any more.
func (o *orphanage) remove(x *orphan) {
	delete(o.byID, x.wtxid)
	o.byAge.Remove(x.place)
	o.weight -= x.weight
	for i := range x.tx.In {
		op := x.tx.In[i].PrevOut
		if rest := slices.DeleteFunc(o.spending[op], func(y *orphan) bool { return y == x }); len(rest) > 0 {
			o.spending[op] = rest
		} else {
			delete(o.spending, op)
		}
	}
}

// erase forgets an orphan, whoever announced it.
func (o *orphanage) erase(wtxid wire.Hash) {
	x := o.byID[wtxid]
	if x == nil {
		return
	}
	for _, c := range x.from {
		o.done(c)
	}
	for len(x.from) > 0 {
		o.unclaim(x.from[len(x.from)-1])
	}
}

// done takes an orphan out of those to be tried again.
func (o *orphanage) done(c *claim) {
	if c.work {
		c.work = false
		o.peers[c.peer].work--
	}
}

// peerDown forgets what counts against a peer.
func (o *orphanage) peerDown(peer PeerID) {
	for a := o.peers[peer]; a != nil && len(a.claims) > 0; {
		o.unclaim(a.claims[len(a.claims)-1])
	}
}

// trim makes room: the peer that uses the greatest share of what it may have
// loses its oldest orphan, until there is no longer too much in all.
func (o *orphanage) trim() {
	for o.score > MaxOrphanScore || o.weight > ReservedWeight*max(1, len(o.peers)) {
		a := o.worst()
		victim := a.claims[0]
		for _, c := range a.claims {
			if !c.work {
				victim = c
				break
			}
		}
		o.unclaim(victim)
	}
}

// worst returns the account that uses the greatest share of what it may have.
func (o *orphanage) worst() *account {
	var worst *account
	var share float64
	var id PeerID
	scoreEach := float64(max(1, MaxOrphanScore/max(1, len(o.peers))))
	for peer, a := range o.peers {
		s := max(float64(a.weight)/ReservedWeight, float64(a.score)/scoreEach)
		if worst == nil || s > share || s == share && peer > id {
			worst, share, id = a, s, peer
		}
	}
	return worst
}

// expire forgets what has waited too long.
func (o *orphanage) expire(now time.Time) {
	for e := o.byAge.Front(); e != nil && now.Sub(e.Value.(*orphan).since) >= OrphanExpiry; e = o.byAge.Front() {
		o.erase(e.Value.(*orphan).wtxid)
	}
}

// deadline returns when the oldest orphan expires; zero for never.
func (o *orphanage) deadline() time.Time {
	if e := o.byAge.Front(); e != nil {
		return e.Value.(*orphan).since.Add(OrphanExpiry)
	}
	return time.Time{}
}

// arrived marks the orphans that spend an output of tx as worth another try.
func (o *orphanage) arrived(tx *wire.Tx) {
	if len(o.byID) == 0 {
		return
	}
	op := wire.OutPoint{Hash: tx.TxID()}
	for i := range tx.Out {
		op.Index = uint32(i)
		for _, x := range o.spending[op] {
			o.wake(x)
		}
	}
}

// tipMoved marks the transactions that have come too early as worth another try.
func (o *orphanage) tipMoved() {
	for e := o.byAge.Front(); e != nil; e = e.Next() {
		if x := e.Value.(*orphan); x.early {
			o.wake(x)
		}
	}
}

// wake marks an orphan as worth another try, on account of one of the peers
// that announced it, drawn by lot so that an attacker cannot have it put off
// behind his own.
func (o *orphanage) wake(x *orphan) {
	if slices.ContainsFunc(x.from, func(c *claim) bool { return c.work }) {
		return
	}
	c := x.from[o.rng.IntN(len(x.from))]
	c.work = true
	o.peers[c.peer].work++
}

// next takes the next orphan to try again: the oldest one of the peer whose turn
// it is.
func (o *orphanage) next() (peer PeerID, tx *wire.Tx, ok bool) {
	var first, after PeerID // the lowest number, and the lowest one after the last turn
	var anyone, later bool
	for id, a := range o.peers {
		if a.work == 0 {
			continue
		}
		if !anyone || id < first {
			first, anyone = id, true
		}
		if id > o.turn && (!later || id < after) {
			after, later = id, true
		}
	}
	switch {
	case !anyone:
		return 0, nil, false
	case later:
		first = after
	}
	o.turn = first
	for _, c := range o.peers[first].claims {
		if c.work {
			o.done(c)
			return first, c.orphan.tx, true
		}
	}
	return 0, nil, false // cannot be: the account has work
}

func (o *orphanage) hasWork() bool {
	for _, a := range o.peers {
		if a.work > 0 {
			return true
		}
	}
	return false
}

// children returns the orphans that a peer has announced and that spend an
// output of parent: those to be tried again first, and of the others the newest
// first, as one that replaces another is worth more.
func (o *orphanage) children(parent *wire.Tx, peer PeerID) []*wire.Tx {
	var found []*claim
	op := wire.OutPoint{Hash: parent.TxID()}
	for i := range parent.Out {
		op.Index = uint32(i)
		for _, x := range o.spending[op] {
			if c := x.claimOf(peer); c != nil && !slices.Contains(found, c) {
				found = append(found, c)
			}
		}
	}
	slices.SortFunc(found, func(a, b *claim) int {
		if a.work != b.work {
			if a.work {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.seq, a.seq)
	})
	txs := make([]*wire.Tx, len(found))
	for i, c := range found {
		txs[i] = c.orphan.tx
	}
	return txs
}

// block forgets the orphans that a block holds, or that spend what it spends.
func (o *orphanage) block(txs []wire.Tx) {
	if len(o.byID) == 0 {
		return
	}
	for i := range txs {
		for j := range txs[i].In {
			for _, x := range slices.Clone(o.spending[txs[i].In[j].PrevOut]) {
				o.erase(x.wtxid)
			}
		}
	}
}
