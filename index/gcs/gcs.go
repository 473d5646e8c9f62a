package gcs

import (
	"bytes"
	"cmp"
	"errors"
	"math/bits"
	"slices"

	"starling/internal/siphash"
	"starling/wire"
)

// The parameters of the basic filter (BIP158): the values of a set of n items are
// spread over n*spread numbers, which makes one in 784,931 of all other items
// look as if it was in the set, and remainders have riceBits bits.
const (
	riceBits = 19
	spread   = 784_931
)

// ErrFilter means that bytes are no filter.
var ErrFilter = errors.New("not a block filter")

// Key is what the items of a filter are hashed with: the first half of its
// block's hash, so that what looks alike in one block does not in another.
func Key(block wire.Hash) siphash.Key { return siphash.NewKey((*[16]byte)(block[:16])) }

// hashed is an item and its hash.
type hashed struct {
	hash uint64
	item []byte
}

// Build returns the filter of a set of items: how many there are, then the coded
// set. An item that is there more than once counts once.
func Build(key siphash.Key, items [][]byte) []byte {
	set := make([]hashed, len(items))
	for i, item := range items {
		set[i] = hashed{key.Sum64(item), item}
	}
	// Values are in the order of the hashes that they are made of.
	slices.SortFunc(set, func(a, b hashed) int {
		if c := cmp.Compare(a.hash, b.hash); c != 0 {
			return c
		}
		return bytes.Compare(a.item, b.item)
	})
	set = slices.CompactFunc(set, func(a, b hashed) bool { return a.hash == b.hash && bytes.Equal(a.item, b.item) })
	n := uint64(len(set))
	w := bitWriter{b: wire.AppendCompactSize(make([]byte, 0, 9+len(set)*(riceBits+3)/8), n)}
	last := uint64(0)
	for i := range set {
		v := reduce(set[i].hash, n)
		delta := v - last
		last = v
		for q := delta >> riceBits; q > 0; q-- {
			w.write(1, 1)
		}
		w.write(0, 1)
		w.write(delta&(1<<riceBits-1), riceBits)
	}
	return w.finish()
}

// reduce brings a hash into the range of the values of a set of n items.
func reduce(hash, n uint64) uint64 {
	v, _ := bits.Mul64(hash, n*spread)
	return v
}

// Filter is a filter that was read. It may be used by several goroutines.
type Filter struct {
	key siphash.Key
	n   uint64
	set []byte // coded; n values are in it
}

// Decode reads the filter of a block, which it keeps. The error is [ErrFilter].
func Decode(block wire.Hash, raw []byte) (*Filter, error) {
	c := wire.NewCursor(raw, "filter")
	n := c.CompactSize()
	if c.Err() != nil {
		return nil, ErrFilter
	}
	f := &Filter{key: Key(block), n: n, set: raw[c.Offset():]}
	// A value takes one bit and its remainder at least, so that a number that
	// promises more than there is costs nothing.
	if n > uint64(len(f.set))*8/(riceBits+1) {
		return nil, ErrFilter
	}
	r := f.values()
	for range n {
		if _, ok := r.next(); !ok {
			return nil, ErrFilter
		}
	}
	if !r.bits.atEnd() {
		return nil, ErrFilter
	}
	return f, nil
}

// Len returns how many items are in the set.
func (f *Filter) Len() uint64 { return f.n }

// Match reports whether an item may be in the set. It always does if it is.
func (f *Filter) Match(item []byte) bool { return f.MatchAny([][]byte{item}) }

// MatchAny reports whether any of the items may be in the set, in one walk over
// it.
func (f *Filter) MatchAny(items [][]byte) bool {
	if f.n == 0 || len(items) == 0 {
		return false
	}
	want := make([]uint64, len(items))
	for i, item := range items {
		want[i] = reduce(f.key.Sum64(item), f.n)
	}
	slices.Sort(want)
	r := f.values()
	for range f.n {
		v, _ := r.next()
		for want[0] < v {
			if want = want[1:]; len(want) == 0 {
				return false
			}
		}
		if want[0] == v {
			return true
		}
	}
	return false
}

func (f *Filter) values() valueReader { return valueReader{bits: bitReader{b: f.set}} }

// valueReader reads the values of a set, smallest first.
type valueReader struct {
	bits bitReader
	last uint64
}

// next returns the next value; ok is false at the end of the bits.
func (r *valueReader) next() (v uint64, ok bool) {
	q, ok := r.bits.unary()
	if !ok {
		return 0, false
	}
	rem, ok := r.bits.read(riceBits)
	// A set is at most 4 MB, so that this can not overflow.
	r.last += q<<riceBits | rem
	return r.last, ok
}

// Header returns the link of the chain of filters (BIP157) that belongs to a
// filter, and the filter's own hash. Before the genesis block's comes the zero
// hash.
func Header(filter []byte, before wire.Hash) (hash, header wire.Hash) {
	hash = wire.DoubleHash(filter)
	return hash, wire.DoubleHash(append(append(make([]byte, 0, 2*wire.HashSize), hash[:]...), before[:]...))
}
