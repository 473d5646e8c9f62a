package netsync

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/holiman/uint256"

	"starling/chain/headertree"
	"starling/netsync/presync"
	"starling/peer/await"
	"starling/wire"
)

const (
	// headersTimeoutBase and headersTimeoutPerHeader are how long a peer may
	// take for all headers of the chain: 15 minutes, and a millisecond for each
	// header that the chain should have by its spacing.
	headersTimeoutBase      = await.AllHeaders
	headersTimeoutPerHeader = time.Millisecond
	// headersResponseTime is how long one getheaders is taken to be on its way.
	// Until it is answered no other is sent to the same peer.
	headersResponseTime = await.Headers
	// silentAfter is when a peer counts as one that does not answer getheaders.
	// Others are asked instead, and a peer that this node chose is asked with
	// getblocks: a btcd that believes itself behind answers only those.
	silentAfter = await.HeadersSilent
	// recentTip is how old the best header may be while all peers are asked for
	// headers at once: each then sends little, and most of it once.
	recentTip = 24 * time.Hour
	// staleTip is after how long without a new header all peers are asked,
	// three times the spacing of blocks on the main network. It costs one
	// small message per peer, and covers announcements that were lost.
	staleTip = 30 * time.Minute
	// tellEvery is how often progress through a gate is told of. It takes some
	// minutes on the main network.
	tellEvery = 10 * time.Second
	// maxAnnounce is the largest number of headers that a peer sends unasked
	// (BIP130); more that do not connect are no announcement.
	maxAnnounce = 8
	// reorgBuffer is how many blocks of work below the tip a fork may start
	// and be kept, whatever its own work: a day of blocks, 12 KB of headers.
	reorgBuffer = 144
)

// headerSync decides of whom headers are asked, and which of those that arrive
// may enter the tree (admit.go): only chains that have shown their work, at the
// gate (package presync) if not at once.
//
// What holds at every moment:
//   - Within [headersResponseTime] no second getheaders goes to a peer that has
//     not answered the first; only a walk through a gate, where each answer is
//     followed by the next request, starts the time anew.
//   - A peer has at most one gate, and nothing of the chain behind it is in the
//     tree by its word. It is gone when the peer is.
//   - A mute peer is asked by getblocks, and has no time limit for headers.
type headerSync struct {
	*env
	rng    *rand.Rand      // of the gates' secrets
	limits presync.Options // of the gates

	done     bool        // some peer has given all the headers it has
	bestSeen uint256.Int // work of the best header when it last grew
	bestGrew time.Time   // when that was, or when all were asked because it did not
	poked    wire.Hash   // last block that made us ask a peer before its turn
	told     time.Time   // when progress through a gate was last told of
}

// headersPeer is what header sync keeps of a peer.
type headersPeer struct {
	syncing  bool          // headers are being asked of it
	deadline time.Time     // by its clock; zero if it has given all its headers
	askedAt  time.Time     // of the unanswered getheaders, by its clock; zero if none
	gate     *presync.Walk // over a chain that has not shown its work
	poked    wire.Hash     // block that made us ask before header sync with it
	mute     bool          // it does not answer, and is asked by getblocks instead
}

// waiting reports whether an answer to getheaders may still come.
func (p *peer) waiting(now time.Time) bool {
	at := p.headers.askedAt
	return !at.IsZero() && p.clock(now).Sub(at) < headersResponseTime
}

// silent reports whether the peer leaves getheaders unanswered.
func (p *peer) silent(now time.Time) bool {
	at := p.headers.askedAt
	return p.headers.mute || !at.IsZero() && p.clock(now).Sub(at) >= silentAfter
}

// start begins header sync with the peers that are due: with one, and with all
// others once the best header is recent or somebody has given all. Who does not
// answer does not count, so the next one is asked at once.
func (s *headerSync) start(now time.Time, peers []*peer) (out []Action) {
	best := s.chain.Headers().Best()
	all := s.done || now.Sub(best.Header.Time()) < recentTip
	busy, chosen := false, false
	for _, p := range peers {
		if p.leaving || p.silent(now) {
			continue
		}
		busy = busy || p.headers.syncing
		chosen = chosen || p.preferred()
	}
	for _, p := range peers {
		if p.leaving || p.headers.syncing || !p.serves() || p.silent(now) {
			continue
		}
		if !all && (busy || chosen && !p.preferred()) {
			continue
		}
		// From the parent on, so that a peer with the same best header answers
		// with it and we learn that it has it.
		ask := s.ask(now, p, parentOr(best))
		if ask == nil {
			continue
		}
		out = append(out, ask...)
		p.headers.syncing, busy = true, true
		behind := max(0, now.Sub(best.Header.Time()))
		p.headers.deadline = p.clock(now).Add(headersTimeoutBase + behind/s.net.TargetSpacing*headersTimeoutPerHeader)
	}
	return out
}

// parentOr returns the parent of n, or n if it has none.
func parentOr(n *headertree.Node) *headertree.Node {
	if n.Parent != nil {
		return n.Parent
	}
	return n
}

// ask asks for the headers after n, unless an earlier request may still be
// answered.
func (s *headerSync) ask(now time.Time, p *peer, n *headertree.Node) []Action {
	if p.waiting(now) {
		return nil
	}
	p.headers.askedAt = p.clock(now)
	return []Action{SendGetHeaders{Peer: p.id, Locator: headertree.Locator(n)}}
}

// askGate asks for the headers that the peer's gate waits for.
func (s *headerSync) askGate(now time.Time, p *peer) Action {
	p.headers.askedAt = p.clock(now)
	return SendGetHeaders{Peer: p.id, Locator: p.headers.gate.Locator()}
}

// heard takes the last block that a peer announced of which nothing is known.
//
// While another peer gives us the headers of the whole chain, one more is
// enough: with one for each new block, a sync with a peer that drags its feet is
// overtaken without asking everybody for everything.
func (s *headerSync) heard(now time.Time, p *peer, unknown wire.Hash) []Action {
	if !p.headers.syncing {
		if p.headers.poked != (wire.Hash{}) || s.poked == unknown {
			return nil
		}
		p.headers.poked, s.poked = unknown, unknown
	}
	return s.ask(now, p, s.chain.Headers().Best())
}

// exhausted notes that some peer has given all that it has.
func (s *headerSync) exhausted() { s.done = true }

// end notes that the peer has given all headers that it has.
func (s *headerSync) end(p *peer) {
	p.headers.deadline = time.Time{}
	if p.headers.syncing {
		s.done = true
	}
}

// check enforces the time limits of header sync with a peer. With mute the peer
// is to be asked by getblocks from now on.
func (s *headerSync) check(now time.Time, p *peer, peers []*peer) (mute bool, out []Action) {
	at := &p.headers
	if !at.mute && p.info.Outbound && p.serves() && p.silent(now) {
		mute, at.mute = true, true
		at.gate = nil
		at.deadline = time.Time{} // fetching by getblocks has its own limits
	}
	if at.deadline.IsZero() || p.clock(now).Before(at.deadline) {
		return mute, nil
	}
	switch {
	case now.Sub(s.chain.Headers().Best().Header.Time()) < recentTip:
		at.deadline = time.Time{}
	case !slices.ContainsFunc(peers, func(q *peer) bool { return q != p && !q.leaving && q.preferred() }):
		// Nobody else to ask: slow is better than nothing.
	case p.info.NoBan:
		at.syncing, at.deadline, at.askedAt, at.gate = false, time.Time{}, time.Time{}, nil
	default:
		return mute, []Action{Disconnect{Peer: p.id, Reason: HeadersTimeout, Awaited: fmt.Sprint("headers after ", s.chain.Headers().Best().Height)}}
	}
	return mute, nil
}

// checkStale asks all peers for headers if nothing new was heard for long.
func (s *headerSync) checkStale(now time.Time, peers []*peer) (out []Action) {
	best := s.chain.Headers().Best()
	if s.bestGrew.IsZero() || best.Work.Gt(&s.bestSeen) {
		s.bestSeen, s.bestGrew = best.Work, now
		return nil
	}
	if now.Sub(s.bestGrew) < staleTip {
		return nil
	}
	s.bestGrew = now
	for _, p := range peers {
		if !p.leaving && p.serves() && p.headers.gate == nil {
			out = append(out, s.ask(now, p, best)...)
		}
	}
	return out
}

// speaks notes that a peer answers getheaders after all.
func (s *headerSync) speaks(p *peer) {
	if p.headers.mute {
		p.headers.mute, p.headers.gate = false, nil
	}
}

// leave forgets what was going on with a peer.
func (s *headerSync) leave(p *peer) {
	p.headers.gate, p.headers.syncing, p.headers.mute = nil, false, false
}

// walks returns the locator of a walk through the peer's gate, or nil if there
// is none.
func (s *headerSync) walks(p *peer) []wire.Hash {
	if p.headers.gate == nil {
		return nil
	}
	return p.headers.gate.Locator()
}

// tell tells how far the peer's walk has come, if none of the others has come
// further: at the first start nothing else shows for minutes that something is
// going on.
func (s *headerSync) tell(now time.Time, p *peer, peers []*peer) []Action {
	if p.headers.gate == nil || !s.chain.IsInitialDownload() || now.Sub(s.told) < tellEvery {
		return nil
	}
	at := p.headers.gate.Progress()
	for _, q := range peers {
		if q.headers.gate != nil && further(q.headers.gate.Progress(), at) {
			return nil
		}
	}
	s.told = now
	done, left := float64(at.Height), float64(max(0, now.Sub(at.Time)))/float64(s.net.TargetSpacing)
	return []Action{Presyncing{Peer: p.id, Height: at.Height, Second: at.Second, Share: done / max(1, done+left)}}
}

// further reports whether one walk has come further than another.
func further(a, b presync.Progress) bool {
	if a.Second != b.Second {
		return a.Second
	}
	return a.Work.Gt(&b.Work)
}

// abandon ends the walk through the peer's gate, if there is one.
func (s *headerSync) abandon(p *peer) []Action {
	if p.headers.gate == nil {
		return nil
	}
	start := p.headers.gate.Start()
	p.headers.gate = nil
	return s.weakEnd(p, start)
}

// stray ends the walk through the peer's gate, if there is one, without blame:
// the peer has gone on with headers that are known.
func (s *headerSync) stray(p *peer) { p.headers.gate = nil }
