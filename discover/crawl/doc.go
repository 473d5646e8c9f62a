// Package crawl walks a network: it visits nodes, asks each for the addresses that
// it knows, and goes on to those.
//
// It owns [Frontier], which decides whom to visit next, is pure, and lets no node
// send the crawl to hosts that are no business of the network: each host is
// visited once, and local addresses count only if a local node told of them. It
// never keeps an address for later, serves nothing, and announces only what it is
// told to.
//
// Goroutines: [Run] has one for each visit under way, as many as its options
// allow, and returns when they are gone. A visit has those of its session.
package crawl
