// Package chain validates blocks and keeps the chain: the block files, the
// index of all blocks, the set of unspent outputs, and which block is the tip.
//
// A block comes in through [Chain.Submit]. Workers parse it, check all that
// needs no other block, and append it to the block files, in whatever order
// blocks arrive. One writer, in [Chain.Run], connects blocks whose ancestors
// are there: it looks the spent coins up, has the scripts checked on all
// cores, applies the changes and moves the tip. It alone changes the UTXO set
// and the tip. Readers see an immutable tip ([Chain.Tip]) and read the blocks
// behind it at their own pace ([Chain.Follow]).
//
// What is on disk is always consistent: blocks and undo records are synced
// before the index names them, the index before the UTXO set builds on them,
// and an interrupted write of the UTXO set is finished on the next start. On
// start index, files and UTXO set are compared before anything is written. Block
// files are never cut: what the index does not name is looked through for blocks.
// A damaged UTXO set is rebuilt from the blocks; a damaged index is told of, and
// rebuilt on request.
//
// The package knows nothing of peers: whoever submits a block passes an opaque
// origin, and hears of a broken rule through Config.OnInvalid.
//
// Goroutines: while Run runs there are Config.Workers checking workers, the
// writer, and one that writes the index; the writer starts short-lived ones
// for scripts and for reading ahead.
package chain
