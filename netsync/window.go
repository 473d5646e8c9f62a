package netsync

import (
	"fmt"
	"slices"
	"time"

	"starling/chain/headertree"
	"starling/wire"
)

const (
	// maxInFlight is how many blocks are asked of one peer at a time. Sixteen
	// full blocks are some 30 MB, enough to keep a fast link busy for the time
	// of a round trip, and little to fetch again if the peer is lost.
	maxInFlight = 16
	// windowSize is how far beyond the last block that is connected blocks are
	// fetched. It bounds how far the files on disk are out of order, and the
	// length of the walks over it.
	windowSize = 1024
	// prunedWindow is how many bytes of blocks a pruned node fetches beyond that
	// block, whatever their number: they are no part of the limit that its
	// operator has set. It is room for 16 blocks in flight from each of 8 peers.
	prunedWindow = 256 << 20
	// walkStep is how many headers are looked at in one go.
	walkStep = 128
	// limitedDepth is how far below the tip of a peer that keeps only the last
	// 288 blocks it may be asked, with two blocks to spare for those that it
	// drops while the request is on its way.
	limitedDepth = 288 - 2
	// hopeFor is how long a preferred peer that is asked for blocks and gives
	// none keeps others from being asked during the initial download.
	hopeFor = 30 * time.Second
	// maxUnrequested is how far ahead of the tip a block may be that nobody
	// asked for. Each such block costs a place on disk before it is known to be
	// of use.
	maxUnrequested = 288
	// maxLacks bounds the list of blocks that a peer did not have. A peer is
	// asked for at most 16 blocks at a time, so one that fills the list (6 KB)
	// has failed for 128 blocks within the time below and is left alone until
	// they expire.
	maxLacks = 128
	// lacksFor is how long a peer is not asked again for a block that it did
	// not have or of which it sent a bad copy.
	lacksFor = 10 * time.Minute
	// trustedBadFor is the same for a bad copy of a peer that the operator trusts
	// or asked for, which keeps its link and may be the only one with the block.
	// It doubles with each one until the peer gives a good copy of something, so
	// that a disk gone bad does not keep the line busy.
	trustedBadFor = 10 * time.Second
)

// window decides which block is asked of which peer, within a window ahead of
// what is connected, and when a peer has had its time (stall.go). It knows
// which blocks are on their way and which the chain has in its hands.
//
// What holds at every moment:
//   - A block is in flights exactly if it is on the list of the peers that it
//     was asked of, and on no other list; a flight from nobody is none.
//   - No peer has more than [maxInFlight] blocks on its list, and none is asked
//     of one peer twice. One that is leaving has none.
//   - A block that is stored or held is asked of nobody.
//   - The blocks held of a peer are counted in its held.
type window struct {
	*env
	bytes int64 // of blocks that a pruned node fetches ahead of validation

	flights map[wire.Hash]*flight // blocks asked for and not arrived
	held    map[wire.Hash]*peer   // blocks that arrived and are not stored yet, with who gave them
	open    bool                  // some block has become free or the window has moved

	stallTimeout time.Duration // how long a peer may hold up the whole window
	scratch      []*headertree.Node
}

func newWindow(e *env, bytes int64) window {
	if bytes <= 0 {
		bytes = prunedWindow
	}
	return window{
		env: e, bytes: bytes, stallTimeout: stallTimeoutMin,
		flights: make(map[wire.Hash]*flight), held: make(map[wire.Hash]*peer),
	}
}

// windowPeer is what the window keeps of a peer.
type windowPeer struct {
	// common is a block of the chain of the peer's best: it and all before it
	// are stored here.
	common *headertree.Node
	// flights are the blocks asked of the peer, the oldest first.
	flights []asked
	// since is when the oldest of them became the oldest, by the peer's clock.
	since time.Time
	// stalling is since when, by its clock, the peer alone holds up the window;
	// zero if it does not.
	stalling time.Time
	// hope is when it last gave a block that could be stored, or when it was
	// first asked for one.
	hope time.Time
	// held counts its blocks that the chain has not finished with.
	held int
	// lacks are blocks that it was asked for and did not have, or of which it sent
	// a bad copy, and until when it is not asked again.
	lacks map[wire.Hash]time.Time
	// spoils counts its bad copies since it last gave a good one.
	spoils int
}

// flight is a block that was asked for and has not arrived.
type flight struct {
	hash wire.Hash
	node *headertree.Node // nil while the header is not known (getblocks)
	from []holder         // who was asked, in this order
}

// String names the block.
func (f *flight) String() string {
	if f.node == nil {
		return "block " + f.hash.String()
	}
	return fmt.Sprintf("block %d %v", f.node.Height, f.hash)
}

// holder is a peer that a block was asked of.
type holder struct {
	*peer
	at time.Time
}

// by reports whether the peer was asked for the block.
func (f *flight) by(p *peer) bool {
	return slices.ContainsFunc(f.from, func(h holder) bool { return h.peer == p })
}

// wide reports whether the peer was asked because others withhold the block.
func (f *flight) wide(p *peer) bool {
	return slices.IndexFunc(f.from, func(h holder) bool { return h.peer == p }) >= maxCopies
}

// asked is one block in flight from one peer.
type asked struct {
	flight *flight
	at     time.Time
	void   bool // not wanted when it arrives, but it holds its slot till then
	compactState
}

// asking returns the entry of a block in the list of flights, or nil. It is
// valid until the list changes.
func (p *windowPeer) asking(h wire.Hash) *asked {
	for i := range p.flights {
		if p.flights[i].flight.hash == h {
			return &p.flights[i]
		}
	}
	return nil
}

// blind reports whether a block without a known header is in flight from the
// peer.
func (p *windowPeer) blind() bool {
	return slices.ContainsFunc(p.flights, func(a asked) bool { return a.flight.node == nil })
}

// void makes all blocks without a known header that are in flight from the peer
// unwanted.
func (p *windowPeer) void() {
	for i := range p.flights {
		p.flights[i].void = p.flights[i].flight.node == nil
	}
}

// spoilt notes that the peer sent a bad copy of a block. It is not asked for it
// again for a while: one that is trusted comes back soon, unless it goes on so.
func (p *peer) spoilt(now time.Time, h wire.Hash) {
	wait := lacksFor
	if p.info.NoBan || p.info.Manual {
		wait = min(trustedBadFor<<min(p.window.spoils, 10), lacksFor)
		p.window.spoils++
	}
	p.window.mark(now.Add(wait), h)
}

// mark notes that the peer cannot give a good copy of a block until a given time.
func (p *windowPeer) mark(until time.Time, h wire.Hash) {
	if p.lacks == nil {
		p.lacks = make(map[wire.Hash]time.Time)
	}
	if len(p.lacks) < maxLacks {
		p.lacks[h] = until
	}
}

// forgetLacks drops what has expired.
func (p *windowPeer) forgetLacks(now time.Time) {
	for h, until := range p.lacks {
		if !now.Before(until) {
			delete(p.lacks, h)
		}
	}
}

// forgets returns when the first of them expires, or the given time if that is
// earlier.
func (p *windowPeer) forgets(next time.Time) time.Time {
	for _, until := range p.lacks {
		if until.Before(next) {
			next = until
		}
	}
	return next
}

// fill gives the peer's free slots something to do and returns how many blocks
// it is to be asked for, which are the last of its list.
func (w *window) fill(now time.Time, p *peer) int {
	free := maxInFlight - len(p.window.flights)
	if p.leaving || free <= 0 || !p.serves() && !w.direct(now, p) || len(p.window.lacks) >= maxLacks {
		return 0
	}
	found := w.walk(now, p, free)
	for _, n := range found.nodes {
		w.ask(now, p, n.Hash, n)
	}
	for _, f := range found.late[:min(len(found.late), free-len(found.nodes))] {
		w.ask(now, p, f.hash, f.node)
	}
	if h := found.holder; h != nil && len(p.window.flights) == 0 && h.window.stalling.IsZero() {
		h.window.stalling = h.clock(now)
	}
	return len(p.window.flights) - (maxInFlight - free)
}

// direct reports whether a peer that offers no blocks is asked for those that it
// has told of all the same: new ones are not kept back by who announces them. As
// in Bitcoin Core the node must be up to date, and they must be few.
func (w *window) direct(now time.Time, p *peer) bool {
	if p.resolve(w.chain.Headers()); p.best == nil || !w.nearTip(now) {
		return false
	}
	return p.best.Height-headertree.Fork(p.best, w.chain.Tip()).Height <= maxInFlight
}

// ask notes that the block is being asked of the peer.
func (w *window) ask(now time.Time, p *peer, h wire.Hash, n *headertree.Node) {
	f := w.flights[h]
	if f == nil {
		f = &flight{hash: h, node: n}
		w.flights[h] = f
	}
	f.from = append(f.from, holder{p, now})
	if len(p.window.flights) == 0 {
		p.window.since = p.clock(now)
	}
	if p.window.hope.IsZero() {
		p.window.hope = now
	}
	p.window.flights = append(p.window.flights, asked{flight: f, at: now})
	w.obs.BlockRequested(p.id, h, len(f.from))
}

// unask takes a block off the peer's list. If nobody else was asked for it, it
// is free again.
func (w *window) unask(p *peer, f *flight) {
	i := slices.IndexFunc(p.window.flights, func(a asked) bool { return a.flight == f })
	p.window.flights = slices.Delete(p.window.flights, i, i+1)
	p.window.stalling = time.Time{}
	f.from = slices.DeleteFunc(f.from, func(h holder) bool { return h.peer == p })
	if len(f.from) == 0 {
		delete(w.flights, f.hash)
		w.open = true
	}
}

// takeBack ends the peer's request for a block and reports whether there was
// one.
func (w *window) takeBack(now time.Time, p *peer, h wire.Hash) bool {
	f := w.flights[h]
	if f == nil || !f.by(p) {
		return false
	}
	if p.window.flights[0].flight == f {
		p.window.since = p.clock(now)
	}
	w.unask(p, f)
	return true
}

// leave ends all requests to a peer that is going.
func (w *window) leave(p *peer) {
	for len(p.window.flights) > 0 {
		w.unask(p, p.window.flights[0].flight)
	}
}

// reopen has the slots of all peers filled: some block has become free, or the
// window may have moved.
func (w *window) reopen() { w.open = true }

// opened reports whether the slots of all peers are to be filled, once.
func (w *window) opened() bool {
	open := w.open
	w.open = false
	return open
}

// name notes the header of a block in flight that was not known when it was
// asked for.
func (w *window) name(n *headertree.Node) {
	if f := w.flights[n.Hash]; f != nil {
		f.node = n
	}
}

// arrival is what the window knows of a block that arrived.
type arrival struct {
	requested bool // of this peer or another
	mine      bool // of this peer
	void      bool // but it is no longer wanted
}

// arrived releases the slot of a block that came from the peer.
func (w *window) arrived(now time.Time, p *peer, h wire.Hash) (a arrival) {
	var took time.Duration
	if own := p.window.asking(h); own != nil {
		took, a.void = now.Sub(own.at), own.void
	}
	a.requested = w.flights[h] != nil
	a.mine = w.takeBack(now, p, h)
	w.obs.BlockReceived(p.id, h, took)
	return a
}

// wants reports whether a block that arrived is to be stored: it is not yet, and
// was asked for or is of use. It is then held until [window.stored] or
// [window.rejected].
func (w *window) wants(p *peer, n *headertree.Node, requested bool) bool {
	tip := w.chain.Tip()
	switch {
	case n.Failed(), have(n, tip), w.holds(n.Hash):
		return false
	case !requested && (n.Work.Lt(&tip.Work) || n.Height > tip.Height+maxUnrequested || n.Work.Lt(&w.minWork)):
		return false
	}
	w.held[n.Hash] = p
	p.window.held++
	return true
}

// stored ends all requests for a block, which is stored, and its stay in the
// chain's hands.
func (w *window) stored(now time.Time, h wire.Hash) {
	if p := w.unhold(h); p != nil {
		p.window.hope, p.window.spoils = now, 0
	}
	if f := w.flights[h]; f != nil {
		for len(f.from) > 0 {
			w.unask(f.from[0].peer, f)
		}
	}
	w.open = true
	w.progress()
}

// rejected ends a block's stay in the chain's hands, which could not store it.
// Its peer is not asked for it again for a while.
func (w *window) rejected(now time.Time, h wire.Hash) {
	if p := w.unhold(h); p != nil && !p.leaving {
		p.spoilt(now, h)
	}
	w.open = true
}

func (w *window) holds(h wire.Hash) bool { return w.held[h] != nil }

// unhold returns who gave the block, or nil if the chain does not have it in
// its hands.
func (w *window) unhold(h wire.Hash) *peer {
	p := w.held[h]
	if p != nil {
		delete(w.held, h)
		p.window.held--
	}
	return p
}

// preferredBusy reports whether some peer that this node chose is bringing the
// chain on. Until the initial download is done, others are asked only if not:
// anybody can connect to us, but we choose whom we connect to.
func (w *window) preferredBusy(now time.Time, peers []*peer) bool {
	return slices.ContainsFunc(peers, func(p *peer) bool {
		return p.preferred() && len(p.window.flights) > 0 && now.Sub(p.window.hope) < hopeFor
	})
}

// alone reports whether no other block than this is on its way.
func (w *window) alone(h wire.Hash) bool {
	for other := range w.flights {
		if other != h {
			return false
		}
	}
	return true
}
