package netsync

import (
	"time"

	"starling/chain/consensus"
	"starling/chain/headertree"
	"starling/wire"
)

// Fetching by getblocks is for peers that do not answer getheaders. The peer
// announces up to 500 blocks by inv; they are fetched in order, and the header
// of each enters the tree, under the rule of minimum work, before its body goes
// to the chain. One peer is used at a time: the blocks of several would mostly
// be the same ones.

const (
	// feedAnswer is how long a getblocks may stay unanswered. A peer without
	// anything new does not answer at all.
	feedAnswer = 10 * time.Second
	// feedHint is how long a peer that gave a full answer has to announce its
	// tip after its last block was fetched. Asking before that would make the
	// announcement look like the answer.
	feedHint = 10 * time.Second
	// feedPause is the time until a peer that had nothing is asked again.
	feedPause = 2 * time.Minute
	// feedWeakPause is the same for a peer whose chain turned out to have too
	// little work, which takes all its blocks to find out.
	feedWeakPause = time.Hour
	// feedStall is how long a peer may deliver none of the blocks that it
	// announced. Sixteen blocks of 4 MB within it need 0.5 MB/s, and each block
	// starts the time anew.
	feedStall = 2 * time.Minute
)

// feed is the state of fetching by getblocks from one peer.
type feed struct {
	next  time.Time // when it may be asked (again)
	weak  time.Time // until when its announcements count for nothing
	asked time.Time // when an unanswered getblocks was sent; zero if none

	queue   []wire.Hash // announced and not asked for yet; at most MaxGetBlocks
	full    bool        // the last answer was a full one: there is more
	grew    bool        // something new came of the last answer
	hinted  bool        // the peer has announced a block since
	emptied time.Time   // when the last block of a full answer arrived
	moved   time.Time   // when a block last arrived or was first asked for
	entered *headertree.Node
}

// feed moves fetching by getblocks on.
func (m *Manager) feed(now time.Time) {
	if m.feeder == nil {
		for _, p := range m.order {
			if !p.leaving && p.feed != nil && !now.Before(p.feed.next) {
				m.feeder = p
				m.askBlocks(now, p)
				break
			}
		}
	}
	p := m.feeder
	if p == nil {
		return
	}
	f := p.feed
	before := len(p.flights)
pull:
	for len(f.queue) > 0 && len(p.flights) < maxInFlight {
		h := f.queue[0]
		f.queue = f.queue[1:]
		n := m.chain.Headers().Lookup(h)
		other := m.flights[h]
		switch {
		case n != nil:
			p.learn(n) // the window takes care of the rest
		case other == nil && !m.holds(h):
			m.flight(now, p, h, nil)
		case other != nil && other.void:
			// Still on its way from before. It is needed in its place, so the
			// queue waits until it can be asked for again.
			f.queue = append([]wire.Hash{h}, f.queue...)
			break pull
		}
	}
	m.sendGetData(now, p, len(p.flights)-before)
	if len(f.queue) > 0 || m.feeding(p) || !f.asked.IsZero() {
		return
	}
	// All that was announced has arrived, or will not.
	if f.full && f.grew && !f.hinted {
		if f.emptied.IsZero() {
			f.emptied = now
		}
		if now.Sub(f.emptied) < feedHint {
			return
		}
	}
	if f.grew {
		m.askBlocks(now, p)
	} else {
		m.pauseFeed(now, p)
	}
}

// feeding reports whether a block without a known header is in flight from the
// peer.
func (m *Manager) feeding(p *peer) bool {
	for _, a := range p.flights {
		if a.flight.node == nil {
			return true
		}
	}
	return false
}

// askBlocks sends getblocks.
func (m *Manager) askBlocks(now time.Time, p *peer) {
	f := p.feed
	f.asked = now
	f.full, f.grew, f.hinted, f.emptied = false, false, false, time.Time{}
	var at []wire.Hash
	switch {
	case p.gate != nil:
		at = p.gate.locator()
	case f.entered != nil:
		at = headertree.Locator(f.entered)
	default:
		// Not from the best header on: a peer that has it too would not
		// answer, and we would not learn what it has.
		at = headertree.Locator(m.chain.Tip())
	}
	m.do(SendGetBlocks{Peer: p.id, Locator: at})
}

// takeFeed handles announced blocks while the peer is asked with getblocks.
func (m *Manager) takeFeed(now time.Time, p *peer, blocks []wire.Hash) {
	f := p.feed
	if m.feeder != p || f.asked.IsZero() {
		// Not an answer but news: a reason to ask, now or when all is fetched.
		for _, h := range blocks {
			m.learn(p, h)
		}
		f.hinted = true
		if m.feeder != p && p.unknown != (wire.Hash{}) && now.After(f.weak) {
			f.next = now
		}
		return
	}
	if len(blocks) > wire.MaxGetBlocks {
		blocks = blocks[:wire.MaxGetBlocks]
	}
	f.asked = time.Time{}
	f.moved = now
	f.full = len(blocks) == wire.MaxGetBlocks
	for _, h := range blocks {
		n := m.chain.Headers().Lookup(h)
		if n == nil {
			f.queue = append(f.queue, h)
			continue
		}
		p.learn(n)
		f.entered = n
	}
	if f.full && len(f.queue) == 0 {
		f.grew, f.hinted = true, true // all known: go on behind them
	}
}

// enter handles a block whose header is not known. It returns the header's node
// if the header may be kept. Mine is true if the block was asked of this peer.
func (m *Manager) enter(now time.Time, p *peer, h wire.Hash, header *wire.Header, mine bool) *headertree.Node {
	if err := consensus.CheckProofOfWork(h, header.Bits, m.net); err != nil {
		m.do(Misbehaved{Peer: p.id, Offence: InvalidHeader, Err: err})
		return nil
	}
	b := single(h, header)
	fed := p.feed != nil && mine
	walked := false
	if fed && p.gate != nil {
		second := p.gate.second
		if b, walked = m.walkGate(p, b, true); walked {
			p.feed.grew = true
		}
		if p.gate != nil && p.gate.second != second {
			m.restartFeed(now, p)
		}
		if b.len() == 0 {
			p.feed.moved = now
			return nil
		}
	}
	if !walked {
		parent := m.chain.Headers().Lookup(header.PrevBlock)
		switch {
		case parent == nil && fed:
			return nil // the peer switched chains; the next answer shows to which
		case parent == nil:
			m.learn(p, h)
			m.askHeaders(now, p, m.chain.Headers().Best())
			return nil
		case m.worthy(p, parent, b.headers, nil):
		case fed:
			p.gate = newGate(m.net, parent, m.threshold(), now, m.rng)
			m.walkGate(p, b, true)
			p.feed.grew, p.feed.moved = true, now
			return nil
		default:
			return nil
		}
	}
	n, added, err := m.accept(b)
	if err != nil {
		m.blame(p, err)
		return nil
	}
	p.learn(n)
	if added > 0 {
		m.fillAll = true
		if fed {
			p.feed.grew = true
			p.feed.entered = n
		}
	}
	if n.Hash != h {
		return nil // released behind the gate; the window fetches the bodies
	}
	return n
}

// restartFeed begins the second pass over a chain that has shown its work.
func (m *Manager) restartFeed(now time.Time, p *peer) {
	p.feed.queue = nil
	for _, a := range p.flights {
		// What is still on its way belongs to the first pass.
		a.flight.void = a.flight.node == nil
	}
	if m.feeder == p {
		m.askBlocks(now, p)
	}
}

// fedBlock notes that a block arrived from the peer.
func (p *peer) fedBlock(now time.Time, mine bool) {
	if p.feed != nil && mine {
		p.feed.moved = now
	}
}

// feedLacks ends the turn of a peer that does not have what it announced: it has
// switched chains, or never had it.
func (m *Manager) feedLacks(now time.Time, p *peer) {
	if p.feed != nil && m.feeder == p {
		p.feed.queue = nil
		m.pauseFeed(now, p)
	}
}

// unfeed ends fetching by getblocks: the peer answers getheaders after all.
func (m *Manager) unfeed(p *peer) {
	if p.feed == nil {
		return
	}
	if m.feeder == p {
		m.feeder = nil
	}
	// What is on its way keeps its slot until it arrives.
	p.feed, p.gate = nil, nil
}

// pauseFeed lets the next peer have its turn.
func (m *Manager) pauseFeed(now time.Time, p *peer) {
	f := p.feed
	if f.entered != nil {
		m.headersDone = true // all that this peer has
	}
	m.feeder = nil
	f.next = now.Add(feedPause)
	f.asked, f.entered = time.Time{}, nil
	if p.gate != nil {
		start := p.gate.start
		p.gate = nil
		f.next = now.Add(feedWeakPause)
		f.weak = f.next
		m.weakEnd(p, start)
	}
}

// checkFeeder enforces the time limits of fetching by getblocks.
func (m *Manager) checkFeeder(now time.Time) {
	for _, p := range m.order {
		// Now and then see whether the peer has come to answer getheaders.
		if p.feed != nil && !p.leaving && m.feeder != p && !now.Before(p.feed.next) {
			m.askHeaders(now, p, m.chain.Headers().Best())
		}
	}
	p := m.feeder
	if p == nil {
		return
	}
	f := p.feed
	switch {
	case !f.asked.IsZero():
		if now.Sub(f.asked) >= feedAnswer {
			m.pauseFeed(now, p)
		}
	case m.feeding(p):
		if p.held > 0 {
			f.moved = now // we may be the ones who do not read on
		}
		if now.Sub(f.moved) >= feedStall {
			m.drop(p, GetBlocksStalled)
		}
	}
}
