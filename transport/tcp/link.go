package tcp

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"starling/transport"
	"starling/transport/bip324"
	"starling/wire"
)

var unspecified = netip.AddrPortFrom(netip.IPv4Unspecified(), 0)

// framing is how messages stand in the stream of a link.
type framing interface {
	info() transport.Info
	// receive reads the next frame, whose first byte has come. It reports false
	// for one that is to be left out: its size counts, and no more.
	receive(s *socket, limit int) (m transport.Message, whole bool, err error)
	// send frames one message, to the buffer if it is short.
	send(s *socket, command string, payload []byte) (int, error)
}

// link is a [transport.Link] over a stream connection.
type link struct {
	socket
	opts          *Options
	local, remote ma.Multiaddr
	patience      time.Duration // how long its handshake may take, if it was dialled
	limit         int           // receiver only; of a payload

	// speaks is nil until the first bytes of who has dialled show the framing,
	// which the receiver finds out. Senders wait for known until then.
	speaks  atomic.Pointer[framing]
	known   chan struct{} // nil where the framing is known from the start
	release sync.Once     // closes it
}

// newLink returns a link whose framing is still to be settled.
func newLink(c net.Conn, opts *Options) *link {
	l := &link{
		socket: socket{conn: c, stall: opts.Stall, ahead: cmp.Or(opts.Ahead, firstAlloc)},
		opts:   opts,
		local:  multiaddr(c.LocalAddr()), remote: multiaddr(c.RemoteAddr()),
		limit: wire.MaxPayloadSize,
	}
	if l.ahead < 0 {
		l.ahead = wire.MaxPayloadSize + bip324.MaxTypeSize + bip324.Overhead
	}
	l.initQuiet(c)
	return l
}

// speak settles the framing.
func (l *link) speak(f framing) *link {
	l.speaks.Store(&f)
	l.goOn()
	return l
}

// goOn lets senders go on, whether or not there is a framing now.
func (l *link) goOn() {
	if l.known != nil {
		l.release.Do(func() { close(l.known) })
	}
}

// SetLimit implements [transport.Link].
func (l *link) SetLimit(payload int) {
	if payload < 0 {
		payload = wire.MaxPayloadSize
	}
	l.limit = payload
}

func (l *link) LocalAddr() ma.Multiaddr  { return l.local }
func (l *link) RemoteAddr() ma.Multiaddr { return l.remote }

func (l *link) Info() transport.Info {
	if f := l.speaks.Load(); f != nil {
		return (*f).info()
	}
	return transport.Info{Protocol: "detecting"}
}

func (l *link) Close() error {
	if l.closed.Swap(true) {
		return nil
	}
	l.goOn()
	return l.conn.Close()
}

// Receive reads the next message. A frame that was damaged on its way is left
// out, as Bitcoin Core does, and so are decoys and messages of a type that
// nobody has defined; their bytes count with the message after them.
//
// Nearly all links wait here nearly all of the time, and a goroutine's stack
// is given back only if little of it is in use. So what waits is kept apart from
// what reads a message, here and in package peer, and has small frames.
func (l *link) Receive() (m transport.Message, err error) {
	whole := false
	for !whole && err == nil {
		if err = l.await(); err == nil {
			whole, err = l.receive(&m)
		}
	}
	if err != nil {
		return transport.Message{}, l.explain(err)
	}
	return m, nil
}

// await waits for the first byte of a message. Before the first one it makes
// what of the handshake is the receiver's part.
func (l *link) await() error {
	if f := l.speaks.Load(); f == nil {
		if err := l.answer(); err != nil {
			l.goOn()
			return err
		}
	}
	if f, ok := (*l.speaks.Load()).(*v2); ok && !f.greeted {
		if err := f.greet(&l.socket, l.limit); err != nil {
			return err
		}
	}
	return l.idle()
}

// receive reads the message that has begun. It reports false for one that is to
// be left out, whose size is added to that of the next one.
func (l *link) receive(m *transport.Message) (whole bool, err error) {
	skipped := m.Size
	if *m, whole, err = (*l.speaks.Load()).receive(&l.socket, l.limit); err != nil {
		return false, err
	}
	m.Size += skipped
	return whole, l.settle()
}

// Send frames one message. Small ones wait in the buffer for Flush. On a link
// that somebody else has dialled it waits until Receive has seen how to frame
// them.
func (l *link) Send(command string, payload []byte) (int, error) {
	if len(payload) > wire.MaxPayloadSize {
		return 0, transport.TooLarge(command, len(payload), wire.MaxPayloadSize)
	}
	f := l.speaks.Load()
	if f == nil {
		<-l.known
		f = l.speaks.Load()
	}
	switch {
	case l.closed.Load():
		return 0, transport.ErrClosed
	case f == nil:
		return 0, fmt.Errorf("%w: its handshake failed", transport.ErrReset)
	}
	return (*f).send(&l.socket, command, payload)
}

// Flush writes what is buffered.
func (l *link) Flush() error {
	if l.speaks.Load() == nil {
		return nil // nothing has been sent, and the receiver may be writing
	}
	return l.flush()
}
