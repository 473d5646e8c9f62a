package script

import (
	"github.com/btcsuite/btcd/btcec/v2"

	"starling/script/curve"
)

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
	return curve.VerifyECDSA(&sig.r, &sig.s, hash, k)
}

// verifySchnorr reports whether sig, 64 bytes, is a signature of hash by the
// key with this x coordinate (BIP340).
func verifySchnorr(sig, x []byte, hash *[32]byte) bool {
	return len(sig) == 64 && len(x) == taprootSize &&
		curve.VerifySchnorr((*[64]byte)(sig), (*[32]byte)(x), hash)
}
