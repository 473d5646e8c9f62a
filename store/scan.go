package store

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"slices"
)

// scanBuffer is how much a scan reads at a time. Longer payloads are read
// straight into their own memory.
const scanBuffer = 1 << 20

// Scan calls fn for each record from the given place on, in order of position.
// It begins to look at the byte that from names, so the zero value scans
// everything, and a place behind a record's end goes on there. Whatever is not
// a record is skipped: zeros, damaged parts, a tail that was cut short; the
// search goes on at the next magic. fn owns the payload. If fn returns
// [ErrNotRecord] the payload is searched for records as well; any other error
// ends the scan and is returned. What is appended meanwhile may be missed. The
// next Sync syncs what was scanned as well.
func (f *Files) Scan(ctx context.Context, from Pos, fn func(pos Pos, payload []byte) error) error {
	for _, n := range slices.Sorted(maps.Keys(f.Sizes())) {
		if n < from.File {
			continue
		}
		start := int64(0)
		if n == from.File {
			start = int64(from.Offset)
		}
		if err := f.ScanFile(ctx, n, start, fn); err != nil {
			return err
		}
	}
	return nil
}

// ScanFile is [Files.Scan] for one file, from the given byte on.
func (f *Files) ScanFile(ctx context.Context, file uint32, start int64, fn func(Pos, []byte) error) error {
	f.mu.Lock()
	end := f.ends[file]
	if start < end {
		// Whoever scans builds on what is found, and the run that wrote it may
		// not have lived to sync it.
		f.dirty[file] = true
	}
	f.mu.Unlock()
	if start >= end {
		return nil // also if it was removed since
	}
	h, err := f.readers.get(file)
	if err != nil {
		return ioError(f.Path(file), err)
	}
	defer f.readers.put(h)
	s := newScanner(io.NewSectionReader(h, start, end-start), f.opts.Magic, f.opts.MaxRecord, f.opts.Trailer)
	err = s.run(ctx, func(off int64, payload []byte) error {
		return fn(Pos{File: file, Offset: uint32(start + off)}, payload)
	})
	var r *readError
	if errors.As(err, &r) {
		return ioError(f.Path(file), r.err)
	}
	return err
}

// ScanReader calls fn for each record of a stream, such as a file of blocks
// that another node made, and returns nil at its end. It skips and resumes as
// [Files.Scan] does. Payloads have at most maxRecord bytes; fn owns them.
func ScanReader(ctx context.Context, r io.Reader, magic [4]byte, maxRecord int, fn func(payload []byte) error) error {
	err := newScanner(r, magic, maxRecord, 0).run(ctx, func(_ int64, payload []byte) error { return fn(payload) })
	var re *readError
	if errors.As(err, &re) {
		return re.err
	}
	return err
}

// readError tells errors of the source from those of the callback.
type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }

// scanner finds records in a stream.
type scanner struct {
	src     rewinder
	r       *bufio.Reader // reads src
	off     int64         // how much of the stream lies before r
	magic   [4]byte
	max     int
	trailer int
	header  [recordHeaderSize]byte
}

func newScanner(r io.Reader, magic [4]byte, maxRecord, trailer int) *scanner {
	s := &scanner{magic: magic, max: maxRecord, trailer: trailer}
	s.src.r = r
	s.r = bufio.NewReaderSize(&s.src, scanBuffer)
	return s
}

// run calls fn with each payload and its place in the stream.
func (s *scanner) run(ctx context.Context, fn func(off int64, payload []byte) error) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		switch ok, err := s.seek(); {
		case err == io.EOF:
			return nil
		case err != nil:
			return &readError{err}
		case !ok:
			continue
		}
		if err := s.fill(s.header[:]); err != nil {
			return &readError{err}
		}
		at := s.off
		payload := make([]byte, binary.LittleEndian.Uint32(s.header[4:]))
		n, err := io.ReadFull(s.r, payload)
		s.off += int64(n)
		switch {
		case err == io.EOF || err == io.ErrUnexpectedEOF:
			// The end of the stream is inside: either this record was cut
			// short, or its length is wrong and there are records in it.
			err = ErrNotRecord
		case err != nil:
			return &readError{err}
		default:
			err = fn(at, payload)
		}
		switch {
		case errors.Is(err, ErrNotRecord):
			s.unread(append(bytes.Clone(s.header[1:]), payload[:n]...))
		case err != nil:
			return err
		default:
			n, err := s.r.Discard(s.trailer)
			s.off += int64(n)
			if err != nil && err != io.EOF {
				return &readError{err}
			}
		}
	}
}

// seek moves towards the next place where a record may begin and reports
// whether it has arrived there.
func (s *scanner) seek() (bool, error) {
	head, err := s.r.Peek(recordHeaderSize)
	if err != nil {
		// Too few bytes for a record are the end as well.
		return false, err
	}
	if [4]byte(head) == s.magic {
		if n := binary.LittleEndian.Uint32(head[4:]); n > 0 && int64(n) <= int64(s.max) {
			return true, nil
		}
	}
	window, err := s.r.Peek(s.r.Buffered())
	if err != nil {
		return false, err
	}
	skip := 1 + bytes.Index(window[1:], s.magic[:])
	if skip == 0 {
		// The last three bytes may be the beginning of one.
		skip = len(window) - len(s.magic) + 1
	}
	n, err := s.r.Discard(skip)
	s.off += int64(n)
	return false, err
}

// fill reads all of b, which has been peeked at before.
func (s *scanner) fill(b []byte) error {
	n, err := io.ReadFull(s.r, b)
	s.off += int64(n)
	return err
}

// unread puts b back in front of the stream.
func (s *scanner) unread(b []byte) {
	s.off -= int64(len(b))
	ahead, _ := s.r.Peek(s.r.Buffered()) // what is buffered can be peeked at
	s.src.back = slices.Concat(b, ahead, s.src.back)
	s.r.Reset(&s.src)
}

// rewinder is a reader with bytes that were put back in front of it.
type rewinder struct {
	back []byte
	r    io.Reader
}

func (r *rewinder) Read(p []byte) (int, error) {
	if len(r.back) > 0 {
		n := copy(p, r.back)
		r.back = r.back[n:]
		return n, nil
	}
	return r.r.Read(p)
}
