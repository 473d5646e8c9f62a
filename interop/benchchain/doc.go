// Package benchchain makes valid regtest chains for measuring how fast nodes
// validate: blocks full of signed transactions of the kinds that real blocks
// hold, with an empty chain on top.
//
// A chain depends on its [Config] alone: the same configuration gives the same
// bytes on every machine, whatever the number of processors. It is written as
// one flat file in Bitcoin Core's framing, genesis block first, so that any
// node's import reads it.
//
// The chain has four parts:
//
//   - coinbases that mature;
//   - blocks that fan their outputs out into coins of the four kinds;
//   - the full blocks, whose transactions spend coins picked at random from
//     all there are: half of them split a coin in two, nearly all others merge
//     two into one, so that the number of coins stays the same;
//   - empty blocks, so that the last full block is buried deeply enough to
//     serve as assumed valid.
//
// Keys, scripts and signatures come from btcd's libraries, so that nothing of
// Starling's own checks itself. Signing runs on all processors; no goroutine
// outlives [Write].
package benchchain
