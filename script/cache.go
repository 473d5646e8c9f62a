package script

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"sync/atomic"

	"starling/wire"
)

const (
	// cacheWays is how many places an entry can be in. Four keep a set within
	// two cache lines, and a full cache forgets in good order: the oldest of
	// the set.
	cacheWays = 4

	// cacheLocks is how many locks the sets share; with far more locks than
	// cores, hardly any two look-ups meet.
	cacheLocks = 64
)

// resultCache remembers which transactions passed with which flags, in a table
// of fixed size. An entry is a hash with a secret in it, so that nobody can aim
// at the place of another's entry or make two entries meet.
type resultCache struct {
	salt  [32]byte
	sets  []cacheSet
	locks [cacheLocks]sync.Mutex
	used  atomic.Bool // whether anything was ever added
}

// cacheSet is the places that one hash can be in.
type cacheSet struct {
	ways [cacheWays][32]byte
	next uint32 // the place that the next entry takes
}

// newResultCache returns a cache for about n entries, nil for none.
func newResultCache(n int) *resultCache {
	if n <= 0 {
		return nil
	}
	c := &resultCache{sets: make([]cacheSet, (n+cacheWays-1)/cacheWays)}
	rand.Read(c.salt[:]) // never fails
	return c
}

// key hashes what an entry stands for.
func (c *resultCache) key(id wire.Hash, flags Flags) [32]byte {
	var b [32 + wire.HashSize + 4]byte
	copy(b[:], c.salt[:])
	copy(b[32:], id[:])
	binary.LittleEndian.PutUint32(b[64:], uint32(flags))
	return sha256.Sum256(b[:])
}

// set returns the set of a key and its lock.
func (c *resultCache) set(key *[32]byte) (*cacheSet, *sync.Mutex) {
	i := binary.LittleEndian.Uint64(key[:]) % uint64(len(c.sets))
	return &c.sets[i], &c.locks[i%cacheLocks]
}

// has reports whether the transaction with this witness id passed with flags.
func (c *resultCache) has(id wire.Hash, flags Flags) bool {
	if !c.used.Load() {
		return false // initial download adds nothing and should pay nothing
	}
	key := c.key(id, flags)
	s, mu := c.set(&key)
	mu.Lock()
	defer mu.Unlock()
	for i := range s.ways {
		if s.ways[i] == key {
			return true
		}
	}
	return false
}

// add remembers that the transaction passed with flags.
func (c *resultCache) add(id wire.Hash, flags Flags) {
	key := c.key(id, flags)
	s, mu := c.set(&key)
	mu.Lock()
	defer mu.Unlock()
	for i := range s.ways {
		if s.ways[i] == key {
			return
		}
	}
	s.ways[s.next%cacheWays] = key
	s.next++
	c.used.Store(true)
}
