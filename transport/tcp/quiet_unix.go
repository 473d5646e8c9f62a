//go:build unix

package tcp

import (
	"io"
	"net"
	"syscall"
)

// quiet is what a socket needs to wait for what comes without a buffer to read
// it to.
type quiet struct {
	conn syscall.RawConn              // nil if it cannot be done with this connection
	try  func(fd uintptr) (done bool) // kept, so that waiting allocates nothing
	err  error                        // of the last try
}

func (s *socket) initQuiet(c net.Conn) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return
	}
	s.quiet = quiet{conn: raw, try: s.tryFill}
}

// awaitQuietly waits until something can be read and reads it to a buffer that it
// takes only then. It costs no more system calls than an ordinary read, which
// also tries first and waits if there is nothing.
func (s *socket) awaitQuietly() error {
	if err := s.quiet.conn.Read(s.quiet.try); err != nil {
		return err
	}
	return s.quiet.err
}

// tryFill fills a buffer from a descriptor that does not block, and reports false
// if there is nothing to read yet.
func (s *socket) tryFill(fd uintptr) (done bool) {
	s.hold()
	s.r.from.Reader = descriptor(fd)
	_, s.quiet.err = s.r.Peek(1)
	if s.quiet.err == syscall.EAGAIN {
		s.release()
		return false
	}
	s.r.from.Reader = s.conn
	return true
}

// descriptor reads from a file descriptor.
type descriptor uintptr

func (d descriptor) Read(b []byte) (int, error) {
	for {
		n, err := syscall.Read(int(d), b)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}
