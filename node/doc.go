// Package node puts a whole node together from its parts: the server with
// its chain, wallets, indexes, miner, RPC, metrics; everything that `starling node`
// runs, for commands that run several nodes in one process or use one without
// its sockets.
//
// It owns the order in which the parts are opened, started, stopped and
// closed. It never reads flags or files of settings, except that [Configure]
// turns settings that were read into a [Config]; and it writes nothing but log
// lines and the file that [Contact] reads.
//
// With RPC asked for, one goroutine answers calls from [Open] on. The rest,
// one for each part, run in [Node.Run] and are gone when that returns.
package node
