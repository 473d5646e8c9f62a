// Package coins keeps the set of unspent transaction outputs: what a coin is,
// how it is encoded on disk, and a cache in front of the key-value store.
//
// The cache has one writer, the chain. Readers may look coins up at any time
// and see the state between two blocks, never half a block. The cache starts
// no goroutine and knows nothing of headers or scripts.
//
// Changes stay in memory until [Cache.Flush] writes them in batches between a
// first record, which names the old and the new best block, and a last one. A
// crash in between leaves the first record behind; [Cache.Interrupted] then
// tells, and the chain replays the blocks between the two, which may be done
// any number of times.
//
// A [Total] goes along with the set, by which it can be compared when all of it
// is read.
package coins
