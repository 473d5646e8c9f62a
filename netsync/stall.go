package netsync

import "time"

const (
	// stallTimeoutMin is how long a peer may hold up the whole window at first.
	// All others are idle meanwhile, so it is short.
	stallTimeoutMin = 2 * time.Second
	// stallTimeoutMax is where the doubling ends. If every peer needs longer,
	// the fault is our own link's, and changing peers does not help.
	stallTimeoutMax = 64 * time.Second
	// stallDecay is what the time falls by with each stored block.
	stallDecay = 0.85

	// blockTimeoutBase is how long the oldest block asked of a peer may take.
	blockTimeoutBase = 10 * time.Minute
	// blockTimeoutPerPeer is added for each other peer that is downloading,
	// because they share our link.
	blockTimeoutPerPeer = 5 * time.Minute

	// lateAfter is when a block in flight may be asked of one more peer, if that
	// peer has nothing else to do. A full block takes 4 s at 1 MB/s. It keeps
	// the end of a download, and the tip, from waiting for one slow peer.
	lateAfter = 5 * time.Second
	// maxCopies is from how many peers one block may be in flight, not counting
	// those that were asked longer than copyAfter ago: these may have gone to
	// sleep, and three of them must not keep a block from the node for the whole
	// of the block timeout.
	maxCopies = 3
	copyAfter = 30 * time.Second
)

// late reports whether the block may be asked of one more peer.
func late(now time.Time, f *flight) bool {
	if now.Sub(f.from[len(f.from)-1].at) < lateAfter {
		return false
	}
	n := len(f.from)
	return n < maxCopies || now.Sub(f.from[n-maxCopies].at) >= copyAfter
}

// stall notes that the peer holds up the window, since now if it did not
// before.
func (m *Manager) stall(now time.Time, p *peer) {
	if p.stalling.IsZero() {
		p.stalling = now
	}
}

// progress lets the stall timeout fall.
func (m *Manager) progress() {
	if m.stallTimeout > stallTimeoutMin {
		m.stallTimeout = max(stallTimeoutMin, time.Duration(float64(m.stallTimeout)*stallDecay))
		m.obs.StallTimeout(m.stallTimeout)
	}
}

// checkBlocks enforces the time limits for blocks.
func (m *Manager) checkBlocks(now time.Time) {
	downloading := 0
	for _, p := range m.order {
		if len(p.flights) > 0 {
			downloading++
		}
	}
	for _, p := range m.order {
		p.forgetLacks(now)
		if p.leaving || len(p.flights) == 0 {
			continue
		}
		if p.held > 0 {
			// Its earlier blocks are with the chain, which may be keeping us
			// from reading on. That time is ours.
			if !p.stalling.IsZero() {
				p.stalling = now
			}
			p.since = now
			continue
		}
		if !p.stalling.IsZero() && now.Sub(p.stalling) >= m.stallTimeout {
			m.drop(p, StalledWindow)
			// One slow peer says little about the next one's limit, several in
			// a row say that the limit is too tight for this node's link.
			m.stallTimeout = min(2*m.stallTimeout, stallTimeoutMax)
			m.obs.StallTimeout(m.stallTimeout)
			continue
		}
		if now.Sub(p.since) >= blockTimeoutBase+time.Duration(downloading-1)*blockTimeoutPerPeer {
			m.drop(p, BlockTimeout)
		}
	}
}
