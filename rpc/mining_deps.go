package rpc

import (
	"context"
	"slices"
	"time"

	"starling/chain"
	"starling/chain/headertree"
	"starling/mining"
	"starling/params"
	"starling/wire"
)

// miningChain is the chain as miners see it.
type miningChain interface {
	Network() *params.Network
	Headers() *headertree.Tree
	Tip() *headertree.Node
	Contains(n *headertree.Node) bool
	IsInitialDownload() bool
	CheckProposal(ctx context.Context, b *wire.Block) error
	AcceptHeaders(headers []wire.Header) (last *headertree.Node, added int, err error)
	Process(ctx context.Context, in chain.Incoming) chain.Outcome
	Keep(ctx context.Context) error
}

// miningClock tells the time.
type miningClock interface{ Now() time.Time }

// MiningDeps is what the methods about making blocks need.
type MiningDeps struct {
	Chain  miningChain
	Miner  *mining.Miner  // nil if the node makes no blocks
	Worker *mining.Worker // nil if the node does not mine by itself
	Clock  miningClock
	Txs    *Finder
	Peers  func() int // how many there are
}

// miningAPI answers the methods.
type miningAPI struct{ MiningDeps }

// miningMethods returns the methods about making blocks.
func miningMethods(d MiningDeps) []*Method {
	a := &miningAPI{d}
	return slices.Concat(a.templateMethods(), a.miningInfoMethods(), a.submitMethods(), a.miningMethods())
}

func (a *miningAPI) network() *params.Network { return a.Chain.Network() }
