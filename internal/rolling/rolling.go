// Package rolling holds a set of hashes that remembers the last ones added and
// forgets the rest, in memory of a fixed size.
//
// It is a Bloom filter in generations, as Bitcoin Core has it: what was added
// is found for sure as long as it is among the last n, and what was not added
// is found by mistake with the chance that was asked for. A [Filter] is a plain
// value without a lock; no goroutine runs.
package rolling

import (
	"hash/maphash"
	"math"
	"math/bits"
)

// Filter is the set. Make one with [New]. Nothing is allocated before the first
// Add, so that an idle node pays nothing for it.
type Filter struct {
	seed  maphash.Seed
	slots uint64 // how many there are
	probe int    // how many of them stand for one hash
	most  int    // entries of one generation

	// Each slot has two bits, one in each word of a pair: 0 for empty, or the
	// number of the generation, from 1 to 3, that wrote to it last.
	words [][2]uint64
	gen   uint64
	count int // entries of this generation
}

// generations is how many there are at a time. The oldest is thrown away as a
// whole when a new one begins, so that at least two whole ones remain.
const generations = 3

// New returns a filter that remembers at least the last n hashes and finds
// others by mistake with the given chance. The last 120,000 with a chance of
// one in a million take 1.3 MB.
func New(n int, chance float64) *Filter {
	f := &Filter{most: max(1, (n+1)/2)}
	f.probe = min(max(int(math.Round(-math.Log2(chance))), 1), 50)
	entries := float64(generations * f.most)
	f.slots = uint64(math.Ceil(-float64(f.probe) * entries / math.Log(1-math.Exp(math.Log(chance)/float64(f.probe)))))
	return f
}

// Add remembers h.
func (f *Filter) Add(h [32]byte) {
	if f.words == nil {
		f.Reset()
		f.words = make([][2]uint64, (f.slots+63)/64)
	}
	if f.count == f.most {
		f.next()
	}
	f.count++
	at, step := f.start(h)
	lo, hi := f.gen&1, f.gen>>1
	for range f.probe {
		w, b := f.slot(at)
		f.words[w][0] = f.words[w][0]&^(1<<b) | lo<<b
		f.words[w][1] = f.words[w][1]&^(1<<b) | hi<<b
		at += step
	}
}

// Has reports whether h was added, or looks as if it had been.
func (f *Filter) Has(h [32]byte) bool {
	if f.words == nil {
		return false
	}
	at, step := f.start(h)
	for range f.probe {
		w, b := f.slot(at)
		if (f.words[w][0]|f.words[w][1])>>b&1 == 0 {
			return false
		}
		at += step
	}
	return true
}

// Reset forgets everything. The next hashes are placed under a new key, so
// that nobody can learn which ones are found by mistake.
func (f *Filter) Reset() {
	f.seed = maphash.MakeSeed()
	f.gen, f.count = 1, 0
	clear(f.words)
}

// next begins a generation and takes out the one whose number it gets.
func (f *Filter) next() {
	f.gen, f.count = f.gen%generations+1, 0
	lo, hi := -(f.gen & 1), -(f.gen >> 1) // all ones or all zeros
	for i := range f.words {
		w := &f.words[i]
		same := ^(w[0] ^ lo) & ^(w[1] ^ hi)
		w[0] &^= same
		w[1] &^= same
	}
}

// start returns where the slots of h begin and the way from one to the next.
func (f *Filter) start(h [32]byte) (at, step uint64) {
	at = maphash.Bytes(f.seed, h[:])
	// A second, independent number from the first one and the hash's own bits.
	hi, lo := bits.Mul64(at^0x9e3779b97f4a7c15, 0xd6e8feb86659fd93)
	return at, (hi ^ lo) | 1
}

// slot turns a number into the place of a slot.
func (f *Filter) slot(at uint64) (word uint64, bit uint) {
	n, _ := bits.Mul64(at, f.slots)
	return n / 64, uint(n % 64)
}
