package chain

import (
	"context"
	"path"

	"starling/store"
	"starling/wire"
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
func (c *Chain) openIndex(blockDir, indexDir, coinDir string) error {
	fs := c.cfg.FS
	open := func() (err error) {
		c.indexDB, err = store.OpenDB(store.DBOptions{FS: fs, Dir: indexDir, CacheBytes: 1 << 20, MemTableBytes: 2 << 20, Logger: c.log})
		return err
	}
	c.reindexing = c.cfg.Reindex
	if !c.reindexing {
		if err := open(); err != nil {
			return err
		}
		begun, err := c.indexDB.Has([]byte{keyReindex})
		if err != nil {
			return err
		}
		empty := true
		err = c.indexDB.Iterate([]byte{keyBlock}, func(_, _ []byte) error { empty = false; return store.ErrStop })
		if err != nil {
			return err
		}
		c.reindexing = begun || empty && len(c.blocks.Sizes()) > 0
		if !c.reindexing {
			return nil
		}
		if err := c.indexDB.Close(); err != nil {
			return err
		}
	}
	c.log.Info("rebuilding the block index and the coin set from the block files")
	if err := fs.RemoveAll(indexDir); err != nil {
		return err
	}
	if err := open(); err != nil {
		return err
	}
	mark := c.indexDB.NewBatch()
	mark.Set([]byte{keyReindex}, nil)
	if err := c.indexDB.Write(mark, true); err != nil {
		return err
	}
	if err := fs.RemoveAll(coinDir); err != nil {
		return err
	}
	names, err := fs.List(blockDir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if ok, _ := path.Match("rev*.dat", name); ok {
			if err := fs.Remove(path.Join(blockDir, name)); err != nil {
				return err
			}
		}
	}
	return nil
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

// reindex rebuilds the block index from the block files. The coin set, which
// starts empty, follows when the blocks are connected. Blocks lie in the files
// in the order in which they arrived; those that come before their parents
// wait, by position, until the parent has been seen.
func (c *Chain) reindex(ctx context.Context) error {
	type place struct {
		pos  store.Pos
		size int
	}
	waiting := make(map[wire.Hash][]place) // by parent
	blocks, damaged := 0, 0

	var add func(pos store.Pos, b *wire.Block) error
	add = func(pos store.Pos, b *wire.Block) error {
		n, _, err := c.tree.Add(&b.Header, c.clk.Now())
		if err != nil {
			c.log.Warn("reindex: block skipped", "hash", b.Hash(), "err", err)
			return nil
		}
		if n.Data() == nil && n.Parent != nil {
			b.HashTxs()
			if err := c.checkBody(n, b); err != nil {
				damaged++
				c.log.Warn("reindex: block skipped", "height", n.Height, "hash", n.Hash, "err", err)
				return nil
			}
			c.setStored(n, pos, b)
			if blocks++; blocks%1000 == 0 {
				c.log.Info("reindex", "blocks", blocks, "height", n.Height)
			}
		}
		for _, p := range waiting[n.Hash] {
			raw, err := c.blocks.Read(p.pos, uint32(p.size))
			if err != nil {
				return err
			}
			child, err := wire.ParseBlock(raw)
			if err != nil {
				return err
			}
			if err := add(p.pos, child); err != nil {
				return err
			}
		}
		delete(waiting, n.Hash)
		return nil
	}
	err := c.blocks.Scan(ctx, store.Pos{}, func(pos store.Pos, raw []byte) error {
		b, err := wire.ParseBlock(raw)
		if err != nil {
			damaged++
			c.log.Warn("reindex: a record in the block files is damaged and skipped", "at", pos, "err", err)
			return store.ErrNotRecord
		}
		if b.Hash() == c.net.GenesisHash {
			return nil
		}
		if c.tree.Lookup(b.Header.PrevBlock) == nil {
			waiting[b.Header.PrevBlock] = append(waiting[b.Header.PrevBlock], place{pos, len(raw)})
			return nil
		}
		return add(pos, b)
	})
	if err != nil {
		return err
	}
	c.log.Info("reindex: the index is rebuilt; connecting blocks", "blocks", blocks, "skipped", damaged, "best", c.tree.Best().Height)
	return c.writeIndex()
}
