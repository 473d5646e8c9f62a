package netsync

import (
	"errors"
	"time"

	"github.com/holiman/uint256"

	"starling/chain/consensus"
	"starling/chain/headertree"
	"starling/netsync/presync"
	"starling/wire"
)

// threshold returns the work that a chain of headers must reach to be kept.
func (s *headerSync) threshold() uint256.Int {
	tip := s.chain.Tip()
	buffer := consensus.BlockWork(tip.Header.Bits)
	buffer.Mul(&buffer, uint256.NewInt(reorgBuffer))
	var need uint256.Int
	if tip.Work.Gt(&buffer) {
		need.Sub(&tip.Work, &buffer)
	}
	if need.Lt(&s.minWork) {
		return s.minWork
	}
	return need
}

// worthy reports whether headers on top of parent may enter the tree: their
// chain has the work, or the last of them is known to be on a good chain, or
// the peer is trusted.
func (s *headerSync) worthy(p *peer, parent *headertree.Node, b batch, last *headertree.Node) bool {
	if p.info.NoBan {
		return true
	}
	if last != nil && (last.IsAncestorOf(s.chain.Headers().Best()) || last.IsAncestorOf(s.chain.Tip())) {
		return true
	}
	need := s.threshold()
	total := addWork(parent.Work, b.headers)
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

// offer takes a headers message. It returns those headers that may enter the
// tree, which may be others than came; what becomes of them there is to be told
// to [headerSync.accepted] or [headerSync.blame].
func (s *headerSync) offer(now time.Time, p *peer, b batch) (ok batch, out []Action) {
	if b.len() == 0 {
		// The answer of a peer that has nothing for us, or nothing more.
		p.headers.askedAt = time.Time{}
		s.end(p)
		return batch{}, s.abandon(p)
	}
	full := b.len() == wire.MaxHeaders
	lost := p.headers.gate != nil
	if lost {
		var walked bool
		if ok, out, walked = s.offerGate(now, p, b, full); walked {
			return ok, out
		}
	}
	tree := s.chain.Headers()
	parent, last := tree.Lookup(b.headers[0].PrevBlock), b.last()
	if parent == nil {
		// An announcement whose parents we lack, or nonsense, or the peer has
		// switched chains in the middle of a walk.
		if b.len() <= maxAnnounce {
			p.hear(tree, last)
		}
		if b.len() <= maxAnnounce || lost {
			out = s.ask(now, p, tree.Best())
		}
		return batch{}, out
	}
	// Whatever was asked, this is the answer.
	p.headers.askedAt = time.Time{}
	if !s.worthy(p, parent, b, tree.Lookup(last)) {
		return batch{}, s.weak(now, p, parent, b, full)
	}
	return b, nil
}

// offerGate passes a headers message through the peer's gate. If they were no
// part of its walk, the headers are to be treated like any others.
func (s *headerSync) offerGate(now time.Time, p *peer, b batch, full bool) (ok batch, out []Action, walked bool) {
	p.headers.askedAt = time.Time{}
	start := p.headers.gate.Start()
	ok, walked = s.walkGate(p, b, full)
	switch {
	case !walked:
	case p.headers.gate != nil:
		out = append(out, s.askGate(now, p))
	case ok.len() == 0:
		out = s.weakEnd(p, start) // a walk that has shown the work releases headers at its end
	}
	return ok, out, walked
}

// accepted tells that the headers which a message brought into the tree end in
// n; full says that it had as many headers as it can have.
func (s *headerSync) accepted(now time.Time, p *peer, full bool, n *headertree.Node) (out []Action) {
	walks := p.headers.gate != nil
	switch {
	case walks: // asked on already
	case full:
		out = s.ask(now, p, n)
	default:
		s.end(p)
	}
	if !full && !walks && p.best.Work.Lt(&s.minWork) {
		out = append(out, s.tooWeak(p)...)
	}
	return out
}

// weak handles headers whose chain does not have the work yet.
func (s *headerSync) weak(now time.Time, p *peer, parent *headertree.Node, b batch, full bool) []Action {
	if full {
		s.begin(now, p, parent)
		if _, _ = s.walkGate(p, b, true); p.headers.gate != nil {
			return []Action{s.askGate(now, p)}
		}
	}
	s.end(p)
	if total := addWork(parent.Work, b.headers); total.Lt(&s.minWork) {
		return s.tooWeak(p)
	}
	return nil
}

// weakEnd handles the end of a walk that has not shown the work.
func (s *headerSync) weakEnd(p *peer, start *headertree.Node) []Action {
	s.end(p)
	if start.Work.Lt(&s.minWork) {
		return s.tooWeak(p)
	}
	return nil
}

// tooWeak gives the place of a peer whose whole chain has too little work to
// another, while the node depends on finding a better one.
func (s *headerSync) tooWeak(p *peer) []Action {
	if s.chain.IsInitialDownload() && p.info.Outbound && !p.info.Manual {
		return []Action{Disconnect{Peer: p.id, Reason: ChainTooWeak}}
	}
	return nil
}

// begin puts a gate before the peer's chain on top of a known header.
func (s *headerSync) begin(now time.Time, p *peer, parent *headertree.Node) {
	p.headers.gate = presync.New(s.net, parent, s.threshold(), now, s.rng, s.limits)
}

// walkGate passes headers through the peer's gate. It returns those that may
// enter the tree, and whether they were part of the gate's walk; if not, they
// are to be treated like any others. The gate is gone when it has ended.
func (s *headerSync) walkGate(p *peer, b batch, more bool) (ok batch, walked bool) {
	at := &p.headers
	headers, hashes, err := at.gate.Offer(b.headers, b.hashes, more)
	switch {
	case errors.Is(err, presync.ErrTooWeak):
		at.gate = nil
		return batch{}, true
	case err != nil:
		at.gate = nil
		return b, false
	}
	step := at.gate.Progress()
	s.obs.GateMoved(p.id, step.Height, step.Second)
	if at.gate.Done() {
		at.gate = nil
	}
	return batch{headers, hashes}, true
}

// entry is what header sync makes of the header of a block that came before it.
type entry struct {
	ok     batch // may enter the tree
	walked bool  // the header was part of a walk through the peer's gate
	again  bool  // which begins its second pass now
}

// enter takes the header of a block whose header was not known. Fed says that it
// is one of those that the peer announced on getblocks, and was asked for.
func (s *headerSync) enter(now time.Time, p *peer, h wire.Hash, header *wire.Header, fed bool) (e entry, out []Action) {
	if err := consensus.CheckProofOfWork(h, header.Bits, s.net); err != nil {
		return e, []Action{Misbehaved{Peer: p.id, Offence: InvalidHeader, Err: err}}
	}
	b := single(h, header)
	if fed && p.headers.gate != nil {
		second := p.headers.gate.Progress().Second
		e.ok, e.walked = s.walkGate(p, b, true)
		e.again = p.headers.gate != nil && p.headers.gate.Progress().Second != second
		if e.walked {
			return e, nil
		}
		e.ok = batch{}
	}
	tree := s.chain.Headers()
	parent := tree.Lookup(header.PrevBlock)
	switch {
	case parent == nil && fed:
		// The peer switched chains; the next answer shows to which.
	case parent == nil:
		p.hear(tree, h)
		out = s.ask(now, p, tree.Best())
	case s.worthy(p, parent, b, nil):
		e.ok = b
	case fed:
		s.begin(now, p, parent)
		s.walkGate(p, b, true)
		e.walked = true
	}
	return e, out
}

// enterCompact takes the header of a compact block, which may be known. It
// returns a batch of it if it may enter the tree.
func (s *headerSync) enterCompact(now time.Time, p *peer, h wire.Hash, header *wire.Header) (ok batch, out []Action) {
	tree := s.chain.Headers()
	parent := tree.Lookup(header.PrevBlock)
	if parent == nil {
		if s.chain.IsInitialDownload() {
			return batch{}, nil
		}
		p.hear(tree, h)
		return batch{}, s.ask(now, p, tree.Best())
	}
	b := single(h, header)
	work, need := addWork(parent.Work, b.headers), s.threshold()
	if work.Lt(&need) {
		return batch{}, nil // Core ignores it, too: an honest peer may know no better
	}
	if err := consensus.CheckProofOfWork(h, header.Bits, s.net); err != nil {
		return batch{}, []Action{Misbehaved{Peer: p.id, Offence: InvalidHeader, Err: err}}
	}
	return b, nil
}

// blame deals with headers that the tree refused, if the peer is at fault.
//
// Telling of a block that is known to be bad is not an offence: the peer may see
// the block otherwise, or our operator may have declared it invalid. But no place
// that this node can choose is given to a chain that it will not follow, and no
// place at all to who goes on building it.
func (s *headerSync) blame(p *peer, err error) []Action {
	var rule *consensus.RuleError
	if !errors.As(err, &rule) || rule.Kind != consensus.Invalid {
		return nil
	}
	switch {
	case rule.Reason == "bad-prevblk":
		return []Action{Misbehaved{Peer: p.id, Offence: OnInvalidBlock, Err: err}}
	case rule.Reason != "duplicate-invalid":
		return []Action{Misbehaved{Peer: p.id, Offence: InvalidHeader, Err: err}}
	case p.info.Outbound && !p.info.Manual:
		return []Action{Disconnect{Peer: p.id, Reason: OnBadChain}}
	}
	return nil
}

// blameCompact is the same for the header of a compact block. A block may be
// passed on before its scripts are checked, so that one which is known to be bad
// here is nobody's fault.
func (s *headerSync) blameCompact(p *peer, err error) []Action {
	var rule *consensus.RuleError
	if errors.As(err, &rule) && rule.Reason == "duplicate-invalid" {
		return nil
	}
	return s.blame(p, err)
}
