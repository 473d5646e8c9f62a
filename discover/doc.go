// Package discover brings addresses of nodes into the address book when the node
// is short of peers: from nodes that the operator names, from DNS seeds, from a peer that
// is asked once more, and, when nothing else is known, from the fixed seeds of the network.
// What peers tell of others by themselves is not its part.
//
// It never opens a link and never decides whom to dial. Each source has a switch
// of its own, and what it tells counts in the book as told by that source, so that none gets
// more than its share.
//
// [Plan] decides which source is asked when; it is pure. [Finder] carries it
// out.
//
// Goroutines: [Finder.Run] has one for its schedule and one for each source that
// is being asked; it returns when all are gone.
package discover
