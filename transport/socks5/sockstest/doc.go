// Package sockstest is a SOCKS5 proxy for tests: one that connects and relays,
// and remembers what it was asked for.
//
// It takes what a client may send and fails the test at anything else. A
// goroutine accepts, each connection has two; all are gone when the test ends.
package sockstest
