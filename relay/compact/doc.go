// Package compact turns blocks into compact blocks and back (BIP152, version
// 2): what a peer is sent of a block whose transactions it mostly knows, and
// how a block is rebuilt from that, from the transactions at hand, and from
// those that are asked for afterwards.
//
// It owns short ids ([Key]), compact blocks ([Build]), the answer to a request
// for transactions ([Answer]), a block that is being rebuilt ([Partial]) and
// the transactions that are kept for this although the pool does not want them
// ([Extra]). It never sends, never decides of whom to ask what (netsync does),
// and never judges a block beyond whether its transactions are those that its
// header commits to.
//
// It starts no goroutine. An [Extra] is safe for concurrent use, a [Partial]
// is for one goroutine.
package compact
