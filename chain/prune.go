package chain

import (
	"slices"

	"starling/chain/headertree"
)

// prune deletes the oldest files if block and undo files take more room than
// Config.Prune allows. The coin set has just been written, so that nothing
// needs the old blocks to recover.
func (w *writer) prune() error {
	if w.c.cfg.Prune <= 1 {
		return nil
	}
	_, err := w.pruneFiles(w.at.Height-KeepBlocks, w.c.cfg.Prune)
	return err
}

// pruneFiles deletes files, oldest first, all of whose blocks are at or below
// height, until at most target bytes are left. It returns how many it deleted.
func (w *writer) pruneFiles(height int32, target int64) (int, error) {
	c := w.c
	blockSizes, undoSizes := c.blocks.Sizes(), c.undos.Sizes()
	var total int64
	for _, n := range blockSizes {
		total += n
	}
	for _, n := range undoSizes {
		total += n
	}

	ix := &c.index
	ix.mu.Lock()
	var files []uint32
	newest := uint32(0)
	for f := range ix.files {
		files = append(files, f)
		newest = max(newest, f)
	}
	slices.Sort(files)
	var doomed []uint32
	for _, f := range files {
		if total <= target {
			break
		}
		// The newest file is still being written.
		if f == newest || ix.files[f].top > height {
			continue
		}
		doomed = append(doomed, f)
		total -= blockSizes[f] + undoSizes[f]
	}
	var gone []*headertree.Node
	for _, f := range doomed {
		gone = append(gone, ix.files[f].nodes...)
		delete(ix.files, f)
	}
	ix.mu.Unlock()
	if len(doomed) == 0 {
		return 0, nil
	}

	// The index forgets the blocks before their files go, so that a crash in
	// between leaves only files that nobody names; the next start drops those.
	top := int32(0)
	for _, n := range gone {
		n.SetStatus(headertree.Pruned)
		n.SetData(nil)
		ix.touch(n)
		top = max(top, n.Height)
	}
	if err := c.writeIndex(); err != nil {
		return 0, err
	}
	for _, f := range doomed {
		if err := c.blocks.Remove(f); err != nil {
			return 0, err
		}
		if err := c.undos.Remove(f); err != nil {
			return 0, err
		}
	}
	c.log.Info("pruned old blocks", "files", len(doomed), "up to height", top)
	return len(doomed), nil
}

// PrunedHeight returns the greatest height of the best chain whose block was
// deleted to save space, or -1.
func (c *Chain) PrunedHeight() int32 {
	// Deleted blocks are at the bottom, so that a binary search finds the
	// last.
	tip := c.Tip()
	lo, hi := int32(0), tip.Height
	for lo < hi {
		mid := (lo + hi + 1) / 2
		if tip.Ancestor(mid).Has(headertree.Pruned) {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	if lo == 0 {
		return -1
	}
	return lo
}

// SizeOnDisk returns how many bytes block and undo files take.
func (c *Chain) SizeOnDisk() int64 {
	var total int64
	for _, n := range c.blocks.Sizes() {
		total += n
	}
	for _, n := range c.undos.Sizes() {
		total += n
	}
	return total
}
