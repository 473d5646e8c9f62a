package peer

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
)

// Nonces remembers the nonces of the version messages that this node has sent
// on connections which it opened and whose handshake is under way. A version
// message that comes in with one of them is this node's own: it has connected
// to itself. The zero value is empty and ready for use by several goroutines.
type Nonces struct {
	mu  sync.Mutex
	out map[uint64]bool // whether it has come back to us
}

// add draws a nonce and remembers it.
func (s *Nonces) add() uint64 {
	n := randomUint64()
	if s == nil {
		return n
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.out == nil {
		s.out = make(map[uint64]bool)
	}
	s.out[n] = false
	return n
}

// own reports whether a nonce that came in is this node's own, and makes the
// other end of the connection know.
func (s *Nonces) own(n uint64) bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.out[n]; !ok {
		return false
	}
	s.out[n] = true
	return true
}

// remove forgets a nonce and reports whether it has come back to this node.
func (s *Nonces) remove(n uint64) bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.out[n]
	delete(s.out, n)
	return seen
}

// randomUint64 returns a number that nobody can guess.
func randomUint64() uint64 {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return binary.LittleEndian.Uint64(b[:])
}
