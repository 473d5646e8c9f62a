// Package rpcargs holds the parameter types that several groups of methods
// share: amounts and fee rates, blocks by hash or height, transactions, outputs,
// descriptors with a range. Each reads itself from JSON, with Core's complaints.
//
// It never looks anything up, and starts no goroutine.
package rpcargs
