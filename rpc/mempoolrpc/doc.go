// Package mempoolrpc holds the methods about unconfirmed transactions: looking at
// the mempool, offering it transactions and packages, priorities, orphans, and
// what fee rate gets a transaction into a block.
//
// It never decides what is taken: the mempool does. It starts no goroutine.
package mempoolrpc
