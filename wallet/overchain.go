package wallet

import (
	"starling/chain"
	"starling/chain/headertree"
	"starling/wire"
)

// OverChain makes a [Chain] of a node's.
func OverChain(c *chain.Chain) Chain { return overChain{c} }

type overChain struct{ *chain.Chain }

// Lookup implements [Chain].
func (c overChain) Lookup(hash wire.Hash) *headertree.Node { return c.Headers().Lookup(hash) }

// Coin implements [Chain].
func (c overChain) Coin(op wire.OutPoint) (wire.TxOut, bool, error) {
	coin, ok, _, err := c.Chain.Coin(op)
	return wire.TxOut{Value: coin.Value, Script: coin.Script}, ok, err
}
