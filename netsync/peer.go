package netsync

import (
	"time"

	"starling/chain/headertree"
	"starling/wire"
)

// peer is the state of one link.
type peer struct {
	id      PeerID
	info    PeerInfo
	leaving bool // a Disconnect was asked for

	// best is the block with most work that the peer is known to have, nil if
	// none is known.
	best *headertree.Node
	// unknown is the last block that it announced whose header is not known.
	unknown wire.Hash
	// common is a block of best's chain: it and all before it are stored here.
	common *headertree.Node
	// sent is the best header that was announced to the peer or served to it.
	sent *headertree.Node
	// next is the last hash of a full getblocks answer. When the peer fetches
	// it, it is told of the tip, so that it asks on.
	next           wire.Hash
	prefersHeaders bool
	compact        compactPeer

	// flights are the blocks asked of the peer, the oldest first.
	flights []asked
	// since is when the oldest of them became the oldest.
	since time.Time
	// stalling is since when the peer alone holds up the window; zero if it
	// does not.
	stalling time.Time
	// hope is when it last gave a block that could be stored, or when it was
	// first asked for one.
	hope time.Time
	// held counts its blocks that the chain has not finished with.
	held int
	// lacks are blocks that it was asked for and did not have, with the time.
	lacks map[wire.Hash]time.Time

	syncing      bool      // headers are being asked of it
	syncDeadline time.Time // zero if it has given all its headers
	askedAt      time.Time // of the unanswered getheaders; zero if none
	gate         *gate     // walks a chain that has not shown its work
	poked        wire.Hash // block that made us ask before header sync with it
	feed         *feed     // not nil while it is asked with getblocks

	protected      bool
	behindAt       time.Time // when the chain-behind rule strikes; zero if not running
	behind         *headertree.Node
	behindPrompted bool
}

// asked is one block in flight from one peer.
type asked struct {
	flight *flight
	at     time.Time
	stage  stage
	whole  bool // the whole block was asked for as well as the compact one
	// answered says that the transactions that were missing have come.
	answered bool
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

// preferred reports whether the peer is one to download from before others:
// one that this node chose, which an attacker cannot arrange easily.
func (p *peer) preferred() bool {
	return (p.info.Outbound || p.info.NoBan) && p.serves()
}

// has reports whether the peer is known to have the header n.
func (p *peer) has(n *headertree.Node) bool {
	return p.best != nil && p.best.Ancestor(n.Height) == n ||
		p.sent != nil && p.sent.Ancestor(n.Height) == n
}

// maxLacks bounds the list of blocks that a peer did not have. A peer is asked
// for at most 16 blocks at a time, so one that fills the list (6 KB) has failed
// for 128 blocks within the time below and is left alone until they expire.
const maxLacks = 128

// lacksFor is how long a peer is not asked again for a block that it did not
// have or of which it sent a bad copy.
const lacksFor = 10 * time.Minute

// mark notes that the peer cannot give a good copy of a block.
func (p *peer) mark(now time.Time, h wire.Hash) {
	if p.lacks == nil {
		p.lacks = make(map[wire.Hash]time.Time)
	}
	if len(p.lacks) < maxLacks {
		p.lacks[h] = now
	}
}

// forgetLacks drops what has expired.
func (p *peer) forgetLacks(now time.Time) {
	for h, at := range p.lacks {
		if now.Sub(at) >= lacksFor {
			delete(p.lacks, h)
		}
	}
}

// learn notes that the peer has block h.
func (m *Manager) learn(p *peer, h wire.Hash) {
	m.resolve(p)
	if n := m.chain.Headers().Lookup(h); n != nil {
		p.learn(n)
	} else {
		p.unknown = h
	}
}

// learn notes that the peer has the block of n.
func (p *peer) learn(n *headertree.Node) {
	if p.best == nil || !n.Work.Lt(&p.best.Work) {
		p.best = n
	}
}

// resolve looks whether the header of the last announced block has become
// known, and steps back from blocks that turned out bad: what is below them the
// peer has as well.
func (m *Manager) resolve(p *peer) {
	for p.best != nil && p.best.Failed() {
		p.best = p.best.Parent
	}
	if p.unknown == (wire.Hash{}) {
		return
	}
	if n := m.chain.Headers().Lookup(p.unknown); n != nil {
		p.learn(n)
		p.unknown = wire.Hash{}
	}
}

// PeerStatus is what the Manager knows of one peer.
type PeerStatus struct {
	// BestHeader is the height of the best block that the peer is known to
	// have, -1 if none is known.
	BestHeader int32
	// CommonBlock is the height of the last stored block that it shares with
	// this node, -1 if none is known.
	CommonBlock int32
	// PresyncHeight is the height that the walk over a chain without the
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
}

// Peer returns what is known of a peer.
func (m *Manager) Peer(id PeerID) (PeerStatus, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.peers[id]
	if p == nil {
		return PeerStatus{}, false
	}
	m.resolve(p)
	s := PeerStatus{BestHeader: -1, CommonBlock: -1, PresyncHeight: -1, ByGetBlocks: p.feed != nil,
		CompactTo: p.compact.announces, CompactFrom: p.compact.wants}
	if p.best != nil {
		s.BestHeader = p.best.Height
	}
	if p.common != nil {
		s.CommonBlock = p.common.Height
	}
	if p.gate != nil {
		s.PresyncHeight = p.gate.first.height
	}
	for _, a := range p.flights {
		h := int32(-1)
		if a.flight.node != nil {
			h = a.flight.node.Height
		}
		s.InFlight = append(s.InFlight, h)
	}
	return s, true
}
