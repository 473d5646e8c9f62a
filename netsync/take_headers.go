package netsync

import (
	"errors"
	"fmt"
	"time"

	"starling/chain/consensus"
	"starling/chain/headertree"
	"starling/wire"
)

// PreferHeaders notes that the peer wants blocks announced by their headers
// (it sent sendheaders).
func (m *Manager) PreferHeaders(id PeerID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p := m.peers[id]; p != nil {
		p.prefersHeaders = true
	}
}

// Headers takes a headers message. What is good of it is in the header tree
// when it returns. More than [wire.MaxHeaders] headers must not be passed.
func (m *Manager) Headers(now time.Time, id PeerID, headers []wire.Header) []Action {
	b, bad := inspect(m.net, headers)
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.active(id)
	if p == nil {
		return nil
	}
	if bad != nil {
		m.do(Misbehaved{Peer: p.id, Offence: bad.offence, Err: bad.err})
	} else {
		m.takeHeaders(now, p, b)
	}
	return m.settle(now, p)
}

// takeHeaders passes headers to header sync, and what it lets through into the
// tree.
func (m *Manager) takeHeaders(now time.Time, p *peer, b batch) {
	m.feeder.leave(p)
	m.headers.speaks(p)
	ok, decided := m.headers.offer(now, p, b)
	m.do(decided...)
	m.do(m.headers.tell(now, p, m.order)...)
	if ok.len() == 0 {
		m.obs.HeadersReceived(p.id, b.len(), 0)
		return
	}
	n, added, err := m.accept(p, ok)
	m.obs.HeadersReceived(p.id, b.len(), added)
	if err != nil {
		m.do(m.headers.blame(p, err)...)
		return
	}
	m.do(m.headers.accepted(now, p, b.len() == wire.MaxHeaders, n)...)
	m.behind.protect(p)
}

// accept puts headers of a peer into the tree. If one of them is only too far ahead
// of this node's clock, those before it are as good as any: with a clock that is
// hours behind the node follows the chain as far as it can.
func (m *Manager) accept(p *peer, b batch) (n *headertree.Node, added int, err error) {
	n, added, err = m.tree.AcceptHashed(b.headers, b.hashes)
	if err != nil && (n == nil || !early(err)) {
		return n, added, err
	}
	p.learn(n)
	if added > 0 {
		m.window.reopen() // others may have announced what is known only now
	}
	return n, added, err
}

// early reports whether a header was refused for its time alone.
func early(err error) bool {
	var rule *consensus.RuleError
	return errors.As(err, &rule) && rule.Kind == consensus.Recent
}

// Inv takes the hashes of the blocks in an inv message, in their order.
func (m *Manager) Inv(now time.Time, id PeerID, blocks []wire.Hash) []Action {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.active(id)
	if p == nil || len(blocks) == 0 {
		return nil
	}
	if p.feed != nil {
		if m.feeder.heard(now, p, blocks) {
			m.headers.stray(p)
		}
	} else {
		m.takeInv(now, p, blocks)
	}
	return m.settle(now, p)
}

// takeInv handles announced blocks. Blocks are never fetched by an inv alone:
// it may name anything, so the headers are asked for first.
func (m *Manager) takeInv(now time.Time, p *peer, blocks []wire.Hash) {
	var unknown wire.Hash
	for _, h := range blocks {
		p.hear(m.chain.Headers(), h)
		if m.chain.Headers().Lookup(h) == nil && m.window.flights[h] == nil {
			unknown = h
		}
	}
	if unknown != (wire.Hash{}) {
		m.do(m.headers.heard(now, p, unknown)...)
	}
}

// TipChanged tells that the active chain has a new tip. New blocks are
// announced to the peers that do not have them.
func (m *Manager) TipChanged(now time.Time) []Action {
	m.mu.Lock()
	defer m.mu.Unlock()
	if fresh := m.news.fresh(); len(fresh) > 0 {
		for _, p := range m.order {
			if !p.leaving {
				m.do(m.news.tell(p, fresh)...)
			}
		}
	}
	m.window.reopen()
	return m.settle(now, nil)
}

// tickHeaders enforces the time limits of header sync.
func (m *Manager) tickHeaders(now time.Time) {
	m.do(m.headers.checkStale(now, m.order)...)
	for _, p := range m.order {
		if p.leaving {
			continue
		}
		mute, decided := m.headers.check(now, p, m.order)
		if mute {
			m.feeder.join(now, p)
		}
		m.do(decided...)
	}
}

// tickBehind replaces outbound peers that stay behind.
func (m *Manager) tickBehind(now time.Time) {
	for _, p := range m.order {
		switch step, from := m.behind.check(now, p); step {
		case behindDrop:
			m.drop(p, ChainBehind, fmt.Sprint("headers after ", parentOr(p.behind.mark).Height))
		case behindPrompt:
			m.do(m.headers.ask(now, p, from)...)
		}
	}
}
