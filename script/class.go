package script

// Class is the standard form of a public key script. Its text is what Core
// calls it in RPC results.
type Class string

// The classes, as Core knows them.
const (
	NonStandard         Class = "nonstandard"
	Anchor              Class = "anchor"
	PubKey              Class = "pubkey"
	PubKeyHash          Class = "pubkeyhash"
	ScriptHash          Class = "scripthash"
	MultiSig            Class = "multisig"
	NullData            Class = "nulldata"
	WitnessV0KeyHash    Class = "witness_v0_keyhash"
	WitnessV0ScriptHash Class = "witness_v0_scripthash"
	WitnessV1Taproot    Class = "witness_v1_taproot"
	WitnessUnknown      Class = "witness_unknown"
)

const (
	keyHashSize    = 20 // HASH160 of a key or a script
	scriptHashSize = 32 // SHA-256 of a witness script
	taprootSize    = 32 // x coordinate of a taproot key

	compressedKeySize   = 33
	uncompressedKeySize = 65
)

// Classify tells the form of a public key script and takes out its parts as
// views: the key, the hash, the witness program (for [WitnessUnknown] preceded
// by one byte, the version); for [MultiSig] one byte with the number of
// signatures, the keys, and one byte with the number of keys.
func Classify(script []byte) (Class, [][]byte) {
	if isScriptHash(script) {
		return ScriptHash, [][]byte{script[2:22]}
	}
	if version, program, ok := witnessProgram(script); ok {
		switch {
		case version == 0 && len(program) == keyHashSize:
			return WitnessV0KeyHash, [][]byte{program}
		case version == 0 && len(program) == scriptHashSize:
			return WitnessV0ScriptHash, [][]byte{program}
		case version == 1 && len(program) == taprootSize:
			return WitnessV1Taproot, [][]byte{program}
		case version == 1 && string(program) == anchorProgram:
			return Anchor, nil
		case version != 0:
			return WitnessUnknown, [][]byte{{byte(version)}, program}
		}
		return NonStandard, nil
	}
	if len(script) >= 1 && script[0] == OpReturn && isPushOnly(script[1:]) {
		return NullData, nil
	}
	if key := payToKey(script); key != nil {
		return PubKey, [][]byte{key}
	}
	if isKeyHash(script) {
		return PubKeyHash, [][]byte{script[3:23]}
	}
	if parts := multiSig(script); parts != nil {
		return MultiSig, parts
	}
	return NonStandard, nil
}

// IsUnspendable reports whether no input can ever spend an output with this
// script, so that it need not enter the set of unspent outputs: it starts
// with OP_RETURN or is too long to run.
func IsUnspendable(script []byte) bool {
	return len(script) > 0 && script[0] == OpReturn || len(script) > MaxScriptSize
}

// anchorProgram is the witness program of pay-to-anchor outputs.
const anchorProgram = "\x4e\x73"

// isScriptHash reports whether script pays to a script hash (BIP16).
func isScriptHash(script []byte) bool {
	return len(script) == 23 && script[0] == OpHash160 && script[1] == keyHashSize && script[22] == OpEqual
}

// isKeyHash reports whether script pays to a public key hash.
func isKeyHash(script []byte) bool {
	return len(script) == 25 && script[0] == OpDup && script[1] == OpHash160 && script[2] == keyHashSize &&
		script[23] == OpEqualVerify && script[24] == OpCheckSig
}

// witnessProgram takes a witness program apart (BIP141): a small number and
// one direct push of 2 to 40 bytes.
func witnessProgram(script []byte) (version int, program []byte, ok bool) {
	if len(script) < 4 || len(script) > 42 || int(script[1])+2 != len(script) {
		return 0, nil, false
	}
	switch op := script[0]; {
	case op == Op0:
		return 0, script[2:], true
	case op >= Op1 && op <= Op16:
		return int(op-Op1) + 1, script[2:], true
	}
	return 0, nil, false
}

// payToKey returns the key of a script that is one key and CHECKSIG.
func payToKey(script []byte) []byte {
	n := len(script)
	if n != compressedKeySize+2 && n != uncompressedKeySize+2 ||
		int(script[0]) != n-2 || script[n-1] != OpCheckSig || !validKeySize(script[1:n-1]) {
		return nil
	}
	return script[1 : n-1]
}

// validKeySize reports whether the first byte of a key fits its length.
func validKeySize(key []byte) bool {
	if len(key) == 0 {
		return false
	}
	switch key[0] {
	case 2, 3:
		return len(key) == compressedKeySize
	case 4, 6, 7:
		return len(key) == uncompressedKeySize
	}
	return false
}

// multiSig takes a bare multi-signature script apart. It returns nil for any
// other script.
func multiSig(script []byte) [][]byte {
	if len(script) == 0 || script[len(script)-1] != OpCheckMultiSig {
		return nil
	}
	t := tokens{script: script}
	if !t.next() {
		return nil
	}
	need, ok := countOf(t.op, t.data, 1)
	if !ok {
		return nil
	}
	parts := [][]byte{{byte(need)}}
	more := t.next()
	for ; more && validKeySize(t.data); more = t.next() {
		parts = append(parts, t.data)
	}
	if !more {
		return nil
	}
	keys, ok := countOf(t.op, t.data, need)
	if !ok || len(parts)-1 != keys || len(t.script) != 1 {
		return nil
	}
	return append(parts, []byte{byte(keys)})
}

// countOf reads the number of keys or signatures of a multi-signature script,
// from least to 20.
func countOf(op byte, data []byte, least int) (int, bool) {
	n := 0
	switch {
	case op >= Op1 && op <= Op16:
		n = int(op-Op1) + 1
	case op > Op0 && op <= OpPushData4:
		if !isMinimalPush(op, data) || len(data) > maxNumSize || !isMinimalNum(data) {
			return 0, false
		}
		n = int(decodeNum(data))
	default:
		return 0, false
	}
	return n, n >= least && n <= maxMultiSigKeys
}
