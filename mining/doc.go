// Package mining makes blocks: a template on top of a given block, the search
// for its nonce, and both in a loop for networks where blocks are made on
// demand.
//
// It owns the shape of a new block: its coinbase, its commitments, its time
// and target. It never chooses transactions, never keeps a block and never
// talks to peers; what it makes goes to the chain like a block from anywhere
// else.
//
// No goroutine runs here: the caller's does the search, and ends it through
// its context.
package mining
