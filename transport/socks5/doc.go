// Package socks5 has a proxy make connections (RFC 1928), as Tor's does.
//
// It is the client's side: no login or one by user name and password
// (RFC 1929), and the command CONNECT. A host may be an IP address or a name,
// and a name is sent to the proxy as it is: this package looks none up but that
// of the proxy itself.
//
// With [Proxy.Isolate] each connection logs in by a name of its own, by which
// Tor tells apart what must not share a circuit: so nobody at the end of one
// learns that two links are of the same node.
//
// A proxy is not trusted to be one. An answer is read byte by byte as the
// protocol has it, at most [maxReply] of them, and all waits end with the
// context. Nothing behind the answer is touched: it is the first of what the
// host sends.
//
// Which addresses go through a proxy is decided elsewhere. The only goroutine is
// the one in which a context that ends cuts a wait short.
package socks5
