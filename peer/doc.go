// Package peer runs one session with another node over a link: the handshake,
// messages handled one by one in the order in which they came, a bounded
// queue of what is to be sent, pings, and the end of the session with a
// reason that says why.
//
// It owns the state of a session and what it measures: byte counts, ping
// times, what the other side knows. It never decides what a message means
// for the chain, which is the [Handler]'s business, nor what an offence costs,
// nor whom to connect to.
//
// What it keeps for the other side is bounded in bytes by its [Limits]; what a
// request keeps is counted from its arrival until it has been answered.
//
// A session runs two goroutines and no more. [Peer.Run] receives messages on
// the goroutine that called it and gives each to the handler before it receives
// the next. The second one writes what is queued and watches the time. So a
// slow handler or a slow reader at the other end delays nobody but itself.
package peer
