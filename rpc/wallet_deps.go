package rpc

import (
	"slices"

	"starling/chain/headertree"
	"starling/params"
	"starling/wallet"
	"starling/wire"
)

// walletChain is the chain that the wallets follow.
type walletChain interface {
	Headers() *headertree.Tree
	At(height int32) *headertree.Node
	Contains(n *headertree.Node) bool
	ParsedBlock(n *headertree.Node) (*wire.Block, error)
}

// WalletDeps is what the methods about wallets need.
type WalletDeps struct {
	Network *params.Network
	Wallets *wallet.Manager // nil if the node has none
	Chain   walletChain
	Txs     *Finder
}

// walletAPI answers the methods.
type walletAPI struct{ WalletDeps }

// walletMethods returns the methods about wallets. A call is for the wallet that
// [WithWallet] names, or for the only one that is loaded.
func walletMethods(d WalletDeps) []*Method {
	a := &walletAPI{d}
	return slices.Concat(a.walletFileMethods(), a.walletKeyMethods(), a.walletCoinMethods(),
		a.walletHistoryMethods(), a.walletSendMethods(), a.walletSignMethods())
}

func (a *walletAPI) network() *params.Network { return a.Network }
