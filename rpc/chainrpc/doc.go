// Package chainrpc holds the methods about the chain: headers, blocks, branches,
// the UTXO set, pruning, proofs, and waiting for a block.
//
// It never decides what is valid: it asks the chain, and puts the answers into
// Core's words. The one scan of the UTXO set that may run belongs to the call
// that began it. It starts no goroutine.
package chainrpc
