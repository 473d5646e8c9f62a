package tcp

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"starling/transport"
)

const (
	// readBuffer holds a good number of small messages, so that they cost one
	// system call together. Larger payloads are read straight to where they stay.
	readBuffer = 4 << 10

	// writeBuffer gathers small messages until they are flushed. Buffers are
	// shared among links and held only while something is in them.
	writeBuffer = 16 << 10

	// firstAlloc is how much is set aside by default on the word of a frame's length
	// alone, and growth by how much this may grow each time that all of it has come. So
	// what a message under way takes is at most 64 KiB and four times what the
	// other side has sent of it; a block is copied three times at most.
	firstAlloc = 64 << 10
	growth     = 4
)

// socket is a stream connection with its buffers. What is under way on it must
// make progress; while nothing is, it has no deadline.
type socket struct {
	conn   net.Conn
	stall  time.Duration
	closed atomic.Bool

	quiet quiet  // receiver only
	r     *inbox // receiver only; nil while nothing is arriving
	timed bool   // receiver only; there is a deadline
	ahead int    // receiver only; what is set aside unseen

	budget *budget     // nil for links that are not counted
	ousted atomic.Bool // the budget has closed it

	w    *[]byte     // sender only; nil while nothing is buffered
	bufs net.Buffers // sender only; scratch of writev
	vec  [2][]byte
}

// extend gives what is arriving another while for its next slice.
func (s *socket) extend() error {
	s.timed = true
	return s.conn.SetReadDeadline(time.Now().Add(s.stall))
}

// settle ends what was arriving.
func (s *socket) settle() error {
	if !s.timed {
		return nil
	}
	s.timed = false
	return s.conn.SetReadDeadline(time.Time{})
}

// peek returns the next n bytes of what has begun, without taking them. They fit
// in the read buffer.
func (s *socket) peek(n int) ([]byte, error) {
	if s.r.Buffered() < n {
		if err := s.extend(); err != nil {
			return nil, err
		}
	}
	b, err := s.r.Peek(n)
	return b, midFrame(err)
}

// take reads the next size bytes to a place of their own.
func (s *socket) take(size int) ([]byte, error) {
	b := make([]byte, min(size, s.ahead))
	for n := 0; n < size; {
		if n == len(b) {
			grown := min(size, growth*n)
			if n == s.ahead {
				defer s.budget.settle(s)
			}
			if err := s.budget.grow(s, grown-n); err != nil {
				return nil, err
			}
			b = append(make([]byte, 0, grown), b...)[:grown]
		}
		end := min(len(b), n+stallSlice)
		if s.r.Buffered() < end-n {
			if err := s.extend(); err != nil {
				return nil, err
			}
		}
		if _, err := io.ReadFull(s.r, b[n:end]); err != nil {
			return nil, midFrame(err)
		}
		n = end
	}
	return b, nil
}

// midFrame is the error when a stream ends inside a frame.
func midFrame(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// explain puts an error of the connection in the words of package transport.
func (s *socket) explain(err error) error {
	switch {
	case s.closed.Load():
		return transport.ErrClosed
	case s.ousted.Load():
		return errOusted
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

// room returns the write buffer with at least n bytes free in it.
func (s *socket) room(n int) (*[]byte, error) {
	if s.w != nil && len(*s.w)+n > cap(*s.w) {
		if err := s.flush(); err != nil {
			return nil, err
		}
	}
	if s.w == nil {
		s.w = writeBuffers.Get().(*[]byte)
	}
	return s.w, nil
}

// flush writes what is buffered and gives the buffer back.
func (s *socket) flush() error {
	if s.w == nil {
		return nil
	}
	return s.write(nil)
}

// write writes the buffer, if there is one, and then payload, which it does not
// copy, in one system call if they are short.
func (s *socket) write(payload []byte) error {
	var buffered []byte
	if s.w != nil {
		buffered = *s.w
	}
	defer func() {
		if s.w != nil {
			*s.w = (*s.w)[:0]
			writeBuffers.Put(s.w)
			s.w = nil
		}
		s.vec = [2][]byte{}
	}()
	for first := true; first || len(payload) > 0; first = false {
		slice := payload[:min(len(payload), stallSlice)]
		payload = payload[len(slice):]
		if err := s.conn.SetWriteDeadline(time.Now().Add(s.stall)); err != nil {
			return s.explain(err)
		}
		var err error
		if first {
			s.vec = [2][]byte{buffered, slice}
			s.bufs = s.vec[:]
			_, err = s.bufs.WriteTo(s.conn)
		} else {
			_, err = s.conn.Write(slice)
		}
		if err != nil {
			return s.explain(err)
		}
	}
	return nil
}
