// Package mining makes blocks: it takes the transactions that pay best from
// the pool, puts a coinbase before them, and searches for the nonce, on demand
// ([Miner]) or as long as there is work ([Worker]).
//
// It owns the shape of a new block: its coinbase, its commitments, its time
// and target, and that this node never makes two blocks on one parent. It
// never decides which transactions are worth having, which is the pool's
// business; never keeps a block; and never talks to peers: what it makes goes
// to the chain like a block from anywhere else.
//
// No goroutine runs but those of a search, one for each thread asked for, and
// they are gone when the call that began it returns.
package mining
