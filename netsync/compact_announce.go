package netsync

import (
	"slices"
	"time"

	"starling/chain/headertree"
	"starling/wire"
)

const (
	// maxAnnouncers is how many peers are told to announce new blocks by
	// compact blocks, unasked, as BIP152 has it: enough for the fastest to be
	// among them, and few enough for the bytes that come more than once.
	maxAnnouncers = 3
	// CompactDepth is how many blocks below the tip a block may be to be served
	// as a compact block. Nobody's pool still has the transactions of older
	// ones, so they are served whole.
	CompactDepth = 5
	// BlockTxnDepth is the same for single transactions of a block. It is more,
	// so that a request that was right when it was sent is answered.
	BlockTxnDepth = 10
	// compactNoBan is the first protocol version that does not blame a peer for
	// a compact block that turns out invalid, so that it may be sent one before
	// the scripts are checked.
	compactNoBan = 70015
)

// SendCmpct tells the peer whether to announce new blocks by compact blocks.
type SendCmpct struct {
	Peer     PeerID
	Announce bool
}

// SendCmpctBlock sends the peer a block as a compact block, as an
// announcement.
type SendCmpctBlock struct {
	Peer PeerID
	Node *headertree.Node
}

// Target implements [Action].
func (a SendCmpct) Target() PeerID { return a.Peer }

// Target implements [Action].
func (a SendCmpctBlock) Target() PeerID { return a.Peer }

// PeerCompact takes a sendcmpct message: the peer understands compact blocks
// of this version, and wants new blocks announced so, or not. Other versions
// than 2 are ignored.
func (m *Manager) PeerCompact(id PeerID, announce bool, version uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p := m.peers[id]; p != nil && version == wire.CompactBlocksWitness {
		p.compact.provides, p.compact.wants = true, announce
	}
}

// BlockChecked tells that a block holds up to everything but its scripts and
// the coins that it spends. If it is news that builds on the tip, fast is true
// and the actions send it to the peers that want compact blocks and have its
// parent, before it is connected; the caller then serves it from memory until
// it is.
func (m *Manager) BlockChecked(n *headertree.Node) (fast bool, actions []Action) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n.Parent != m.chain.Tip() || n.Height <= m.fastest || n.Height < m.net.SegwitHeight || m.chain.IsInitialDownload() {
		return false, nil
	}
	m.fastest = n.Height
	for _, p := range m.order {
		if p.leaving || !p.compact.wants || p.info.Version < compactNoBan {
			continue
		}
		m.resolve(p)
		if !p.has(n) && p.has(n.Parent) {
			p.sent = n
			actions = append(actions, SendCmpctBlock{Peer: p.id, Node: n})
		}
	}
	return true, actions
}

// promote makes a peer that was the first to give a valid block one of those
// that announce by compact blocks, in the place of the one whose last such
// block is the longest ago. One of them stays a peer that this node chose.
func (m *Manager) promote(hash wire.Hash) {
	from, ok := m.held[hash]
	p := m.active(from)
	if !ok || p == nil || !p.compact.provides || m.wholeBlocks || m.chain.IsInitialDownload() {
		return
	}
	if n := m.chain.Headers().Lookup(hash); n == nil || !n.IsAncestorOf(m.chain.Tip()) {
		return
	}
	for h := range m.flights {
		if h != hash {
			return // a sync rather than news
		}
	}
	if i := slices.Index(m.announcers, p); i >= 0 {
		m.announcers = append(slices.Delete(m.announcers, i, i+1), p)
		return
	}
	if len(m.announcers) >= maxAnnouncers {
		chosen := 0
		for _, q := range m.announcers {
			if q.info.Outbound {
				chosen++
			}
		}
		if a := m.announcers; !p.info.Outbound && chosen == 1 && a[0].info.Outbound {
			a[0], a[1] = a[1], a[0]
		}
		m.demote(m.announcers[0])
	}
	p.compact.announces = true
	m.announcers = append(m.announcers, p)
	m.do(SendCmpct{Peer: p.id, Announce: true})
}

// demote tells a peer to announce by compact blocks no longer.
func (m *Manager) demote(p *peer) {
	m.announcers = slices.DeleteFunc(m.announcers, func(q *peer) bool { return q == p })
	p.compact.announces = false
	m.do(SendCmpct{Peer: p.id})
}

// ServesCompact reports whether a block is to be served as a compact block
// where that is asked for, rather than whole.
func (m *Manager) ServesCompact(now time.Time, n *headertree.Node) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return n.Height >= m.chain.Tip().Height-CompactDepth && m.nearTip(now)
}

// ServesTxs reports whether single transactions of a block are served, rather
// than the whole block.
func (m *Manager) ServesTxs(n *headertree.Node) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return n.Height >= m.chain.Tip().Height-BlockTxnDepth
}
