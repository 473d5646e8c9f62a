// Package fanout passes what happens to the chain and the mempool on to those
// who want to know, in one order.
//
// It owns that order: it is given to [New], as names, and each [Subscriber] takes
// the place of its name whenever it subscribes. So the order is written where
// the parts are put together, once, and hangs on nothing else.
//
// It never changes an event, holds one back or drops one. It starts no goroutine:
// a subscriber is called by whoever reports the event, under the rules of
// [chain.Observer], [mempool.Observer] and [chain.Pool].
package fanout
