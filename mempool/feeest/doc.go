// Package feeest estimates which fee rate gets a transaction into a block soon
// enough, from what became of the transactions that this node has seen: the
// method, the constants and the answers of Bitcoin Core's estimatesmartfee.
//
// Transactions are sorted into buckets of similar fee rate. For each bucket
// and each number of blocks it counts how many were confirmed within that
// many, how many were not, and how many still wait; older blocks count less
// and less, over three horizons that forget at different speed. The estimate
// is the lowest rate at which, and above which, enough were confirmed in time.
//
// It never looks at what the pool holds right now, and never asks a clock:
// time is counted in blocks. What it learns outlives a restart in a small
// file.
//
// No goroutine runs here. An [Estimator] may be used from several; each call
// takes its lock for a moment.
package feeest
