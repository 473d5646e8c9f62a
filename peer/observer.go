package peer

import (
	"time"

	"starling/peer/await"
)

// Direction tells which way a message went.
type Direction uint8

// The two ways.
const (
	In Direction = iota
	Out
)

// String returns "in" or "out".
func (d Direction) String() string {
	if d == Out {
		return "out"
	}
	return "in"
}

// Observer is told what happens on sessions, for metrics, traces and people
// who watch. The session's goroutines call it, so it must not block, and it
// must be safe for concurrent use.
type Observer interface {
	// Message tells of one message after it was received, or after it was
	// handed to the link. Size counts the frame too. Payload must not be
	// changed or kept.
	Message(p *Peer, dir Direction, command string, payload []byte, size int)
	// Handled tells how long the handler took for a message.
	Handled(p *Peer, command string, took time.Duration)
	// Handshake tells that a session is ready for use.
	Handshake(p *Peer)
	// Ping tells how long the other side took to answer a ping.
	Ping(p *Peer, took time.Duration)
	// Unanswered tells that the other side has left a request unanswered for so
	// long that it is not awaited any more, and that this is all there is to it.
	Unanswered(p *Peer, r await.Rule)
	// Disconnected tells that a session has ended, and why. It is the last call
	// for it.
	Disconnected(p *Peer, d *Disconnect)
}

// NoObserver ignores all that it is told. Embed it to observe only some of it.
type NoObserver struct{}

var _ Observer = NoObserver{}

// Message does nothing.
func (NoObserver) Message(*Peer, Direction, string, []byte, int) {}

// Handled does nothing.
func (NoObserver) Handled(*Peer, string, time.Duration) {}

// Handshake does nothing.
func (NoObserver) Handshake(*Peer) {}

// Ping does nothing.
func (NoObserver) Ping(*Peer, time.Duration) {}

// Unanswered does nothing.
func (NoObserver) Unanswered(*Peer, await.Rule) {}

// Disconnected does nothing.
func (NoObserver) Disconnected(*Peer, *Disconnect) {}
