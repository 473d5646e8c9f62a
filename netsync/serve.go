package netsync

import (
	"time"

	"starling/chain/headertree"
	"starling/wire"
)

const (
	// servedDepth is how many blocks below its tip a node that has only the last
	// ones serves: 288 as BIP159 says, and two for requests under way.
	servedDepth = 288 + 2
	// staleAge is how old a block off the active chain may be to be served, in
	// time and in work at the tip's difficulty. Serving older ones would let
	// others tell nodes apart by the stale blocks that they have.
	staleAge = 30 * 24 * time.Hour
)

// fork returns the last block of the active chain that a locator names, or the
// genesis block.
func (m *Manager) fork(locator []wire.Hash) *headertree.Node {
	tree, tip := m.chain.Headers(), m.chain.Tip()
	for _, h := range locator {
		n := tree.Lookup(h)
		switch {
		case n == nil:
		case n.IsAncestorOf(tip):
			return n
		case tip.IsAncestorOf(n):
			return tip // the peer is ahead of us on our chain
		}
	}
	return tree.Genesis()
}

// GetHeaders returns the answer to a getheaders message, which may be empty but
// is always to be sent. The peer is then known to have those headers.
func (m *Manager) GetHeaders(now time.Time, id PeerID, locator []wire.Hash, stop wire.Hash) []wire.Header {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.active(id)
	tip := m.chain.Tip()
	if p == nil || tip.Work.Lt(&m.minWork) && !p.info.Download {
		// A chain below the minimum would only be refused, and the peer that
		// sends it judged by it.
		return nil
	}
	if len(locator) == 0 {
		if n := m.chain.Headers().Lookup(stop); n != nil && m.public(now, n) {
			return []wire.Header{n.Header}
		}
		return nil
	}
	from := m.fork(locator)
	count := min(tip.Height-from.Height, wire.MaxHeaders)
	nodes := path(nil, tip, from.Height+count, count)
	var headers []wire.Header
	last := tip
	for _, n := range nodes {
		headers = append(headers, n.Header)
		if last = n; n.Hash == stop {
			break
		}
	}
	if p.sent == nil || !last.IsAncestorOf(p.sent) {
		p.sent = last
	}
	return headers
}

// GetBlocks returns the answer to a getblocks message: the hashes of at most
// [wire.MaxGetBlocks] blocks to announce. Nothing is sent if there are none.
func (m *Manager) GetBlocks(id PeerID, locator []wire.Hash, stop wire.Hash) []wire.InvVect {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.active(id)
	if p == nil {
		return nil
	}
	tip := m.chain.Tip()
	from := m.fork(locator)
	if m.pruned && from.Height < tip.Height-servedDepth {
		return nil // what the peer needs first is gone
	}
	count := min(tip.Height-from.Height, wire.MaxGetBlocks)
	var inv []wire.InvVect
	for _, n := range path(nil, tip, from.Height+count, count) {
		if n.Hash == stop {
			break
		}
		inv = append(inv, wire.InvVect{Type: wire.InvBlock, Hash: n.Hash})
	}
	p.next = wire.Hash{}
	if len(inv) == wire.MaxGetBlocks {
		p.next = inv[len(inv)-1].Hash
	}
	return inv
}

// Access says what to do with a request for a block.
type Access uint8

const (
	// Serve the block.
	Serve Access = iota
	// NotHere: answer with notfound.
	NotHere
	// TooOld: the block is older than what this node has said it keeps. End the
	// link, as the peer would wait for the block.
	TooOld
)

// GetBlock decides on a getdata entry for a block.
func (m *Manager) GetBlock(now time.Time, id PeerID, hash wire.Hash) (*headertree.Node, Access) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.active(id)
	n := m.chain.Headers().Lookup(hash)
	switch {
	case p == nil || n == nil || !m.public(now, n):
		return nil, NotHere
	case m.pruned && !p.info.NoBan && m.chain.Tip().Height-n.Height > servedDepth:
		return nil, TooOld
	case n.Data() == nil && n.Parent != nil:
		return nil, NotHere
	}
	return n, Serve
}

// PublicBlock returns the block with a hash if peers may know that this node has
// it, and nil otherwise.
func (m *Manager) PublicBlock(now time.Time, hash wire.Hash) *headertree.Node {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.chain.Headers().Lookup(hash)
	if n == nil || !m.public(now, n) {
		return nil
	}
	return n
}

// Served notes that a block was sent to the peer. If it was the last of a full
// answer to getblocks it returns what to send next: an inv of the tip, which
// makes the peer ask on.
func (m *Manager) Served(id PeerID, hash wire.Hash) []Action {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.active(id)
	if p == nil || p.next != hash || hash == (wire.Hash{}) {
		return nil
	}
	p.next = wire.Hash{}
	return []Action{SendInv{Peer: id, Inv: []wire.InvVect{{Type: wire.InvBlock, Hash: m.chain.Tip().Hash}}}}
}

// public reports whether peers may see the block: it is on the active chain, or
// it is valid and was a contender lately.
func (m *Manager) public(now time.Time, n *headertree.Node) bool {
	tip := m.chain.Tip()
	if n.IsAncestorOf(tip) {
		return true
	}
	best := m.chain.Headers().Best()
	return n.Has(headertree.Connected) && !n.Failed() &&
		best.Header.Time().Sub(n.Header.Time()) < staleAge &&
		headertree.BlockProofEquivalentTime(best, n, best, m.net) < int64(staleAge/time.Second)
}
