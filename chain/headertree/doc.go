// Package headertree keeps all known block headers in memory, as a tree from
// the genesis block, and checks every rule about headers: proof of work,
// difficulty on each kind of network, median time, the limit on future times,
// the time-warp rule of BIP94 and the version floors of BIP34, BIP66 and BIP65.
//
// It knows the header with the most work that is not marked as failed, the
// tips of all branches, and which headers a failure spreads to. Where a
// header's block and undo data are, and how far the block has been checked, is
// kept beside the header for the chain, which alone sets it.
//
// The package does no I/O, reads no clock and starts no goroutine; the same
// calls in the same order give the same tree. A [Tree] is safe for concurrent
// use: one mutex guards its links, the plain fields of a [Node] never change,
// and the rest of a node is atomic.
//
// A header costs about 230 bytes: 216 for its node and 11 to 22 for its place
// in the table of hashes. A million headers take less than a quarter of a
// gigabyte.
package headertree
