package netsync

import (
	"time"

	"starling/wire"
)

// takeInv handles announced blocks. Blocks are never fetched by an inv alone:
// it may name anything, so the headers are asked for first.
func (m *Manager) takeInv(now time.Time, p *peer, blocks []wire.Hash) {
	if p.feed != nil {
		m.takeFeed(now, p, blocks)
		return
	}
	var unknown wire.Hash
	for _, h := range blocks {
		m.learn(p, h)
		if m.chain.Headers().Lookup(h) == nil && m.flights[h] == nil {
			unknown = h
		}
	}
	if unknown == (wire.Hash{}) {
		return
	}
	// While another peer gives us the headers of the whole chain, one more is
	// enough: with one for each new block, a sync with a peer that drags its
	// feet is overtaken without asking everybody for everything.
	if !p.syncing {
		if p.poked != (wire.Hash{}) || m.poked == unknown {
			return
		}
		p.poked, m.poked = unknown, unknown
	}
	m.askHeaders(now, p, m.chain.Headers().Best())
}
