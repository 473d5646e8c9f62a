package peer

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"starling/internal/cputime"
	"starling/internal/plain"
	"starling/peer/await"
	"starling/transport"
	"starling/wire"
)

// Run carries the session to its end: it shakes hands, gives messages to the
// handler and sends what is queued. It returns when both goroutines of the
// session are done and the link is closed, with a [*Disconnect] that says why.
// When ctx is done the session ends with [Stopped].
func (p *Peer) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if !p.begin(cancel) {
		cancel()
	}
	// Receive and Send know no context, but they end when the link is closed.
	watched := make(chan struct{})
	unwatch := context.AfterFunc(ctx, func() {
		defer close(watched)
		p.stop(&Disconnect{Reason: Stopped})
	})

	hs := handshake{p: p}
	written := make(chan struct{})
	go func() {
		defer close(written)
		p.stop(p.write(ctx))
	}()
	p.stop(p.read(ctx, &hs))

	<-written
	if !unwatch() {
		<-watched
	}
	return p.conclude(&hs)
}

// begin reports whether the session has not been told to end already.
func (p *Peer) begin(cancel context.CancelFunc) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cancel = cancel
	return p.end == nil
}

// conclude tells of the end of the session, and returns why it ended.
func (p *Peer) conclude(hs *handshake) *Disconnect {
	d := p.ended()
	if hs.over() && d.Reason != SelfConnection {
		// The other end of a connection to oneself closes it as soon as it
		// knows, which this end sees first as a lost link.
		d = &Disconnect{Reason: SelfConnection}
	}
	p.log.Debug("session ended", "addr", transport.FormatAddr(p.RemoteAddr()), "kind", p.cfg.Kind, "reason", d.Error())
	p.cfg.Observer.Disconnected(p, d)
	return d
}

// read receives messages and handles them one by one.
func (p *Peer) read(ctx context.Context, hs *handshake) *Disconnect {
	if err := hs.start(); err != nil {
		return asDisconnect(err)
	}
	for {
		if p.q.waitRoom(ctx) != nil {
			return &Disconnect{Reason: Stopped}
		}
		p.reading(true, 0)
		m, err := p.link.Receive()
		if err != nil {
			return linkError(err)
		}
		if d := p.take(ctx, hs, m); d != nil {
			return d
		}
	}
}

// take deals with one message that has come.
func (p *Peer) take(ctx context.Context, hs *handshake, m transport.Message) *Disconnect {
	p.reading(false, m.Size)
	p.received(m)
	if err := p.handle(ctx, hs, m); err != nil {
		return asDisconnect(err)
	}
	p.handled()
	return nil
}

// reading tells the timers that reading goes on, or that a message of size
// bytes has come and reading rests.
func (p *Peer) reading(on bool, size int) {
	now := p.cfg.Clock.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if on {
		p.ka.resume(now)
		return
	}
	p.ka.received(now)
	p.ka.pause(now)
	p.asked.Pause(now)
}

// handled tells the timers that a message has been dealt with.
func (p *Peer) handled() {
	now := p.cfg.Clock.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked.Resume(now)
}

func (p *Peer) received(m transport.Message) {
	p.mu.Lock()
	p.traf.count(In, m.Command, m.Size)
	p.asked.Heard(m.Command)
	p.mu.Unlock()
	p.cfg.Observer.Message(p, In, m.Command, m.Payload, m.Size)
	p.trace(In, m.Command, m.Size)
}

// trace logs one message.
func (p *Peer) trace(dir Direction, command string, size int) {
	if p.log.Enabled(context.Background(), slog.LevelDebug) {
		p.log.LogAttrs(context.Background(), slog.LevelDebug, "message",
			slog.String("dir", dir.String()), slog.String("command", command), slog.Int("bytes", size))
	}
}

// handle deals with one message. What belongs to the session ends here, the
// rest goes to the handler.
func (p *Peer) handle(ctx context.Context, hs *handshake, m transport.Message) error {
	if !hs.done {
		return hs.handle(ctx, m)
	}
	msg, err := wire.Decode(m.Command, m.Payload)
	if err != nil {
		return p.unreadable(m, err)
	}
	switch msg := msg.(type) {
	case *wire.MsgVersion, *wire.MsgVerack:
		p.passOver(m, nil)
		return nil
	case *wire.MsgSendTxRcncl:
		// This node reconciles no transactions, and a Bitcoin Core that does not
		// takes no offence either.
		p.passOver(m, nil)
		return nil
	case *wire.MsgWTxIDRelay, *wire.MsgSendAddrV2, *wire.MsgFeature:
		return &Disconnect{Reason: HandshakeOrder, Detail: m.Command + " after verack"}
	case *wire.MsgUnknown:
		return nil
	case *wire.MsgPing:
		return p.pong(msg)
	case *wire.MsgPong:
		p.ponged(msg)
		return nil
	}
	p.prefer(msg)
	watch := cputime.Start()
	err = p.cfg.Handler.Handle(ctx, p, msg)
	p.cfg.Observer.Handled(p, m.Command, watch.Lap())
	return err
}

// unreadable deals with a message that cannot be read. A torn one is passed over,
// as Bitcoin Core does: honest programs have had such faults, and what it was to
// say is missed as if it had not been sent. One that is whole and beyond the
// limits of the protocol ends the session.
func (p *Peer) unreadable(m transport.Message, err error) error {
	var bad *wire.DecodeError
	if errors.As(err, &bad) && bad.Excess {
		return &Disconnect{Reason: BadMessage, Err: err}
	}
	p.passOver(m, err)
	return nil
}

// passOver notes that a message is not heard, because it is out of its place or
// because of err.
func (p *Peer) passOver(m transport.Message, err error) {
	p.log.Debug("message passed over", "command", plain.Name(m.Command), "bytes", m.Size, "err", err)
}

// asDisconnect gives every error of a handler a reason.
func asDisconnect(err error) *Disconnect {
	var d *Disconnect
	switch {
	case errors.As(err, &d):
		return d
	case errors.Is(err, context.Canceled), errors.Is(err, ErrEnded):
		return &Disconnect{Reason: Stopped}
	}
	return &Disconnect{Reason: Failed, Err: err}
}

// pong answers a ping. By now all that came before it has been handled; what
// is still owed for it goes out first, too.
func (p *Peer) pong(m *wire.MsgPing) error {
	if !m.HasNonce || p.Remote().Common <= wire.PingNonceVersion {
		return nil
	}
	pong := wire.Message(&wire.MsgPong{Nonce: m.Nonce, HasNonce: true})
	if !p.q.hasLater() {
		return p.Send(pong)
	}
	return p.SendLater(0, func(context.Context) (wire.Message, error) {
		m := pong
		pong = nil
		return m, nil
	})
}

func (p *Peer) ponged(m *wire.MsgPong) {
	now := p.cfg.Clock.Now()
	p.mu.Lock()
	took, ok := p.ka.ponged(now, m.Nonce)
	aimless := !ok && (!m.HasNonce || m.Nonce == 0)
	if aimless {
		p.ka.unasked()
	}
	p.mu.Unlock()
	if ok || aimless {
		signal(p.q.wake) // the next ping is due earlier than a timeout was
	}
	if ok {
		p.cfg.Observer.Ping(p, took)
	}
}

func (p *Peer) ping(now time.Time) error {
	r := p.Remote()
	if r == nil {
		return nil
	}
	m := &wire.MsgPing{Nonce: randomUint64(), HasNonce: r.Common > wire.PingNonceVersion}
	p.mu.Lock()
	p.ka.pinged(now, m.Nonce)
	p.mu.Unlock()
	return p.Send(m)
}

// write sends what is queued and watches the time.
func (p *Peer) write(ctx context.Context) *Disconnect {
	due := p.due()
	timer := p.cfg.Clock.NewTimer(due.Sub(p.cfg.Clock.Now()))
	defer timer.Stop()
	for ctx.Err() == nil {
		more, err := p.writeNext(ctx)
		if err != nil {
			return err
		}
		now := p.cfg.Clock.Now()
		if !more {
			// The time at which something is due may have moved: nearer when a
			// ping goes out or the handshake ends, both of which wake this
			// goroutine, or further away.
			due = p.due()
			timer.Reset(due.Sub(now))
			select {
			case <-p.q.wake:
				continue
			case <-timer.C:
				now = p.cfg.Clock.Now()
			case <-ctx.Done():
				continue
			}
		}
		if !now.Before(due) {
			if d := p.tick(now); d != nil {
				return d
			}
			due = p.due()
		}
	}
	return &Disconnect{Reason: Stopped}
}

// writeNext sends the next message, if there is one, and flushes the link when
// there is none.
func (p *Peer) writeNext(ctx context.Context) (more bool, d *Disconnect) {
	if o, ok := p.q.pop(); ok {
		d := p.send(o)
		p.q.sent(o)
		return true, d
	}
	if next, ok := p.q.producer(); ok {
		m, err := next(ctx)
		if err != nil {
			return false, asDisconnect(err)
		}
		if m != nil {
			d = p.send(encode(m))
		}
		p.q.produced(m == nil)
		return true, d
	}
	if err := p.link.Flush(); err != nil {
		return false, linkError(err)
	}
	p.q.idle()
	return false, nil
}

// send hands one message to the link.
func (p *Peer) send(o outgoing) *Disconnect {
	if await.Watched(o.command) {
		// Noted first: the answer may come before this goroutine goes on.
		now := p.cfg.Clock.Now()
		p.mu.Lock()
		p.asked.Sent(now, o.command)
		p.mu.Unlock()
	}
	size, err := p.link.Send(o.command, o.payload)
	if err != nil {
		return sendError(err)
	}
	now := p.cfg.Clock.Now()
	p.mu.Lock()
	p.ka.sent(now)
	p.traf.count(Out, o.command, size)
	p.mu.Unlock()
	p.cfg.Observer.Message(p, Out, o.command, o.payload, size)
	p.trace(Out, o.command, size)
	return nil
}

// awaitedHello says what of the handshake is missing.
func (p *Peer) awaitedHello() string {
	if p.greeted.Load() {
		return "waited for its verack"
	}
	return "waited for its version"
}

// never is a time that is not reached.
const never = 1000 * time.Hour

// due returns when tick is to be called.
func (p *Peer) due() time.Time {
	if p.Remote() == nil {
		if p.cfg.HandshakeTimeout < 0 {
			return p.cfg.Clock.Now().Add(never)
		}
		return p.connected.Add(p.cfg.HandshakeTimeout)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.cfg.Clock.Now()
	due := p.ka.due(now)
	if at, ok := p.asked.Due(now); ok && at.Before(due) {
		due = at
	}
	return due
}

// tick does what is due at now, and returns the reason if it is the end.
func (p *Peer) tick(now time.Time) *Disconnect {
	if p.Remote() == nil {
		if p.cfg.HandshakeTimeout >= 0 && !now.Before(p.connected.Add(p.cfg.HandshakeTimeout)) {
			return &Disconnect{Reason: HandshakeTimeout, Detail: p.awaitedHello()}
		}
		return nil
	}
	p.mu.Lock()
	act, missed := p.ka.tick(now), p.asked.Tick(now)
	p.mu.Unlock()
	for _, r := range missed {
		p.log.Debug("a request was not answered", "request", r.Request, "awaited", r.What, "for", r.Wait)
		p.cfg.Observer.Unanswered(p, r)
	}
	switch act {
	case sendPing:
		if p.ping(now) != nil {
			return &Disconnect{Reason: Stopped} // ended meanwhile
		}
	case pingTimedOut:
		return &Disconnect{Reason: PingTimeout, Detail: "waited " + p.cfg.PingTimeout.String() + " for a pong"}
	case silent:
		return &Disconnect{Reason: Silent, Detail: p.cfg.SilenceTimeout.String()}
	}
	return nil
}
