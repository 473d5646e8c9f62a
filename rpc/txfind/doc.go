// Package txfind finds transactions and outputs wherever a node has them: in the
// mempool, in the transaction index, in a block that is named, among the unspent
// outputs.
//
// It owns no state and starts no goroutine. Its errors are those of JSON-RPC, in
// Core's words.
package txfind
