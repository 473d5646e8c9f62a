// Command bench measures Starling beside btcd, in one run on one machine, and
// prints one table. Both fetch the same generated regtest chain over loopback
// from the same peer; the other rows compare decoding and how fast unconfirmed
// transactions are accepted, and say what headers and idle peers cost.
//
// The address books are told the same 60,000 addresses of the main network's
// kind by the same 60 tellers, a thousand in each message; then 4,000 of them are
// noted as reached, 20,000 times one is picked and its dial noted, and all is saved
// to a file and loaded from it. Starling's book holds fewer of them: it has one
// place for each address and teller, and the first keeps it. It also syncs its file,
// which btcd does not.
//
// For the broadcast 1,000 links over loopback, unencrypted, are served by each peer
// package in turn, as inbound sessions; one program, the same for both, listens at
// their other ends. The time runs from the first call that queues the message
// until the last listener has read it. Both queue a message that is ready to be sent,
// past what either node delays on purpose.
//
//	bench [-blocks 400] [-txs 1500] [-empty 2200] [-chain FILE] [-runs 1] [-dbcache 450] [-only NAME]
package main
