package sign

import (
	"bytes"
	"maps"
	"slices"
)

// LeafKey names a signature in a taproot leaf.
type LeafKey struct {
	X    [32]byte // of the public key
	Leaf [32]byte // hash of the leaf
}

// Signatures are those that there are for one input. The zero value is empty
// and ready.
type Signatures struct {
	ECDSA   map[string][]byte  // by public key: DER and the byte of the hash type
	TapKey  []byte             // by the taproot output key: 64 bytes, or 65 with the hash type
	TapLeaf map[LeafKey][]byte // by keys in taproot leaves: as TapKey
}

// Len returns the number of signatures.
func (s *Signatures) Len() int {
	n := len(s.ECDSA) + len(s.TapLeaf)
	if s.TapKey != nil {
		n++
	}
	return n
}

// Merge adds the signatures of another set that s does not have.
func (s *Signatures) Merge(t *Signatures) {
	for k, v := range t.ECDSA {
		if s.ECDSA[k] == nil {
			s.AddECDSA([]byte(k), v)
		}
	}
	if s.TapKey == nil {
		s.TapKey = t.TapKey
	}
	for k, v := range t.TapLeaf {
		if s.TapLeaf[k] == nil {
			s.AddTapLeaf(k, v)
		}
	}
}

// AddECDSA adds a signature by a public key, in place of one that there may be.
func (s *Signatures) AddECDSA(pub, sig []byte) {
	if s.ECDSA == nil {
		s.ECDSA = make(map[string][]byte)
	}
	s.ECDSA[string(pub)] = sig
}

// AddTapLeaf adds a signature in a taproot leaf, in place of one that there may
// be.
func (s *Signatures) AddTapLeaf(k LeafKey, sig []byte) {
	if s.TapLeaf == nil {
		s.TapLeaf = make(map[LeafKey][]byte)
	}
	s.TapLeaf[k] = sig
}

// PubKeys returns the public keys of the ECDSA signatures, in order.
func (s *Signatures) PubKeys() [][]byte {
	var out [][]byte
	for _, k := range slices.Sorted(maps.Keys(s.ECDSA)) {
		out = append(out, []byte(k))
	}
	return out
}

// LeafKeys returns the names of the signatures in taproot leaves, in order.
func (s *Signatures) LeafKeys() []LeafKey {
	return slices.SortedFunc(maps.Keys(s.TapLeaf), func(a, b LeafKey) int {
		if c := bytes.Compare(a.X[:], b.X[:]); c != 0 {
			return c
		}
		return bytes.Compare(a.Leaf[:], b.Leaf[:])
	})
}

// Clear drops all signatures.
func (s *Signatures) Clear() { *s = Signatures{} }
