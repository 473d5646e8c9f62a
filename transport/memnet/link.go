package memnet

import (
	"bytes"
	"io"
	"net/netip"
	"sync"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"starling/transport"
	"starling/wire"
)

// pipe is a link with its two ends: a dialled, b accepted.
type pipe struct {
	net  *Network
	a, b netip.AddrPort

	mu      sync.Mutex
	ends    [2]half // what is under way to a, to b
	closed  [2]bool // whether a, b has closed its end
	broken  bool
	changed chan struct{} // closed and replaced at every change
}

// half is one direction of a pipe.
type half struct {
	queue    []item
	bytes    int
	lineFree time.Time // when the last byte sent has left the sender
	lastDue  time.Time // nothing overtakes what was sent before
	eof      time.Time // when the end of the stream arrives; zero while it is open
}

type item struct {
	due     time.Time
	command string
	payload []byte
}

// link is one end of a pipe.
type link struct {
	*pipe
	end    int // 0: a, 1: b
	limit  int // receiver only; of a payload
	local  ma.Multiaddr
	remote ma.Multiaddr
}

func newPipe(n *Network, a, b netip.AddrPort) (dialled, accepted *link) {
	p := &pipe{net: n, a: a, b: b, changed: make(chan struct{})}
	n.mu.Lock()
	n.links[p] = struct{}{}
	n.mu.Unlock()
	am, bm := transport.FromAddrPort(a), transport.FromAddrPort(b)
	const max = wire.MaxPayloadSize
	return &link{p, 0, max, am, bm}, &link{p, 1, max, bm, am}
}

func (p *pipe) change() {
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *pipe) breakLink() {
	p.mu.Lock()
	p.broken = true
	p.change()
	p.mu.Unlock()
	p.forget()
}

func (p *pipe) forget() {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	delete(p.net.links, p)
}

func (l *link) LocalAddr() ma.Multiaddr  { return l.local }
func (l *link) RemoteAddr() ma.Multiaddr { return l.remote }
func (l *link) Info() transport.Info     { return transport.Info{Protocol: "memory"} }
func (l *link) Flush() error             { return nil }

// SetLimit implements [transport.Link].
func (l *link) SetLimit(payload int) {
	if payload < 0 {
		payload = wire.MaxPayloadSize
	}
	l.limit = payload
}

// Close ends the link. The other side receives what is under way, then the
// end of the stream.
func (l *link) Close() error {
	path, _, _ := l.net.path(l.a.Addr(), l.b.Addr())
	now := l.net.clk.Now()
	l.mu.Lock()
	if l.closed[l.end] {
		l.mu.Unlock()
		return nil
	}
	l.closed[l.end] = true
	out := &l.ends[1-l.end]
	out.eof = later(now.Add(path.Latency), out.lastDue)
	l.ends[l.end] = half{}
	both := l.closed[1-l.end]
	l.change()
	l.mu.Unlock()
	if both {
		l.forget()
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Receive waits until the next message is due.
func (l *link) Receive() (transport.Message, error) {
	for {
		now := l.net.clk.Now()
		_, open, repaired := l.net.path(l.a.Addr(), l.b.Addr())
		l.mu.Lock()
		changed := l.changed
		if err := l.state(); err != nil {
			l.mu.Unlock()
			return transport.Message{}, err
		}
		in := &l.ends[l.end]
		due := in.eof
		if len(in.queue) > 0 {
			due = in.queue[0].due
		}
		if open && !due.IsZero() && !now.Before(due) {
			m, err := l.take(in)
			l.mu.Unlock()
			return m, err
		}
		l.mu.Unlock()
		l.await(changed, repaired, open && !due.IsZero(), due.Sub(now))
	}
}

// await waits for a change of the pipe or the network, or for a time to pass.
func (l *link) await(changed, repaired <-chan struct{}, timed bool, d time.Duration) (timeout bool) {
	var fire <-chan time.Time
	if timed {
		t := l.net.clk.NewTimer(d)
		defer t.Stop()
		fire = t.C
	}
	select {
	case <-changed:
	case <-repaired:
	case <-fire:
		return true
	}
	return false
}

// state returns the error of a link that is over. The caller holds mu.
func (l *link) state() error {
	switch {
	case l.closed[l.end]:
		return transport.ErrClosed
	case l.broken:
		return transport.ErrReset
	}
	return nil
}

// take removes what is first in line. The caller holds mu.
func (l *link) take(in *half) (transport.Message, error) {
	if len(in.queue) == 0 {
		return transport.Message{}, io.EOF
	}
	it := in.queue[0]
	in.queue[0] = item{}
	if in.queue = in.queue[1:]; len(in.queue) == 0 {
		in.queue = nil
	}
	in.bytes -= frameSize(it.payload)
	l.change()
	if limit := min(l.limit, int(wire.MaxPayload(it.command))); len(it.payload) > limit {
		return transport.Message{}, transport.TooLarge(it.command, len(it.payload), limit)
	}
	return transport.Message{Command: it.command, Payload: it.payload, Size: frameSize(it.payload)}, nil
}

// Send puts a copy of the message on its way, as soon as there is room in the
// buffer.
func (l *link) Send(command string, payload []byte) (int, error) {
	if len(payload) > wire.MaxPayloadSize {
		return 0, transport.TooLarge(command, len(payload), wire.MaxPayloadSize)
	}
	size := frameSize(payload)
	deadline := l.net.clk.Now().Add(l.net.opts.Stall)
	stalled := false
	for {
		now := l.net.clk.Now()
		path, open, repaired := l.net.path(l.a.Addr(), l.b.Addr())
		l.mu.Lock()
		changed := l.changed
		err := l.state()
		if err == nil && open && l.closed[1-l.end] {
			err = transport.ErrReset
		}
		out := &l.ends[1-l.end]
		switch {
		case err != nil:
			l.mu.Unlock()
			return 0, err
		case out.bytes == 0 || out.bytes+size <= l.net.opts.Buffer:
			out.lineFree = later(now, out.lineFree).Add(path.travel(size))
			out.lastDue = later(out.lineFree.Add(path.Latency), out.lastDue)
			out.queue = append(out.queue, item{out.lastDue, command, bytes.Clone(payload)})
			out.bytes += size
			l.change()
			l.mu.Unlock()
			return size, nil
		case stalled:
			l.mu.Unlock()
			return 0, transport.ErrStalled
		}
		l.mu.Unlock()
		stalled = l.await(changed, repaired, true, deadline.Sub(now))
	}
}
