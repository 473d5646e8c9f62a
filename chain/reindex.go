package chain

import (
	"context"
	"errors"
	"io/fs"

	"starling/store"
)

// Ready returns a channel that is closed when all blocks on disk are known: at
// once, unless the index is being rebuilt. Before that nothing should be
// fetched.
func (c *Chain) Ready() <-chan struct{} { return c.ready }

// openIndex opens the block index and decides whether it must be rebuilt: if
// that is asked for, if an earlier attempt was not finished, or if there are
// block files that an empty index knows nothing of. In each case what can be
// derived from the block files is deleted. The index goes first and is marked
// until it is complete, so that a crash at any point ends up here again.
func (c *Chain) openIndex() error {
	if c.reindexing = c.cfg.Reindex; !c.reindexing {
		var err error
		if c.reindexing, err = c.openIndexAsIs(); err != nil || !c.reindexing {
			return err
		}
		if err := c.indexDB.Close(); err != nil {
			return err
		}
	}
	c.log.Info("rebuilding the block index and the UTXO set from the block files")
	if err := c.beginWhole(); err != nil {
		return err
	}
	if err := store.RemoveDB(c.cfg.FS, c.indexDir()); err != nil {
		return err
	}
	if err := c.openIndexDB(); err != nil {
		return err
	}
	mark := c.indexDB.NewBatch()
	mark.Set([]byte{keyReindex}, nil)
	if err := c.indexDB.Write(mark, true); err != nil {
		return err
	}
	if err := store.RemoveDB(c.cfg.FS, c.coinDir()); err != nil {
		return err
	}
	for file := range c.undos.Sizes() {
		if err := c.undos.Remove(file); err != nil {
			return err
		}
	}
	return nil
}

func (c *Chain) openIndexDB() (err error) {
	c.indexDB, err = store.OpenDB(store.DBOptions{
		FS: c.cfg.FS, Dir: c.indexDir(), CacheBytes: 1 << 20, MemTableBytes: 2 << 20, Logger: c.log, Marked: true,
	})
	return err
}

// openIndexAsIs opens the index as it is, and reports whether it must be
// rebuilt.
func (c *Chain) openIndexAsIs() (rebuild bool, err error) {
	if _, err := c.cfg.FS.Stat(c.indexDir()); errors.Is(err, fs.ErrNotExist) {
		// Somebody has deleted it to have it rebuilt; what damage leaves is not
		// as clean as that.
		if err := c.mayRebuild(); err != nil {
			return false, err
		}
		if err := store.RemoveDB(c.cfg.FS, c.indexDir()); err != nil {
			return false, err
		}
	}
	if err := c.openIndexDB(); err != nil {
		return false, err
	}
	begun, err := c.indexDB.Has([]byte{keyReindex})
	if err != nil || begun {
		return begun, err
	}
	empty := true
	err = c.indexDB.Iterate([]byte{keyBlock}, func(_, _ []byte) error { empty = false; return store.ErrStop })
	if err != nil || !empty || len(c.blocks.Sizes()) == 0 {
		return false, err
	}
	return true, c.mayRebuild()
}

// mayRebuild fails if blocks have been pruned, so that what is derived from the
// block files cannot be rebuilt from them.
func (c *Chain) mayRebuild() error {
	if pruned, err := Pruned(c.cfg.FS, c.cfg.Dir); err != nil || !pruned {
		return err
	}
	return &store.CorruptError{
		Path: c.indexDir(), What: "it is empty, and cannot be rebuilt because the first blocks have been pruned",
		Advice: "put back a copy of it, or start with --reindex to fetch the whole chain again",
	}
}

// finishIndex completes an index that is being rebuilt.
func (c *Chain) finishIndex(ctx context.Context) error {
	if !c.reindexing {
		return nil
	}
	if err := c.reindex(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // the next start begins again
		}
		return err
	}
	done := c.indexDB.NewBatch()
	done.Delete([]byte{keyReindex})
	if err := c.indexDB.Write(done, true); err != nil {
		return err
	}
	c.reindexing = false
	c.linkAll()
	close(c.ready)
	return nil
}

// reindex rebuilds the block index from the block files. The UTXO set, which
// starts empty, follows when the blocks are connected.
func (c *Chain) reindex(ctx context.Context) error {
	f := c.newFinder()
	if err := c.blocks.Scan(ctx, store.Pos{}, f.take); err != nil {
		return err
	}
	c.failInvalid()
	c.log.Info("the index is rebuilt; connecting blocks", "blocks", f.found, "skipped", f.damaged, "best", c.tree.Best().Height)
	return c.writeIndex()
}
