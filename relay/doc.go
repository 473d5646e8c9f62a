// Package relay decides when to tell whom of which transaction.
//
// It owns, for each link, the transactions that are still to be announced, a
// random time for the next announcement, and the fee filters of both sides; and
// it owns the set of this node's own transactions, which are announced again
// until a block holds them. Announcements wait for a random time so that an
// observer cannot tell where a transaction entered the network, and go out in
// turns of a bounded size, best fee rate first and parents before children.
//
// What a link's other side is known to have belongs to that link and ends with
// it. A new link is told of what the pool holds already only on request (BIP35),
// but for own transactions that nobody has fetched yet.
//
// A link with a filter (BIP37) is told of what the filter wants; how much is put to
// it in one turn is bounded, since the other side chooses what that costs.
//
// It is a state machine: the time comes in as an argument, messages go out as
// results, no goroutine runs and nothing is sent. A [Manager] is safe for
// concurrent use, and calls nobody with its lock held but a link's set of known
// inventory and its filter. What the pool tells it ([Manager.TxAdded], [Manager.TxRemoved]) is
// only noted there and takes effect with the next [Manager.Tick].
//
// Blocks are announced by netsync, and in compact form by relay/compact.
package relay
