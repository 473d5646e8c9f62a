package wallet

import (
	"errors"

	"starling/chain"
	"starling/chain/headertree"
	"starling/params"
	"starling/wire"
)

// Detached returns a chain for wallets that are used while there is none: they
// can be made, locked, and give out addresses and keys, but learn of no
// payment. A wallet made on it takes the first chain that it is loaded on for
// its own.
func Detached(net *params.Network) Chain {
	return &detached{net: net, node: &headertree.Node{Hash: net.GenesisHash}}
}

type detached struct {
	net  *params.Network
	node *headertree.Node
}

var errDetached = errors.New("there is no chain")

func (d *detached) Network() *params.Network                          { return d.net }
func (d *detached) Tip() *headertree.Node                             { return d.node }
func (d *detached) TipChanged() <-chan struct{}                       { return nil }
func (d *detached) At(int32) *headertree.Node                         { return d.node }
func (d *detached) Contains(*headertree.Node) bool                    { return true }
func (d *detached) Lookup(wire.Hash) *headertree.Node                 { return d.node }
func (d *detached) ParsedBlock(*headertree.Node) (*wire.Block, error) { return nil, errDetached }
func (d *detached) HoldBlocks(string, int32) *chain.Hold              { return nil }
func (d *detached) Coin(wire.OutPoint) (wire.TxOut, bool, error) {
	return wire.TxOut{}, false, errDetached
}
func (d *detached) IsInitialDownload() bool { return true }

// isDetached reports whether there is no chain behind the wallet.
func (w *Wallet) isDetached() bool {
	_, ok := w.chain.(*detached)
	return ok
}
