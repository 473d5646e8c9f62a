package script

import "iter"

// IsPushOnly reports whether a script parses and does nothing but push. As in
// Core, OP_RESERVED counts as a push.
func IsPushOnly(script []byte) bool { return isPushOnly(script) }

// LastPush returns what the last opcode of a script that only pushes pushes,
// as a view: nothing for the opcodes of small numbers, as Core counts
// signature operations behind a script hash. ok is false for other scripts.
func LastPush(script []byte) (data []byte, ok bool) { return lastPush(script) }

// WitnessProgram takes a witness program apart (BIP141).
func WitnessProgram(script []byte) (version int, program []byte, ok bool) {
	return witnessProgram(script)
}

// IsScriptHash reports whether script pays to a script hash (BIP16).
func IsScriptHash(script []byte) bool { return isScriptHash(script) }

// RedeemScript returns what a signature script that only pushes leaves on top
// of the stack, as a view: the script that a script hash stands for. ok is
// false if it would fail, leave nothing, or does anything but push. A small
// number is returned as nothing, which as a script is no different: neither
// holds an opcode that counts.
func RedeemScript(sigScript []byte) (redeem []byte, ok bool) {
	t := tokens{script: sigScript}
	n := 0
	for ; t.next(); n++ {
		if t.op > Op16 || t.op == OpReserved || len(t.data) > MaxElementSize {
			return nil, false
		}
		redeem = t.data
	}
	return redeem, !t.bad && n > 0
}

// Pushes returns what a script that does nothing but push pushes, in order, as
// views; of the opcodes of small numbers, the byte that holds the number. ok is
// false for other scripts.
func Pushes(script []byte) (items [][]byte, ok bool) {
	t := tokens{script: script}
	for t.next() {
		switch {
		case t.op == Op1Negate:
			items = append(items, []byte{0x81})
		case t.op >= Op1 && t.op <= Op16:
			items = append(items, []byte{t.op - Op1 + 1})
		case t.op > Op16 || t.op == OpReserved:
			return nil, false
		default:
			items = append(items, t.data)
		}
	}
	return items, !t.bad
}

// PushedData yields each piece of data that a script pushes, as views, but for empty
// ones and small numbers with opcodes of their own. It ends at a push that is cut
// short.
func PushedData(script []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for t := (tokens{script: script}); t.next(); {
			if len(t.data) > 0 && !yield(t.data) {
				return
			}
		}
	}
}

// IsStrictSignature reports whether sig is an ECDSA signature in strict DER
// with its hash type behind (BIP66).
func IsStrictSignature(sig []byte) bool { return isStrictSignature(sig) }
