package miningrpc

import (
	"context"
	"slices"

	"starling/chain"
	"starling/chain/headertree"
	"starling/clock"
	"starling/mining"
	"starling/params"
	"starling/rpc/jsonrpc"
	"starling/rpc/txfind"
	"starling/wire"
)

// Chain is the chain as miners see it.
type Chain interface {
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

// Deps is what the methods about making blocks need.
type Deps struct {
	Chain  Chain
	Miner  *mining.Miner  // nil if the node makes no blocks
	Worker *mining.Worker // nil if the node does not mine by itself
	Clock  clock.Clock
	Txs    *txfind.Finder
	Peers  func() int // how many there are
}

// api answers the methods.
type api struct{ Deps }

// Methods returns the methods about making blocks.
func Methods(d Deps) []*jsonrpc.Method {
	a := &api{d}
	return slices.Concat(a.templateMethods(), a.miningInfoMethods(), a.submitMethods(), a.generateMethods())
}

func (a *api) network() *params.Network { return a.Chain.Network() }
