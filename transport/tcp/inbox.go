package tcp

import (
	"bufio"
	"io"
	"sync"
)

// inbox is a read buffer. Like write buffers they are shared among links, and
// one has it only while something is arriving, as most links are idle nearly all of
// the time.
type inbox struct {
	*bufio.Reader
	from *source
}

// source is where a read buffer is filled from.
type source struct{ io.Reader }

var inboxes = sync.Pool{New: func() any {
	from := new(source)
	return &inbox{bufio.NewReaderSize(from, readBuffer), from}
}}

// hold gives the socket a read buffer, unless it has one.
func (s *socket) hold() {
	if s.r == nil {
		s.r = inboxes.Get().(*inbox)
		s.r.from.Reader = s.conn
	}
}

// release gives an empty read buffer back.
func (s *socket) release() {
	if s.r == nil {
		return
	}
	s.r.from.Reader = nil
	s.r.Reset(s.r.from)
	inboxes.Put(s.r)
	s.r = nil
}

// idle waits for the first byte of what comes next, without a read buffer where
// the system can.
func (s *socket) idle() error {
	if s.r != nil && s.r.Buffered() > 0 {
		return nil
	}
	if s.quiet.conn != nil {
		s.release()
		return s.awaitQuietly()
	}
	s.hold()
	_, err := s.r.Peek(1)
	return err
}
