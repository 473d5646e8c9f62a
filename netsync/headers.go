package netsync

import (
	"errors"
	"time"

	"github.com/holiman/uint256"

	"starling/chain/consensus"
	"starling/chain/headertree"
	"starling/wire"
)

const (
	// headersTimeoutBase and headersTimeoutPerHeader are how long a peer may
	// take for all headers of the chain: 15 minutes, and a millisecond for each
	// header that the chain should have by its spacing.
	headersTimeoutBase      = 15 * time.Minute
	headersTimeoutPerHeader = time.Millisecond
	// headersResponseTime is how long one getheaders is taken to be on its way.
	// Until it is answered no other is sent to the same peer.
	headersResponseTime = 2 * time.Minute
	// silentAfter is when a peer counts as one that does not answer getheaders.
	// Others are asked instead, and a peer that this node chose is asked with
	// getblocks: a btcd that believes itself behind answers only those.
	silentAfter = 10 * time.Second
	// recentTip is how old the best header may be while all peers are asked for
	// headers at once: each then sends little, and most of it once.
	recentTip = 24 * time.Hour
	// staleTip is after how long without a new header all peers are asked,
	// three times the spacing of blocks on the main network. It costs one
	// small message per peer, and covers announcements that were lost.
	staleTip = 30 * time.Minute
	// maxAnnounce is the largest number of headers that a peer sends unasked
	// (BIP130); more that do not connect are no announcement.
	maxAnnounce = 8
	// reorgBuffer is how many blocks of work below the tip a fork may start
	// and be kept, whatever its own work: a day of blocks, 12 KB of headers.
	reorgBuffer = 144
	// maxProtected is how many outbound peers that have shown a chain as good
	// as ours are safe from the chain-behind rule, so that a node is not led
	// away from all its good peers by a longer chain that it cannot accept.
	maxProtected = 4
)

// threshold returns the work that a chain of headers must reach to be kept.
func (m *Manager) threshold() uint256.Int {
	tip := m.chain.Tip()
	buffer := consensus.BlockWork(tip.Header.Bits)
	buffer.Mul(&buffer, uint256.NewInt(reorgBuffer))
	var need uint256.Int
	if tip.Work.Gt(&buffer) {
		need.Sub(&tip.Work, &buffer)
	}
	if need.Lt(&m.minWork) {
		return m.minWork
	}
	return need
}

// silent reports whether the peer leaves getheaders unanswered.
func (p *peer) silent(now time.Time) bool {
	return p.feed != nil || !p.askedAt.IsZero() && now.Sub(p.askedAt) >= silentAfter
}

// startHeaders begins header sync with the peers that are due: with one, and
// with all others once the best header is recent or somebody has given all.
// Who does not answer does not count, so the next one is asked at once.
func (m *Manager) startHeaders(now time.Time) {
	best := m.chain.Headers().Best()
	all := m.headersDone || now.Sub(best.Header.Time()) < recentTip
	busy, chosen := false, false
	for _, p := range m.order {
		if p.leaving || p.silent(now) {
			continue
		}
		busy = busy || p.syncing
		chosen = chosen || p.preferred()
	}
	for _, p := range m.order {
		if p.leaving || p.syncing || !p.serves() || p.silent(now) {
			continue
		}
		if !all && (busy || chosen && !p.preferred()) {
			continue
		}
		// From the parent on, so that a peer with the same best header answers
		// with it and we learn that it has it.
		from := best
		if from.Parent != nil {
			from = from.Parent
		}
		if !m.askHeaders(now, p, from) {
			continue
		}
		p.syncing, busy = true, true
		behind := max(0, now.Sub(best.Header.Time()))
		p.syncDeadline = now.Add(headersTimeoutBase + behind/m.net.TargetSpacing*headersTimeoutPerHeader)
	}
}

// askHeaders asks for the headers after n, unless an earlier request may still
// be answered, and reports whether it did.
func (m *Manager) askHeaders(now time.Time, p *peer, n *headertree.Node) bool {
	if !p.askedAt.IsZero() && now.Sub(p.askedAt) < headersResponseTime {
		return false
	}
	p.askedAt = now
	m.do(SendGetHeaders{Peer: p.id, Locator: headertree.Locator(n)})
	return true
}

// takeHeaders handles a headers message.
func (m *Manager) takeHeaders(now time.Time, p *peer, b batch) {
	if b.len() == 0 {
		// The answer of a peer that has nothing for us.
		p.askedAt = time.Time{}
		m.unfeed(p)
		m.endHeaders(p)
		m.obs.HeadersReceived(p.id, 0, 0)
		return
	}
	count := b.len()
	tree := m.chain.Headers()
	full := count == wire.MaxHeaders
	walked, lost := false, false
	m.unfeed(p)
	if p.gate != nil {
		p.askedAt = time.Time{}
		start := p.gate.start
		b, walked = m.walkGate(p, b, full)
		lost = !walked
		switch {
		case p.gate != nil:
			p.askedAt = now
			m.do(SendGetHeaders{Peer: p.id, Locator: p.gate.locator()})
		case b.len() == 0 && walked && !full:
			m.obs.HeadersReceived(p.id, count, 0)
			m.weakEnd(p, start)
			return
		}
		if b.len() == 0 {
			if p.gate == nil {
				m.endHeaders(p)
			}
			m.obs.HeadersReceived(p.id, count, 0)
			return
		}
	}
	if !walked {
		parent := tree.Lookup(b.headers[0].PrevBlock)
		if parent == nil {
			// An announcement whose parents we lack, or nonsense, or the peer
			// has switched chains in the middle of a walk.
			if count <= maxAnnounce {
				m.learn(p, b.last())
			}
			if count <= maxAnnounce || lost {
				m.askHeaders(now, p, tree.Best())
			}
			m.obs.HeadersReceived(p.id, count, 0)
			return
		}
		// Whatever was asked, this is the answer.
		p.askedAt = time.Time{}
		if !m.worthy(p, parent, b.headers, tree.Lookup(b.last())) {
			m.obs.HeadersReceived(p.id, count, 0)
			m.weak(now, p, parent, b, full)
			return
		}
	}
	n, added, err := m.accept(b)
	m.obs.HeadersReceived(p.id, count, added)
	if err != nil {
		m.blame(p, err)
		return
	}
	p.learn(n)
	if added > 0 {
		m.fillAll = true // others may have announced what is known only now
	}
	switch {
	case p.gate != nil: // asked on already
	case full:
		m.askHeaders(now, p, n)
	default:
		m.endHeaders(p)
	}
	m.judge(p, full || p.gate != nil)
}

// accept gives headers to the chain.
func (m *Manager) accept(b batch) (last *headertree.Node, added int, err error) {
	return m.chain.AcceptHashed(b.headers, b.hashes)
}

// worthy reports whether headers on top of parent may enter the tree: their
// chain has the work, or the last of them is known to be on a good chain, or
// the peer is trusted.
func (m *Manager) worthy(p *peer, parent *headertree.Node, headers []wire.Header, last *headertree.Node) bool {
	if p.info.NoBan {
		return true
	}
	if last != nil && (last.IsAncestorOf(m.chain.Headers().Best()) || last.IsAncestorOf(m.chain.Tip())) {
		return true
	}
	need := m.threshold()
	total := addWork(parent.Work, headers)
	return !total.Lt(&need)
}

// addWork returns the work of a chain with the given headers on top.
func addWork(work uint256.Int, headers []wire.Header) uint256.Int {
	var bits uint32
	var each uint256.Int
	for i := range headers {
		if i == 0 || headers[i].Bits != bits {
			bits = headers[i].Bits
			each = consensus.BlockWork(bits)
		}
		work.Add(&work, &each)
	}
	return work
}

// weak handles headers whose chain does not have the work yet.
func (m *Manager) weak(now time.Time, p *peer, parent *headertree.Node, b batch, full bool) {
	if full {
		p.gate = newGate(m.net, parent, m.threshold(), now, m.rng)
		if _, _ = m.walkGate(p, b, true); p.gate != nil {
			p.askedAt = now
			m.do(SendGetHeaders{Peer: p.id, Locator: p.gate.locator()})
			return
		}
	}
	m.endHeaders(p)
	if total := addWork(parent.Work, b.headers); total.Lt(&m.minWork) {
		m.dropWeak(p)
	}
}

// weakEnd handles the end of a walk that has not shown the work.
func (m *Manager) weakEnd(p *peer, start *headertree.Node) {
	m.endHeaders(p)
	if start.Work.Lt(&m.minWork) {
		m.dropWeak(p)
	}
}

// dropWeak gives the place of a peer whose whole chain has too little work to
// another, while the node depends on finding a better one.
func (m *Manager) dropWeak(p *peer) {
	if m.chain.IsInitialDownload() && p.info.Outbound && !p.info.Manual {
		m.drop(p, ChainTooWeak)
	}
}

// walkGate passes headers through the peer's gate. It returns those that may
// enter the tree, and whether they were part of the gate's walk; if not, they
// are to be treated like any others. The gate is gone when it has ended.
func (m *Manager) walkGate(p *peer, b batch, more bool) (ok batch, walked bool) {
	out, err := p.gate.offer(b, more)
	switch {
	case errors.Is(err, errGateWeak):
		p.gate = nil
		return batch{}, true
	case err != nil:
		p.gate = nil
		return b, false
	}
	m.obs.GateMoved(p.id, p.gate.height(), p.gate.second)
	if p.gate.ended {
		p.gate = nil
	}
	return out, true
}

// endHeaders notes that the peer has given all headers that it has.
func (m *Manager) endHeaders(p *peer) {
	p.syncDeadline = time.Time{}
	if p.syncing {
		m.headersDone = true
	}
}

// blame deals with headers that the tree refused, if the peer is at fault.
//
// Building on a block that is known to be bad is not an offence: the peer may
// see the block otherwise, or our operator may have declared it invalid. But no
// place that this node can choose is given to a chain that it will not follow.
func (m *Manager) blame(p *peer, err error) {
	var rule *consensus.RuleError
	if !errors.As(err, &rule) || rule.Kind != consensus.Invalid {
		return
	}
	switch rule.Reason {
	case "duplicate-invalid", "bad-prevblk":
		if p.info.Outbound && !p.info.Manual {
			m.drop(p, OnBadChain)
		}
	default:
		m.do(Misbehaved{Peer: p.id, Offence: InvalidHeader, Err: err})
	}
}

// judge keeps outbound links for peers with a good chain.
func (m *Manager) judge(p *peer, more bool) {
	if !p.info.Outbound || p.info.Manual || p.best == nil {
		return
	}
	if !more && p.best.Work.Lt(&m.minWork) {
		m.dropWeak(p)
	}
	if !p.info.BlockRelayOnly && !p.protected && m.protected < maxProtected &&
		!p.best.Work.Lt(&m.chain.Tip().Work) {
		p.protected = true
		m.protected++
	}
}

// checkHeaders enforces the time limits of header sync.
func (m *Manager) checkHeaders(now time.Time) {
	best := m.chain.Headers().Best()
	m.checkStale(now, best)
	for _, p := range m.order {
		if p.leaving {
			continue
		}
		if p.feed == nil && p.info.Outbound && p.serves() && p.silent(now) {
			p.feed = &feed{next: now}
			p.gate = nil
			p.syncDeadline = time.Time{} // fetching by getblocks has its own limits
		}
		if p.syncDeadline.IsZero() || now.Before(p.syncDeadline) {
			continue
		}
		switch {
		case now.Sub(best.Header.Time()) < recentTip:
			p.syncDeadline = time.Time{}
		case !m.alternative(p):
			// Nobody else to ask: slow is better than nothing.
		case p.info.NoBan:
			p.syncing, p.syncDeadline, p.askedAt, p.gate = false, time.Time{}, time.Time{}, nil
		default:
			m.drop(p, HeadersTimeout)
		}
	}
}

// alternative reports whether headers could be asked of a peer other than p.
func (m *Manager) alternative(p *peer) bool {
	for _, q := range m.order {
		if q != p && !q.leaving && q.preferred() {
			return true
		}
	}
	return false
}

// checkStale asks all peers for headers if nothing new was heard for long.
func (m *Manager) checkStale(now time.Time, best *headertree.Node) {
	if m.bestGrew.IsZero() || best.Work.Gt(&m.bestSeen) {
		m.bestSeen, m.bestGrew = best.Work, now
		return
	}
	if now.Sub(m.bestGrew) < staleTip {
		return
	}
	m.bestGrew = now
	for _, p := range m.order {
		if !p.leaving && p.serves() && p.gate == nil {
			m.askHeaders(now, p, best)
		}
	}
}
