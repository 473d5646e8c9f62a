package server

import (
	"sync"
	"time"

	"starling/chain/consensus"
	"starling/chain/headertree"
)

const (
	// uploadCycle is what the limit of upload is for.
	uploadCycle = 24 * time.Hour
	// historicalAge is how old a block must be, against the best header, for
	// whoever asks for it to be catching up rather than keeping up.
	historicalAge = 7 * 24 * time.Hour
)

// upload keeps the node within what it may send in a day: when only as much is
// left as new blocks may take, old ones are not served any more (BIP159 nodes do
// without). It is safe for concurrent use.
type upload struct {
	limit uint64 // bytes in a cycle; 0 for none
	// reserve is what new blocks may take in a whole cycle, of which so much is
	// kept as is left of it.
	reserve float64

	mu    sync.Mutex
	start time.Time // of the cycle
	sent  uint64    // at its start, in all
}

// newUpload returns a limit for a network with blocks so far apart, whose first
// cycle begins now.
func newUpload(now time.Time, limit uint64, spacing time.Duration) *upload {
	blocks := uint64(1)
	if spacing > 0 {
		blocks = uint64(max(1, uploadCycle/spacing))
	}
	return &upload{start: now, limit: limit, reserve: float64(blocks * consensus.MaxBlockWeight)}
}

// state returns what is left of the cycle, in time and in bytes, given what was
// sent since the start of the node.
func (u *upload) state(now time.Time, total uint64) (left time.Duration, bytes uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if now.Sub(u.start) >= uploadCycle {
		u.start, u.sent = now, total
	}
	used := total - u.sent
	return uploadCycle - now.Sub(u.start), u.limit - min(used, u.limit)
}

// servesOld reports whether old blocks are served.
func (u *upload) servesOld(now time.Time, total uint64) bool {
	if u.limit == 0 {
		return true
	}
	left, bytes := u.state(now, total)
	return float64(bytes) > u.reserve*float64(left)/float64(uploadCycle)
}

// UploadTarget describes the limit of what is sent in a day.
type UploadTarget struct {
	Cycle, Left      time.Duration
	Limit, BytesLeft uint64
	ServesOld        bool
}

// Upload returns how the node stands with its limit of upload.
func (n *Server) Upload() UploadTarget {
	_, out := n.Totals()
	t := UploadTarget{Cycle: uploadCycle, Limit: n.upload.limit, ServesOld: n.upload.servesOld(n.clk.Now(), out)}
	if t.Limit > 0 {
		t.Left, t.BytesLeft = n.upload.state(n.clk.Now(), out)
	}
	return t
}

// tooMuch reports whether a block is old and the limit of upload is nearly
// reached, so that it is not served to just anybody. What a filter leaves of a block
// counts as old whatever its age, as in Bitcoin Core: nobody keeps up by it.
func (n *Server) tooMuch(node *headertree.Node, filtered bool) bool {
	if n.upload.limit == 0 || node == nil {
		return false
	}
	age := n.chain.Headers().Best().Header.Time().Sub(node.Header.Time())
	_, out := n.Totals()
	return (filtered || age > historicalAge) && !n.upload.servesOld(n.clk.Now(), out)
}
