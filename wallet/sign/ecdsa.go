package sign

import (
	"encoding/binary"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
)

// ECDSA signs a hash: nonce by RFC6979, low S, in DER. With lowR set, nonces
// are tried until R takes 32 bytes, so that the signature has at most 70; the
// tries differ by a counter, and so the signature is deterministic all the
// same, and Core's.
func ECDSA(key *btcec.PrivateKey, hash [32]byte, lowR bool) []byte {
	secret := key.Serialize()
	defer clear(secret)
	var extra []byte
	for try := uint32(0); ; try++ {
		if try > 0 {
			extra = make([]byte, 32)
			binary.LittleEndian.PutUint32(extra, try)
		}
		for iteration := uint32(0); ; iteration++ {
			nonce := btcec.NonceRFC6979(secret, hash[:], extra, nil, iteration)
			r, s, ok := ecdsaWith(&key.Key, nonce, &hash)
			nonce.Zero()
			if !ok {
				continue // happens once in 2^128
			}
			if raw := r.Bytes(); lowR && raw[0]&0x80 != 0 {
				break
			}
			return ecdsa.NewSignature(&r, &s).Serialize()
		}
	}
}

// ecdsaWith is the signature with a nonce; ok is false if there is none.
func ecdsaWith(key, nonce *btcec.ModNScalar, hash *[32]byte) (r, s btcec.ModNScalar, ok bool) {
	var point btcec.JacobianPoint
	btcec.ScalarBaseMultNonConst(nonce, &point)
	point.ToAffine()
	x := point.X.Bytes()
	if overflow := r.SetBytes(x); overflow != 0 || r.IsZero() {
		return r, s, false
	}
	var e btcec.ModNScalar
	e.SetBytes(hash)
	s.Mul2(key, &r).Add(&e)
	inverse := new(btcec.ModNScalar).InverseValNonConst(nonce)
	s.Mul(inverse)
	inverse.Zero()
	// The encoding makes S low.
	return r, s, !s.IsZero()
}
