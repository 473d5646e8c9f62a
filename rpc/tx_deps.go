package rpc

import (
	"slices"

	"starling/chain/headertree"
	"starling/params"
)

// TxDeps is what the methods about transactions, scripts and descriptors need.
type TxDeps struct {
	Network *params.Network
	Tip     func() *headertree.Node
	Txs     *Finder
}

// txAPI answers the methods.
type txAPI struct{ TxDeps }

// txMethods returns the methods about transactions that are in no wallet: finding,
// making, decoding and signing them, partially signed ones among them;
// scripts, descriptors and signed messages.
func txMethods(d TxDeps) []*Method {
	a := &txAPI{d}
	return slices.Concat(a.rawTxMethods(), a.createMethods(), a.signMethods(), a.psbtMethods(),
		a.descriptorMethods(), a.multisigMethods(), a.messageMethods())
}

func (a *txAPI) network() *params.Network { return a.Network }
