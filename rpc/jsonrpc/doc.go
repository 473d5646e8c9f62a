// Package jsonrpc is the machinery of JSON-RPC 1.0 and 2.0 with the habits of
// Bitcoin Core: a table of methods, the HTTP server that answers calls, clients
// that make them.
//
// It owns the table ([Table]). An entry holds the method's typed parameters, its
// result type, help and examples; decoding of positional and named arguments,
// type errors, the help text and the command line's completion all come from
// that entry. It also owns the HTTP side ([Server]: batches, authentication,
// limits), the error codes, a small [Client], and [Local], which calls without
// HTTP.
//
// It knows no chain, no network and no wallet: what methods do is theirs.
//
// [Server.Serve] runs the HTTP server's goroutines: one per connection, as
// net/http does, bounded by Options.MaxConnections for those who have shown a
// password and by a few places for those who have not. It returns only when they
// are gone. Nothing else here starts a goroutine.
package jsonrpc
