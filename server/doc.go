// Package server is the network side of a node: it puts the chain, the mempool, the download, the
// relay, the connection manager, the transports and the sessions together,
// starts and stops them, and answers what peers ask.
//
// It owns the life cycle ([New], [Server.Run]), the list of sessions, the table
// that says who handles which message, one handler file per subject, and the
// step from an offence to its price. It decides nothing that a package below
// decides: what to fetch from whom is netsync's and txdownload's, whom to tell of
// what relay's, whom to dial, evict or ban connmgr's, what is valid chain's and
// mempool's.
//
// Goroutines, while Run runs: those of chain, mempool and connmgr; one that
// accepts links for each listener, and one for each newcomer that is held back; one
// that sends addresses when it is their time ([Server.gossipLoop]), one that saves
// the address book, one that opens links and one that asks sources for addresses; one that carries out what falls due in the
// download of blocks ([Server.syncLoop]), one that does so for transactions and
// announces them ([Server.relayLoop]), one that tries orphans again
// ([Server.orphanLoop]); one that reads the saved mempool, for as long as that
// takes; one that saves what was learned about fees; and two for each session.
// A handler runs on its session's goroutine, and so do the checks of the
// transaction that it was given. What a session owes is made by its writing
// goroutine. Locks: the list of sessions and the list of events have one each,
// under which nothing else is locked and nobody is called. A third lets one
// newcomer at a time look for a place, which may mean waiting for a session to end.
// Under that of the relay of addresses the ban list, the address book and the list of
// own addresses are asked, which have their own and call nobody. Those of the limit of
// upload, of what a session was sent, of the anchors, of what was said about dials and
// of whom was met on another network are held for a look or a note alone.
package server
