package chain

import (
	"fmt"

	"starling/chain/coins"
	"starling/chain/headertree"
	"starling/store"
	"starling/wire"
)

// load brings index, files and UTXO set to one consistent state.
func (c *Chain) load() error {
	genesis := c.tree.Genesis()
	genesis.SetTxs(uint32(len(c.net.Genesis.Txs)))
	genesis.SetChainTx(uint64(len(c.net.Genesis.Txs)))
	if err := c.loadIndex(); err != nil {
		return err
	}
	if !c.reindexing {
		if err := c.checkFiles(); err != nil {
			return err
		}
	}
	// Up to here nothing but the index's own logs has been written.
	if err := c.openCoins(); err != nil {
		return err
	}
	if !c.reindexing {
		if err := c.finishPruning(); err != nil {
			return err
		}
		if err := c.findTails(); err != nil {
			return err
		}
		close(c.ready)
	}
	if err := c.recoverCoins(); err != nil {
		return err
	}
	if err := c.leaveFailed(); err != nil {
		return err
	}
	c.tip.Store(c.w.at)
	c.linkAll()
	if c.w.at.ChainTx() == 0 {
		return c.indexDamage(fmt.Sprintf("it does not hold all blocks up to %d, for which the UTXO set stands", c.w.at.Height))
	}
	return nil
}

// linkAll works out which stored blocks have all their ancestors stored, and
// which may become the tip.
func (c *Chain) linkAll() {
	for _, n := range c.tree.All() {
		switch {
		case n.Parent == nil:
		case n.Data() == nil && !n.Has(headertree.Pruned):
		case n.Parent.ChainTx() == 0:
			c.w.unlinked[n.Parent] = append(c.w.unlinked[n.Parent], n)
		default:
			n.SetChainTx(n.Parent.ChainTx() + uint64(n.Txs()))
			c.w.offer(n)
		}
	}
}

// recoverCoins finds the block that the UTXO set stands for, and finishes a
// flush that was interrupted: whatever part of the changes between the two
// blocks it names is on disk, undoing and applying those blocks again gives
// the state at the newer one.
func (c *Chain) recoverCoins() error {
	heads := c.coins.Interrupted()
	if heads == nil {
		at := c.coins.Best()
		if at == (wire.Hash{}) {
			c.w.at = c.tree.Genesis()
			if c.net.GenesisSpendable {
				c.coins.AddGenesis(c.net.Genesis)
			}
			c.coins.SetBest(c.w.at.Hash)
			return nil
		}
		n, err := c.knownHead(at)
		c.w.at = n
		return err
	}

	to, err := c.knownHead(heads.New)
	if err != nil {
		return err
	}
	from := c.tree.Genesis()
	if heads.Old != (wire.Hash{}) {
		if from, err = c.knownHead(heads.Old); err != nil {
			return err
		}
	} else if c.net.GenesisSpendable {
		c.coins.AddGenesis(c.net.Genesis)
	}
	fork := headertree.Fork(from, to)
	c.log.Info("finishing an interrupted write of the UTXO set", "from", from.Height, "fork", fork.Height, "to", to.Height)
	for n := from; n != fork; n = n.Parent {
		b, u, err := c.blockAndUndo(n)
		if err != nil {
			return fmt.Errorf("recovery: %w", err)
		}
		if err := c.coins.Unreplay(b, u); err != nil {
			return fmt.Errorf("recovery: block %d: %w", n.Height, err)
		}
	}
	for h := fork.Height + 1; h <= to.Height; h++ {
		n := to.Ancestor(h)
		b, err := c.ParsedBlock(n)
		if err != nil {
			return fmt.Errorf("recovery: %w", err)
		}
		c.coins.Replay(b, h)
		if h%1000 == 0 {
			c.log.Info("finishing an interrupted write of the UTXO set", "height", h, "to", to.Height)
		}
	}
	c.coins.SetBest(to.Hash)
	c.w.at = to
	_, err = c.coins.Flush(true, nil)
	return err
}

// leaveFailed takes back the blocks of the UTXO set that are not valid any more:
// an operator has declared one of them invalid, and a crash came before the coin
// set was written without it.
func (c *Chain) leaveFailed() error {
	from := c.w.at
	for c.w.at.Failed() {
		if _, err := c.w.uncoin(); err != nil {
			return err
		}
	}
	if c.w.at != from {
		// Nobody has seen a tip yet, so none has moved.
		c.w.moved = false
		c.log.Info("took back blocks that were declared invalid before the UTXO set could be written", "from", from.Height, "to", c.w.at.Height)
	}
	return nil
}

// knownHead returns the block that the UTXO set names.
func (c *Chain) knownHead(h wire.Hash) (*headertree.Node, error) {
	if n := c.tree.Lookup(h); n != nil {
		return n, nil
	}
	return nil, &store.CorruptError{
		Path: c.coinDir(), What: "the UTXO set belongs to block " + h.String() + ", which the index does not know",
		Advice: "rebuild both from the block files with --reindex",
	}
}

func (c *Chain) blockAndUndo(n *headertree.Node) (*wire.Block, *coins.Undo, error) {
	b, err := c.ParsedBlock(n)
	if err != nil {
		return nil, nil, err
	}
	u, err := c.Undo(n)
	return b, u, err
}
