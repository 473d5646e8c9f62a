package rpc

import (
	"starling/rpc/chainrpc"
	"starling/rpc/describe"
	"starling/rpc/jsonrpc"
	"starling/rpc/mempoolrpc"
	"starling/rpc/miningrpc"
	"starling/rpc/netrpc"
	"starling/rpc/noderpc"
	"starling/rpc/txrpc"
	"starling/rpc/walletrpc"
)

// Groups is what each group of methods needs of a node.
type Groups struct {
	Chain   chainrpc.Deps
	Txs     txrpc.Deps
	Mempool mempoolrpc.Deps
	Mining  miningrpc.Deps
	Net     netrpc.Deps
	Node    noderpc.Deps
	Wallet  walletrpc.Deps
}

// NewMethods returns the table of all methods.
func NewMethods(g Groups) *jsonrpc.Table {
	t := new(jsonrpc.Table)
	*t = *jsonrpc.NewTable(describe.Error, chainrpc.Methods(g.Chain), txrpc.Methods(g.Txs), mempoolrpc.Methods(g.Mempool), miningrpc.Methods(g.Mining),
		netrpc.Methods(g.Net), noderpc.Methods(g.Node, t), walletrpc.Methods(g.Wallet))
	return t
}

// Methods returns the table without a node behind it, for help and completion.
func Methods() *jsonrpc.Table { return NewMethods(Groups{}) }
