package chain

import (
	"math"
	"sync"
)

const (
	// holdMargin is how many blocks below a hold stay too, in case whoever holds
	// them has to go back some. It is Bitcoin Core's figure.
	holdMargin = 10
	// heldTooMuch is the part of the target, in percent, above which the log says
	// who holds pruning back.
	heldTooMuch = 125
)

// holds are the blocks that are kept from being pruned because somebody has yet
// to read them.
type holds struct {
	mu  sync.Mutex
	all map[*Hold]bool
}

// Hold keeps the blocks above a height from being pruned. A nil Hold keeps
// nothing. Its methods may be called from any goroutine.
type Hold struct {
	h      *holds
	who    string
	height int32 // guarded by h.mu
}

// HoldBlocks keeps the blocks above height from being pruned until the hold is
// moved or released. It is for those that follow the chain at their own pace,
// who is how the log calls them. What has been pruned before is gone; whoever
// looks for it after this call finds out.
func (c *Chain) HoldBlocks(who string, height int32) *Hold {
	h := &Hold{h: &c.holds, who: who, height: height}
	c.holds.mu.Lock()
	defer c.holds.mu.Unlock()
	if c.holds.all == nil {
		c.holds.all = map[*Hold]bool{}
	}
	c.holds.all[h] = true
	return h
}

// Move says that the blocks up to height are not needed any more, and those
// above it are.
func (h *Hold) Move(height int32) {
	if h == nil {
		return
	}
	h.h.mu.Lock()
	defer h.h.mu.Unlock()
	h.height = height
}

// Release ends the hold.
func (h *Hold) Release() {
	if h == nil {
		return
	}
	h.h.mu.Lock()
	defer h.h.mu.Unlock()
	delete(h.h.all, h)
}

// limit returns the greatest height up to which nobody needs a block, and who
// needs the one above. The caller holds mu.
func (h *holds) limit() (height int32, who string) {
	height = math.MaxInt32
	for hold := range h.all {
		// The name decides between equals, so that the log says the same each time.
		if at := hold.height - holdMargin; at < height || at == height && hold.who < who {
			height, who = at, hold.who
		}
	}
	return height, who
}

// tellHeld says in the log, once until it is over, who keeps files from being
// pruned that are far too many.
func (w *writer) tellHeld() {
	c := w.c
	c.holds.mu.Lock()
	limit, who := c.holds.limit()
	c.holds.mu.Unlock()
	if size := c.SizeOnDisk(); limit >= w.at.Height-KeepBlocks || size <= c.cfg.Prune*heldTooMuch/100 {
		w.heldBack = false
	} else if !w.heldBack {
		w.heldBack = true
		c.log.Warn("old blocks are not pruned, as they have yet to be read; the disk fills until they are, or until the wallet is unloaded",
			"by", who, "at height", limit+holdMargin, "MiB", size>>20, "target", c.cfg.Prune>>20)
	}
}
