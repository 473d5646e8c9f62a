package chain

import (
	"starling/chain/headertree"
	"starling/wire"
)

// Pool holds unconfirmed transactions. The chain tells it of every move of the
// UTXO set, and lets it publish the new tip, so that nobody ever sees the tip
// and the pool apart. Only the writer's goroutine calls it.
type Pool interface {
	// BlockConnected and BlockDisconnected follow each move of the UTXO set, to
	// n or to its parent. They must only take note: what the moves come to is
	// known at TipMoving. A reorganisation whose new branch turns out invalid
	// goes back the way that it came.
	BlockConnected(n *headertree.Node, b *wire.Block)
	BlockDisconnected(n *headertree.Node, b *wire.Block)
	// TipMoving follows the last of these moves: the UTXO set stands at tip.
	// The pool brings itself in line, and calls publish before anyone can see
	// it. Coins may be looked up meanwhile.
	TipMoving(tip *headertree.Node, publish func())
}

// AttachPool makes p part of every change of the tip from now on. It is called
// before Run, if at all.
func (c *Chain) AttachPool(p Pool) { c.pool = p }

// publish makes n the tip that readers see. The UTXO set must stand at n.
func (c *Chain) publish(n *headertree.Node) {
	moved := c.w.moved
	c.w.moved = false
	if moved && c.pool != nil {
		c.pool.TipMoving(n, func() { c.setTip(n) })
		return
	}
	c.setTip(n)
}

// setTip makes n the tip that readers see, and wakes those who wait for it.
func (c *Chain) setTip(n *headertree.Node) {
	if c.tip.Load() == n {
		return
	}
	c.tip.Store(n)
	c.tipMu.Lock()
	close(c.tipChanged)
	c.tipChanged = make(chan struct{})
	c.tipMu.Unlock()
	c.obs.TipChanged(n)
}
