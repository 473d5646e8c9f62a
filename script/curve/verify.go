package curve

import (
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/chainhash/v2"
)

// VerifyECDSA reports whether (r, s) is a signature of hash by the key. A high
// s is as good as a low one; who minds must look first.
func VerifyECDSA(r, s *btcec.ModNScalar, hash *[32]byte, key *btcec.PublicKey) bool {
	if r.IsZero() || s.IsZero() {
		return false
	}
	var e, w, u1, u2 btcec.ModNScalar
	e.SetBytes(hash) // modulo the group order, as the standard has it
	w.InverseValNonConst(s)
	u1.Mul2(&e, &w)
	u2.Mul2(r, &w)
	sum := multiplyAdd(&u1, &u2, coordinates(key))
	if sum.infinite {
		return false
	}
	// r is the x of the sum modulo the group order. The field is a little
	// larger than that, so x may be r, or r and once the order. To compare
	// with x·z² saves dividing.
	var x, zz btcec.FieldVal
	b := r.Bytes()
	x.SetBytes(&b)
	larger := !x.IsGtOrEqPrimeMinusOrder()
	zz.SquareVal(&sum.z)
	sum.x.Normalize()
	var want btcec.FieldVal
	if want.Mul2(&x, &zz).Normalize().Equals(&sum.x) {
		return true
	}
	return larger && want.Mul2(x.Add(&orderInField), &zz).Normalize().Equals(&sum.x)
}

var orderInField = field("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")

// VerifySchnorr reports whether sig is a signature of hash by the key with this
// x coordinate (BIP340).
func VerifySchnorr(sig *[64]byte, key, hash *[32]byte) bool {
	public, err := schnorr.ParsePubKey(key[:])
	if err != nil {
		return false
	}
	var r btcec.FieldVal
	var s, e btcec.ModNScalar
	if r.SetByteSlice(sig[:32]) || s.SetByteSlice(sig[32:]) {
		return false
	}
	challenge := chainhash.TaggedHash(chainhash.TagBIP0340Challenge, sig[:32], key[:], hash[:])
	e.SetBytes((*[32]byte)(challenge))
	sum := multiplyAdd(&s, e.Negate(), coordinates(public))
	if sum.infinite {
		return false
	}
	// The x of the sum is r, and its y is even.
	z := sum.z
	z.Inverse()
	p := affine{sum.x, sum.y}
	p.scale(&z)
	return p.x.Equals(&r) && !p.y.IsOdd()
}

func coordinates(key *btcec.PublicKey) *affine {
	var p btcec.JacobianPoint
	key.AsJacobian(&p)
	return &affine{p.X, p.Y}
}
