package script

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"starling/wire"
)

// RedeemScript, Pushes and LastPush agree on what only pushes, and differ in
// what they take of it.
func TestPushesOfSignatureScripts(t *testing.T) {
	long := func(n int) string {
		return hex.EncodeToString(AppendData(nil, bytes.Repeat([]byte{7}, n)))
	}
	const none = "-" // nothing: refused
	for _, c := range []struct{ name, script, redeem, pushes, last string }{
		{"empty", "", none, "", ""},
		{"one push", "02abcd", "abcd", "abcd", "abcd"},
		{"two pushes", "01ab02cdef", "cdef", "ab cdef", "cdef"},
		{"empty push", "0200ff00", "", "00ff ", ""},
		{"one", "51", "", "01", ""},
		{"sixteen", "60", "", "10", ""},
		{"minus one", "4f", "", "81", ""},
		{"seventeen as a push", "0111", "11", "11", "11"},
		{"push with its length behind", "4c02abcd", "abcd", "abcd", "abcd"},
		{"long push of nothing", "01ab4c00", "", "ab ", ""},
		{"longer push of nothing", "01ab4d0000", "", "ab ", ""},
		{"longest push of nothing", "01ab4e00000000", "", "ab ", ""},
		{"length cut short", "01ab4e000000", none, none, none},
		{"reserved", "0150 50", none, none, ""},
		{"an opcode above sixteen", "01ab61", none, none, none},
		{"a push cut short", "01ab02cd", none, none, none},
		{"longest item", long(520), hex.EncodeToString(bytes.Repeat([]byte{7}, 520)), hex.EncodeToString(bytes.Repeat([]byte{7}, 520)), hex.EncodeToString(bytes.Repeat([]byte{7}, 520))},
		{"item too long for the stack", long(521), none, hex.EncodeToString(bytes.Repeat([]byte{7}, 521)), hex.EncodeToString(bytes.Repeat([]byte{7}, 521))},
	} {
		s := unhex(t, c.script)
		redeem, ok := RedeemScript(s)
		if got := hex.EncodeToString(redeem); ok != (c.redeem != none) || ok && got != c.redeem {
			t.Errorf("%s: redeem script %s, %v", c.name, got, ok)
		}
		items, ok := Pushes(s)
		var texts []string
		for _, it := range items {
			texts = append(texts, hex.EncodeToString(it))
		}
		if got := strings.Join(texts, " "); ok != (c.pushes != none) || ok && got != c.pushes {
			t.Errorf("%s: pushes %q, %v", c.name, got, ok)
		}
		last, ok := LastPush(s)
		if got := hex.EncodeToString(last); ok != (c.last != none) || ok && got != c.last {
			t.Errorf("%s: last push %s, %v", c.name, got, ok)
		}
		if IsPushOnly(s) != (c.last != none) {
			t.Errorf("%s: only pushes: %v", c.name, IsPushOnly(s))
		}
	}
}

// Every opcode has the name that Core gives it, each range from its first to
// its last.
func TestOpNames(t *testing.T) {
	for op, want := range map[byte]string{
		0x00: "0", 0x01: "OP_UNKNOWN", 0x4b: "OP_UNKNOWN", 0x4c: "OP_PUSHDATA1", 0x4d: "OP_PUSHDATA2", 0x4e: "OP_PUSHDATA4",
		0x4f: "-1", 0x50: "OP_RESERVED", 0x51: "1", 0x60: "16", 0x61: "OP_NOP", 0x6a: "OP_RETURN",
		0xac: "OP_CHECKSIG", 0xb9: "OP_NOP10", 0xba: "OP_CHECKSIGADD", 0xbb: "OP_UNKNOWN", 0xfe: "OP_UNKNOWN", 0xff: "OP_INVALIDOPCODE",
	} {
		if got := OpName(op); got != want {
			t.Errorf("%02x is %s, want %s", op, got, want)
		}
	}
}

// The shortest push of each length and value, and none that is longer.
func TestMinimalPushes(t *testing.T) {
	for _, c := range []struct {
		op   byte
		data []byte
		want bool
	}{
		{Op0, nil, true}, {OpPushData1, nil, false},
		{1, []byte{0}, true}, {1, []byte{1}, false}, {1, []byte{16}, false}, {1, []byte{17}, true},
		{1, []byte{0x81}, false}, {1, []byte{0x80}, true}, {1, []byte{0x82}, true},
		{2, []byte{0x81, 0}, true}, {2, []byte{1, 2}, true}, {OpPushData1, []byte{1, 2}, false},
		{75, make([]byte, 75), true}, {OpPushData1, make([]byte, 75), false}, {OpPushData1, make([]byte, 76), true},
		{OpPushData1, make([]byte, 255), true}, {OpPushData2, make([]byte, 255), false},
		{OpPushData2, make([]byte, 256), true}, {OpPushData2, make([]byte, 65_535), true}, {OpPushData4, make([]byte, 65_535), false},
		{OpPushData4, make([]byte, 65_536), true},
	} {
		if got := isMinimalPush(c.op, c.data); got != c.want {
			t.Errorf("%02x for %d bytes: %v", c.op, len(c.data), got)
		}
	}
	for data, want := range map[string]string{
		"": "00", "00": "0100", "01": "51", "10": "60", "11": "0111", "81": "4f", "82": "0182", "80": "0180", "0100": "020100",
	} {
		if got := hex.EncodeToString(AppendPush(nil, unhex(t, data))); got != want {
			t.Errorf("%q is pushed by %s, want %s", data, got, want)
		}
	}
	for n, head := range map[int]string{75: "4b", 76: "4c4c", 255: "4cff", 256: "4d0001", 65_535: "4dffff", 65_536: "4e00000100"} {
		s := AppendData(nil, make([]byte, n))
		if got := hex.EncodeToString(s[:len(s)-n]); got != head {
			t.Errorf("%d bytes are pushed by %s, want %s", n, got, head)
		}
	}
	// Numbers that have a byte too many.
	for num, want := range map[string]bool{"": true, "00": false, "80": false, "01": true, "81": true, "0100": false, "8000": true, "8080": true, "ff00": true, "7f00": false, "000080": false, "008080": true} {
		if got := isMinimalNum(unhex(t, num)); got != want {
			t.Errorf("number %s: minimal %v", num, got)
		}
	}
}

// Witness programs have a small number in front and 2 to 40 bytes.
func TestWitnessProgramBounds(t *testing.T) {
	for _, c := range []struct {
		version, size int
		ok            bool
	}{{0, 2, true}, {0, 1, false}, {0, 40, true}, {0, 41, false}, {16, 32, true}, {17, 32, false}, {-1, 32, false}, {1, 2, true}} {
		s := PayToWitness(c.version, make([]byte, c.size))
		if (s != nil) != c.ok {
			t.Errorf("version %d of %d bytes: %x", c.version, c.size, s)
		}
		if !c.ok {
			continue
		}
		if version, program, ok := WitnessProgram(s); !ok || version != c.version || len(program) != c.size {
			t.Errorf("%x: version %d of %d bytes, %v", s, version, len(program), ok)
		}
	}
	for _, s := range []string{"", "0002", "00020000ff", "000100", "5f02", "4f020000", "61020000", "50020000", "0003ffff"} {
		if _, _, ok := WitnessProgram(unhex(t, s)); ok {
			t.Errorf("%s is no witness program", s)
		}
	}
}

// Signature operations in a witness count only for a program of version 0 whose
// size has a rule.
func TestWitnessSigOps(t *testing.T) {
	multi := PayToMultiSig(1, unhex(t, testPub33), unhex(t, testPub33))
	for _, c := range []struct {
		name    string
		prev    []byte
		witness wire.Witness
		want    int
	}{
		{"key hash, whatever its witness", PayToWitness(0, make([]byte, 20)), wire.NewWitness(multi), 1},
		{"key hash without a witness", PayToWitness(0, make([]byte, 20)), wire.Witness{}, 1},
		{"script hash", PayToWitness(0, make([]byte, 32)), wire.NewWitness(multi), 2},
		{"script hash, the last item counts", PayToWitness(0, make([]byte, 32)), wire.NewWitness(multi, []byte{OpCheckSig}), 1},
		{"script hash without a witness", PayToWitness(0, make([]byte, 32)), wire.Witness{}, 0},
		{"another size", PayToWitness(0, make([]byte, 21)), wire.NewWitness(multi), 0},
		{"version 1", PayToWitness(1, make([]byte, 20)), wire.NewWitness(multi), 0},
	} {
		if got := witnessSigOps(&wire.TxIn{Witness: c.witness}, c.prev); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	for n, want := range map[int]int{1: 1, 16: 16} {
		if got := SigOps([]byte{byte(Op1 + n - 1), OpCheckMultiSigVerify}, true); got != want {
			t.Errorf("%d keys count %d", n, got)
		}
	}
	for _, last := range []byte{Op0, Op1Negate, OpReserved, 0x61} {
		if got := SigOps([]byte{last, OpCheckMultiSig}, true); got != 20 {
			t.Errorf("after %02x keys count %d", last, got)
		}
	}
}

// Leaves make a tree only if their depths fill it, left to right.
func TestTapTreeShapes(t *testing.T) {
	for _, c := range []struct {
		depths []int
		ok     bool
	}{
		{nil, true}, {[]int{0}, true}, {[]int{1}, false}, {[]int{1, 1}, true}, {[]int{0, 0}, false},
		{[]int{1, 2, 2}, true}, {[]int{2, 2, 1}, true}, {[]int{2, 1, 2}, false}, {[]int{1, 2}, false},
		{[]int{1, 1, 1}, false}, {[]int{2, 2, 2, 2}, true}, {[]int{-1}, false}, {[]int{0, 1, 1}, false}, {[]int{1, 1, 0}, false},
	} {
		var leaves []TapLeaf
		for _, d := range c.depths {
			leaves = append(leaves, TapLeaf{Depth: d, Version: TapscriptVersion})
		}
		if got := TapDepths(leaves); got != c.ok {
			t.Errorf("depths %v: %v", c.depths, got)
		}
	}
	deepest := func(n int) []TapLeaf {
		var leaves []TapLeaf
		for d := 1; d <= n; d++ {
			leaves = append(leaves, TapLeaf{Depth: d, Version: TapscriptVersion})
		}
		return append(leaves, TapLeaf{Depth: n, Version: TapscriptVersion})
	}
	if !TapDepths(deepest(128)) || TapDepths(deepest(129)) {
		t.Error("a tree is 128 deep at most")
	}
}

// A control block is 33 bytes and up to 128 hashes.
func TestControlBlockSizes(t *testing.T) {
	internal := [32]byte(unhex(t, "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"))
	for n, want := range map[int]bool{0: true, 1: true, 128: true, 129: false} {
		control := append([]byte{TapscriptVersion}, internal[:]...)
		root := TapLeafHash(TapscriptVersion, []byte{Op1})
		for range n {
			control = append(control, make([]byte, 32)...)
			root = TapBranchHash(root, [32]byte{})
		}
		output, odd, err := TapOutput(internal, root[:])
		if err != nil {
			t.Fatal(err)
		}
		if odd {
			control[0] |= 1
		}
		leaf, ok := ControlLeaf(output, control, []byte{Op1})
		if ok != want || ok && (leaf.Depth != n || leaf.Version != TapscriptVersion) {
			t.Errorf("%d hashes: %v, depth %d", n, ok, leaf.Depth)
		}
		for _, bad := range [][]byte{control[:32], control[:len(control)-1], append(bytes.Clone(control), 0)} {
			if _, ok := ControlLeaf(output, bad, []byte{Op1}); ok {
				t.Errorf("%d hashes: %d bytes pass", n, len(bad))
			}
		}
		control[0] ^= 1
		if _, ok := ControlLeaf(output, control, []byte{Op1}); ok {
			t.Errorf("%d hashes: the other parity passes", n)
		}
	}
	if _, _, err := TapOutput([32]byte(bytes.Repeat([]byte{0xff}, 32)), nil); !errors.Is(err, ErrTapKey) {
		t.Errorf("a key beyond the field: %v", err)
	}
}
