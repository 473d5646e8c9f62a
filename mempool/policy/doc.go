// Package policy holds the rules of relay: what a node passes on and mines
// beyond what blocks must obey. They are Bitcoin Core's, by its names.
//
// Every function is pure: it looks at a transaction, at the outputs that it
// spends and at its relatives, and returns an [Error] with Core's reason, or
// nil. The package knows no pool, no chain and no clock, and starts no
// goroutine.
package policy
