// Package gossip decides on the relay of addresses of nodes: how many a peer may
// tell, which of them are passed on and to whom, what is answered to getaddr, and
// when this node tells of itself (BIP155 and Bitcoin Core's rules).
//
// [Manager] is a pure state machine: it takes the time, does no I/O, starts no
// goroutine, and the same calls on the same seed give the same answers. It is not safe for concurrent
// use.
package gossip
