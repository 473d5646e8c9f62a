package tcp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"starling/transport"
	"starling/wire"
)

const (
	// readBuffer holds a good number of small messages, so that they cost one
	// system call together. It is the largest part of what an idle link costs.
	// Larger payloads are read straight to where they stay.
	readBuffer = 4 << 10

	// writeBuffer gathers small messages until they are flushed. Buffers are
	// shared among links and held only while something is in them.
	writeBuffer = 16 << 10

	// directWrite is the payload size from which on a payload is not copied
	// to the buffer but written from where it is, in one system call with what
	// was buffered before it.
	directWrite = 4 << 10

	// firstAlloc is how much is set aside on the word of a frame header alone,
	// and growth by how much this may grow each time that all of it has come. So
	// what a message under way takes is at most 64 KiB and four times what the
	// other side has sent of it; a block is copied three times at most.
	firstAlloc = 64 << 10
	growth     = 4
)

var unspecified = netip.AddrPortFrom(netip.IPv4Unspecified(), 0)

// link is a [transport.Link] over a stream connection.
type link struct {
	conn          net.Conn
	opts          *Options
	local, remote ma.Multiaddr
	closed        atomic.Bool

	r     *bufio.Reader // receiver only
	limit int           // receiver only; of a payload

	w    *[]byte     // sender only; nil while nothing is buffered
	bufs net.Buffers // sender only; scratch of writev
	vec  [2][]byte
}

func newLink(c net.Conn, opts *Options) *link {
	return &link{
		conn: c, opts: opts,
		local: multiaddr(c.LocalAddr()), remote: multiaddr(c.RemoteAddr()),
		r: bufio.NewReaderSize(c, readBuffer), limit: wire.MaxPayloadSize,
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
func (l *link) Info() transport.Info     { return transport.Info{Protocol: "v1"} }

func (l *link) Close() error {
	if l.closed.Swap(true) {
		return nil
	}
	return l.conn.Close()
}

// Receive reads the next frame. One that was damaged on its way is left out, as
// Bitcoin Core does; its bytes count with the frame after it.
func (l *link) Receive() (transport.Message, error) {
	damaged := 0
	for {
		m, whole, err := l.receive()
		if err != nil {
			return transport.Message{}, l.explain(err)
		}
		m.Size += damaged
		if whole {
			return m, nil
		}
		damaged = m.Size
	}
}

// receive reads a frame and reports whether its payload is what was sent.
func (l *link) receive() (m transport.Message, whole bool, err error) {
	// Between messages there is no deadline; from the first byte on there is.
	if l.r.Buffered() == 0 {
		if _, err := l.r.Peek(1); err != nil {
			return m, false, err
		}
	}
	timed := false
	if l.r.Buffered() < wire.FrameHeaderSize {
		timed = true
		if err := l.extend(); err != nil {
			return m, false, err
		}
	}
	head, err := l.r.Peek(wire.FrameHeaderSize)
	if err != nil {
		return m, false, midFrame(err)
	}
	if magic := [4]byte(head); magic != l.opts.Magic {
		return m, false, fmt.Errorf("%w: got %x, want %x", transport.ErrWrongNetwork, magic, l.opts.Magic)
	}
	h, err := wire.ParseFrameHeader(head)
	if err != nil {
		return m, false, err
	}
	size := int(h.Length)
	if size > l.limit {
		return m, false, transport.TooLarge(h.Command, size, l.limit)
	}
	l.r.Discard(wire.FrameHeaderSize)

	payload := make([]byte, min(size, firstAlloc))
	for n := 0; n < size; {
		if n == len(payload) {
			payload = append(make([]byte, 0, min(size, growth*n)), payload...)
			payload = payload[:cap(payload)]
		}
		end := min(len(payload), n+stallSlice)
		if l.r.Buffered() < end-n {
			timed = true
			if err := l.extend(); err != nil {
				return m, false, err
			}
		}
		if _, err := io.ReadFull(l.r, payload[n:end]); err != nil {
			return m, false, midFrame(err)
		}
		n = end
	}
	if timed {
		if err := l.conn.SetReadDeadline(time.Time{}); err != nil {
			return m, false, err
		}
	}
	m = transport.Message{Command: h.Command, Payload: payload, Size: wire.FrameHeaderSize + size}
	return m, wire.Checksum(payload) == h.Checksum, nil
}

// extend gives the message that is arriving another while for its next slice.
func (l *link) extend() error {
	return l.conn.SetReadDeadline(time.Now().Add(l.opts.Stall))
}

// midFrame is the error when a stream ends inside a frame.
func midFrame(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// explain puts an error of the connection in the words of package transport.
func (l *link) explain(err error) error {
	switch {
	case l.closed.Load():
		return transport.ErrClosed
	case errors.Is(err, os.ErrDeadlineExceeded):
		return transport.ErrStalled
	case errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return fmt.Errorf("%w: %w", transport.ErrReset, bare(err))
	}
	return err
}

var writeBuffers = sync.Pool{New: func() any {
	b := make([]byte, 0, writeBuffer)
	return &b
}}

// Send frames one message. Small ones wait in the buffer for Flush.
func (l *link) Send(command string, payload []byte) (int, error) {
	if len(payload) > wire.MaxPayloadSize {
		return 0, transport.TooLarge(command, len(payload), wire.MaxPayloadSize)
	}
	if l.closed.Load() {
		return 0, transport.ErrClosed
	}
	size := wire.FrameHeaderSize + len(payload)
	direct := len(payload) >= directWrite
	need := size
	if direct {
		need = wire.FrameHeaderSize
	}
	if l.w != nil && len(*l.w)+need > cap(*l.w) {
		if err := l.Flush(); err != nil {
			return 0, err
		}
	}
	if l.w == nil {
		l.w = writeBuffers.Get().(*[]byte)
	}
	*l.w = wire.AppendFrameHeader(*l.w, l.opts.Magic, command, payload)
	if !direct {
		*l.w = append(*l.w, payload...)
		return size, nil
	}
	if err := l.write(payload); err != nil {
		return 0, err
	}
	return size, nil
}

// Flush writes what is buffered and gives the buffer back.
func (l *link) Flush() error {
	if l.w == nil {
		return nil
	}
	return l.write(nil)
}

// write writes the buffer and then payload, which it does not copy.
func (l *link) write(payload []byte) error {
	defer func() {
		*l.w = (*l.w)[:0]
		writeBuffers.Put(l.w)
		l.w = nil
		l.vec = [2][]byte{}
	}()
	for first := true; first || len(payload) > 0; first = false {
		slice := payload[:min(len(payload), stallSlice)]
		payload = payload[len(slice):]
		if err := l.conn.SetWriteDeadline(time.Now().Add(l.opts.Stall)); err != nil {
			return l.explain(err)
		}
		var err error
		if first {
			l.vec = [2][]byte{*l.w, slice}
			l.bufs = l.vec[:]
			_, err = l.bufs.WriteTo(l.conn)
		} else {
			_, err = l.conn.Write(slice)
		}
		if err != nil {
			return l.explain(err)
		}
	}
	return nil
}
