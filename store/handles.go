package store

import (
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// handles is a bounded set of open files, found by number. A handle that falls
// out of it is closed when its last user lets go. Safe for concurrent use.
type handles struct {
	open  func(file uint32) (vfs.File, error)
	limit int

	mu   sync.Mutex
	tick uint64
	done bool // after closeAll
	m    map[uint32]*handle
}

// handle is one open file; refs and used are under the mutex of its set.
type handle struct {
	vfs.File
	file uint32
	refs int    // users, and one more while it is in the set
	used uint64 // tick of its last use
}

func newHandles(limit int, open func(uint32) (vfs.File, error)) *handles {
	return &handles{open: open, limit: limit, m: make(map[uint32]*handle)}
}

// get returns the file, opened if need be; put must follow.
func (s *handles) get(file uint32) (*handle, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done {
		return nil, ErrClosed
	}
	s.tick++
	h := s.m[file]
	if h == nil {
		// Opening under the lock keeps two readers from opening one file
		// twice; it is rare and takes microseconds.
		f, err := s.open(file)
		if err != nil {
			return nil, err
		}
		if len(s.m) >= s.limit {
			s.dropLocked(s.oldestLocked())
		}
		h = &handle{File: f, file: file, refs: 1}
		s.m[file] = h
	}
	h.refs++
	h.used = s.tick
	return h, nil
}

// put lets go of a handle.
func (s *handles) put(h *handle) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unrefLocked(h)
}

// drop forgets a file, so that the next get opens it anew.
func (s *handles) drop(file uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropLocked(s.m[file])
}

// closeAll forgets all files and lets no more be opened.
func (s *handles) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = true
	for _, h := range s.m {
		s.dropLocked(h)
	}
}

// oldestLocked returns the handle that was used longest ago. The set is small
// enough to look at all of it.
func (s *handles) oldestLocked() *handle {
	var old *handle
	for _, h := range s.m {
		if old == nil || h.used < old.used {
			old = h
		}
	}
	return old
}

func (s *handles) dropLocked(h *handle) {
	if h != nil {
		delete(s.m, h.file)
		s.unrefLocked(h)
	}
}

func (s *handles) unrefLocked(h *handle) {
	h.refs--
	if h.refs == 0 {
		// Nothing was buffered in the handle: what Close could still report
		// is reported by Sync, which uses a handle of its own.
		_ = h.File.Close()
	}
}
