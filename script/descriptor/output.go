package descriptor

import (
	"bytes"

	"github.com/btcsuite/btcd/btcec/v2"

	"starling/script"
)

// Key is a public key that an output can be spent with, and where it comes
// from.
type Key struct {
	// Pub is the key, compressed (33 bytes) or not (65). Where scripts hold
	// only its x coordinate, it is the compressed key as far as it is known,
	// else the one with the even y coordinate.
	Pub []byte
	// Origin is nil if it is not known.
	Origin *Origin
	// Leaves are the hashes of the taproot leaves that hold the key. The
	// internal key has none.
	Leaves [][32]byte
}

// XOnly returns the x coordinate of the key.
func (k *Key) XOnly() [32]byte { return [32]byte(k.Pub[1:33]) }

// Output is one output script, and what one must know besides to spend it, as
// far as it is known. It is treated as immutable.
type Output struct {
	Script  []byte          // of the output
	Redeem  []byte          // what the script hash stands for (BIP16); nil if there is none
	Witness []byte          // the witness script (BIP141); nil if there is none
	Taproot *script.TapTree // of a taproot output with its internal key; nil if there is none
	Keys    []Key           // in the order of the descriptor
}

// Leaf returns the script that runs in the end: the witness script, else the
// redeem script, else the output's own; of pay to witness public key hash
// behind a script hash, that program.
func (o *Output) Leaf() []byte {
	switch {
	case o.Witness != nil:
		return o.Witness
	case o.Redeem != nil:
		return o.Redeem
	}
	return o.Script
}

// Key returns the key with this public key, in compressed or uncompressed
// form; ok is false if there is none.
func (o *Output) Key(pub []byte) (k Key, ok bool) {
	for _, k := range o.Keys {
		if bytes.Equal(k.Pub, pub) {
			return k, true
		}
	}
	return k, false
}

// KeyX returns the key with this x coordinate; ok is false if there is none.
func (o *Output) KeyX(x [32]byte) (k Key, ok bool) {
	for _, k := range o.Keys {
		if k.XOnly() == x {
			return k, true
		}
	}
	return k, false
}

// PrivateKey returns the private key of one of the descriptor's public keys at
// an index; ok is false if the descriptor does not hold it. For a key whose y
// coordinate is not known (33 bytes, even), the private key may be of either.
func (d *Descriptor) PrivateKey(index uint32, k Key) (priv *btcec.PrivateKey, ok bool) {
	for e := range d.root.allKeys() {
		d, err := e.derive(index)
		if err == nil && d.priv != nil && bytes.Equal(d.pub[1:33], k.Pub[1:33]) {
			return d.priv, true
		}
	}
	return nil, false
}

// PrivateKeys returns all private keys that the descriptor holds at an index.
func (d *Descriptor) PrivateKeys(index uint32) []*btcec.PrivateKey {
	var out []*btcec.PrivateKey
	for e := range d.root.allKeys() {
		if d, err := e.derive(index); err == nil && d.priv != nil {
			out = append(out, d.priv)
		}
	}
	return out
}
