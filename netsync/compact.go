package netsync

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"starling/chain/consensus"
	"starling/chain/headertree"
	"starling/wire"
)

// Blocks come as compact blocks (BIP152, version 2) near the tip: unasked from
// the few peers that were told to announce so (compact_announce.go), or asked
// for when a single block is missing. A compact block takes the block's place
// among those in flight, so all rules of the download hold for it as well. The
// caller rebuilds it, as it has the transactions, and tells what came of it.

const (
	// compactAhead is how far above the tip a block may be to be rebuilt.
	// Further ahead the pool knows little of what is in it.
	compactAhead = 2
	// directFetch is how many blocks' time the tip may be old for the node to
	// count as nearly up to date. Before that, compact blocks are of no use.
	directFetch = 20
	// compactPatience is how long the only peer that a block was asked of may
	// take to answer before it is asked for the whole block. Others, where there
	// are any, are asked after lateAfter.
	compactPatience = 10 * time.Second
	// maxRebuilding is how many blocks may wait for a peer's transactions. Each
	// keeps the compact block in memory, 4 MB at most.
	maxRebuilding = 3
	// maxRebuildingAll is how many may wait in all, which is as many as three
	// peers may bring of four blocks. Where proof of work is cheap anybody can make
	// block after block; together they keep 48 MB. Further ones are rebuilt only
	// if nothing is missing, and else fetched whole.
	maxRebuildingAll = 12
	// maxOpened is how many compact blocks of a peer are remembered, so that
	// none is rebuilt twice: each costs a walk over the pool. Blocks near the
	// tip with their proof of work are few.
	maxOpened = 16
)

// stage says how far a block in flight from one peer has got.
type stage uint8

const (
	stageWhole  stage = iota // asked for whole
	stageAsked               // asked for as a compact block
	stageOpen                // the caller is rebuilding it
	stageTxs                 // the transactions that are missing were asked for
	stageFailed              // rebuilding failed, and the whole block was asked for
)

// compactPeer is what compact blocks need to know of a peer.
type compactPeer struct {
	provides  bool // it understands compact blocks of version 2
	wants     bool // it wants new blocks as compact blocks, unasked
	announces bool // it was told to announce new blocks so

	opened [maxOpened]wire.Hash // the last blocks of it that were rebuilt
	next   int                  // place of the oldest in opened
}

// firstTime remembers a block and reports whether it was new.
func (c *compactPeer) firstTime(h wire.Hash) bool {
	if slices.Contains(c.opened[:], h) {
		return false
	}
	c.opened[c.next] = h
	c.next = (c.next + 1) % maxOpened
	return true
}

// asking returns the entry of a block in the peer's list of flights, or nil.
// It is valid until the list changes.
func (p *peer) asking(h wire.Hash) *asked {
	for i := range p.flights {
		if p.flights[i].flight.hash == h {
			return &p.flights[i]
		}
	}
	return nil
}

// rebuilding counts the peer's blocks that wait for transactions.
func (p *peer) rebuilding() (n int) {
	for i := range p.flights {
		if p.flights[i].stage == stageTxs {
			n++
		}
	}
	return n
}

// rebuilding counts the blocks of all peers that are being rebuilt or wait for
// transactions.
func (m *Manager) rebuilding() (n int) {
	for _, p := range m.order {
		for i := range p.flights {
			if s := p.flights[i].stage; s == stageOpen || s == stageTxs {
				n++
			}
		}
	}
	return n
}

// nearTip reports whether the tip is recent enough for compact blocks.
func (m *Manager) nearTip(now time.Time) bool {
	return !m.chain.IsInitialDownload() && m.chain.Tip().Header.Time().After(now.Add(-directFetch*m.net.TargetSpacing))
}

// CompactBlock takes the header of a compact block that arrived. Its header
// enters the tree if its chain has the work. With open the caller is to
// rebuild the block now and tell of it with [Manager.CompactRead]; otherwise
// the message is of no use, and the actions fetch what is needed.
func (m *Manager) CompactBlock(now time.Time, id PeerID, hash wire.Hash, header *wire.Header) (open bool, actions []Action) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.active(id)
	if p == nil {
		return false, nil
	}
	open = m.takeCompact(now, p, hash, header)
	return open, m.settle(now, p)
}

func (m *Manager) takeCompact(now time.Time, p *peer, h wire.Hash, header *wire.Header) (open bool) {
	n := m.compactHeader(now, p, h, header)
	if n == nil {
		return false
	}
	p.learn(n)
	tip, f, own := m.chain.Tip(), m.flights[h], p.asking(h)
	switch {
	case f != nil && f.void:
		return false
	case n.Data() != nil || m.holds(h):
		// It is here. The peer's answer has come, if it was asked.
		m.takeBack(now, p, h)
		return false
	case !n.Work.Gt(&tip.Work) || have(n, tip) || n.Txs() != 0 || n.Height > tip.Height+compactAhead:
		// Wanted for another reason than to be the tip, or too far ahead: what
		// the pool has is of little use for it.
		if own != nil && own.stage == stageAsked {
			m.askWhole(p, own)
		}
		return false
	case own != nil && own.stage != stageAsked && own.stage != stageWhole:
		return false // it is being rebuilt already, or that has failed
	case f == nil && !m.nearTip(now):
		return false // the download will get to it
	case !p.compact.firstTime(h) && (own == nil || own.stage != stageAsked):
		return false
	}
	if f != nil {
		f.node = n
	}
	switch {
	case own != nil:
		own.whole = own.whole || own.stage == stageWhole
		own.stage = stageOpen
	case (f == nil || len(f.from) < maxCopies) && len(p.flights) < maxInFlight && p.rebuilding() < maxRebuilding && m.rebuilding() < maxRebuildingAll:
		m.flight(now, p, h, n)
		p.flights[len(p.flights)-1].stage = stageOpen
	}
	// Without a place it may be rebuilt all the same, if nothing is missing.
	return true
}

// compactHeader returns the node of the header of a compact block, which may
// be new, or nil if it may not be kept.
func (m *Manager) compactHeader(now time.Time, p *peer, h wire.Hash, header *wire.Header) *headertree.Node {
	tree := m.chain.Headers()
	parent := tree.Lookup(header.PrevBlock)
	if parent == nil {
		if !m.chain.IsInitialDownload() {
			m.learn(p, h)
			m.askHeaders(now, p, tree.Best())
		}
		return nil
	}
	work, need := addWork(parent.Work, []wire.Header{*header}), m.threshold()
	if work.Lt(&need) {
		return nil // Core ignores it, too: an honest peer may know no better
	}
	if err := consensus.CheckProofOfWork(h, header.Bits, m.net); err != nil {
		m.do(Misbehaved{Peer: p.id, Offence: InvalidHeader, Err: err})
		return nil
	}
	n, added, err := m.accept(single(h, header))
	if err != nil {
		// A block may be passed on before its scripts are checked, so that one
		// which is known to be bad here is nobody's fault.
		var rule *consensus.RuleError
		if !errors.As(err, &rule) || rule.Reason != "duplicate-invalid" {
			m.blame(p, err)
		}
		return nil
	}
	if added > 0 {
		m.fillAll = true // others may have announced what is known only now
	}
	return n
}

// askWhole asks the peer for the whole of a block that it was to send as a
// compact block. The block keeps its place and its time.
func (m *Manager) askWhole(p *peer, a *asked) {
	if a.whole {
		return
	}
	a.whole = true
	kind := wire.InvBlock
	if p.witness() {
		kind = wire.InvWitnessBlock
	}
	m.do(SendGetData{Peer: p.id, Inv: []wire.InvVect{{Type: kind, Hash: a.flight.hash}}})
}

// CompactResult is what came of rebuilding a compact block.
type CompactResult uint8

const (
	// CompactComplete: the block is there, and its transactions are those that
	// its header commits to.
	CompactComplete CompactResult = iota
	// CompactMissing: some transactions would have to be asked for.
	CompactMissing
	// CompactUnusable: it cannot be rebuilt, which need not be the peer's fault
	// (a collision of short ids).
	CompactUnusable
	// CompactInvalid: what the peer sent is not what any honest peer sends.
	CompactInvalid
)

// String returns the result in one word.
func (r CompactResult) String() string {
	switch r {
	case CompactComplete:
		return "complete"
	case CompactMissing:
		return "missing"
	case CompactUnusable:
		return "unusable"
	case CompactInvalid:
		return "invalid"
	}
	return fmt.Sprintf("result %d", uint8(r))
}

// CompactStep says how to go on with a compact block.
type CompactStep uint8

const (
	// CompactDrop: forget it.
	CompactDrop CompactStep = iota
	// CompactSubmit: pass the block to the chain as one that was requested, and
	// tell the outcome with [Manager.BlockStored] or [Manager.BlockRejected].
	CompactSubmit
	// CompactAsk: keep it, ask the peer for what is missing (getblocktxn), and
	// ask [Manager.CompactTxs] what to do with the answer.
	CompactAsk
)

// CompactRead tells what came of rebuilding a compact block, at once after
// [Manager.CompactBlock] or with the transactions that were asked for. Err is
// what was wrong, if anything was.
func (m *Manager) CompactRead(now time.Time, id PeerID, hash wire.Hash, r CompactResult, err error) (CompactStep, []Action) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.active(id)
	if p == nil {
		return CompactDrop, nil
	}
	step := m.readCompact(now, p, hash, r, err)
	return step, m.settle(now, p)
}

func (m *Manager) readCompact(now time.Time, p *peer, h wire.Hash, r CompactResult, err error) CompactStep {
	own, f := p.asking(h), m.flights[h]
	m.obs.CompactRead(p.id, h, r, own != nil && own.answered)
	if r == CompactInvalid {
		m.badCompact(now, p, h, err)
		return CompactDrop
	}
	if r == CompactComplete {
		n := m.chain.Headers().Lookup(h)
		if n == nil || n.Failed() {
			return CompactDrop
		}
		if v := m.takeBlock(now, p, h, &n.Header); !v.Submit {
			return CompactDrop
		}
		return CompactSubmit
	}
	if own == nil || own.stage != stageOpen {
		return CompactDrop // it was only tried, or the block has come from another
	}
	first := f.from[0].peer == p
	switch {
	case m.holds(h):
		m.takeBack(now, p, h) // it has come from another
	case own.whole:
		own.stage = stageWhole // which will come anyway
	case r == CompactMissing && (first || m.mayAsk(p, f)):
		own.stage = stageTxs
		return CompactAsk
	case r == CompactUnusable && first:
		own.stage = stageFailed
		m.askWhole(p, own)
	default:
		// Somebody else is at work on it.
		m.takeBack(now, p, h)
	}
	return CompactDrop
}

// badCompact deals with a peer that sends what no honest peer sends.
func (m *Manager) badCompact(now time.Time, p *peer, h wire.Hash, err error) {
	p.mark(now, h) // it is not asked for this block again, should it stay
	m.takeBack(now, p, h)
	m.do(Misbehaved{Peer: p.id, Offence: InvalidCompactBlock, Err: err})
}

// mayAsk reports whether a peer that is not the first one to bring a block may
// be asked for what is missing of it. The last of the three places is kept for
// a peer that this node chose, unless such a peer is at work already: anybody
// who connects to us can be quick to announce and slow to deliver.
func (m *Manager) mayAsk(p *peer, f *flight) bool {
	if !p.compact.announces {
		return false
	}
	if p.info.Outbound || len(f.from) < maxCopies {
		return true
	}
	return slices.ContainsFunc(f.from, func(h holder) bool { return h.info.Outbound })
}

// CompactTxs takes the arrival of transactions of a block (blocktxn). With
// fill the caller is to complete the compact block that it has kept, and tell
// of it with [Manager.CompactRead]; otherwise they were not asked for, or are
// no longer wanted.
func (m *Manager) CompactTxs(now time.Time, id PeerID, hash wire.Hash) (fill bool, actions []Action) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.active(id)
	if p == nil {
		return false, nil
	}
	own := p.asking(hash)
	switch {
	case own == nil:
	case own.stage == stageTxs:
		own.stage, own.answered = stageOpen, true
		return true, nil
	case own.stage == stageFailed:
		// The answer has come before, and did not fit.
		m.badCompact(now, p, hash, nil)
	}
	return false, m.settle(now, p)
}

// CompactWaits reports whether transactions of a block are awaited from the
// peer, so that what was kept of its compact block is still of use.
func (m *Manager) CompactWaits(id PeerID, hash wire.Hash) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.active(id)
	if p == nil {
		return false
	}
	own := p.asking(hash)
	return own != nil && own.stage == stageTxs
}

// byCompact reports whether a block that is about to be asked of a peer is
// better asked for as a compact block: it is the next tip, and the only one on
// its way.
func (m *Manager) byCompact(now time.Time, p *peer, a *asked) bool {
	n, tip := a.flight.node, m.chain.Tip()
	return n != nil && p.compact.provides && !m.wholeBlocks && len(m.flights) == 1 && len(a.flight.from) == 1 &&
		n.Work.Gt(&tip.Work) && n.Height <= tip.Height+compactAhead &&
		(n.Parent.Has(headertree.Connected) || n.Parent.IsAncestorOf(tip)) && m.nearTip(now)
}

// checkCompact asks for the whole block where the only peer that was asked for
// a compact one leaves the node waiting.
func (m *Manager) checkCompact(now time.Time) {
	for _, p := range m.order {
		if p.leaving || p.held > 0 {
			continue
		}
		for i := range p.flights {
			a := &p.flights[i]
			if (a.stage == stageAsked || a.stage == stageTxs) && len(a.flight.from) == 1 &&
				now.Sub(a.at) >= compactPatience && !m.holds(a.flight.hash) {
				m.askWhole(p, a)
			}
		}
	}
}
