package chain

import (
	"context"

	"starling/store"
	"starling/wire"
)

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
