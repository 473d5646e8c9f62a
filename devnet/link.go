package devnet

import (
	"bytes"
	"fmt"
	"sync"
	"time"

	"starling/transport"
	"starling/wire"
)

const (
	// laneBytes is how much may be under way in one direction of a link before
	// its sender has to wait. An empty lane takes the largest message all the
	// same; so a link takes 12 MB at most, in both directions together.
	laneBytes = 2 << 20
	// linger is how long what was sent before the link was closed may still
	// take to arrive.
	linger = 5 * time.Second
)

// link is a link between two nodes, at the end that dialled it. What passes in
// either direction waits in a lane until it is due.
type link struct {
	transport.Link
	faults   *Faults
	from, to int
	out, in  lane
	limit    int // receiver only; of a payload

	closing sync.Once
	closed  chan struct{} // by its user: nothing is taken or given any more
	ending  sync.Once
	gone    chan struct{} // what was sent before that is through, too
}

// parcel is a message under way, or the error that ends a lane.
type parcel struct {
	due time.Time
	msg transport.Message
	err error
}

// lane is one direction of a link.
type lane struct {
	mu      sync.Mutex
	parcels []parcel
	bytes   int
	lastDue time.Time     // nothing overtakes what was sent before
	err     error         // comes after the parcels; nothing more is taken
	changed chan struct{} // closed at every change
}

// newLink puts the ways of f on a link. The caller has f locked.
func newLink(inner transport.Link, f *Faults, from, to int) *link {
	l := &link{Link: inner, faults: f, from: from, to: to, limit: wire.MaxPayloadSize, closed: make(chan struct{}), gone: make(chan struct{})}
	l.out.changed, l.in.changed = make(chan struct{}), make(chan struct{})
	f.links[l] = struct{}{}
	f.pumps.Go(l.pumpOut)
	f.pumps.Go(l.pumpIn)
	return l
}

func (l *lane) change() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// fail ends a lane.
func (l *lane) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
		l.change()
	}
}

// put sends a message on its way, once there is room, or ends the lane with an
// error that takes as long.
func (l *link) put(on *lane, p parcel, closed <-chan struct{}) error {
	d, ok := l.faults.delay()
	if !ok {
		p = parcel{err: fmt.Errorf("%w: too many packets got lost", transport.ErrReset)}
	}
	on.mu.Lock()
	for on.err == nil && on.bytes > 0 && on.bytes+p.msg.Size > laneBytes {
		changed := on.changed
		on.mu.Unlock()
		select {
		case <-changed:
		case <-closed:
			return transport.ErrClosed
		}
		on.mu.Lock()
	}
	defer on.mu.Unlock()
	if on.err != nil {
		return on.err
	}
	p.due = l.faults.clk.Now().Add(d)
	if p.due.Before(on.lastDue) {
		p.due = on.lastDue
	}
	on.lastDue = p.due
	on.parcels = append(on.parcels, p)
	on.bytes += p.msg.Size
	on.err = p.err
	on.change()
	return p.err
}

// take waits until the next parcel is due and no partition holds it, and
// returns it. more is true if another one is due already. The error is
// ErrClosed once closed is.
func (l *link) take(on *lane, closed <-chan struct{}) (p parcel, more bool, err error) {
	for {
		cut, healed := l.faults.cut(l.from, l.to)
		on.mu.Lock()
		changed := on.changed
		wait := time.Duration(-1)
		switch {
		case len(on.parcels) == 0 && on.err != nil:
			p.err = on.err
			on.mu.Unlock()
			return p, false, nil
		case len(on.parcels) > 0 && !cut:
			now := l.faults.clk.Now()
			p = on.parcels[0]
			if wait = p.due.Sub(now); wait <= 0 {
				on.parcels[0] = parcel{}
				on.parcels = on.parcels[1:]
				on.bytes -= p.msg.Size
				more = len(on.parcels) > 0 && !on.parcels[0].due.After(now)
				on.change()
				on.mu.Unlock()
				return p, more, nil
			}
		}
		on.mu.Unlock()
		if err := l.wait(wait, changed, healed, closed); err != nil {
			return parcel{}, false, err
		}
	}
}

// wait waits for d, if that is not below zero, or for a channel. The error is
// ErrClosed once closed is.
func (l *link) wait(d time.Duration, changed, healed, closed <-chan struct{}) error {
	var due <-chan time.Time
	if d >= 0 {
		t := l.faults.clk.NewTimer(d)
		defer t.Stop()
		due = t.C
	}
	select {
	case <-due:
	case <-changed:
	case <-healed:
	case <-closed:
		return transport.ErrClosed
	}
	return nil
}

// pumpOut passes on what has become due, and ends the link below when that is
// all.
func (l *link) pumpOut() {
	defer l.end()
	for {
		p, more, err := l.take(&l.out, l.gone)
		if err != nil {
			return
		}
		if p.err != nil {
			l.in.fail(p.err)
			return
		}
		_, err = l.Link.Send(p.msg.Command, p.msg.Payload)
		if err == nil && !more {
			err = l.Link.Flush()
		}
		if err != nil {
			l.out.fail(err)
			return
		}
	}
}

// pumpIn takes in what arrives.
func (l *link) pumpIn() {
	for {
		m, err := l.Link.Receive()
		if l.put(&l.in, parcel{msg: m, err: err}, l.closed) != nil {
			return
		}
	}
}

// end ends the link below, whatever is still under way.
func (l *link) end() {
	l.ending.Do(func() {
		close(l.gone)
		l.Link.Close()
		l.faults.mu.Lock()
		delete(l.faults.links, l)
		l.faults.mu.Unlock()
	})
}

// Receive implements [transport.Link].
func (l *link) Receive() (transport.Message, error) {
	p, _, err := l.take(&l.in, l.closed)
	if err != nil {
		return transport.Message{}, err
	}
	if size := len(p.msg.Payload); p.err == nil && size > l.limit {
		return transport.Message{}, transport.TooLarge(p.msg.Command, size, l.limit)
	}
	return p.msg, p.err
}

// SetLimit implements [transport.Link]. The link below takes in messages ahead
// of whoever receives them, so it has no part in it.
func (l *link) SetLimit(payload int) {
	if payload < 0 {
		payload = wire.MaxPayloadSize
	}
	l.limit = payload
}

// Send implements [transport.Link].
func (l *link) Send(command string, payload []byte) (int, error) {
	if len(payload) > wire.MaxPayloadSize {
		return 0, transport.TooLarge(command, len(payload), wire.MaxPayloadSize)
	}
	m := transport.Message{Command: command, Payload: bytes.Clone(payload), Size: wire.FrameHeaderSize + len(payload)}
	return m.Size, l.put(&l.out, parcel{msg: m}, l.closed)
}

// Flush implements [transport.Link]. What was sent is on its way already.
func (l *link) Flush() error {
	l.out.mu.Lock()
	defer l.out.mu.Unlock()
	return l.out.err
}

// Close implements [transport.Link]. What was sent before has a while to get
// through, unless a partition holds it.
func (l *link) Close() error {
	l.closing.Do(func() {
		close(l.closed)
		l.out.fail(transport.ErrClosed)
		l.out.mu.Lock()
		through := len(l.out.parcels) == 0
		l.out.mu.Unlock()
		if cut, _ := l.faults.cut(l.from, l.to); through || cut {
			l.end()
			return
		}
		l.faults.pumps.Go(func() {
			t := l.faults.clk.NewTimer(linger)
			defer t.Stop()
			select {
			case <-t.C:
				l.end()
			case <-l.gone:
			}
		})
	})
	return nil
}
