package txrpc

import (
	"slices"

	"starling/chain/headertree"
	"starling/params"
	"starling/rpc/jsonrpc"
	"starling/rpc/txfind"
)

// Deps is what the methods about transactions, scripts and descriptors need.
type Deps struct {
	Network *params.Network
	Tip     func() *headertree.Node
	Txs     *txfind.Finder
}

// api answers the methods.
type api struct{ Deps }

// Methods returns the methods about transactions that are in no wallet: finding,
// making, decoding and signing them, partially signed ones among them;
// scripts, descriptors and signed messages.
func Methods(d Deps) []*jsonrpc.Method {
	a := &api{d}
	return slices.Concat(a.rawTxMethods(), a.createMethods(), a.signMethods(), a.psbtMethods(),
		a.descriptorMethods(), a.multisigMethods(), a.messageMethods())
}

func (a *api) network() *params.Network { return a.Network }
