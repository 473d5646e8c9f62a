// Package index keeps data that can be derived from the chain, each kind in a
// database of its own: the frame ([Index]) follows the chain in the background
// and an [Indexer] turns blocks into records. [TxIndex], which finds confirmed
// transactions by id, shows how to write another. [FilterIndex] has the compact
// filters of blocks, which [starling/index/gcs] makes.
//
// The frame owns the position: it is written in the same batch as the records,
// so a crash never parts the two, and catching up, taking blocks back in a
// reorganisation and starting afresh are the same for every index. Readers see
// the records as of one block, never half of it.
//
// A power cut may leave an index ahead of the chain, since both are written on
// their own. If the chain still knows the index's block, the index waits for the
// chain to get there again. If it does not, the index goes back to the last
// block that the chain knows, see [Indexer.Forget].
//
// It never changes the chain and never holds it up. [Index.Run] runs in the
// goroutine of its caller; there are no others but those of the database.
package index
