package netsync

import (
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
	// length of the walks below.
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
)

// flight is a block that was asked for and has not arrived.
type flight struct {
	hash wire.Hash
	node *headertree.Node // nil while the header is not known (getblocks)
	from []holder         // who was asked, in this order
	void bool             // not wanted when it arrives, but it holds its slot till then
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

// have reports whether the block of n need not be fetched: it is stored, or it
// is part of the active chain and was pruned.
func have(n, tip *headertree.Node) bool {
	return n.Data() != nil || tip.Ancestor(n.Height) == n
}

// hopeFor is how long a preferred peer that is asked for blocks and gives none
// keeps others from being asked during the initial download.
const hopeFor = 30 * time.Second

// preferredBusy reports whether some peer that this node chose is bringing the
// chain on. Until the initial download is done, others are asked only if not:
// anybody can connect to us, but we choose whom we connect to.
func (m *Manager) preferredBusy(now time.Time) bool {
	for _, p := range m.order {
		if p.preferred() && len(p.flights) > 0 && now.Sub(p.hope) < hopeFor {
			return true
		}
	}
	return false
}

// fill gives the peer's free slots something to do.
func (m *Manager) fill(now time.Time, p *peer) {
	free := maxInFlight - len(p.flights)
	if p.leaving || free <= 0 || !p.serves() || len(p.lacks) >= maxLacks {
		return
	}
	w := m.walk(now, p, free)
	for _, n := range w.nodes {
		m.flight(now, p, n.Hash, n)
	}
	for _, f := range w.late[:min(len(w.late), free-len(w.nodes))] {
		m.flight(now, p, f.hash, f.node)
	}
	m.sendGetData(now, p, len(p.flights)-(maxInFlight-free))
	if w.holder != nil && len(p.flights) == 0 {
		m.stall(now, w.holder)
	}
}

// walked is what a walk over the window found.
type walked struct {
	nodes  []*headertree.Node // to be asked of the peer
	late   []*flight          // in flight from others for too long
	holder *peer              // alone responsible for the full window
}

// walk looks for at most count blocks to ask of the peer, from the last block
// that it and this node share on.
func (m *Manager) walk(now time.Time, p *peer, count int) (w walked) {
	m.resolve(p)
	tip := m.chain.Tip()
	if p.best == nil || p.best.Work.Lt(&tip.Work) || p.best.Work.Lt(&m.minWork) {
		return w // nothing that we would switch to
	}
	m.advance(p, tip)
	base := connected(p.common, tip)
	end := m.windowEnd(p, base)
	top := min(p.best.Height, end+1)
	var first *flight // what the window waits for, if it is a peer
	waits := false
	for h := p.common.Height; h < top; {
		n := min(top-h, walkStep)
		m.scratch = path(m.scratch[:0], p.best, h+n, n)
		h += n
		for _, n := range m.scratch {
			switch f := m.flights[n.Hash]; {
			case n.Failed():
				return w // nobody is asked for what is built on a bad block
			case have(n, tip):
				continue
			case n.Height >= m.net.SegwitHeight && !p.witness():
				return w
			case m.holds(n.Hash):
				// The chain is working on it, whoever else was asked for it. If
				// the window waits for it, that is no peer's fault.
			case f != nil:
				if !waits {
					first = f
				}
				f.node = n
				if late(now, f) && !f.by(p) && !p.cannot(n) {
					w.late = append(w.late, f)
				}
			case n.Height > end:
				// While stored blocks wait to be connected, the window waits for
				// this node, and nobody else is to blame.
				if base == p.common && len(w.nodes) == 0 && first != nil && first.from[0].peer != p {
					w.holder = first.from[0].peer
				}
				return w
			case p.cannot(n):
			default:
				if w.nodes = append(w.nodes, n); len(w.nodes) == count {
					return w
				}
			}
			waits = true
		}
	}
	return w
}

// connected returns the last block up to common, whose chain is stored, that is
// connected or would not be if it were the end: what comes after it has more
// work than the tip, and waits for its validation.
func connected(common, tip *headertree.Node) *headertree.Node {
	if !common.Work.Gt(&tip.Work) {
		return common
	}
	if common.Ancestor(tip.Height) == tip {
		return tip
	}
	// A branch that is about to replace the tip's. Work grows with height.
	low, high := headertree.Fork(common, tip).Height, common.Height
	for low < high {
		mid := low + (high-low+1)/2
		if common.Ancestor(mid).Work.Gt(&tip.Work) {
			high = mid - 1
		} else {
			low = mid
		}
	}
	return common.Ancestor(low)
}

// windowEnd returns the height up to which blocks of the peer's chain may be
// fetched. base is the last one that waits for no validation.
func (m *Manager) windowEnd(p *peer, base *headertree.Node) int32 {
	end := base.Height + windowSize
	if !m.pruned {
		return end
	}
	// Blocks that are not here yet count as much as the others on average.
	var bytes, known, blocks int64
	for h, top := base.Height, min(p.best.Height, end); h < top; {
		n := min(top-h, walkStep)
		m.scratch = path(m.scratch[:0], p.best, h+n, n)
		for _, n := range m.scratch {
			if d := n.Data(); d != nil {
				known += int64(d.Size)
				blocks++
				bytes += int64(d.Size)
			} else if blocks > 0 {
				bytes += known / blocks
			}
			if bytes > m.prunedWindow {
				if base == p.common {
					// What the others wait for is fetched in any case.
					return max(n.Height, min(end, base.Height+maxInFlight))
				}
				return n.Height
			}
		}
		h += n
	}
	return end
}

// advance moves the peer's common block on as far as blocks are stored.
func (m *Manager) advance(p *peer, tip *headertree.Node) {
	fork := headertree.Fork(tip, p.best)
	if p.common != nil {
		p.common = headertree.Fork(p.common, p.best)
	}
	if p.common == nil || p.common.Height < fork.Height {
		p.common = fork
	} else if p.common != fork && !have(p.best.Ancestor(fork.Height+1), tip) {
		p.common = fork // what was stored after it has been lost
	}
	for h := p.common.Height; h < p.best.Height; {
		n := min(p.best.Height-h, walkStep)
		m.scratch = path(m.scratch[:0], p.best, h+n, n)
		h += n
		for _, n := range m.scratch {
			if !have(n, tip) {
				return
			}
			p.common = n
		}
	}
}

// path appends the count headers up to the given height of the chain that ends
// in n, the lowest first.
func path(dst []*headertree.Node, n *headertree.Node, height, count int32) []*headertree.Node {
	at := len(dst)
	for n = n.Ancestor(height); count > 0 && n != nil; count-- {
		dst = append(dst, n)
		n = n.Parent
	}
	slices.Reverse(dst[at:])
	return dst
}

// cannot reports whether the peer is not to be asked for a block of its chain:
// it keeps only the last ones, or has failed for this one before.
func (p *peer) cannot(n *headertree.Node) bool {
	if p.limited() && p.best.Height-n.Height >= limitedDepth {
		return true
	}
	_, lacks := p.lacks[n.Hash]
	return lacks
}

// flight notes that the block is being asked of the peer.
func (m *Manager) flight(now time.Time, p *peer, h wire.Hash, n *headertree.Node) {
	f := m.flights[h]
	if f == nil {
		f = &flight{hash: h, node: n}
		m.flights[h] = f
	}
	f.from = append(f.from, holder{p, now})
	if len(p.flights) == 0 {
		p.since = now
	}
	if p.hope.IsZero() {
		p.hope = now
	}
	p.flights = append(p.flights, asked{flight: f, at: now})
	m.obs.BlockRequested(p.id, h, len(f.from))
}

// sendGetData asks the peer for the last count blocks of its list.
func (m *Manager) sendGetData(now time.Time, p *peer, count int) {
	if count == 0 {
		return
	}
	kind := wire.InvBlock
	if p.witness() {
		kind = wire.InvWitnessBlock
	}
	if a := &p.flights[len(p.flights)-1]; count == 1 && m.byCompact(now, p, a) {
		kind, a.stage = wire.InvCmpctBlock, stageAsked
	}
	inv := make([]wire.InvVect, 0, count)
	for _, a := range p.flights[len(p.flights)-count:] {
		inv = append(inv, wire.InvVect{Type: kind, Hash: a.flight.hash})
	}
	m.do(SendGetData{Peer: p.id, Inv: inv})
}

// unflight takes a block off the peer's list. If nobody else was asked for it,
// it is free again.
func (m *Manager) unflight(p *peer, f *flight) {
	i := slices.IndexFunc(p.flights, func(a asked) bool { return a.flight == f })
	p.flights = slices.Delete(p.flights, i, i+1)
	p.stalling = time.Time{}
	f.from = slices.DeleteFunc(f.from, func(h holder) bool { return h.peer == p })
	if len(f.from) == 0 {
		delete(m.flights, f.hash)
		m.fillAll = true
	}
}

// takeBack ends the peer's request for a block and reports whether there was
// one.
func (m *Manager) takeBack(now time.Time, p *peer, h wire.Hash) bool {
	f := m.flights[h]
	if f == nil || !f.by(p) {
		return false
	}
	if p.flights[0].flight == f {
		p.since = now
	}
	m.unflight(p, f)
	return true
}

// release ends all requests for a block, which is stored, and its stay in the
// chain's hands.
func (m *Manager) release(h wire.Hash) {
	m.unhold(h)
	if f := m.flights[h]; f != nil {
		for len(f.from) > 0 {
			m.unflight(f.from[0].peer, f)
		}
	}
	m.fillAll = true
}

func (m *Manager) holds(h wire.Hash) bool {
	_, ok := m.held[h]
	return ok
}

// hold notes that the chain has the block in its hands, from this peer.
func (m *Manager) hold(p *peer, h wire.Hash) {
	m.held[h] = p.id
	p.held++
}

func (m *Manager) unhold(h wire.Hash) {
	id, ok := m.held[h]
	if !ok {
		return
	}
	delete(m.held, h)
	if p := m.peers[id]; p != nil {
		p.held--
	}
}

// maxUnrequested is how far ahead of the tip a block may be that nobody asked
// for. Each such block costs a place on disk before it is known to be of use.
const maxUnrequested = 288

// takeBlock handles a block that arrived.
func (m *Manager) takeBlock(now time.Time, p *peer, h wire.Hash, header *wire.Header) Verdict {
	f := m.flights[h]
	v := Verdict{Requested: f != nil}
	var took time.Duration
	if f != nil {
		if i := slices.IndexFunc(p.flights, func(a asked) bool { return a.flight == f }); i >= 0 {
			took = now.Sub(p.flights[i].at)
		}
	}
	mine := m.takeBack(now, p, h)
	m.obs.BlockReceived(p.id, h, took)
	if f != nil && f.void {
		return Verdict{}
	}

	n := m.chain.Headers().Lookup(h)
	if n == nil {
		n = m.enter(now, p, h, header, mine)
	}
	if n == nil {
		return Verdict{}
	}
	p.learn(n)
	p.fedBlock(now, mine)
	tip := m.chain.Tip()
	switch {
	case n.Failed(), have(n, tip), m.holds(h):
		return Verdict{}
	case !v.Requested && (!n.Work.Gt(&tip.Work) || n.Height > tip.Height+maxUnrequested || n.Work.Lt(&m.minWork)):
		return Verdict{}
	}
	m.hold(p, h)
	v.Submit = true
	return v
}
