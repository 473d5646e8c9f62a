package sign

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
			s.addECDSA([]byte(k), v)
		}
	}
	if s.TapKey == nil {
		s.TapKey = t.TapKey
	}
	for k, v := range t.TapLeaf {
		if s.TapLeaf[k] == nil {
			s.addLeaf(k, v)
		}
	}
}

func (s *Signatures) addECDSA(pub, sig []byte) {
	if s.ECDSA == nil {
		s.ECDSA = make(map[string][]byte)
	}
	s.ECDSA[string(pub)] = sig
}

func (s *Signatures) addLeaf(k LeafKey, sig []byte) {
	if s.TapLeaf == nil {
		s.TapLeaf = make(map[LeafKey][]byte)
	}
	s.TapLeaf[k] = sig
}
