// Package rpc answers JSON-RPC calls the way Bitcoin Core does, so that any
// client written for Core or btcd can talk to the node.
//
// It owns one table of methods ([Table]). An entry holds the method's typed
// parameters, its result type, help and examples; decoding of positional and
// named arguments, type errors, the help text and the command line's
// completion all come from that entry. It also owns the HTTP side ([Server]:
// JSON-RPC 1.0 and 2.0, batches, authentication, limits) and a small [Client].
//
// It never decides anything about the chain or the network: handlers ask the
// node through the small interfaces in node.go, and put the answers into
// Core's words.
//
// [Server.Serve] runs the HTTP server's goroutines: one per connection, as
// net/http does, bounded by Options.MaxConnections for those who have shown a
// password and by a few places for those who have not. It returns only when they
// are gone. Nothing else here starts a goroutine.
package rpc
