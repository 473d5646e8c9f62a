// Package netsync decides how the node gets the chain from its peers: which
// headers to ask of whom, which block to fetch from which peer and when to give
// up on one, and which blocks to announce to whom.
//
// It owns, per link, what the peer is known to have, what was asked of it and
// since when. It never sends, never reads a clock, never validates a block and
// never decides on a ban: every input carries the time, and every decision
// leaves as an [Action] that the caller carries out. Decisions hang on the
// inputs, their order and the seed alone, so a run can be repeated exactly.
//
// Everything a peer can grow is bounded: 16 blocks in flight, three or four of
// them compact blocks that wait for transactions, one request for headers, one
// queue of at most [wire.MaxGetBlocks] announced blocks, and the memory of one
// header gate (about 2 MB at the very worst, see gate.go).
//
// # Who owns what
//
// [Manager] is the only type with state. One mutex in it guards everything, so
// all its methods may be called from any goroutine. Headers are hashed before
// that mutex is taken (batch.go). The package starts no
// goroutine. The [Chain] is called with that mutex held: it must not call back,
// and must not hold a lock of its own that it also takes around a call into
// the Manager.
//
// # How the parts fit
//
// Headers come first: from one peer until the end of its chain or until the
// best header is recent, then from all ([Manager.Headers]). Chains without the
// network's minimum work go through a gate that keeps no header before the
// work is shown. Blocks are fetched from all peers at once within a window
// ahead of what is connected (window.go); who holds up the window is replaced
// (stall.go). Peers that do not answer getheaders are asked with getblocks
// (getblocks.go). Near the tip blocks come and go as compact blocks: the caller
// rebuilds them, the Manager says which, and how to go on (compact.go), and who
// announces so to whom (compact_announce.go).
package netsync
