package script

import (
	"crypto/sha256"
	"encoding/binary"

	//lint:ignore SA1019 the hash that addresses use
	"golang.org/x/crypto/ripemd160"

	"starling/wire"
)

// passes reports whether input i is one of the ordinary spends and passes.
//
// A true answer is final, so every step here asks for at least as much as the
// interpreter does with any flags: only the strictest form of signatures and
// keys, and exactly the items that belong there. False says nothing: the
// interpreter decides, and finds the reason if there is one. So what is left
// out here costs time and cannot change an outcome.
func (c *TxCheck) passes(i int) bool {
	// Before these two flags, scripts of the newer forms mean something else.
	if c.flags&(P2SH|Witness) != P2SH|Witness {
		return false
	}
	in, out := &c.tx.In[i], c.spent[i].Script
	if in.Witness.Len() == 0 {
		return isKeyHash(out) && c.passesKeyHash(i) || isScriptHash(out) && c.passesScriptHash(i)
	}
	if isScriptHash(out) {
		// The signature script is one direct push of the script, and that is
		// a version 0 witness program.
		s := in.Script
		if len(s) < 3 || int(s[0]) != len(s)-1 || len(s)-1 > 34 || hash160(s[1:]) != [20]byte(out[2:22]) {
			return false
		}
		out = s[1:]
		return c.passesWitnessV0(i, out)
	}
	if len(in.Script) != 0 {
		return false
	}
	if isTaproot(out) {
		return c.flags&Taproot != 0 && c.passesTaprootKey(i)
	}
	return c.passesWitnessV0(i, out)
}

// passesKeyHash checks pay to public key hash.
func (c *TxCheck) passesKeyHash(i int) bool {
	s, out := c.tx.In[i].Script, c.spent[i].Script
	// A push of a signature and one of a key, both direct, and no more. A
	// signature of 20 bytes could be the very hash in the script, from which
	// signatures are removed before hashing.
	if len(s) < 1 || len(s) < 2+int(s[0]) || s[0] == keyHashSize || s[0] > 73 {
		return false
	}
	sig, key := s[1:1+s[0]], s[1+s[0]:]
	if int(key[0]) != len(key)-1 || !isPlainKey(key[1:]) {
		return false
	}
	key = key[1:]
	parsed, hashType, ok := parseECDSA(sig, c.flags)
	if !ok || hash160(key) != [20]byte(out[3:23]) {
		return false
	}
	hash := SignatureHash(c.tx, i, out, hashType)
	return c.verifyECDSA(&parsed, (*[32]byte)(&hash), key)
}

// passesWitnessV0 checks pay to witness public key hash, and pay to witness
// script hash if the script is a plain multi-signature one.
func (c *TxCheck) passesWitnessV0(i int, program []byte) bool {
	w := c.tx.In[i].Witness
	version, program, ok := witnessProgram(program)
	if !ok || version != 0 {
		return false
	}
	switch len(program) {
	case keyHashSize:
		if w.Len() != 2 {
			return false
		}
		sig, key := w.Item(0), w.Item(1)
		parsed, hashType, ok := parseECDSA(sig, c.flags)
		if !ok || len(key) != compressedKeySize || !isPlainKey(key) || hash160(key) != [20]byte(program) {
			return false
		}
		code := PayToPubKeyHash([20]byte(program))
		hash := c.shared().Witness(i, code, hashType)
		return c.verifyECDSA(&parsed, (*[32]byte)(&hash), key)
	case scriptHashSize:
		script := w.Item(w.Len() - 1)
		if sha256.Sum256(script) != [32]byte(program) {
			return false
		}
		return c.passesWitnessMultiSig(i, w, script)
	}
	return false
}

// maxFastKeys bounds the keys of multi-signature scripts that are checked
// without the interpreter: as many as have an opcode for their number.
const maxFastKeys = 16

// passesScriptHash checks pay to script hash without a witness, if the script
// is a plain multi-signature one.
func (c *TxCheck) passesScriptHash(i int) bool {
	// An empty push, the signatures and the script, all in the shortest form.
	s := c.tx.In[i].Script
	if len(s) == 0 || s[0] != Op0 {
		return false
	}
	s = s[1:]
	var sigs [maxFastKeys][]byte
	n := 0
	for len(s) > 0 && s[0] < OpPushData1 && int(s[0]) < len(s)-1 {
		if n == maxFastKeys {
			return false
		}
		sigs[n] = s[1 : 1+s[0]]
		s = s[1+s[0]:]
		n++
	}
	// Two keys and more need a push with a length behind its opcode.
	switch {
	case len(s) > 2 && s[0] == OpPushData1 && int(s[1]) == len(s)-2 && s[1] >= OpPushData1:
		s = s[2:]
	case len(s) > 3 && s[0] == OpPushData2 && int(binary.LittleEndian.Uint16(s[1:])) == len(s)-3 &&
		s[2] != 0 && len(s)-3 <= MaxElementSize:
		s = s[3:]
	case len(s) > 1 && int(s[0]) == len(s)-1 && s[0] < OpPushData1:
		s = s[1:]
	default:
		return false
	}
	if hash160(s) != [20]byte(c.spent[i].Script[2:22]) {
		return false
	}
	// Signatures are removed from the script before it is hashed. What is one
	// begins with 0x30 and so is none of the pushes of the script, its keys.
	return c.passesMultiSig(s, sigs[:n], func(hashType uint32) wire.Hash { return SignatureHash(c.tx, i, s, hashType) })
}

// passesWitnessMultiSig checks a witness script against an empty item and the
// signatures before it, if it is a plain multi-signature one.
func (c *TxCheck) passesWitnessMultiSig(i int, w wire.Witness, script []byte) bool {
	n := w.Len() - 2
	if n < 1 || n > maxFastKeys || len(w.Item(0)) != 0 {
		return false
	}
	var sigs [maxFastKeys][]byte
	for k := range n {
		sigs[k] = w.Item(1 + k)
	}
	return c.passesMultiSig(script, sigs[:n], func(hashType uint32) wire.Hash { return c.shared().Witness(i, script, hashType) })
}

// passesMultiSig checks a script that is a number, compressed keys, a number and
// CHECKMULTISIG, against as many signatures. hash gives what they sign.
func (c *TxCheck) passesMultiSig(script []byte, sigs [][]byte, hash func(hashType uint32) wire.Hash) bool {
	// Two numbers, the opcode, and keys of a fixed size between them.
	const step = 1 + compressedKeySize
	keys := (len(script) - 3) / step
	if len(script) != 3+keys*step || keys < 1 || keys > maxFastKeys ||
		script[len(script)-1] != OpCheckMultiSig || int(script[len(script)-2]) != Op1+keys-1 {
		return false
	}
	need := int(script[0]) - Op1 + 1
	if need < 1 || need > keys || need != len(sigs) {
		return false
	}
	key := func(k int) []byte { return script[1+k*step+1 : 1+(k+1)*step] }
	for k := range keys {
		if script[1+k*step] != compressedKeySize || !isPlainKey(key(k)) {
			return false
		}
	}
	var parsed [maxFastKeys]ecdsaSig
	var types [maxFastKeys]uint32
	for s := range need {
		var ok bool
		if parsed[s], types[s], ok = parseECDSA(sigs[s], c.flags); !ok {
			return false
		}
	}
	// Signatures are in the order of their keys. The interpreter starts with
	// the last of both, and so the same pairs are tried.
	var signed wire.Hash
	hashed := uint32(0)
	for s, k := need-1, keys-1; s >= 0; k-- {
		if k < s {
			return false // fewer keys than signatures are left
		}
		if hashed != types[s] {
			signed, hashed = hash(types[s]), types[s]
		}
		if c.verifyECDSA(&parsed[s], (*[32]byte)(&signed), key(k)) {
			s--
		}
	}
	return true
}

// passesTaprootKey checks a spend by the key of a taproot output, without
// annex.
func (c *TxCheck) passesTaprootKey(i int) bool {
	w := c.tx.In[i].Witness
	if w.Len() != 1 {
		return false
	}
	sig, hashType := w.Item(0), byte(SigHashDefault)
	if len(sig) == 65 {
		if hashType = sig[64]; hashType == SigHashDefault {
			return false
		}
		sig = sig[:64]
	}
	if len(sig) != 64 {
		return false
	}
	hash, ok := c.shared().TaprootKey(i, hashType)
	return ok && c.verifySchnorr(sig, c.spent[i].Script[2:], (*[32]byte)(&hash))
}

// isPlainKey reports whether a key is in the compressed or the plain
// uncompressed form.
func isPlainKey(key []byte) bool {
	switch len(key) {
	case compressedKeySize:
		return key[0] == 2 || key[0] == 3
	case uncompressedKeySize:
		return key[0] == 4
	}
	return false
}

// hash160 is RIPEMD-160 of SHA-256, the hash of keys and scripts in addresses.
func hash160(b []byte) (h [20]byte) {
	first := sha256.Sum256(b)
	r := ripemd160.New()
	r.Write(first[:])
	r.Sum(h[:0])
	return h
}
