// Package params holds everything that differs from one network to another:
// how its messages are marked, where its nodes are found, its genesis block,
// its proof-of-work rules, the heights at which its soft forks took effect and
// the prefixes of its addresses and keys.
//
// Built in are Bitcoin's main, testnet4, signet (with any challenge) and
// regtest. Every function that returns a [Network] makes a fresh one, so a
// caller may change what it got before anybody else sees it; after that it is
// read only and safe for concurrent use.
//
// The package never decides whether a block is valid and knows no limits that
// are the same everywhere: those belong to the packages that apply them. It
// starts no goroutine.
package params
