package script

import (
	"encoding/hex"
	"strconv"
)

// sigHashNames holds what Core appends to signatures in the text of signature
// scripts.
var sigHashNames = map[byte]string{
	0x01: "[ALL]", 0x81: "[ALL|ANYONECANPAY]",
	0x02: "[NONE]", 0x82: "[NONE|ANYONECANPAY]",
	0x03: "[SINGLE]", 0x83: "[SINGLE|ANYONECANPAY]",
}

// Asm writes a script as text, as Core does in RPC results: opcodes by name,
// pushes of at most four bytes as numbers, longer ones in hexadecimal, and
// "[error]" where the script ends inside a push.
func Asm(script []byte) string { return asm(script, false) }

// AsmSig is [Asm] for signature scripts: the last byte of what looks like a
// signature is written as its hash type, such as [ALL].
func AsmSig(script []byte) string { return asm(script, true) }

func asm(script []byte, signatures bool) string {
	var b []byte
	// What follows OP_RETURN may look like a signature and is none.
	signatures = signatures && !IsUnspendable(script)
	t := tokens{script: script}
	for t.next() {
		if b != nil {
			b = append(b, ' ')
		}
		switch {
		case t.op > OpPushData4:
			b = append(b, OpName(t.op)...)
		case len(t.data) <= maxNumSize:
			b = strconv.AppendInt(b, decodeNum(t.data), 10)
		default:
			data, suffix := t.data, ""
			if signatures && isStrictSignature(data) {
				suffix = sigHashNames[data[len(data)-1]]
			}
			if suffix != "" {
				data = data[:len(data)-1]
			}
			b = hex.AppendEncode(b, data)
			b = append(b, suffix...)
		}
	}
	if t.bad {
		if b != nil {
			b = append(b, ' ')
		}
		b = append(b, "[error]"...)
	}
	return string(b)
}

// isStrictSignature reports whether sig, whose last byte is the hash type, is
// a strict DER signature (BIP66). It says nothing about the values in it.
func isStrictSignature(sig []byte) bool {
	// 30 length 02 length R 02 length S hashtype; R and S have 1 to 33 bytes.
	if len(sig) < 9 || len(sig) > 73 || sig[0] != 0x30 || int(sig[1]) != len(sig)-3 {
		return false
	}
	r := int(sig[3])
	if 5+r >= len(sig) {
		return false
	}
	s := int(sig[5+r])
	return r+s+7 == len(sig) && isStrictInt(sig[2:4+r]) && isStrictInt(sig[4+r:6+r+s])
}

// isStrictInt reports whether b is tag, length and value of a DER integer
// that is not negative and has no needless zero in front. Its length byte is
// taken as right.
func isStrictInt(b []byte) bool {
	if b[0] != 0x02 || len(b) == 2 || b[2]&0x80 != 0 {
		return false
	}
	return len(b) == 3 || b[2] != 0 || b[3]&0x80 != 0
}
