package sign

import (
	"sync"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"

	"starling/script/descriptor"
)

// Keys is where private keys come from.
type Keys interface {
	// PrivateKey returns the private key of a public key, or ok false. A key
	// of which only the x coordinate is known is given as the one with the
	// even y coordinate; the private key may belong to either.
	PrivateKey(k descriptor.Key) (key *btcec.PrivateKey, ok bool)
}

// KeyFunc makes [Keys] of a function.
type KeyFunc func(descriptor.Key) (*btcec.PrivateKey, bool)

// PrivateKey implements [Keys].
func (f KeyFunc) PrivateKey(k descriptor.Key) (*btcec.PrivateKey, bool) { return f(k) }

// Ring is a set of private keys, found by their public keys. The zero value is
// empty and ready. It is not safe for concurrent use while keys are added.
type Ring struct {
	keys map[[32]byte]*btcec.PrivateKey
}

// NewRing returns a ring of keys.
func NewRing(keys ...*btcec.PrivateKey) *Ring {
	r := new(Ring)
	for _, k := range keys {
		r.Add(k)
	}
	return r
}

// Add adds a key.
func (r *Ring) Add(k *btcec.PrivateKey) {
	if r.keys == nil {
		r.keys = make(map[[32]byte]*btcec.PrivateKey)
	}
	r.keys[xOf(k.PubKey())] = k
}

// PrivateKey implements [Keys].
func (r *Ring) PrivateKey(k descriptor.Key) (*btcec.PrivateKey, bool) {
	key, ok := r.keys[k.XOnly()]
	return key, ok
}

// xOf returns the x coordinate of a public key.
func xOf(k *btcec.PublicKey) [32]byte { return [32]byte(k.SerializeCompressed()[1:]) }

// Master finds the keys below an extended private key by their origins. It is
// safe for concurrent use.
type Master struct {
	fingerprint descriptor.Fingerprint
	mu          sync.Mutex // an extended key changes when it is first used
	key         *hdkeychain.ExtendedKey
}

// NewMaster returns the keys below an extended private key, which need not be
// a master key: the origins of keys start at it. The error is of an extended
// key that is not private.
func NewMaster(key *hdkeychain.ExtendedKey) (*Master, error) {
	if !key.IsPrivate() {
		return nil, hdkeychain.ErrNotPrivExtKey
	}
	pub, err := key.ECPubKey()
	if err != nil {
		return nil, err
	}
	return &Master{fingerprint: descriptor.FingerprintOf(pub.SerializeCompressed()), key: key}, nil
}

// PrivateKey implements [Keys].
func (m *Master) PrivateKey(k descriptor.Key) (*btcec.PrivateKey, bool) {
	if k.Origin == nil || k.Origin.Fingerprint != m.fingerprint {
		return nil, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	at := m.key
	for _, step := range k.Origin.Path {
		var err error
		if at, err = at.Derive(step); err != nil {
			return nil, false
		}
	}
	key, err := at.ECPrivKey()
	// Four bytes of a fingerprint prove nothing.
	if err != nil || xOf(key.PubKey()) != k.XOnly() {
		return nil, false
	}
	return key, true
}

// Union looks a key up in several places, in order.
func Union(sources ...Keys) Keys {
	return KeyFunc(func(k descriptor.Key) (*btcec.PrivateKey, bool) {
		for _, s := range sources {
			if key, ok := s.PrivateKey(k); ok {
				return key, true
			}
		}
		return nil, false
	})
}
