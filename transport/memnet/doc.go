// Package memnet is a network in memory, for tests and simulation: hosts with
// IP addresses, links between them with latency, bandwidth and a bounded
// buffer, datagrams that may be lost, partitions, and links that break.
//
// It owns the hosts' listeners and all that is under way between them. It
// follows a [clock.Clock] and nothing else, so that it runs in virtual time
// under a mock clock or in a bubble of testing/synctest, where a day passes in
// a moment. Chance comes from a seed. It starts no goroutine: who receives
// waits until what was sent is due.
package memnet
