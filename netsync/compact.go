package netsync

import (
	"fmt"
	"slices"
	"time"

	"starling/chain/headertree"
	"starling/peer/await"
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
	compactPatience = await.Compact
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

// compactState is what the machine of compact blocks keeps of a block in flight.
type compactState struct {
	stage stage
	whole bool // the whole block was asked for as well as the compact one
	// answered says that the transactions that were missing have come.
	answered bool
}

// compactPeer is what compact blocks need to know of a peer.
type compactPeer struct {
	provides  bool // it understands compact blocks of version 2
	wants     bool // it wants new blocks as compact blocks, unasked
	announces bool // it was told to announce new blocks so

	opened [maxOpened]wire.Hash // the last blocks of it that were rebuilt
	next   int                  // place of the oldest in opened
}

// speaks notes that the peer understands compact blocks, and whether it wants
// new ones unasked.
func (c *compactPeer) speaks(wants bool) { c.provides, c.wants = true, wants }

// firstTime remembers a block and reports whether it was new.
func (c *compactPeer) firstTime(h wire.Hash) bool {
	if slices.Contains(c.opened[:], h) {
		return false
	}
	c.opened[c.next] = h
	c.next = (c.next + 1) % maxOpened
	return true
}

// compact decides which compact blocks are rebuilt, how to go on with them, and
// who announces by them to whom (compact_announce.go). It never asks for a block
// by itself: the state that it keeps hangs on the window's entries, so that it
// is gone when the block has come or the peer has left.
//
// What holds at every moment:
//   - At most [maxRebuilding] blocks of a peer, and [maxRebuildingAll] in all,
//     are kept to be rebuilt.
//   - A compact block of a peer is opened once, or once more if it was asked for.
//   - The announcers are [maxAnnouncers] peers at most, each of which was told
//     so and is not leaving.
type compact struct {
	*env
	whole      bool    // this node asks for no compact blocks
	announcers []*peer // told to announce by compact blocks; the last to give a block is last
	fastest    int32   // greatest height of a block announced before its scripts were checked
}

// rebuilding counts the peer's blocks that wait for transactions.
func (p *peer) rebuilding() (n int) {
	for i := range p.window.flights {
		if p.window.flights[i].stage == stageTxs {
			n++
		}
	}
	return n
}

// rebuilding counts the blocks of all peers that are being rebuilt or wait for
// transactions.
func rebuilding(peers []*peer) (n int) {
	for _, p := range peers {
		for i := range p.window.flights {
			if s := p.window.flights[i].stage; s == stageOpen || s == stageTxs {
				n++
			}
		}
	}
	return n
}

// opening says what to do with a compact block that arrived.
type opening uint8

const (
	openNot   opening = iota // it is of no use
	openHere                 // the block is here, and the peer's answer has come if it was asked
	openWhole                // ask the peer for the whole of it
	openOwn                  // rebuild it in the place that it has
	openPlace                // rebuild it, and give it a place among those in flight
	openTry                  // rebuild it without a place, in case nothing is missing
)

// open decides on a compact block with the header n, which is in flight as f if
// anybody was asked for it. Here says that the block is stored or held.
func (c *compact) open(now time.Time, p *peer, n *headertree.Node, f *flight, here bool, peers []*peer) opening {
	tip, own := c.chain.Tip(), p.window.asking(n.Hash)
	wanted := own != nil && own.stage == stageAsked
	switch {
	case own != nil && own.void:
		return openNot
	case here:
		return openHere
	case !n.Work.Gt(&tip.Work) || have(n, tip) || n.Txs() != 0 || n.Height > tip.Height+compactAhead:
		// Wanted for another reason than to be the tip, or too far ahead: what
		// the pool has is of little use for it.
		if wanted {
			return openWhole
		}
		return openNot
	case own != nil && !wanted && own.stage != stageWhole:
		return openNot // it is being rebuilt already, or that has failed
	case !wanted && (c.whole || !p.compact.provides):
		return openNot // without a pool it is of little use, and who never spoke of it cannot mean it
	case f == nil && !c.nearTip(now):
		return openNot // the download will get to it
	case !p.compact.firstTime(n.Hash) && !wanted:
		return openNot
	case own != nil:
		return openOwn
	case (f == nil || len(f.from) < maxCopies) && len(p.window.flights) < maxInFlight &&
		p.rebuilding() < maxRebuilding && rebuilding(peers) < maxRebuildingAll:
		return openPlace
	}
	return openTry
}

// open notes that a block is being rebuilt that came unasked.
func (a *compactState) open() { a.stage = stageOpen }

// reopen notes the same of one that was asked for. If it was asked for whole,
// that will come as well.
func (a *compactState) reopen() {
	a.whole = a.whole || a.stage == stageWhole
	a.stage = stageOpen
}

// askWhole asks the peer for the whole of a block that it was to send as a
// compact block. The block keeps its place and its time.
func (c *compact) askWhole(p *peer, a *asked) []Action {
	if a.whole {
		return nil
	}
	a.whole = true
	return []Action{SendGetData{Peer: p.id, Inv: []wire.InvVect{{Type: p.wholeBlock(), Hash: a.flight.hash}}}}
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

// reading says how to go on with a block that could not be completed.
type reading uint8

const (
	readDrop     reading = iota // forget it
	readTakeBack                // forget it, and end the peer's request for the block
	readAsk                     // ask for the transactions that are missing
	readWhole                   // ask for the whole block
)

// read decides on a block of which something is missing, or that cannot be
// rebuilt. Here says that it is stored or held by now, busy how many blocks are
// being rebuilt, this one included.
func (c *compact) read(p *peer, h wire.Hash, r CompactResult, here bool, busy int) reading {
	own := p.window.asking(h)
	if own == nil || own.stage != stageOpen {
		return readDrop // it was only tried, or the block has come from another
	}
	first, wide := own.flight.from[0].peer == p, own.flight.wide(p)
	switch {
	case here:
		return readTakeBack // it has come from another
	case own.whole:
		own.stage = stageWhole // which will come anyway
		return readDrop
	case r == CompactMissing && (first || mayAsk(p, own.flight)), r == CompactMissing && wide && busy <= maxRebuildingAll:
		own.stage = stageTxs
		return readAsk
	case wide:
		// Others keep all places of blocks that wait for transactions; this one is
		// asked for the whole, as it seems to have it.
		own.stage = stageFailed
		return readWhole
	case r == CompactUnusable && first:
		own.stage = stageFailed
		return readWhole
	}
	return readTakeBack // somebody else is at work on it
}

// mayAsk reports whether a peer that is one of those whom a block was asked of,
// but not the first, may be asked for what is missing of it. The last of the
// three places is kept for a peer that this node chose, unless such a peer is at
// work already: anybody who connects to us can be quick to announce and slow to
// deliver.
func mayAsk(p *peer, f *flight) bool {
	return p.compact.announces && (len(f.from) < maxCopies ||
		slices.ContainsFunc(f.from, func(h holder) bool { return h.info.Outbound }))
}

// txs takes the arrival of transactions of a block. Fill says that they
// complete a block that is waiting for them, bad that they came a second time,
// after the first had not fitted.
func (c *compact) txs(p *peer, h wire.Hash) (fill, bad bool) {
	own := p.window.asking(h)
	switch {
	case own == nil:
	case own.stage == stageTxs:
		own.stage, own.answered = stageOpen, true
		return true, false
	case own.stage == stageFailed:
		return false, true
	}
	return false, false
}

// ask reports whether a block that is about to be asked of a peer is to be asked
// for as a compact block: it is the next tip, and the only one on its way.
// Flights is how many are.
func (c *compact) ask(now time.Time, p *peer, a *asked, flights int) bool {
	n, tip := a.flight.node, c.chain.Tip()
	better := n != nil && p.compact.provides && !c.whole && (flights == 1 && len(a.flight.from) == 1 || len(a.flight.from) > maxCopies) &&
		n.Work.Gt(&tip.Work) && n.Height <= tip.Height+compactAhead &&
		(n.Parent.Has(headertree.Connected) || n.Parent.IsAncestorOf(tip)) && c.nearTip(now)
	if better {
		a.stage = stageAsked
	}
	return better
}

// check asks for the whole block where the only peer that was asked for a
// compact one leaves the node waiting.
func (c *compact) check(now time.Time, p *peer, holds func(wire.Hash) bool) (out []Action) {
	if p.leaving || p.window.held > 0 {
		return nil
	}
	for i := range p.window.flights {
		a := &p.window.flights[i]
		if (a.stage == stageAsked || a.stage == stageTxs) && len(a.flight.from) == 1 &&
			now.Sub(a.at) >= compactPatience && !holds(a.flight.hash) {
			out = append(out, c.askWhole(p, a)...)
		}
	}
	return out
}
