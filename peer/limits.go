package peer

import "math"

// Limits bound in bytes what a session keeps for the other side. Zero takes the
// default, below zero is no limit. What each counts is what it takes in memory,
// places in lists included.
type Limits struct {
	// Queued is how many bytes may wait to be sent before nothing more is read
	// from the peer; [MaxQueued] if zero.
	Queued int
	// Owed is how many bytes the requests that wait to be answered, see
	// [Peer.SendLater], may keep before nothing more is read; [MaxOwed] if zero.
	Owed int
	// QueuedHard is how many bytes may wait in all before the session is given
	// up; [MaxQueuedHard] if zero.
	QueuedHard int
	// HandshakePayload is the largest payload that is taken before the
	// handshake is done, in bytes; [MaxHandshakePayload] if zero.
	HandshakePayload int
}

const (
	// MaxQueued keeps what a peer asks for from piling up. Messages that it
	// does not take wait in its own system and then in this queue, and once
	// that holds so much the peer is not read any more. The answer to the
	// message that exceeds it comes on top, 4 MB at most.
	MaxQueued = 1_000_000

	// MaxOwed holds one getdata of the largest size, which is what btcd sends,
	// and some small requests after it. The request that exceeds it comes on top,
	// so that a peer may be owed 3.8 MB, 475 MB for 125 peers.
	MaxOwed = 2_000_000

	// MaxQueuedHard is reached only by what this node has to tell unasked, by
	// a peer that does not read: replies stay below it, as reading stops at
	// MaxQueued and MaxOwed. With 125 peers it bounds the memory of all queues
	// at 1.25 GB in the worst case, shared blocks counted once for each.
	MaxQueuedHard = 10_000_000

	// MaxHandshakePayload holds every message of the handshake, the longest of
	// which has 1.4 kB, and a getheaders of those that cannot wait. So a
	// stranger has no more than this in a buffer of ours.
	MaxHandshakePayload = 4096
)

func (l *Limits) fill() {
	for _, x := range []struct {
		limit *int
		def   int
	}{{&l.Queued, MaxQueued}, {&l.Owed, MaxOwed}, {&l.QueuedHard, MaxQueuedHard}, {&l.HandshakePayload, MaxHandshakePayload}} {
		switch {
		case *x.limit == 0:
			*x.limit = x.def
		case *x.limit < 0:
			*x.limit = math.MaxInt
		}
	}
}
