// Package consensus holds the rules of Bitcoin that need no state of the
// chain: proof of work and compact targets, subsidy, merkle roots, everything
// that can be said of a transaction or a block from its own bytes, and what
// can be said once the height, the times and the spent outputs are given as
// plain values.
//
// Every function is pure. Nothing here looks up a coin or a header, knows the
// time, keeps anything between calls or starts a goroutine, and everything
// may be called concurrently. The rules that need the header tree (difficulty,
// median time, version floors) are in package headertree; those that need the
// set of unspent outputs are in package chain.
//
// A broken rule is reported as a [*RuleError]: its Reason is the string that
// Bitcoin Core prints for the same fault, and its Kind says whom to blame.
package consensus
