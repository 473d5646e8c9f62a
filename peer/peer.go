package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"starling/peer/await"
	"starling/transport"
	"starling/wire"
)

// Peer is one session with another node. Make one with [New], start it with
// [Peer.Run]. All methods but Run may be called by any goroutine, at any time.
type Peer struct {
	cfg  Config
	link transport.Link
	log  *slog.Logger

	connected time.Time
	q         queue
	known     Known
	remote    atomic.Pointer[Remote] // nil before the handshake is done
	greeted   atomic.Bool            // its version has come

	mu     sync.Mutex // guards what follows
	ka     keepalive
	asked  await.Watch
	prefs  Prefs
	traf   traffic
	end    *Disconnect        // why the session ended; nil while it lives
	cancel context.CancelFunc // of the session's context; nil before Run
}

// New returns a session over link, which it owns from now on. If Run is never
// called, Disconnect has to be.
func New(link transport.Link, cfg Config) *Peer {
	cfg.fill()
	p := &Peer{cfg: cfg, link: link, connected: cfg.Clock.Now()}
	p.log = cfg.Log.With("peer", cfg.ID)
	p.q.init(cfg.Limits)
	p.ka.interval, p.ka.timeout, p.ka.silence = cfg.PingInterval, cfg.PingTimeout, cfg.SilenceTimeout
	p.ka.start(p.connected)
	return p
}

// ID returns the number that the session was given.
func (p *Peer) ID() uint64 { return p.cfg.ID }

// Kind returns who opened the session and what for.
func (p *Peer) Kind() Kind { return p.cfg.Kind }

// Permissions returns what the peer may do beyond what any peer may.
func (p *Peer) Permissions() Permissions { return p.cfg.Permissions }

// LocalAddr and RemoteAddr name the two ends of the link.
func (p *Peer) LocalAddr() ma.Multiaddr { return p.link.LocalAddr() }

// RemoteAddr names the other end of the link.
func (p *Peer) RemoteAddr() ma.Multiaddr { return p.link.RemoteAddr() }

// Link returns what the transport knows of the link.
func (p *Peer) Link() transport.Info { return p.link.Info() }

// Remote returns what the other side said in the handshake, or nil before the
// handshake is done. The caller must not change it.
func (p *Peer) Remote() *Remote { return p.remote.Load() }

// Connected returns when the session began.
func (p *Peer) Connected() time.Time { return p.connected }

// Ending reports whether the session has been told to end. Its link is closed;
// once Run has returned nothing of it is left.
func (p *Peer) Ending() bool { return p.ended() != nil }

// Known returns the inventory that the other side is known to have.
func (p *Peer) Known() *Known { return &p.known }

// String returns the session's number and address.
func (p *Peer) String() string {
	return fmt.Sprintf("peer %d (%s)", p.cfg.ID, transport.FormatAddr(p.RemoteAddr()))
}

// Send queues a message and returns at once. It fails with [ErrEnded] after
// the end of the session, and ends it with [QueueFull] if too many bytes wait
// already. The message may be changed afterwards, but not the
// bytes of a block, which are not copied.
func (p *Peer) Send(m wire.Message) error {
	return p.queued(p.q.push(encode(m)))
}

// queued ends the session if something found no place in its queue.
func (p *Peer) queued(err error) error {
	if errors.Is(err, errQueueFull) {
		p.stop(&Disconnect{Reason: QueueFull})
		return ErrEnded
	}
	return err
}

// SendLater queues messages that are made only when there is room to send
// them. Until next is done, what it refers to counts as size bytes: all that
// the request for them keeps in memory. Messages given to Send go first, as they
// are about something new; those of several producers keep their order, and
// a pong waits for them if its ping came later. While more than Limits.Owed bytes
// are kept nothing more is read from the peer. It fails as Send does.
func (p *Peer) SendLater(size int, next Producer) error {
	return p.queued(p.q.pushLater(owed{next, size}))
}

// Flush waits until all that was sent before has been handed to the link.
func (p *Peer) Flush(ctx context.Context) error {
	select {
	case <-p.q.wait():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Off returns for how long in all the time has stood still for the peer until now:
// one of its messages was being handled, and took its time over it. What is
// awaited of it is awaited for so much longer.
func (p *Peer) Off(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked.Off(now)
}

// Ping sends a ping now, whether or not it is time for one.
func (p *Peer) Ping() error { return p.ping(p.cfg.Clock.Now()) }

// Disconnect ends the session for the given reason, unless it has ended
// already. Run returns soon after.
func (p *Peer) Disconnect(reason Reason, detail string) {
	p.End(&Disconnect{Reason: reason, Detail: detail})
}

// End is Disconnect for a reason with an error behind it.
func (p *Peer) End(d *Disconnect) { p.stop(d) }

// stop ends the session. The first reason stays.
func (p *Peer) stop(d *Disconnect) {
	p.mu.Lock()
	first := p.end == nil
	if first {
		p.end = d
	}
	cancel := p.cancel
	p.mu.Unlock()
	if !first {
		return
	}
	if cancel != nil {
		cancel()
	}
	p.q.close()
	p.link.Close()
}

// ended returns why the session ended, or nil.
func (p *Peer) ended() *Disconnect {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.end
}

// encode turns a message into what is sent. Bytes that exist already are not
// copied.
func encode(m wire.Message) outgoing {
	switch m := m.(type) {
	case *wire.MsgBlock:
		return outgoing{wire.CmdBlock, m.Raw}
	case *wire.MsgUnknown:
		return outgoing{m.Cmd, m.Payload}
	}
	return outgoing{m.Command(), m.AppendPayload(nil)}
}

// sendError turns an error of the link in sending into the reason for the end. A
// message that is too large is this node's fault there, not the peer's.
func sendError(err error) *Disconnect {
	d := linkError(err)
	if d.Reason == BadFrame {
		d.Reason = Failed
	}
	return d
}

// linkError turns an error of the link into the reason for the end.
func linkError(err error) *Disconnect {
	var bad *wire.DecodeError
	d := &Disconnect{Reason: LinkLost, Err: err}
	switch {
	case err == io.EOF:
		d.Reason, d.Err = RemoteClosed, nil
	case errors.Is(err, transport.ErrStalled):
		d.Reason, d.Err = Stalled, nil
	case errors.Is(err, transport.ErrWrongNetwork):
		d.Reason = WrongNetwork
	case errors.Is(err, transport.ErrTooLarge), errors.As(err, &bad):
		d.Reason = BadFrame
	}
	return d
}
