package chain

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"starling/chain/coins"
	"starling/chain/headertree"
	"starling/script"
	"starling/wire"
)

// Verify checks the last n blocks of the best chain again (0 for all), at one
// of these levels, each including those before: 0 reads the blocks, 1 checks
// their rules, 2 reads the undo records, 3 takes the blocks back in memory and
// compares with the UTXO set, which is read whole and compared with its total,
// 4 checks their scripts. It changes nothing. The writer waits meanwhile, but
// for the reading of the UTXO set.
func (c *Chain) Verify(ctx context.Context, level, n int32) error {
	if level >= 3 {
		if err := c.verifyTotal(ctx); err != nil {
			return err
		}
	}
	return c.do(ctx, func() error {
		if n <= 0 || n > c.w.at.Height {
			n = c.w.at.Height
		}
		over := overlay{c: c, coins: make(map[wire.OutPoint]*coins.Coin)}
		at := c.w.at
		for range n {
			if err := ctx.Err(); err != nil {
				return err
			}
			if at.Has(headertree.Pruned) {
				return nil // nothing older is there either
			}
			if err := c.verifyBlock(at, level, &over); err != nil {
				return fmt.Errorf("block %d (%v): %w", at.Height, at.Hash, err)
			}
			at = at.Parent
		}
		return nil
	})
}

// verifyTotal compares all coins with their total. A set from before there were
// totals gets one.
func (c *Chain) verifyTotal(ctx context.Context) error {
	s, _, err := c.CoinSnapshot(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	got, err := s.Check(ctx)
	if !errors.Is(err, coins.ErrNoTotal) {
		return err
	}
	return c.do(ctx, func() error {
		c.coins.Learn(s, got)
		return nil
	})
}

func (c *Chain) verifyBlock(n *headertree.Node, level int32, over *overlay) error {
	b, err := c.ParsedBlock(n)
	if err != nil {
		return err
	}
	if level < 1 {
		return nil
	}
	if err := c.checkBody(n, b); err != nil {
		return err
	}
	if level < 2 {
		return nil
	}
	u, err := c.Undo(n)
	if err != nil {
		return err
	}
	if len(u.Spent) != len(b.Txs)-1 {
		return fmt.Errorf("block and undo record do not fit")
	}
	if level >= 3 {
		if err := over.takeBack(b, u, n); err != nil {
			return err
		}
	}
	if level >= 4 {
		return c.verifyScripts(b, u, n)
	}
	return nil
}

// verifyScripts checks all scripts of b with the coins of its undo record.
func (c *Chain) verifyScripts(b *wire.Block, u *coins.Undo, n *headertree.Node) error {
	flags := script.BlockFlags(c.net, n.Height, n.Hash)
	for i := 1; i < len(b.Txs); i++ {
		outs := make([]wire.TxOut, len(u.Spent[i-1]))
		for j, coin := range u.Spent[i-1] {
			outs[j] = wire.TxOut{Value: coin.Value, Script: coin.Script}
		}
		check := c.verifier.Tx(&b.Txs[i], outs, flags)
		for j := range b.Txs[i].In {
			if err := check.Input(j); err != nil {
				return fmt.Errorf("input %d of %v: %w", j, b.Txs[i].TxID(), err)
			}
		}
	}
	return nil
}

// overlay is the UTXO set with some blocks taken back in memory. A nil coin
// stands for none.
type overlay struct {
	c     *Chain
	coins map[wire.OutPoint]*coins.Coin
}

func (o *overlay) get(op wire.OutPoint) (*coins.Coin, error) {
	if coin, ok := o.coins[op]; ok {
		return coin, nil
	}
	coin, ok, _, err := o.c.coins.Get(op)
	if err != nil || !ok {
		return nil, err
	}
	return &coin, nil
}

func (o *overlay) takeBack(b *wire.Block, u *coins.Undo, n *headertree.Node) error {
	overwritten := o.c.wasOverwritten(n)
	for i := len(b.Txs) - 1; i >= 0; i-- {
		tx := &b.Txs[i]
		id := tx.TxID()
		for j := range tx.Out {
			if script.IsUnspendable(tx.Out[j].Script) {
				continue
			}
			op := wire.OutPoint{Hash: id, Index: uint32(j)}
			coin, err := o.get(op)
			if err != nil {
				return err
			}
			if !overwritten && (coin == nil || coin.Value != tx.Out[j].Value || !bytes.Equal(coin.Script, tx.Out[j].Script)) {
				return fmt.Errorf("output %v:%d is not in the UTXO set as the block made it", id, j)
			}
			o.coins[op] = nil
		}
		if i == 0 {
			break
		}
		for j := range tx.In {
			coin := u.Spent[i-1][j]
			o.coins[tx.In[j].PrevOut] = &coin
		}
	}
	return nil
}
