// Command bench measures Starling beside btcd, in one run on one machine, and
// prints one table. Both fetch the same generated regtest chain over loopback
// from the same peer; the other rows compare decoding and how fast unconfirmed
// transactions are accepted, and say what headers and idle peers cost.
//
//	bench [-blocks 400] [-txs 1500] [-empty 2200] [-chain FILE] [-runs 1] [-dbcache 450] [-only NAME]
package main
