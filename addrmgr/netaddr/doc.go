// Package netaddr is what a node's address is: its network, its bytes and its
// port, in a form that can be compared; whether anybody can reach it; and the
// network group that it belongs to, the part of an address that costs an
// attacker something to choose.
//
// It holds no state but the map of autonomous systems that a [Grouper] was
// given, does no I/O and starts no goroutine. All of it may be used by any
// goroutine.
package netaddr
