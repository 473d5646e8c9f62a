package mempoolrpc

import (
	"context"
	"slices"

	"starling/chain/coins"
	"starling/chain/headertree"
	"starling/mempool"
	"starling/mempool/feeest"
	"starling/netsync/txdownload"
	"starling/rpc/jsonrpc"
	"starling/wire"
)

// Relay takes transactions in and tells the peers of them.
type Relay interface {
	// SubmitTx offers a transaction to the mempool, and announces it.
	SubmitTx(ctx context.Context, tx *wire.Tx, maxFeeRate int64) error
	// AnnounceTx announces one of the mempool.
	AnnounceTx(txid wire.Hash)
}

// Orphans are the transactions whose parents are not known.
type Orphans interface{ Orphans() []txdownload.Orphan }

// Coins are the unspent outputs.
type Coins interface {
	Coin(op wire.OutPoint) (c coins.Coin, ok bool, at *headertree.Node, err error)
}

// Deps is what the methods about unconfirmed transactions need.
type Deps struct {
	Pool    *mempool.Pool
	Coins   Coins
	Relay   Relay
	Orphans Orphans
	Fees    *feeest.Estimator // nil if the node estimates none
}

// api answers the methods.
type api struct{ Deps }

// Methods returns the methods about unconfirmed transactions: looking at them,
// sending them, and what fee rate they need.
func Methods(d Deps) []*jsonrpc.Method {
	a := &api{d}
	return slices.Concat(a.entryMethods(), a.mempoolAdminMethods(), a.sendMethods(), a.feeMethods())
}
