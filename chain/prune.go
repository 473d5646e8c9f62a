package chain

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"

	"starling/chain/headertree"
	"starling/store"
)

// prune deletes the oldest files if block and undo files take more room than
// Config.Prune allows. The UTXO set has just been written, so that nothing
// needs the old blocks to recover.
func (w *writer) prune() error {
	if w.c.cfg.Prune <= 1 {
		return nil
	}
	w.tellHeld()
	return w.pruneFiles(w.at.Height, w.c.cfg.Prune)
}

// mayPrune reports whether pruning would delete anything.
func (w *writer) mayPrune() bool {
	if w.c.cfg.Prune <= 1 {
		return false
	}
	sizes := w.c.fileSizes()
	w.c.holds.mu.Lock()
	defer w.c.holds.mu.Unlock()
	return len(w.doomed(sizes, w.at.Height, w.c.cfg.Prune)) > 0
}

// doomed returns the files, oldest first, all of whose blocks are at or below
// height, that must go until at most target bytes are left. None has one of the
// last KeepBlocks blocks, or one that somebody has yet to read. sizes are those of
// the files, asked for before: the caller holds the lock of the holds, and the
// answer may take as long as a write.
func (w *writer) doomed(sizes map[uint32]int64, height int32, target int64) []uint32 {
	held, _ := w.c.holds.limit()
	height = min(height, w.at.Height-KeepBlocks, held)
	ix := &w.c.index
	ix.mu.Lock()
	defer ix.mu.Unlock()
	files := slices.Sorted(maps.Keys(ix.files))
	// Files that the index does not know, as after rebuilding a pruned one, are
	// not made up for by others; they are looked through at the next start.
	var total int64
	for _, f := range files {
		total += sizes[f]
	}
	var doomed []uint32
	for i, f := range files {
		// The newest file is still being written.
		if total <= target || i == len(files)-1 {
			break
		}
		if ix.files[f].top <= height {
			doomed = append(doomed, f)
			total -= sizes[f]
		}
	}
	return doomed
}

// pruneFiles deletes files, oldest first, all of whose blocks are at or below
// height, until at most target bytes are left.
func (w *writer) pruneFiles(height int32, target int64) error {
	c := w.c
	doomed, top := w.forgetFiles(height, target)
	if len(doomed) == 0 {
		return nil
	}
	// The index forgets the blocks before their files go, and remembers the
	// files, so that the next start deletes those that a crash has left.
	err := c.writeIndex(func(b *store.Batch) {
		for _, f := range doomed {
			b.Set(prunedKey(f), nil)
		}
	})
	if err == nil {
		err = c.endWhole()
	}
	if err == nil {
		err = c.deletePruned(doomed)
	}
	if err != nil {
		return err
	}
	c.log.Info("pruned old blocks", "files", len(doomed), "up to height", top)
	return nil
}

// forgetFiles has the blocks of the doomed files marked as pruned, and returns
// the files and the greatest height of such a block. Whoever holds blocks from
// now on sees the marks.
func (w *writer) forgetFiles(height int32, target int64) (doomed []uint32, top int32) {
	sizes := w.c.fileSizes()
	w.c.holds.mu.Lock()
	defer w.c.holds.mu.Unlock()
	doomed = w.doomed(sizes, height, target)
	ix := &w.c.index
	var gone []*headertree.Node
	ix.mu.Lock()
	for _, f := range doomed {
		for _, n := range ix.files[f].nodes {
			// A block that was found damaged may have been stored anew.
			if d := n.Data(); d != nil && d.File == f {
				gone = append(gone, n)
			}
		}
		delete(ix.files, f)
	}
	ix.mu.Unlock()
	for _, n := range gone {
		n.SetStatus(headertree.Pruned)
		n.SetData(nil)
		ix.touch(n)
		top = max(top, n.Height)
	}
	return doomed, top
}

func prunedKey(file uint32) []byte { return binary.BigEndian.AppendUint32([]byte{keyPruned}, file) }

// deletePruned deletes files whose blocks the index has forgotten.
func (c *Chain) deletePruned(files []uint32) error {
	b := c.indexDB.NewBatch()
	for _, f := range files {
		if err := errors.Join(c.blocks.Remove(f), c.undos.Remove(f)); err != nil {
			return err
		}
		b.Delete(prunedKey(f))
	}
	// If a crash takes this back, the files are found gone.
	return c.indexDB.Write(b, false)
}

// finishPruning deletes the files that a crash has kept from being deleted.
func (c *Chain) finishPruning() error {
	if c.pruned() {
		if err := c.endWhole(); err != nil {
			return err
		}
	}
	var files []uint32
	err := c.indexDB.Iterate([]byte{keyPruned}, func(key, _ []byte) error {
		if len(key) == 5 {
			files = append(files, binary.BigEndian.Uint32(key[1:]))
		}
		return nil
	})
	if err != nil || len(files) == 0 {
		return err
	}
	return c.deletePruned(files)
}

// pruned reports whether blocks were ever deleted to save space.
func (c *Chain) pruned() bool {
	return slices.ContainsFunc(c.tree.All(), func(n *headertree.Node) bool { return n.Has(headertree.Pruned) })
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
	for _, n := range c.fileSizes() {
		total += n
	}
	return total
}

// fileSizes returns how many bytes block and undo files take, by number.
func (c *Chain) fileSizes() map[uint32]int64 {
	sizes := c.blocks.Sizes()
	for file, n := range c.undos.Sizes() {
		sizes[file] += n
	}
	return sizes
}
