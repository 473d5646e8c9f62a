package transport

import (
	"context"
	"errors"
	"fmt"

	ma "github.com/multiformats/go-multiaddr"
)

// Message is one message as it arrived.
type Message struct {
	// Command is the name of the message, such as "ping".
	Command string
	// Payload is what the message carries. It belongs to whoever received it.
	Payload []byte
	// Size is how many bytes the message took on the wire, framing included.
	Size int
}

// Link is one connection between two nodes that carries whole messages in
// order, both ways. One goroutine may receive while another sends; Close and
// the methods that only tell something may be called by any.
//
// A link has no deadline while nothing is under way: how long a peer may stay
// silent is for the session to decide, which ends the wait with Close. But a
// message that has begun must make progress, in both directions, and a link
// on which one does not fails with [ErrStalled]. So a peer that sends one
// byte a second holds neither a buffer nor a goroutine for long.
type Link interface {
	// Receive waits for the next message and returns it. After an error the
	// link is of no more use. At the end of what the other side sent the error
	// is io.EOF.
	Receive() (Message, error)

	// SetLimit bounds the payloads that Receive takes from now on, beside the
	// limit of each kind of message: a larger one is [ErrTooLarge], and nothing is
	// set aside for it. Below zero there is no such bound. It is for the
	// goroutine that receives, or for the time before there is one.
	SetLimit(payload int)

	// Send writes one message, perhaps to a buffer, and returns how many bytes
	// it takes on the wire. It does not keep payload after it returns. It may
	// block for as long as the other side reads slowly.
	Send(command string, payload []byte) (int, error)

	// Flush passes on what Send has buffered.
	Flush() error

	// Close ends the link at once; Receive, Send and Flush under way return
	// [ErrClosed]. What was sent before may or may not arrive. Closing again
	// does nothing.
	Close() error

	// LocalAddr and RemoteAddr name the two ends of the link.
	LocalAddr() ma.Multiaddr
	RemoteAddr() ma.Multiaddr

	// Info tells what kind of link it is.
	Info() Info
}

// Info describes a link to a person, as far as the transport knows.
type Info struct {
	// Protocol is Bitcoin Core's name for how messages are framed: "v1", "v2",
	// "detecting", or the name of a transport that it does not have.
	Protocol string
	// SessionID is what both ends of an encrypted link can compare to see that
	// nobody sits between them, in hexadecimal. Empty if there is none.
	SessionID string
	// Identity is the other side's proven identity (a key, a certificate's
	// name). Empty if the transport proves none.
	Identity string
}

// Transport makes links. It is safe for concurrent use.
type Transport interface {
	// Name is the transport's short name, such as "tcp".
	Name() string
	// CanDial reports whether the address is of this transport's kind.
	CanDial(addr ma.Multiaddr) bool
	// Dial connects to an address. The context bounds the dialling only, not
	// the link's life.
	Dial(ctx context.Context, addr ma.Multiaddr) (Link, error)
	// Listen waits for links at an address. Port 0 means any free port. The
	// context bounds the call only.
	Listen(ctx context.Context, addr ma.Multiaddr) (Listener, error)
}

// Listener hands out the links that others open.
type Listener interface {
	// Accept waits for the next link. It never waits for anything that the
	// other side has yet to send, so that one slow dialler cannot hold up the
	// next. After Close it returns [ErrClosed]; an error with
	// Temporary() bool is worth another try.
	Accept() (Link, error)
	// Close stops listening. Links that were accepted live on. Closing again
	// does nothing.
	Close() error
	// Addr is where the listener can be reached, with the port it really got.
	Addr() ma.Multiaddr
}

// Errors of every transport. They are wrapped; test with errors.Is.
var (
	// ErrClosed means that this side has closed the link or listener.
	ErrClosed = errors.New("the link is closed")
	// ErrStalled means that a message began and then made no progress.
	ErrStalled = errors.New("a message made no progress in time")
	// ErrReset means that the link broke, or that the other side threw it away.
	ErrReset = errors.New("the link was lost")
	// ErrWrongNetwork means that the other side speaks for another network:
	// its frames start with another magic.
	ErrWrongNetwork = errors.New("wrong magic")
	// ErrTooLarge means that a frame claims more than its message may have, of
	// its kind or at this time.
	ErrTooLarge = errors.New("message is larger than allowed")
	// ErrAddress means that a transport was given an address it has no use for.
	ErrAddress = errors.New("not an address of this transport")
)

// plain is the key of a context that asks for links in the clear.
type plain struct{}

// Plain returns a context with which a transport that knows both dials in the
// clear, and does not try to encrypt first: for peers that are known not to
// understand it.
func Plain(ctx context.Context) context.Context { return context.WithValue(ctx, plain{}, true) }

// IsPlain reports whether ctx comes from [Plain].
func IsPlain(ctx context.Context) bool { return ctx.Value(plain{}) != nil }

// TooLarge returns an [ErrTooLarge] that names the message.
func TooLarge(command string, size, limit int) error {
	return fmt.Errorf("%w: %q of %d bytes, limit %d", ErrTooLarge, command, size, limit)
}
