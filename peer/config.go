package peer

import (
	"context"
	"log/slog"
	"time"

	"starling/clock"
	"starling/peer/await"
	"starling/wire"
)

const (
	// DefaultHandshakeTimeout is how long the handshake may take, from the
	// connection on. An honest peer needs two round trips.
	DefaultHandshakeTimeout = await.Version

	// DefaultPingInterval is the time from one ping to the next. It bounds how
	// old the measured round trip is, and keeps the mappings of home routers alive.
	DefaultPingInterval = 2 * time.Minute

	// DefaultPingTimeout is how long a pong may take.
	DefaultPingTimeout = await.Ping

	// MaxQuiet is after how long something is said even if nothing else gives
	// cause to: the network's oldest rule. With the default ping interval it never
	// comes into play.
	MaxQuiet = 30 * time.Minute

	// DefaultSilenceTimeout is after how long without a message a peer is given up:
	// three times the rule above.
	DefaultSilenceTimeout = 90 * time.Minute
)

// Handler is what a session gives messages to. Its methods are called one at a
// time, by the goroutine that runs the session, in the order in which the
// messages came. While a call lasts, nothing more is read from this peer. An
// error ends the session: a [*Disconnect] with the reason that it holds, any
// other as a failure of this node. The context is done when the session ends.
type Handler interface {
	// Ready is called once, when the handshake is done, before any Handle.
	Ready(ctx context.Context, p *Peer) error
	// Handle is called with every message but those which the session handles
	// itself: the handshake's, ping, pong and those of unknown type. The
	// message's slices are views into the payload, which is the handler's.
	Handle(ctx context.Context, p *Peer, msg wire.Message) error
}

// Config tells a session what it is and what it works with. Only Handler is
// needed; zero values mean the defaults.
type Config struct {
	// ID numbers the session; it must be unique in this run of the node.
	ID uint64
	// Kind and Permissions of the session.
	Kind        Kind
	Permissions Permissions

	// Handler is given the messages.
	Handler Handler
	// Observer is told what happens; NoObserver if nil.
	Observer Observer
	// Clock is the time; the system's if nil.
	Clock clock.Clock
	// Log is written to, discarded if nil. At the debug level it shows every
	// message that passes.
	Log *slog.Logger

	// Nonces finds connections of the node to itself. All sessions of a node
	// share one; nil leaves out the check.
	Nonces *Nonces

	// What this node says of itself in its version message.
	Services  wire.ServiceFlag
	UserAgent string
	// StartHeight returns the height to tell; 0 if nil.
	StartHeight func() int32
	// Relay asks for announcements of transactions from the start. It is left
	// out on sessions whose kind has no use for them.
	Relay bool

	// Limits of what the session keeps.
	Limits Limits

	// Timeouts; zero means the default, negative means never.
	HandshakeTimeout time.Duration
	PingInterval     time.Duration
	PingTimeout      time.Duration
	SilenceTimeout   time.Duration
}

func (c *Config) fill() {
	if c.Observer == nil {
		c.Observer = NoObserver{}
	}
	if c.Clock == nil {
		c.Clock = clock.System()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Limits.fill()
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&c.HandshakeTimeout, DefaultHandshakeTimeout)
	def(&c.PingInterval, DefaultPingInterval)
	def(&c.PingTimeout, DefaultPingTimeout)
	def(&c.SilenceTimeout, DefaultSilenceTimeout)
}
