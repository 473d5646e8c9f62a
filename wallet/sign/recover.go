package sign

import (
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"

	"starling/script"
	"starling/script/descriptor"
)

// Recover finds the signatures that input i already has, those of a
// transaction that others have signed in part. Redeem and witness scripts that
// o lacks are taken from the input and added to o. Only signatures that are
// right are returned.
func (s *Signer) Recover(i int, o *descriptor.Output) Signatures {
	var have Signatures
	in := &s.tx.In[i]
	stack := pushes(in.Script)
	witness := in.Witness.Stack()
	var scripts descriptor.Known
	scripts.AddOutput(*o)
	// Whatever script a hash stands for is the last item.
	for _, items := range [][][]byte{stack, witness} {
		if n := len(items); n > 0 {
			scripts.AddScript(items[n-1])
		}
	}
	for _, items := range [][][]byte{stack, witness} {
		for _, it := range items {
			if _, err := btcec.ParsePubKey(it); err == nil && (len(it) == 33 || len(it) == 65) {
				if _, known := o.Key(it); !known {
					scripts.AddKey(descriptor.Key{Pub: it})
				}
			}
		}
	}
	found := scripts.Solve(o.Script)
	*o = found
	t, err := resolve(o)
	if err != nil {
		return have
	}
	if t.class == script.WitnessV1Taproot {
		s.recoverTaproot(i, o, witness, &have)
		return have
	}
	for _, it := range append(stack, witness...) {
		for _, pub := range t.pubs(o) {
			if have.ECDSA[string(pub)] == nil && s.checkECDSA(i, &t, pub, it) {
				have.AddECDSA(pub, it)
				break
			}
		}
	}
	return have
}

func (s *Signer) checkECDSA(i int, t *target, pub, sig []byte) bool {
	if len(sig) < 9 {
		return false
	}
	parsed, err := ecdsa.ParseDERSignature(sig[:len(sig)-1])
	if err != nil {
		return false
	}
	key, err := btcec.ParsePubKey(pub)
	if err != nil {
		return false
	}
	hash := s.hash(i, t, uint32(sig[len(sig)-1]))
	return parsed.Verify(hash[:], key)
}

// recoverTaproot finds the signatures of a taproot input that is complete.
func (s *Signer) recoverTaproot(i int, o *descriptor.Output, witness [][]byte, have *Signatures) {
	_, program, _ := script.WitnessProgram(o.Script)
	output := [32]byte(program)
	n := len(witness)
	switch {
	case !s.all || n == 0:
	case n == 1:
		if s.CheckTapKey(i, output, witness[0]) {
			have.TapKey = witness[0]
		}
	default:
		code, control := witness[n-2], witness[n-1]
		leaf, ok := script.ControlLeaf(output, control, code)
		if !ok {
			return
		}
		_, xs, _ := descriptor.TapMulti(code)
		if len(xs) != n-2 {
			return
		}
		for k, x := range xs {
			name := LeafKey{[32]byte(x), leaf.Hash}
			if sig := witness[len(xs)-1-k]; s.CheckTapLeaf(i, name, sig) {
				have.AddTapLeaf(name, sig)
			}
		}
		if o.Taproot == nil {
			o.Taproot = &script.TapTree{Internal: [32]byte(control[1:]), Output: output, Leaves: []script.TapLeaf{leaf}}
		}
	}
}

// CheckTapKey reports whether sig is a signature of input i by a taproot
// output key.
func (s *Signer) CheckTapKey(i int, output [32]byte, sig []byte) bool {
	plain, hashType, ok := splitSchnorr(sig)
	if !ok || !s.all {
		return false
	}
	hash, ok := s.hasher.TaprootKey(i, hashType)
	return ok && verifySchnorr(output, hash, plain)
}

// CheckTapLeaf reports whether sig is a signature of input i by a key in a
// taproot leaf.
func (s *Signer) CheckTapLeaf(i int, name LeafKey, sig []byte) bool {
	plain, hashType, ok := splitSchnorr(sig)
	if !ok || !s.all {
		return false
	}
	hash, ok := s.hasher.TaprootScript(i, hashType, name.Leaf)
	return ok && verifySchnorr(name.X, hash, plain)
}

// splitSchnorr takes the hash type off a signature.
func splitSchnorr(sig []byte) (plain []byte, hashType byte, ok bool) {
	switch len(sig) {
	case schnorr.SignatureSize:
		return sig, script.SigHashDefault, true
	case schnorr.SignatureSize + 1:
		hashType = sig[schnorr.SignatureSize]
		return sig[:schnorr.SignatureSize], hashType, hashType != script.SigHashDefault
	}
	return nil, 0, false
}

func verifySchnorr(x, hash [32]byte, sig []byte) bool {
	key, err := schnorr.ParsePubKey(x[:])
	if err != nil {
		return false
	}
	parsed, err := schnorr.ParseSignature(sig)
	return err == nil && parsed.Verify(hash[:], key)
}

// pushes returns what a signature script that only pushes pushes; nil for any
// other script.
func pushes(s []byte) [][]byte {
	items, _ := script.Pushes(s)
	return items
}
