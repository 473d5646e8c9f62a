package netsync

import (
	"time"

	"starling/wire"
)

// peer is one link: what is known of it, and what each machine keeps for it.
// Beside the facts, each field belongs to the machine that it is named after;
// nothing else changes what is in it.
type peer struct {
	id      PeerID
	info    PeerInfo
	leaving bool // a Disconnect was asked for, or the link is gone
	known

	headers headersPeer
	window  windowPeer
	feed    *feed // not nil while it is asked with getblocks
	compact compactPeer
	behind  behindPeer

	prefersHeaders bool // it wants blocks announced by their headers
	// next is the last hash of a full getblocks answer. When the peer fetches
	// it, it is told of the tip, so that it asks on.
	next wire.Hash
}

// clock returns the time as it counts for what is awaited of the peer: it stands
// still while a message of the peer is being handled.
func (p *peer) clock(now time.Time) time.Time {
	if p.info.Off == nil {
		return now
	}
	return now.Add(-p.info.Off(now))
}

// serves reports whether the peer has blocks at all.
func (p *peer) serves() bool {
	return p.info.Services&(wire.NodeNetwork|wire.NodeNetworkLimited) != 0
}

// limited reports whether the peer has only the last blocks.
func (p *peer) limited() bool {
	return p.info.Services&wire.NodeNetwork == 0
}

// witness reports whether the peer serves blocks with their witnesses.
func (p *peer) witness() bool { return p.info.Services&wire.NodeWitness != 0 }

// wholeBlock is how a whole block is asked of the peer.
func (p *peer) wholeBlock() wire.InvType {
	if p.witness() {
		return wire.InvWitnessBlock
	}
	return wire.InvBlock
}

// preferred reports whether the peer is one to download from before others:
// one that this node chose, which an attacker cannot arrange easily.
func (p *peer) preferred() bool {
	return (p.info.Outbound || p.info.NoBan) && p.serves()
}

// PeerStatus is what the Manager knows of one peer.
type PeerStatus struct {
	// BestHeader is the height of the best block that the peer is known to
	// have, -1 if none is known.
	BestHeader int32
	// CommonBlock is the height of the last stored block that it shares with
	// this node, -1 if none is known.
	CommonBlock int32
	// PresyncHeight is the height that the first pass over a chain without the
	// minimum work has reached, -1 if there is none.
	PresyncHeight int32
	// InFlight are the heights of the blocks asked of it, the oldest first; -1
	// for a block whose header is not known.
	InFlight []int32
	// ByGetBlocks is true while it is asked with getblocks.
	ByGetBlocks bool
	// CompactTo is true if it was told to announce new blocks by compact
	// blocks, CompactFrom if it has asked us to (BIP152, high bandwidth).
	CompactTo, CompactFrom bool
	// Protected is true for outbound peers that have shown a chain as good as
	// ours and are kept for that.
	Protected bool
}

// Peer returns what is known of a peer.
func (m *Manager) Peer(id PeerID) (PeerStatus, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.peers[id]
	if p == nil {
		return PeerStatus{}, false
	}
	p.resolve(m.chain.Headers())
	s := PeerStatus{BestHeader: -1, CommonBlock: -1, PresyncHeight: -1, ByGetBlocks: p.feed != nil,
		CompactTo: p.compact.announces, CompactFrom: p.compact.wants, Protected: p.behind.protected}
	if p.best != nil {
		s.BestHeader = p.best.Height
	}
	if p.window.common != nil {
		s.CommonBlock = p.window.common.Height
	}
	if p.headers.gate != nil {
		s.PresyncHeight = p.headers.gate.Progress().First
	}
	for _, a := range p.window.flights {
		h := int32(-1)
		if a.flight.node != nil {
			h = a.flight.node.Height
		}
		s.InFlight = append(s.InFlight, h)
	}
	return s, true
}
