// Package transport defines how whole protocol messages pass between two
// nodes, and how nodes are addressed.
//
// A [Link] carries messages in order; how they are framed, checked and perhaps
// encrypted on the way is the transport's business, so that nothing above this
// package knows the difference between plain TCP, an encrypted link or a link
// in memory. Addresses are multiaddrs everywhere; host:port is accepted as the
// short form of /ip4/…/tcp/… (see [ParseAddr]).
//
// The package owns the interfaces, the errors and the addresses. It never looks
// into a message. The transports are in packages of their own (tcp, memnet),
// and package transporttest holds the tests that each of them must pass. No
// goroutine runs here.
package transport
