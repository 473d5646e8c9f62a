// Package ledger keeps what a wallet knows of its transactions and its coins.
//
// It owns the records of the transactions that touch the wallet, where each
// stands (unconfirmed, confirmed, in conflict with a block, given up), which
// outputs are the wallet's and what spends them, and how a record is laid out
// on disk. It decides what a new transaction, a block or its undoing mean for
// all others.
//
// It never reads or writes a file, never asks for the time, and knows neither
// keys nor the chain: the wallet tells it which scripts are its own and at which
// height it stands. It starts no goroutine and takes no lock; the wallet's lock
// guards it.
package ledger
