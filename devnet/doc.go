// Package devnet runs a network of one's own in one process: whole nodes with
// real sockets on this machine, wallets with money in them, a miner, payments,
// and faults on demand.
//
// It owns the making of such a network, the ways between its nodes (latency,
// loss, partitions, applied to their real links), the payments that it makes
// up, and the server through which commands act on it while it runs. It never
// does what a node does: blocks, payments and reorganisations are the nodes'
// own doings, asked for through their methods. It writes to one directory and
// one control file and removes what was not to be kept.
//
// Goroutines: those of each node, two for each link that a node dials, one
// that watches the chain, one that makes up payments, and those of the control
// server. All are gone when [Net.Run] returns.
package devnet
