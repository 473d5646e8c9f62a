package bloom

import (
	"bytes"

	"starling/script"
	"starling/wire"
)

const (
	// seedStep is between the seeds of two hash functions (BIP37).
	seedStep = 0xfba4c795

	// flagMask leaves the bits of the flags that mean something.
	flagMask = 3
)

// Filter is a bloom filter.
type Filter struct {
	bits  []byte
	funcs uint32
	tweak uint32
	flags wire.FilterFlags
}

// New returns the filter that a peer has sent, whose message was within its
// limits.
func New(m *wire.MsgFilterLoad) *Filter {
	return &Filter{bits: bytes.Clone(m.Filter), funcs: m.HashFuncs, tweak: m.Tweak, flags: m.Flags & flagMask}
}

// bit returns the place of the bit that a hash function sets for some data.
func (f *Filter) bit(i uint32, data []byte) (at uint32, mask byte) {
	n := murmur3(i*seedStep+f.tweak, data) % (uint32(len(f.bits)) * 8)
	return n / 8, 1 << (n % 8)
}

// Add puts data in.
func (f *Filter) Add(data []byte) {
	if len(f.bits) == 0 {
		return
	}
	for i := range f.funcs {
		at, mask := f.bit(i, data)
		f.bits[at] |= mask
	}
}

// Contains reports whether data may be in the filter.
func (f *Filter) Contains(data []byte) bool {
	if len(f.bits) == 0 {
		return true
	}
	for i := range f.funcs {
		at, mask := f.bit(i, data)
		if f.bits[at]&mask == 0 {
			return false
		}
	}
	return true
}

// Match reports whether a transaction is relevant: if the filter contains its id,
// something that one of its scripts pushes, or an output that it spends. Outputs
// that match are put in as the flags say, so that what spends them is relevant
// too.
func (f *Filter) Match(tx *wire.Tx) bool {
	id := tx.TxID()
	found := f.Contains(id[:])
	for i := range tx.Out {
		if f.pushes(tx.Out[i].Script) {
			found = true
			if f.follows(tx.Out[i].Script) {
				f.Add(appendOutPoint(id, uint32(i)))
			}
		}
	}
	if found {
		return true
	}
	for i := range tx.In {
		in := &tx.In[i]
		if f.Contains(appendOutPoint(in.PrevOut.Hash, in.PrevOut.Index)) || f.pushes(in.Script) {
			return true
		}
	}
	return false
}

// pushes reports whether the filter contains something that a script pushes.
func (f *Filter) pushes(s []byte) bool {
	for data := range script.PushedData(s) {
		if f.Contains(data) {
			return true
		}
	}
	return false
}

// follows reports whether an output with a script that matches is put in.
func (f *Filter) follows(s []byte) bool {
	switch f.flags {
	case wire.FilterUpdateAll:
		return true
	case wire.FilterUpdatePubKeyOnly:
		class, _ := script.Classify(s)
		return class == script.PubKey || class == script.MultiSig
	}
	return false
}

func appendOutPoint(id wire.Hash, index uint32) []byte {
	op := wire.OutPoint{Hash: id, Index: index}
	return op.Append(make([]byte, 0, wire.HashSize+4))
}
