package script

import "encoding/binary"

// The opcodes that have a meaning of their own in this package. All others
// are known by name only, see [OpName].
const (
	Op0                   = 0x00
	OpPushData1           = 0x4c
	OpPushData2           = 0x4d
	OpPushData4           = 0x4e
	Op1Negate             = 0x4f
	OpReserved            = 0x50
	Op1                   = 0x51
	Op16                  = 0x60
	OpReturn              = 0x6a
	OpDup                 = 0x76
	OpEqual               = 0x87
	OpEqualVerify         = 0x88
	OpHash160             = 0xa9
	OpCodeSeparator       = 0xab
	OpCheckSig            = 0xac
	OpCheckSigVerify      = 0xad
	OpCheckMultiSig       = 0xae
	OpCheckMultiSigVerify = 0xaf
	OpInvalid             = 0xff
)

const (
	// MaxScriptSize is the longest script, in bytes, that can run outside
	// tapscript.
	MaxScriptSize = 10_000

	// MaxElementSize is the longest item, in bytes, that a script may push.
	MaxElementSize = 520

	// maxMultiSigKeys is the most keys one CHECKMULTISIG takes, and what it
	// counts as signature operations when the number is not plain.
	maxMultiSigKeys = 20
)

// opNames holds Core's names from OP_1NEGATE on.
var opNames = [...]string{
	"-1", "OP_RESERVED",
	"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16",
	"OP_NOP", "OP_VER", "OP_IF", "OP_NOTIF", "OP_VERIF", "OP_VERNOTIF", "OP_ELSE", "OP_ENDIF", "OP_VERIFY", "OP_RETURN",
	"OP_TOALTSTACK", "OP_FROMALTSTACK", "OP_2DROP", "OP_2DUP", "OP_3DUP", "OP_2OVER", "OP_2ROT", "OP_2SWAP",
	"OP_IFDUP", "OP_DEPTH", "OP_DROP", "OP_DUP", "OP_NIP", "OP_OVER", "OP_PICK", "OP_ROLL", "OP_ROT", "OP_SWAP", "OP_TUCK",
	"OP_CAT", "OP_SUBSTR", "OP_LEFT", "OP_RIGHT", "OP_SIZE",
	"OP_INVERT", "OP_AND", "OP_OR", "OP_XOR", "OP_EQUAL", "OP_EQUALVERIFY", "OP_RESERVED1", "OP_RESERVED2",
	"OP_1ADD", "OP_1SUB", "OP_2MUL", "OP_2DIV", "OP_NEGATE", "OP_ABS", "OP_NOT", "OP_0NOTEQUAL",
	"OP_ADD", "OP_SUB", "OP_MUL", "OP_DIV", "OP_MOD", "OP_LSHIFT", "OP_RSHIFT",
	"OP_BOOLAND", "OP_BOOLOR", "OP_NUMEQUAL", "OP_NUMEQUALVERIFY", "OP_NUMNOTEQUAL", "OP_LESSTHAN", "OP_GREATERTHAN",
	"OP_LESSTHANOREQUAL", "OP_GREATERTHANOREQUAL", "OP_MIN", "OP_MAX", "OP_WITHIN",
	"OP_RIPEMD160", "OP_SHA1", "OP_SHA256", "OP_HASH160", "OP_HASH256", "OP_CODESEPARATOR",
	"OP_CHECKSIG", "OP_CHECKSIGVERIFY", "OP_CHECKMULTISIG", "OP_CHECKMULTISIGVERIFY",
	"OP_NOP1", "OP_CHECKLOCKTIMEVERIFY", "OP_CHECKSEQUENCEVERIFY", "OP_NOP4", "OP_NOP5", "OP_NOP6", "OP_NOP7", "OP_NOP8", "OP_NOP9", "OP_NOP10",
	"OP_CHECKSIGADD",
}

// OpName returns Core's name of an opcode. Small numbers are their value, and
// an opcode that means nothing is "OP_UNKNOWN".
func OpName(op byte) string {
	switch {
	case op == Op0:
		return "0"
	case op == OpPushData1:
		return "OP_PUSHDATA1"
	case op == OpPushData2:
		return "OP_PUSHDATA2"
	case op == OpPushData4:
		return "OP_PUSHDATA4"
	case op == OpInvalid:
		return "OP_INVALIDOPCODE"
	case op >= Op1Negate && int(op-Op1Negate) < len(opNames):
		return opNames[op-Op1Negate]
	}
	return "OP_UNKNOWN"
}

// tokens walks over the opcodes of a script. The zero value with script set is
// at the start.
type tokens struct {
	script []byte // what is left
	op     byte   // the opcode that next read
	data   []byte // what it pushes: a view, nil for opcodes that are no push
	bad    bool   // the script ends inside a push
}

// next reads one opcode and reports whether there was one. At the end of the
// script, and when a push is longer than what is left, it reports false; bad
// tells the two apart.
func (t *tokens) next() bool {
	if len(t.script) == 0 {
		return false
	}
	t.op, t.data = t.script[0], nil
	rest := t.script[1:]
	if t.op > OpPushData4 {
		t.script = rest
		return true
	}
	n := int(t.op)
	switch t.op {
	case OpPushData1:
		if len(rest) < 1 {
			return t.fail()
		}
		n, rest = int(rest[0]), rest[1:]
	case OpPushData2:
		if len(rest) < 2 {
			return t.fail()
		}
		n, rest = int(binary.LittleEndian.Uint16(rest)), rest[2:]
	case OpPushData4:
		if len(rest) < 4 {
			return t.fail()
		}
		// A length beyond the script is refused below, whatever it is.
		n, rest = int(binary.LittleEndian.Uint32(rest)), rest[4:]
	}
	if n > len(rest) {
		return t.fail()
	}
	t.data, t.script = rest[:n:n], rest[n:]
	return true
}

func (t *tokens) fail() bool {
	t.bad = true
	return false
}

// isPushOnly reports whether the script parses and holds nothing above
// OP_16. As in Core, OP_RESERVED counts as a push.
func isPushOnly(script []byte) bool {
	t := tokens{script: script}
	for t.next() {
		if t.op > Op16 {
			return false
		}
	}
	return !t.bad
}

// lastPush returns what the last opcode of a script that only pushes pushes.
// As in Core, that is nothing for the opcodes of small numbers.
func lastPush(script []byte) (data []byte, ok bool) {
	t := tokens{script: script}
	for t.next() {
		if t.op > Op16 {
			return nil, false
		}
		data = t.data
	}
	return data, !t.bad
}

// isMinimalPush reports whether op is the shortest way to push data.
func isMinimalPush(op byte, data []byte) bool {
	switch n := len(data); {
	case n == 0:
		return op == Op0
	case n == 1 && data[0] >= 1 && data[0] <= 16:
		return false // an opcode of its own would do
	case n == 1 && data[0] == 0x81:
		return false
	case n < OpPushData1:
		return int(op) == n
	case n <= 0xff:
		return op == OpPushData1
	case n <= 0xffff:
		return op == OpPushData2
	}
	return true
}
