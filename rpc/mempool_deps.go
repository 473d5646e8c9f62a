package rpc

import (
	"context"
	"slices"

	"starling/chain/coins"
	"starling/chain/headertree"
	"starling/mempool"
	"starling/mempool/feeest"
	"starling/netsync/txdownload"
	"starling/wire"
)

// mempoolRelay takes transactions in and tells the peers of them.
type mempoolRelay interface {
	// SubmitTx offers a transaction to the mempool, and announces it.
	SubmitTx(ctx context.Context, tx *wire.Tx, maxFeeRate int64) error
	// AnnounceTx announces one of the mempool.
	AnnounceTx(txid wire.Hash)
}

// mempoolOrphans are the transactions whose parents are not known.
type mempoolOrphans interface{ Orphans() []txdownload.Orphan }

// mempoolCoins are the unspent outputs.
type mempoolCoins interface {
	Coin(op wire.OutPoint) (c coins.Coin, ok bool, at *headertree.Node, err error)
}

// MempoolDeps is what the methods about unconfirmed transactions need.
type MempoolDeps struct {
	Pool    *mempool.Pool
	Coins   mempoolCoins
	Relay   mempoolRelay
	Orphans mempoolOrphans
	Fees    *feeest.Estimator // nil if the node estimates none
}

// mempoolAPI answers the methods.
type mempoolAPI struct{ MempoolDeps }

// mempoolMethods returns the methods about unconfirmed transactions: looking at them,
// sending them, and what fee rate they need.
func mempoolMethods(d MempoolDeps) []*Method {
	a := &mempoolAPI{d}
	return slices.Concat(a.mempoolMethods(), a.mempoolAdminMethods(), a.sendMethods(), a.feeMethods())
}
