// Package connmgr decides which links there are: it dials the peers that the
// operator asked for and keeps doing so, says whether there is a place for a
// newcomer and which inbound peer makes room for it, turns offences into scores
// and sentences, and remembers who is discouraged or banned.
//
// It never speaks the protocol and never opens a socket: a [Dialer] that the
// caller provides makes and serves the links.
//
// The decisions are pure: [Outgoing], [Scores], [Bans], [SelectEviction] and
// [SelectPending] take the time and a seed, do no I/O and start no goroutine. None
// of these types is safe for concurrent use. [Manager] holds one of each under one
// mutex, which is never held during a dial or while the ban list is written,
// and is safe for concurrent use.
//
// Goroutines: [Manager.Run] has one for its schedule, which also saves bans by
// score, and one for each link that
// it has dialled, for as long as the link lives. Run returns when all are gone.
package connmgr
