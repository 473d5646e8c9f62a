package netsync

import (
	"time"

	"starling/chain/headertree"
	"starling/wire"
)

// Verdict says what to do with a block that arrived.
type Verdict struct {
	// Submit: pass the block to the chain, and tell the outcome with
	// [Manager.BlockStored] or [Manager.BlockRejected]. Otherwise drop it: it
	// is known already, unwanted, or its header is not acceptable.
	Submit bool
	// Requested: this node asked for the block, from this peer or another, so
	// it is to be stored even if it is not on the best chain.
	Requested bool
}

// Block takes the header of a block that arrived, releases its slot and says
// whether the block is wanted. A header that was not known enters the tree
// here, under the same rules as in a headers message. The hash must be the
// header's, worked out by this node.
func (m *Manager) Block(now time.Time, id PeerID, hash wire.Hash, header *wire.Header) (Verdict, []Action) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.active(id)
	if p == nil {
		return Verdict{}, nil
	}
	v := m.takeBlock(now, p, hash, header)
	return v, m.settle(now, p)
}

func (m *Manager) takeBlock(now time.Time, p *peer, h wire.Hash, header *wire.Header) Verdict {
	a := m.window.arrived(now, p, h)
	if a.void {
		return Verdict{}
	}
	n := m.chain.Headers().Lookup(h)
	if n == nil {
		n = m.enter(now, p, h, header, a.mine)
	}
	if n == nil {
		return Verdict{}
	}
	p.learn(n)
	if a.mine {
		m.feeder.arrived(now, p)
	}
	if !m.window.wants(p, n, a.requested) {
		return Verdict{}
	}
	return Verdict{Submit: true, Requested: a.requested}
}

// enter handles a block whose header is not known. It returns the header's node
// if the header may be kept. Mine is true if the block was asked of this peer.
func (m *Manager) enter(now time.Time, p *peer, h wire.Hash, header *wire.Header, mine bool) *headertree.Node {
	fed := p.feed != nil && mine
	e, decided := m.headers.enter(now, p, h, header, fed)
	m.do(decided...)
	if fed {
		m.feeder.entered(now, p, e)
		if e.again {
			m.restartFeed(now, p)
		}
	}
	if e.ok.len() == 0 {
		return nil
	}
	n, _, err := m.accept(p, e.ok)
	if err != nil {
		m.do(m.headers.blame(p, err)...)
		return nil
	}
	if fed {
		m.feeder.grew(p, n)
	}
	if n.Hash != h {
		return nil // released behind the gate; the window fetches the bodies
	}
	return n
}

// BlockStored tells that a block that was to be submitted is stored, or turned
// out to be stored before.
func (m *Manager) BlockStored(now time.Time, hash wire.Hash) []Action {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p := m.window.held[hash]; p != nil {
		m.do(m.compact.promote(p, hash, m.window.alone(hash))...)
	}
	m.window.stored(now, hash)
	return m.settle(now, nil)
}

// BlockRejected tells that a block that was to be submitted is not stored. If
// the chain has not marked its header as failed, the bytes were to blame: the
// block will be asked of another peer.
func (m *Manager) BlockRejected(now time.Time, hash wire.Hash) []Action {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.window.rejected(now, hash)
	return m.settle(now, nil)
}

// NotFound takes the hashes of the blocks in a notfound message: the peer does
// not have them, so they are asked of others at once.
func (m *Manager) NotFound(now time.Time, id PeerID, blocks []wire.Hash) []Action {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.active(id)
	if p == nil {
		return nil
	}
	for _, h := range blocks {
		// Only what was asked counts, so that nobody can make the node avoid
		// a peer or grow its list.
		if !m.window.takeBack(now, p, h) {
			continue
		}
		p.window.mark(now.Add(lacksFor), h)
		if m.feeder.lacks(p) {
			m.pauseFeed(now, p)
		}
	}
	return m.settle(now, p)
}

// tickBlocks enforces the time limits for blocks.
func (m *Manager) tickBlocks(now time.Time) {
	sharing := downloading(m.order)
	for _, p := range m.order {
		p.window.forgetLacks(now)
		if p.leaving {
			continue
		}
		if why, over := m.window.overdue(now, p, sharing); over {
			m.drop(p, why, p.window.flights[0].flight.String())
			if why == StalledWindow {
				m.window.stalled()
			}
		}
	}
	for _, p := range m.order {
		m.do(m.compact.check(now, p, m.window.holds)...)
	}
}

// runFeeder moves fetching by getblocks on.
func (m *Manager) runFeeder(now time.Time) {
	if p := m.feeder.elect(now, m.order); p != nil {
		m.askBlocks(now, p)
	}
	p := m.feeder.turn
	if p == nil {
		return
	}
	ask, known := m.feeder.pull(now, p, maxInFlight-len(p.window.flights), m.window.flights)
	if known {
		m.headers.stray(p)
	}
	for _, h := range ask {
		m.window.ask(now, p, h, nil)
	}
	m.request(now, p, len(ask))
	switch m.feeder.step(now, p, p.window.blind()) {
	case feedAsk:
		m.askBlocks(now, p)
	case feedOver:
		m.pauseFeed(now, p)
	}
}

// askBlocks sends getblocks.
func (m *Manager) askBlocks(now time.Time, p *peer) {
	m.do(m.feeder.ask(now, p, m.headers.walks(p)))
}

// restartFeed begins the second pass over a chain that has shown its work. What
// is still on its way belongs to the first.
func (m *Manager) restartFeed(now time.Time, p *peer) {
	p.window.void()
	if m.feeder.turn == p {
		m.askBlocks(now, p)
	}
}

// pauseFeed lets the next peer have its turn. With it ends a walk through the
// gate, for which the peer had nothing more.
func (m *Manager) pauseFeed(now time.Time, p *peer) {
	weak := p.headers.gate != nil
	if m.feeder.pause(now, p, weak) {
		m.headers.exhausted()
	}
	m.do(m.headers.abandon(p)...)
}

// tickFeeder enforces the time limits of fetching by getblocks.
func (m *Manager) tickFeeder(now time.Time) {
	for _, p := range m.order {
		if m.feeder.retry(now, p) {
			m.do(m.headers.ask(now, p, m.chain.Headers().Best())...)
		}
	}
	p := m.feeder.turn
	if p == nil {
		return
	}
	switch over, stalled := m.feeder.check(now, p.window.blind(), p.window.held > 0); {
	case over:
		m.pauseFeed(now, p)
	case stalled:
		m.drop(p, GetBlocksStalled, "blocks that it announced on getblocks")
	}
}
