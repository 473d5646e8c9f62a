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
// header gate (about 2 MB at the very worst, see [presync.Options]).
//
// # Who owns what
//
// The state lies in machines: plain structs whose methods take the time and
// return what they decide. None of them calls another, keeps a lock or changes
// the chain; what each promises is said at its type. Of a peer, each keeps its
// own part in the field of its name; it may look at the others', and changes
// none of them.
//
//   - headerSync (headers.go, admit.go): of whom headers are asked, and
//     which may enter the tree
//   - window (window.go, window_walk.go, stall.go): which block is asked of whom,
//     ahead of what is connected, and when a peer has had its time
//   - feeder (getblocks.go): peers that do not answer getheaders
//   - compact (compact.go, compact_announce.go): which compact blocks are
//     rebuilt, and who announces so to whom
//   - behind (behind.go): outbound peers whose chain stays behind ours
//   - news (announce.go): which blocks the peers are told of
//
// [Manager] holds the one mutex that guards all of them, so its methods may be
// called from any goroutine. It carries what one machine decides to the others
// and collects the actions (manager.go; take_headers.go, take_blocks.go and
// take_compact.go for what arrives, serve.go for what is asked of us). Headers
// are hashed before the mutex is taken (batch.go). The package starts no
// goroutine. The [Chain] is called with the mutex held: it must not call back,
// and must not hold a lock of its own that it also takes around a call into the
// Manager.
//
// # How the parts fit
//
// Headers come first: from one peer until the end of its chain or until the
// best header is recent, then from all. Chains without the network's minimum
// work go through a gate (package presync) that keeps no header before the work
// is shown. Blocks are fetched from all peers at once within the window; who
// holds it up is replaced. Peers that do not answer getheaders are asked with
// getblocks. Near the tip blocks come and go as compact blocks: the caller
// rebuilds them, the Manager says which, and how to go on.
package netsync
