package txdownload

import (
	"cmp"
	"container/heap"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"starling/wire"
)

// ID names a transaction as its announcer did: by witness id, or by id.
type ID struct {
	Hash wire.Hash
	WTx  bool // Hash is the witness id
}

type state uint8

const (
	delayed   state = iota // must not be asked for yet
	ready                  // may be asked for
	requested              // has been asked for
	completed              // was tried, without success
)

// announcement says that a peer has a transaction.
type announcement struct {
	id        ID
	peer      *announcer
	seq       uint64 // order of announcements
	lot       uint64 // decides between peers that are equal
	preferred bool
	state     state
	due       time.Time // if delayed: when it becomes ready; if requested: when it has failed
	at        int       // place in the heap; -1 if it has none
}

// announcer is a peer, as the tracker sees it.
type announcer struct {
	id       PeerID
	anns     map[wire.Hash]*announcement
	inFlight int
}

// target is a transaction that somebody has announced.
type target struct {
	hash      wire.Hash
	anns      []*announcement // at most one for each peer
	requested *announcement   // the one that was asked, or nil
	held      int             // how many copies of it are being judged
	dirty     bool            // is in the list of those to look at
}

// tracker knows who announced what and who was asked for what. Announcements
// by id and by witness id that have the same hash are about one transaction.
type tracker struct {
	key     [32]byte
	seq     uint64
	peers   map[PeerID]*announcer
	targets map[wire.Hash]*target
	due     dueHeap
	dirty   []*target
}

func newTracker(key [32]byte) *tracker {
	return &tracker{key: key, peers: make(map[PeerID]*announcer), targets: make(map[wire.Hash]*target)}
}

// announce notes that a peer has a transaction, which may be asked of it from
// due on. What is known of that peer already stays as it is.
func (t *tracker) announce(peer PeerID, id ID, preferred bool, due time.Time) {
	p := t.peers[peer]
	if p == nil {
		p = &announcer{id: peer, anns: make(map[wire.Hash]*announcement)}
		t.peers[peer] = p
	}
	if p.anns[id.Hash] != nil {
		return
	}
	g := t.targets[id.Hash]
	if g == nil {
		g = &target{hash: id.Hash}
		t.targets[id.Hash] = g
	}
	t.seq++
	a := &announcement{id: id, peer: p, seq: t.seq, preferred: preferred, state: delayed, due: due, lot: t.lot(peer, id.Hash)}
	p.anns[id.Hash] = a
	g.anns = append(g.anns, a)
	heap.Push(&t.due, a)
}

// advance moves the tracker to the given time.
func (t *tracker) advance(now time.Time) {
	for len(t.due) > 0 && !t.due[0].due.After(now) {
		a := heap.Pop(&t.due).(*announcement)
		if a.state == delayed {
			a.state = ready
			t.touch(t.targets[a.id.Hash])
		} else {
			t.complete(a)
		}
	}
}

// next returns the next announcement whose peer is to be asked now, or nil. The
// caller has to follow up with request or forget.
func (t *tracker) next() *announcement {
	for len(t.dirty) > 0 {
		g := t.dirty[0]
		t.dirty[0] = nil
		t.dirty = t.dirty[1:]
		g.dirty = false
		if g.requested != nil || g.held > 0 || t.targets[g.hash] != g {
			continue
		}
		var best *announcement
		for _, a := range g.anns {
			if a.state == ready && (best == nil || before(a, best)) {
				best = a
			}
		}
		if best != nil {
			return best
		}
	}
	t.dirty = nil
	return nil
}

// before reports whether a is to be asked before b: preferred peers first, and
// among equals one that differs from transaction to transaction, so that
// nobody can be sure to be asked first by being early.
func before(a, b *announcement) bool {
	if a.preferred != b.preferred {
		return a.preferred
	}
	if a.lot != b.lot {
		return a.lot < b.lot
	}
	return a.seq < b.seq
}

func (t *tracker) lot(peer PeerID, hash wire.Hash) uint64 {
	var b [32 + 8 + wire.HashSize]byte
	copy(b[:], t.key[:])
	binary.LittleEndian.PutUint64(b[32:], uint64(peer))
	copy(b[40:], hash[:])
	sum := sha256.Sum256(b[:])
	return binary.LittleEndian.Uint64(sum[:])
}

// request notes that the announcer is being asked, and when it has failed.
func (t *tracker) request(a *announcement, expires time.Time) {
	g := t.targets[a.id.Hash]
	g.requested = a
	a.state, a.due = requested, expires
	a.peer.inFlight++
	heap.Push(&t.due, a)
}

// respond notes that the peer has answered for a transaction: it came, or the
// peer does not have it. The peer is not asked for it again.
func (t *tracker) respond(peer PeerID, hash wire.Hash) {
	if p := t.peers[peer]; p != nil {
		if a := p.anns[hash]; a != nil && a.state != completed {
			t.unqueue(a)
			t.complete(a)
		}
	}
}

// complete takes an announcement out of the running. Once all announcements of
// a transaction are, it is forgotten.
func (t *tracker) complete(a *announcement) {
	g := t.targets[a.id.Hash]
	t.unrequest(g, a)
	a.state = completed
	for _, o := range g.anns {
		if o.state != completed {
			t.touch(g)
			return
		}
	}
	t.drop(g)
}

// unrequest takes back that the announcer was asked, if it was.
func (t *tracker) unrequest(g *target, a *announcement) {
	if a.state == requested {
		a.peer.inFlight--
		g.requested = nil
	}
}

func (t *tracker) unqueue(a *announcement) {
	if a.at >= 0 && a.at < len(t.due) && t.due[a.at] == a {
		heap.Remove(&t.due, a.at)
	}
}

// forget drops all announcements of a transaction: nobody needs to be asked.
func (t *tracker) forget(hash wire.Hash) {
	if g := t.targets[hash]; g != nil {
		t.drop(g)
	}
}

func (t *tracker) drop(g *target) {
	for _, a := range g.anns {
		t.unqueue(a)
		t.unrequest(g, a)
		delete(a.peer.anns, g.hash)
		if len(a.peer.anns) == 0 {
			delete(t.peers, a.peer.id)
		}
	}
	g.anns = nil
	if g.held == 0 {
		delete(t.targets, g.hash)
	}
}

// hold keeps a transaction from being asked for while a copy of it is judged;
// release ends that.
func (t *tracker) hold(hash wire.Hash) {
	g := t.targets[hash]
	if g == nil {
		g = &target{hash: hash}
		t.targets[hash] = g
	}
	g.held++
}

func (t *tracker) release(hash wire.Hash) {
	g := t.targets[hash]
	if g == nil || g.held == 0 {
		return
	}
	if g.held--; g.held > 0 {
		return
	}
	if len(g.anns) == 0 {
		delete(t.targets, hash)
		return
	}
	t.touch(g)
}

// peerDown forgets a peer; what was asked of it can be asked of others at once.
func (t *tracker) peerDown(peer PeerID) {
	p := t.peers[peer]
	if p == nil {
		return
	}
	anns := make([]*announcement, 0, len(p.anns))
	for _, a := range p.anns {
		anns = append(anns, a)
	}
	slices.SortFunc(anns, func(a, b *announcement) int { return cmp.Compare(a.seq, b.seq) })
	for _, a := range anns {
		g := t.targets[a.id.Hash]
		if a.state != completed {
			t.unqueue(a)
			t.complete(a)
		}
		if t.targets[g.hash] != g || len(g.anns) == 0 {
			continue // gone with its last announcer
		}
		g.anns = slices.DeleteFunc(g.anns, func(o *announcement) bool { return o == a })
	}
	delete(t.peers, peer)
}

// touch has a transaction looked at by next.
func (t *tracker) touch(g *target) {
	if !g.dirty {
		g.dirty = true
		t.dirty = append(t.dirty, g)
	}
}

// count returns how many transactions a peer has announced that are tracked,
// and inFlight how many of them were asked of it.
func (t *tracker) count(peer PeerID) int {
	if p := t.peers[peer]; p != nil {
		return len(p.anns)
	}
	return 0
}

func (t *tracker) inFlight(peer PeerID) int {
	if p := t.peers[peer]; p != nil {
		return p.inFlight
	}
	return 0
}

// candidates returns the peers that have announced a transaction and were not
// tried in vain, in the order of their announcements.
func (t *tracker) candidates(hash wire.Hash) []PeerID {
	var all []PeerID
	if g := t.targets[hash]; g != nil {
		for _, a := range g.anns {
			if a.state != completed {
				all = append(all, a.peer.id)
			}
		}
	}
	return all
}

// deadline returns when advance has something to do; zero for never.
func (t *tracker) deadline() time.Time {
	if len(t.due) == 0 {
		return time.Time{}
	}
	return t.due[0].due
}

// dueHeap orders announcements by the time at which something happens to them.
type dueHeap []*announcement

func (h dueHeap) Len() int { return len(h) }
func (h dueHeap) Less(i, j int) bool {
	if c := h[i].due.Compare(h[j].due); c != 0 {
		return c < 0
	}
	return h[i].seq < h[j].seq
}
func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}
func (h *dueHeap) Push(x any) {
	a := x.(*announcement)
	a.at = len(*h)
	*h = append(*h, a)
}
func (h *dueHeap) Pop() any {
	old := *h
	a := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	a.at = -1
	return a
}
