// Package await holds the one table of what a node asks of its peers: for how
// long each answer is awaited, what answers, who keeps the time, and what follows
// if nothing comes.
//
// It owns the table and [Watch], which keeps the time of those requests of a
// session that no machine of its own follows up. It never sends, never ends a
// link and never reads a clock: the time is passed in, and what is missed is
// returned. Packages that follow up their own requests (peer, discover, netsync
// and netsync/txdownload) take their times from the table's constants.
//
// Where a link would end, or silence is noted, the time of an answer stands still
// while a message of the same peer is being handled, as the answer may be the next
// one to be read. It starts no goroutine.
package await
