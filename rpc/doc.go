// Package rpc puts the table of all methods together, so that a node answers
// JSON-RPC calls the way Bitcoin Core does and any client written for Core or
// btcd can talk to it.
//
// It owns [Groups], which names what each group of methods needs of a node, and
// [NewMethods]. The methods themselves are in the packages below, by subject:
// chainrpc, txrpc, mempoolrpc, miningrpc, netrpc, noderpc, walletrpc. They are
// served by jsonrpc, answer with the structs of rpctypes, and share rpcargs
// (what callers give), describe (how things are shown), txfind (where
// transactions are found) and signing.
//
// It never decides anything about the chain or the network, and starts no
// goroutine.
package rpc
