// Package chainrpc holds the methods about the chain: headers, blocks, branches,
// the UTXO set, block filters, pruning, proofs, and waiting for a block.
//
// It never decides what is valid: it asks the chain, and puts the answers into
// Core's words. The one scan of the UTXO set that may run, and that of filters, belong to
// the call that began them. It starts no goroutine.
package chainrpc
