package netsync

import (
	"time"

	"starling/peer/await"
)

const (
	// stallTimeoutMin is how long a peer may hold up the whole window at first.
	// All others are idle meanwhile, so it is short.
	stallTimeoutMin = await.Window
	// stallTimeoutMax is where the doubling ends. If every peer needs longer,
	// the fault is our own link's, and changing peers does not help.
	stallTimeoutMax = 64 * time.Second
	// stallDecay is what the time falls by with each stored block.
	stallDecay = 0.85

	// blockTimeoutBase is how long the oldest block asked of a peer may take.
	blockTimeoutBase = await.Block
	// blockTimeoutPerPeer is added for each other peer that is downloading,
	// because they share our link.
	blockTimeoutPerPeer = 5 * time.Minute

	// lateAfter is when a block in flight may be asked of one more peer, if that
	// peer has nothing else to do. A full block takes 4 s at 1 MB/s. It keeps
	// the end of a download, and the tip, from waiting for one slow peer.
	lateAfter = await.BlockLate
	// maxCopies is from how many peers one block may be in flight, not counting
	// those that were asked longer than copyAfter ago: these may have gone to
	// sleep, and three of them must not keep a block from the node for the whole
	// of the block timeout.
	maxCopies = 3
	copyAfter = 30 * time.Second

	// widenAfter is when the next block is asked of more peers than that, twice as
	// many every widenEvery: whoever connects to this node can be many, announce a
	// block and withhold it, and one peer among them may have it. With that, 125
	// peers have been asked after half a minute. They are asked for the compact
	// block where they can, of which even so many are few bytes.
	widenAfter = 15 * time.Second
	widenEvery = 3 * time.Second
)

// late reports whether the block may be asked of one more peer.
func late(now time.Time, f *flight) bool {
	if now.Sub(f.from[len(f.from)-1].at) < lateAfter {
		return false
	}
	n := len(f.from)
	return n < maxCopies || now.Sub(f.from[n-maxCopies].at) >= copyAfter
}

// widened returns of how many peers the next block may be asked that nobody has
// delivered, whenever it was asked of the last of them.
func widened(now time.Time, f *flight) int {
	over := now.Sub(f.from[0].at) - widenAfter
	if over < 0 {
		return 0
	}
	return maxCopies << min(1+over/widenEvery, 10)
}

// withheld reports whether the next block is to be asked of one more peer, as
// others withhold it.
func (w *window) withheld(now time.Time, f *flight) bool {
	tip := w.chain.Tip()
	return f.node != nil && f.node.Parent == tip && w.nearTip(now) && len(f.from) < widened(now, f)
}

// progress lets the stall timeout fall.
func (w *window) progress() {
	if w.stallTimeout > stallTimeoutMin {
		w.stallTimeout = max(stallTimeoutMin, time.Duration(float64(w.stallTimeout)*stallDecay))
		w.obs.StallTimeout(w.stallTimeout)
	}
}

// downloading counts the peers that blocks are being asked of.
func downloading(peers []*peer) (n int) {
	for _, p := range peers {
		if len(p.window.flights) > 0 {
			n++
		}
	}
	return n
}

// overdue reports whether a peer has used up its time for a block, and why it is
// to go. sharing is how many peers are downloading.
func (w *window) overdue(now time.Time, p *peer, sharing int) (why Reason, over bool) {
	at := &p.window
	if len(at.flights) == 0 {
		return 0, false
	}
	now = p.clock(now)
	switch {
	case at.held > 0:
		// Its earlier blocks are with the chain, which may be keeping us
		// from reading on. That time is ours.
		if !at.stalling.IsZero() {
			at.stalling = now
		}
		at.since = now
	case !at.stalling.IsZero() && now.Sub(at.stalling) >= w.stallTimeout:
		return StalledWindow, true
	case now.Sub(at.since) >= blockTimeoutBase+time.Duration(sharing-1)*blockTimeoutPerPeer:
		return BlockTimeout, true
	}
	return 0, false
}

// stalled raises the stall timeout after a peer was dropped for it: one slow
// peer says little about the next one's limit, several in a row say that the
// limit is too tight for this node's link.
func (w *window) stalled() {
	w.stallTimeout = min(2*w.stallTimeout, stallTimeoutMax)
	w.obs.StallTimeout(w.stallTimeout)
}
