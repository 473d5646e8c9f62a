package script

import (
	"crypto/sha256"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
)

// challengeTag opens the hash that a Schnorr signature answers (BIP340).
var challengeTag = tag("BIP0340/challenge")

// ecdsaSig is a parsed ECDSA signature.
type ecdsaSig struct{ r, s btcec.ModNScalar }

// parseECDSA reads a signature in strict DER with R and S in range, and its
// hash type, one of the six that are defined. It reports false for all others,
// whether or not some set of flags lets them pass.
func parseECDSA(sig []byte, flags Flags) (parsed ecdsaSig, hashType uint32, ok bool) {
	if !isStrictSignature(sig) {
		return parsed, 0, false
	}
	hashType = uint32(sig[len(sig)-1])
	if t := hashType &^ SigHashAnyOneCanPay; t < SigHashAll || t > SigHashSingle {
		return parsed, 0, false
	}
	rEnd := 4 + int(sig[3])
	if !setScalar(&parsed.r, sig[4:rEnd]) || !setScalar(&parsed.s, sig[rEnd+2:len(sig)-1]) ||
		flags&LowS != 0 && parsed.s.IsOverHalfOrder() {
		return parsed, 0, false
	}
	return parsed, hashType, true
}

// setScalar reads a big-endian number and reports whether it is from 1 to the
// group order less 1.
func setScalar(to *btcec.ModNScalar, b []byte) bool {
	if len(b) == 33 && b[0] == 0 {
		b = b[1:] // the zero keeps DER from reading a sign
	}
	if len(b) > 32 {
		return false
	}
	return !to.SetByteSlice(b) && !to.IsZero()
}

// verify reports whether the signature of hash is by the key, which is in
// compressed or uncompressed form.
func (sig *ecdsaSig) verify(hash *[32]byte, key []byte) bool {
	k, err := btcec.ParsePubKey(key)
	if err != nil {
		return false
	}
	return ecdsa.NewSignature(&sig.r, &sig.s).Verify(hash[:], k)
}

// verifySchnorr reports whether sig, 64 bytes, is a signature of hash by the
// key with this x coordinate (BIP340).
func verifySchnorr(sig, x []byte, hash *[32]byte) bool {
	if len(sig) != 64 || len(x) != taprootSize {
		return false
	}
	var compressed [compressedKeySize]byte
	compressed[0] = 2 // the point with the even y is meant
	copy(compressed[1:], x)
	key, err := btcec.ParsePubKey(compressed[:])
	if err != nil {
		return false
	}
	var r btcec.FieldVal
	var s, e btcec.ModNScalar
	if r.SetByteSlice(sig[:32]) || s.SetByteSlice(sig[32:]) {
		return false // out of range
	}
	var space [160]byte
	b := append(space[:0], challengeTag...)
	b = append(b, sig[:32]...)
	b = append(b, x...)
	b = append(b, hash[:]...)
	challenge := sha256.Sum256(b)
	e.SetBytes(&challenge) // modulo the order

	// R = s·G − e·P must be the point with x coordinate r and even y.
	e.Negate()
	var p, sg, ep, sum btcec.JacobianPoint
	key.AsJacobian(&p)
	btcec.ScalarBaseMultNonConst(&s, &sg)
	btcec.ScalarMultNonConst(&e, &p, &ep)
	btcec.AddNonConst(&sg, &ep, &sum)
	if sum.X.IsZero() && sum.Y.IsZero() || sum.Z.IsZero() {
		return false // infinity
	}
	sum.ToAffine()
	return !sum.Y.IsOdd() && r.Equals(&sum.X)
}
