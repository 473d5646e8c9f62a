// Package describe writes transactions, scripts, targets and errors the way
// callers of a node expect to see them.
//
// It never looks anything up: what it describes is given to it. It starts no
// goroutine.
package describe
