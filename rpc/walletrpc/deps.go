package walletrpc

import (
	"slices"

	"starling/chain/headertree"
	"starling/params"
	"starling/rpc/jsonrpc"
	"starling/rpc/txfind"
	"starling/wallet"
	"starling/wire"
)

// Chain is the chain that the wallets follow.
type Chain interface {
	Headers() *headertree.Tree
	At(height int32) *headertree.Node
	Contains(n *headertree.Node) bool
	ParsedBlock(n *headertree.Node) (*wire.Block, error)
}

// Deps is what the methods about wallets need.
type Deps struct {
	Network *params.Network
	Wallets *wallet.Manager // nil if the node has none
	Chain   Chain
	Txs     *txfind.Finder
}

// api answers the methods.
type api struct{ Deps }

// Methods returns the methods about wallets. A call is for the wallet that
// [WithWallet] names, or for the only one that is loaded.
func Methods(d Deps) []*jsonrpc.Method {
	a := &api{d}
	return slices.Concat(a.walletFileMethods(), a.walletKeyMethods(), a.walletCoinMethods(),
		a.walletHistoryMethods(), a.walletSendMethods(), a.walletSignMethods())
}

func (a *api) network() *params.Network { return a.Network }
