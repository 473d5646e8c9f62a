package index

import (
	"sync"

	"starling/chain/headertree"
	"starling/store"
)

// views holds what readers see: the database as it was at one block. Its lock is
// held for a moment only, never while the disk is read or written, so that
// readers do not wait for a sync, nor the index for readers.
type views struct {
	mu  sync.Mutex
	now *view
}

// view is the database at one block. It stays until it is not the newest and
// nobody uses it any more.
type view struct {
	best *headertree.Node // nil before the genesis block
	snap *store.Snapshot
	uses int // readers, and one more while it is the newest
}

// set makes readers that come from now on see snap.
func (vs *views) set(best *headertree.Node, snap *store.Snapshot) {
	vs.mu.Lock()
	old := vs.now
	vs.now = &view{best: best, snap: snap, uses: 1}
	vs.mu.Unlock()
	if old != nil {
		vs.leave(old)
	}
}

// best returns the block that readers see.
func (vs *views) best() *headertree.Node {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	return vs.now.best
}

// enter returns what readers see; leave must follow.
func (vs *views) enter() *view {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	vs.now.uses++
	return vs.now
}

func (vs *views) leave(v *view) {
	vs.mu.Lock()
	v.uses--
	over := v.uses == 0
	vs.mu.Unlock()
	if over {
		_ = v.snap.Close() // it does no I/O
	}
}
