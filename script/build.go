package script

import "encoding/binary"

// maxNumSize is the longest number, in bytes, that arithmetic opcodes take.
const maxNumSize = 4

// AppendData adds the shortest plain push of data to a script: a length and
// the data. It never uses the opcodes of small numbers; see [AppendPush].
func AppendData(dst, data []byte) []byte {
	switch n := len(data); {
	case n < OpPushData1:
		dst = append(dst, byte(n))
	case n <= 0xff:
		dst = append(dst, OpPushData1, byte(n))
	case n <= 0xffff:
		dst = binary.LittleEndian.AppendUint16(append(dst, OpPushData2), uint16(n))
	default:
		dst = binary.LittleEndian.AppendUint32(append(dst, OpPushData4), uint32(n))
	}
	return append(dst, data...)
}

// AppendPush adds the push of data that the rule of minimal data asks for.
func AppendPush(dst, data []byte) []byte {
	if len(data) == 1 {
		switch b := data[0]; {
		case b >= 1 && b <= 16:
			return append(dst, Op1+b-1)
		case b == 0x81:
			return append(dst, Op1Negate)
		}
	}
	return AppendData(dst, data)
}

// AppendInt adds the push of a number: an opcode of its own from -1 to 16,
// otherwise its bytes. A coinbase's height is written this way (BIP34).
func AppendInt(dst []byte, n int64) []byte {
	switch {
	case n == 0:
		return append(dst, Op0)
	case n == -1:
		return append(dst, Op1Negate)
	case n >= 1 && n <= 16:
		return append(dst, byte(Op1+n-1))
	}
	return AppendData(dst, AppendNum(nil, n))
}

// AppendNum adds the bytes of a number as scripts hold them: little endian,
// with the sign in the highest bit of the last byte, nothing at all for zero.
func AppendNum(dst []byte, n int64) []byte {
	if n == 0 {
		return dst
	}
	neg := n < 0
	u := uint64(n)
	if neg {
		u = -u
	}
	for ; u > 0xff; u >>= 8 {
		dst = append(dst, byte(u))
	}
	sign := byte(0)
	if neg {
		sign = 0x80
	}
	if u&0x80 != 0 {
		return append(dst, byte(u), sign)
	}
	return append(dst, byte(u)|sign)
}

// decodeNum reads the bytes of a number of at most 8 bytes.
func decodeNum(b []byte) int64 {
	if len(b) == 0 {
		return 0
	}
	var u uint64
	for i, c := range b {
		if i == len(b)-1 {
			c &= 0x7f
		}
		u |= uint64(c) << (8 * i)
	}
	if b[len(b)-1]&0x80 != 0 {
		return -int64(u)
	}
	return int64(u)
}

// isMinimalNum reports whether a number has no more bytes than it needs.
func isMinimalNum(b []byte) bool {
	n := len(b)
	return n == 0 || b[n-1]&0x7f != 0 || n > 1 && b[n-2]&0x80 != 0
}

// PayToPubKey returns the script that pays to a public key.
func PayToPubKey(key []byte) []byte {
	return append(AppendData(nil, key), OpCheckSig)
}

// PayToPubKeyHash returns the script that pays to the HASH160 of a key.
func PayToPubKeyHash(hash [20]byte) []byte {
	s := append(make([]byte, 0, 25), OpDup, OpHash160)
	return append(AppendData(s, hash[:]), OpEqualVerify, OpCheckSig)
}

// PayToScriptHash returns the script that pays to the HASH160 of a script
// (BIP16).
func PayToScriptHash(hash [20]byte) []byte {
	s := append(make([]byte, 0, 23), OpHash160)
	return append(AppendData(s, hash[:]), OpEqual)
}

// PayToWitness returns the script of a witness program (BIP141): version is 0
// to 16, the program 2 to 40 bytes. It returns nil for anything else.
func PayToWitness(version int, program []byte) []byte {
	if version < 0 || version > 16 || len(program) < 2 || len(program) > 40 {
		return nil
	}
	return AppendData(AppendInt(make([]byte, 0, 42), int64(version)), program)
}

// PayToMultiSig returns the bare script that asks for need signatures by the
// keys given, in their order.
func PayToMultiSig(need int, keys ...[]byte) []byte {
	s := AppendInt(nil, int64(need))
	for _, k := range keys {
		s = AppendData(s, k)
	}
	return append(AppendInt(s, int64(len(keys))), OpCheckMultiSig)
}

// NullDataScript returns the script of an output that carries data and can
// never be spent.
func NullDataScript(data []byte) []byte {
	return AppendPush([]byte{OpReturn}, data)
}
