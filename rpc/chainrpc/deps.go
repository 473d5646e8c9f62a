package chainrpc

import (
	"context"
	"log/slog"
	"slices"

	"starling/chain/coins"
	"starling/chain/headertree"
	"starling/params"
	"starling/rpc/jsonrpc"
	"starling/rpc/txfind"
	"starling/wire"
)

// Reader is the chain as those see it who only look.
type Reader interface {
	Network() *params.Network
	Headers() *headertree.Tree
	Tip() *headertree.Node
	TipChanged() <-chan struct{}
	At(height int32) *headertree.Node
	Contains(n *headertree.Node) bool
	IsInitialDownload() bool
	VerificationProgress(n *headertree.Node) float64
	ParsedBlock(n *headertree.Node) (*wire.Block, error)
	Undo(n *headertree.Node) (*coins.Undo, error)
}

// Coins are the unspent outputs.
type Coins interface {
	Coin(op wire.OutPoint) (c coins.Coin, ok bool, at *headertree.Node, err error)
	CoinSnapshot(ctx context.Context) (*coins.Snapshot, *headertree.Node, error)
	CoinSetDiskSize() uint64
}

// Tree changes which blocks count.
type Tree interface {
	Invalidate(ctx context.Context, n *headertree.Node) error
	Reconsider(ctx context.Context, n *headertree.Node) error
	Precious(ctx context.Context, n *headertree.Node) error
	Settle(ctx context.Context) error
	Verify(ctx context.Context, level, n int32) error
}

// Files are the blocks on disk.
type Files interface {
	SizeOnDisk() int64
	PruneTarget() int64
	PrunedHeight() int32
	PruneTo(ctx context.Context, height int32) (int32, error)
}

// Chain is the chain of a node.
type Chain interface {
	Reader
	Coins
	Tree
	Files
}

// Deps is what the methods about the chain need.
type Deps struct {
	Chain Chain
	Txs   *txfind.Finder
	Log   *slog.Logger // for what an answer has no room for
	// Filters is nil if the node keeps none.
	Filters Filters
}

// api answers the methods.
type api struct{ Deps }

// Methods returns the methods about the chain: headers, blocks, the unspent
// outputs, filters, branches, pruning and proofs.
func Methods(d Deps) []*jsonrpc.Method {
	a := &api{d}
	return slices.Concat(a.blockchainMethods(), a.coinMethods(), a.filterMethods(), a.treeMethods(), a.proofMethods())
}

func (a *api) network() *params.Network { return a.Chain.Network() }
