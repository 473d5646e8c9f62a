package chain

import (
	"context"
	"errors"
	"fmt"

	"starling/chain/coins"
	"starling/chain/headertree"
	"starling/wire"
)

// Invalidate declares a block invalid, as if it broke a rule, and moves to the
// best chain without it. The next start remembers it, and so does a rebuild of
// the index.
func (c *Chain) Invalidate(ctx context.Context, n *headertree.Node) error {
	if n == c.tree.Genesis() {
		return errors.New("the genesis block can not be invalidated")
	}
	return c.do(ctx, func() error {
		err := c.w.takeBack(ctx, n)
		if err == nil {
			err = c.changeInvalid([]*headertree.Node{n}, nil)
		}
		if err == nil {
			c.markFailed(n)
		}
		// If it came to nothing, the blocks that were taken back are connected
		// again.
		c.w.rebuildCandidates()
		if err != nil {
			return err
		}
		c.w.preferFirst(c.tree.All())
		if c.w.best() == nil {
			c.publish(c.w.at)
		}
		return nil
	})
}

// takeBack disconnects n and all that builds on it. There may be many blocks, so
// that it gives up when ctx ends.
func (w *writer) takeBack(ctx context.Context, n *headertree.Node) error {
	for w.at.Ancestor(n.Height) == n {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.disconnect(); err != nil {
			return err
		}
	}
	return nil
}

// Reconsider takes back that a block, its ancestors and its descendants are
// invalid, and lets them be tried again. The next start remembers it.
func (c *Chain) Reconsider(ctx context.Context, n *headertree.Node) error {
	return c.do(ctx, func() error {
		// The file comes first: if it can not be written, nothing has changed.
		if err := c.changeInvalid(nil, c.declaredInvalid(n)); err != nil {
			return err
		}
		again := c.tree.Unfail(n)
		for _, m := range again {
			c.index.touch(m)
		}
		c.w.rebuildCandidates()
		c.w.preferFirst(again)
		// The list does not name them any more, but an index from before would
		// have them failed.
		return c.writeIndex()
	})
}

// Precious makes the chain that ends with n the best one, although another
// with as much work came first. It does nothing if n has less work than the
// tip, or if not all blocks of its chain are there. The next start does not
// remember it.
func (c *Chain) Precious(ctx context.Context, n *headertree.Node) error {
	return c.do(ctx, func() error {
		c.w.precious = n
		return nil
	})
}

// Settle returns when the writer has nothing left to connect.
func (c *Chain) Settle(ctx context.Context) error {
	for {
		idle := false
		err := c.do(ctx, func() error { idle = c.w.best() == nil && len(c.stored) == 0; return nil })
		if err != nil || idle {
			return err
		}
	}
}

// Coin returns the unspent output at op, if there is one, and the block that
// the answer belongs to.
func (c *Chain) Coin(op wire.OutPoint) (coin coins.Coin, ok bool, at *headertree.Node, err error) {
	coin, ok, hash, err := c.coins.Get(op)
	return coin, ok, c.tree.Lookup(hash), err
}

// CoinSnapshot writes the UTXO set to disk and returns a view of it, for
// scans, with the block that it stands for. Close the view after use.
func (c *Chain) CoinSnapshot(ctx context.Context) (s *coins.Snapshot, at *headertree.Node, err error) {
	err = c.do(ctx, func() error {
		if err := c.w.flushCoins(false); err != nil {
			return err
		}
		s, at = c.coins.Snapshot(), c.w.at
		return nil
	})
	return s, at, err
}

// CoinSetDiskSize returns about how many bytes the UTXO set takes on disk.
func (c *Chain) CoinSetDiskSize() uint64 { return c.coinDB.DiskBytes() }

// Flush writes everything to disk.
func (c *Chain) Flush(ctx context.Context) error {
	return c.do(ctx, func() error { return c.w.flushCoins(false) })
}

// Keep returns when the blocks that have been taken in are sure to survive a
// crash. Otherwise that takes some seconds, in which others still have them; it
// is for blocks that nobody else may have.
func (c *Chain) Keep(ctx context.Context) error {
	return c.do(ctx, func() error { return c.writeIndex() })
}

// PruneTo deletes block and undo files all of whose blocks are at or below
// height, as far as the last KeepBlocks blocks and those that hold blocks
// allow, and returns the height of the last block that was deleted, or -1.
func (c *Chain) PruneTo(ctx context.Context, height int32) (int32, error) {
	if c.cfg.Prune == 0 {
		return -1, errors.New("cannot prune blocks because node is not in prune mode")
	}
	err := c.do(ctx, func() error {
		if height > c.w.at.Height {
			return fmt.Errorf("blockchain is shorter than the attempted prune height")
		}
		// What is deleted must not be needed to recover the UTXO set.
		if err := c.w.flushCoins(false); err != nil {
			return err
		}
		return c.w.pruneFiles(height, 0)
	})
	return c.PrunedHeight(), err
}

// PruneTarget returns Config.Prune.
func (c *Chain) PruneTarget() int64 { return c.cfg.Prune }
