package rpc

import (
	"context"
	"log/slog"
	"slices"

	"starling/chain/coins"
	"starling/chain/headertree"
	"starling/params"
	"starling/wire"
)

// chainReader is the chain as those see it who only look.
type chainReader interface {
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

// chainCoins are the unspent outputs.
type chainCoins interface {
	Coin(op wire.OutPoint) (c coins.Coin, ok bool, at *headertree.Node, err error)
	CoinSnapshot(ctx context.Context) (*coins.Snapshot, *headertree.Node, error)
	CoinSetDiskSize() uint64
}

// chainTree changes which blocks count.
type chainTree interface {
	Invalidate(ctx context.Context, n *headertree.Node) error
	Reconsider(ctx context.Context, n *headertree.Node) error
	Precious(ctx context.Context, n *headertree.Node) error
	Settle(ctx context.Context) error
	Verify(ctx context.Context, level, n int32) error
}

// chainFiles are the blocks on disk.
type chainFiles interface {
	SizeOnDisk() int64
	PruneTarget() int64
	PrunedHeight() int32
	PruneTo(ctx context.Context, height int32) (int32, error)
}

// chainChain is the chain of a node.
type chainChain interface {
	chainReader
	chainCoins
	chainTree
	chainFiles
}

// ChainDeps is what the methods about the chain need.
type ChainDeps struct {
	Chain chainChain
	Txs   *Finder
	Log   *slog.Logger // for what an answer has no room for
}

// chainAPI answers the methods.
type chainAPI struct{ ChainDeps }

// chainMethods returns the methods about the chain: headers, blocks, the unspent
// outputs, branches, pruning and proofs.
func chainMethods(d ChainDeps) []*Method {
	a := &chainAPI{d}
	return slices.Concat(a.blockchainMethods(), a.coinMethods(), a.treeMethods(), a.proofMethods())
}

func (a *chainAPI) network() *params.Network { return a.Chain.Network() }
