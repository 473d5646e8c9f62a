// Package client calls a node from Go, with typed arguments and results.
//
// It owns [Client]: a method for each of the node's, by its name, whose results
// are the structs of rpctypes. What may be left out stands in small structs of
// options, and nil is all defaults. [Client.Call] and [Client.CallNamed] are for
// methods and arguments that have no typed call, [Client.Batch] sends several
// calls in one request, [Client.WithWallet] chooses a wallet.
//
//	c := client.New(client.Options{Address: "127.0.0.1:8332", CookiePath: "/home/me/.starling/.cookie"})
//	tip, err := c.GetBestBlockHash(ctx)
//	…
//	block, err := c.GetBlockTxs(ctx, tip, false)
//	…
//	id, err := c.WithWallet("savings").SendToAddress(ctx, to, 150_000, nil)
//	if errors.Is(err, &client.Error{Code: jsonrpc.CodeInsufficientFunds}) {
//
// The module is called starling, which no proxy serves, so a program of another
// module says where its source is, with
//
//	go mod edit -require=starling@v0.0.0 -replace=starling=../starling && go mod tidy
//
// or, without a line in its go.mod, with "go work init . ../starling". A node of
// the same user is called with the cookie that it writes at its start: ~/.starling/.cookie
// of the main network, ~/.starling/NETWORK/.cookie of any other.
//
// [New] goes over HTTP. [Over] takes whatever calls methods: jsonrpc.Local for a
// node in the same process.
//
// Every call takes a context, and ends with it. Answers are bounded while they
// are read. A client is safe for concurrent use. It tries nothing twice: after
// an error of the connection nobody knows whether the node has done what it was
// asked to. It keeps no state but the connections of its http.Client, and starts
// no goroutine.
package client
