package peer

import (
	"hash/maphash"
	"sync"

	"starling/wire"
)

// knownGeneration is how many hashes each of the two generations of a known
// inventory holds. So at least the last 25,000 and at most the last 50,000 are
// remembered, five times what a peer may have announced at once. A full one
// costs about a megabyte; an empty one nothing.
const knownGeneration = 25_000

// Known is a bounded set of hashes that the other side of a link is known to
// have, because it sent them or was sent them. It belongs to the link and
// goes with it: a node that restarts knows nothing any more.
//
// It keeps 64-bit fingerprints under a key of its own, so that a hash is found
// although it was not added only by a chance of about one in 2^48, which
// nobody can improve on. The zero value is empty and ready for use by
// several goroutines.
type Known struct {
	mu       sync.Mutex
	seed     maphash.Seed
	cur, old map[uint64]struct{}
}

// Add remembers h and reports whether it was new.
func (k *Known) Add(h wire.Hash) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.cur == nil {
		k.seed = maphash.MakeSeed()
		k.cur = make(map[uint64]struct{})
	}
	f := maphash.Bytes(k.seed, h[:])
	if _, ok := k.cur[f]; ok {
		return false
	}
	_, inOld := k.old[f]
	if len(k.cur) >= knownGeneration {
		k.old, k.cur = k.cur, make(map[uint64]struct{})
	}
	k.cur[f] = struct{}{}
	return !inOld
}

// Has reports whether h was added and not yet forgotten.
func (k *Known) Has(h wire.Hash) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.cur == nil {
		return false
	}
	f := maphash.Bytes(k.seed, h[:])
	if _, ok := k.cur[f]; ok {
		return true
	}
	_, ok := k.old[f]
	return ok
}
