package script

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"starling/params"
	"starling/wire"
)

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestBlockFlags(t *testing.T) {
	const always = P2SH | Witness | Taproot
	main := params.Main()
	// Mined in February 2012 and July 2021.
	spendsBIP16 := wire.MustHash("00000000000002dc756eebf4f49723ed8d30cc28a5f108eb94b1ba88ac4f9c22")
	spendsTaproot := wire.MustHash("0000000000000000000f14c35b2d841e986ab5441de8c585d5ffe55ea1e395ad")
	for _, c := range []struct {
		name   string
		height int32
		hash   wire.Hash
		want   Flags
	}{
		{"genesis", 0, main.GenesisHash, always},
		{"spends a script hash with what fails under BIP16", 170060, spendsBIP16, 0},
		{"another block of its height", 170060, wire.Hash{1}, always},
		{"spends a taproot output with what fails under BIP341", 692261, spendsTaproot, P2SH | Witness | DERSig | CheckLockTimeVerify | CheckSequenceVerify | NullDummy},
		{"another block of its height", 692261, wire.Hash{1}, MandatoryFlags},
		{"before BIP66", 363724, wire.Hash{}, always},
		{"BIP66", 363725, wire.Hash{}, always | DERSig},
		{"before BIP65", 388380, wire.Hash{}, always | DERSig},
		{"BIP65", 388381, wire.Hash{}, always | DERSig | CheckLockTimeVerify},
		{"before CSV", 419327, wire.Hash{}, always | DERSig | CheckLockTimeVerify},
		{"CSV", 419328, wire.Hash{}, always | DERSig | CheckLockTimeVerify | CheckSequenceVerify},
		{"before segwit", 481823, wire.Hash{}, always | DERSig | CheckLockTimeVerify | CheckSequenceVerify},
		{"segwit", 481824, wire.Hash{}, MandatoryFlags},
	} {
		if got := BlockFlags(main, c.height, c.hash); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
	if got := BlockFlags(params.Regtest(), 1, wire.Hash{}); got != MandatoryFlags {
		t.Errorf("regtest: got %s", got)
	}
}

func TestFlagNames(t *testing.T) {
	for f := Flags(1); f <= allFlags; f <<= 1 {
		back, ok := ParseFlags(f.String())
		if !ok || back != f {
			t.Errorf("%d is written %q and read %d, %v", f, f, back, ok)
		}
	}
	if f, ok := ParseFlags("NONE"); !ok || f != 0 || Flags(0).String() != "NONE" {
		t.Error("no flags are not NONE")
	}
	if f, ok := ParseFlags("P2SH,LOW_S"); !ok || f != P2SH|LowS {
		t.Errorf("P2SH,LOW_S is %s", f)
	}
	if _, ok := ParseFlags("P2SH,NOSUCH"); ok {
		t.Error("an unknown flag was read")
	}
	if len(engineFlagOf) != len(flagNames) || allFlags != 1<<len(flagNames)-1 {
		t.Error("the lists of flags differ in length")
	}
}

const (
	testPub33 = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
	testPub65 = "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798" +
		"483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
	testSig = "3044022079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798" +
		"0220483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
)

func TestClassify(t *testing.T) {
	h20, h32 := strings.Repeat("ab", 20), strings.Repeat("cd", 32)
	for _, c := range []struct {
		name, script string
		class        Class
		parts        []string
	}{
		{"empty", "", NonStandard, nil},
		{"key", "21" + testPub33 + "ac", PubKey, []string{testPub33}},
		{"uncompressed key", "41" + testPub65 + "ac", PubKey, []string{testPub65}},
		{"hybrid key", "4106" + testPub65[2:] + "ac", PubKey, []string{"06" + testPub65[2:]}},
		{"key with a bad first byte", "2105" + testPub33[2:] + "ac", NonStandard, nil},
		{"key hash", "76a914" + h20 + "88ac", PubKeyHash, []string{h20}},
		{"key hash and more", "76a914" + h20 + "88ac61", NonStandard, nil},
		{"script hash", "a914" + h20 + "87", ScriptHash, []string{h20}},
		{"script hash by OP_PUSHDATA1", "a94c14" + h20 + "87", NonStandard, nil},
		{"witness key hash", "0014" + h20, WitnessV0KeyHash, []string{h20}},
		{"witness script hash", "0020" + h32, WitnessV0ScriptHash, []string{h32}},
		{"version 0 of another size", "0015" + h20 + "00", NonStandard, nil},
		{"taproot", "5120" + h32, WitnessV1Taproot, []string{h32}},
		{"anchor", "51024e73", Anchor, nil},
		{"version 1 of another size", "51024e74", WitnessUnknown, []string{"01", "4e74"}},
		{"version 16", "6014" + h20, WitnessUnknown, []string{"10", h20}},
		{"program too short", "51014e", NonStandard, nil},
		{"program too long", "5129" + strings.Repeat("00", 41), NonStandard, nil},
		{"null data", "6a", NullData, nil},
		{"null data, pushes", "6a04deadbeef51", NullData, nil},
		{"return and no push", "6a61", NonStandard, nil},
		{"return and half a push", "6a05dead", NonStandard, nil},
		{"1 of 2", "5121" + testPub33 + "41" + testPub65 + "52ae", MultiSig, []string{"01", testPub33, testPub65, "02"}},
		{"1 of 2, number pushed the long way", "0101" + "21" + testPub33 + "41" + testPub65 + "52ae", NonStandard, nil},
		{"2 of 1", "5221" + testPub33 + "51ae", NonStandard, nil},
		{"number of keys wrong", "5121" + testPub33 + "52ae", NonStandard, nil},
		{"0 of 1", "0021" + testPub33 + "51ae", NonStandard, nil},
		{"no keys", "5151ae", NonStandard, nil},
		{"multisig and more", "5121" + testPub33 + "51aeae", NonStandard, nil},
		{"17 of 17", "0111" + strings.Repeat("21"+testPub33, 17) + "0111ae", MultiSig,
			append(append([]string{"11"}, strings.Split(strings.Repeat(testPub33+" ", 17)[:17*67-1], " ")...), "11")},
		{"16 of 16", "60" + strings.Repeat("21"+testPub33, 16) + "60ae", MultiSig,
			append(append([]string{"10"}, strings.Split(strings.Repeat(testPub33+" ", 16)[:16*67-1], " ")...), "10")},
		{"20 of 20", "0114" + strings.Repeat("21"+testPub33, 20) + "0114ae", MultiSig,
			append(append([]string{"14"}, strings.Split(strings.Repeat(testPub33+" ", 20)[:20*67-1], " ")...), "14")},
		{"1 of 21", "51" + strings.Repeat("21"+testPub33, 21) + "0115ae", NonStandard, nil},
		{"1 of 20, not minimal", "51" + strings.Repeat("21"+testPub33, 20) + "021400ae", NonStandard, nil},
	} {
		class, parts := Classify(unhex(t, c.script))
		var got []string
		for _, p := range parts {
			got = append(got, hex.EncodeToString(p))
		}
		if class != c.class || !cmp.Equal(got, c.parts) {
			t.Errorf("%s: got %s %v, want %s %v", c.name, class, got, c.class, c.parts)
		}
	}
}

func TestAsm(t *testing.T) {
	for _, c := range []struct{ name, script, want, sig string }{
		{"empty", "", "", ""},
		{"small numbers", "004f50515260", "0 -1 OP_RESERVED 1 2 16", ""},
		{"pushes as numbers", "0101 0180 0181 028000 04ffffffff 04ffffff7f", "1 0 -1 128 -2147483647 2147483647", ""},
		{"long push", "05aabbccddee", "aabbccddee", ""},
		{"long push with its own opcode", "4c05aabbccddee 4d0100ff 4e01000000 01", "aabbccddee -127 1", ""},
		{"names", "6376ab88ba", "OP_IF OP_DUP OP_CODESEPARATOR OP_EQUALVERIFY OP_CHECKSIGADD", ""},
		{"locks", "b1b2b0b3b9", "OP_CHECKLOCKTIMEVERIFY OP_CHECKSEQUENCEVERIFY OP_NOP1 OP_NOP4 OP_NOP10", ""},
		{"last names", "7e8a95a5a6af", "OP_CAT OP_RESERVED2 OP_MUL OP_WITHIN OP_RIPEMD160 OP_CHECKMULTISIGVERIFY", ""},
		{"nothing", "bbfeff", "OP_UNKNOWN OP_UNKNOWN OP_INVALIDOPCODE", ""},
		{"half a push", "7603aabb", "OP_DUP [error]", ""},
		{"only half a push", "4d01", "[error]", ""},
		{"key hash", "76a914" + strings.Repeat("ab", 20) + "88ac", "OP_DUP OP_HASH160 " + strings.Repeat("ab", 20) + " OP_EQUALVERIFY OP_CHECKSIG", ""},
		{"signature", "47" + testSig + "01", testSig + "01", testSig + "[ALL]"},
		{"signature of one input", "47" + testSig + "83", testSig + "83", testSig + "[SINGLE|ANYONECANPAY]"},
		{"signature of unknown type", "47" + testSig + "04", testSig + "04", ""},
		{"signature after return", "6a47" + testSig + "01", "OP_RETURN " + testSig + "01", ""},
	} {
		script := unhex(t, c.script)
		if got := Asm(script); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		if c.sig == "" {
			c.sig = c.want
		}
		if got := AsmSig(script); got != c.sig {
			t.Errorf("%s, as a signature script: got %q, want %q", c.name, got, c.sig)
		}
	}
}

func TestSigOps(t *testing.T) {
	for _, c := range []struct {
		name, script  string
		rough, strict int
	}{
		{"empty", "", 0, 0},
		{"one of each", "acadaeaf", 42, 42},
		{"2 of 3", "52" + strings.Repeat("21"+testPub33, 3) + "53ae", 20, 3},
		{"number by a push", "0103ae", 20, 20},
		{"zero", "00ae", 20, 20},
		{"up to what does not parse", "ac05ac", 1, 1},
		{"in a push", "02acac", 0, 0},
		{"check with add", "ba", 0, 0},
	} {
		s := unhex(t, c.script)
		if got := SigOps(s, false); got != c.rough {
			t.Errorf("%s: got %d, want %d", c.name, got, c.rough)
		}
		if got := SigOps(s, true); got != c.strict {
			t.Errorf("%s, accurate: got %d, want %d", c.name, got, c.strict)
		}
	}
}

func TestSigOpCost(t *testing.T) {
	multi := PayToMultiSig(2, unhex(t, testPub33), unhex(t, testPub33), unhex(t, testPub33))
	key := [20]byte{7}
	wsh := PayToWitness(0, make([]byte, 32))
	for _, c := range []struct {
		name    string
		out     []byte
		script  []byte
		witness wire.Witness
		flags   Flags
		want    int
	}{
		{"key hash: counted where it was made", PayToPubKeyHash(key), nil, wire.Witness{}, MandatoryFlags, 0},
		{"signature script itself", nil, []byte{OpCheckSig}, wire.Witness{}, MandatoryFlags, 4},
		{"script hash", PayToScriptHash(key), AppendData([]byte{Op0}, multi), wire.Witness{}, MandatoryFlags, 12},
		{"script hash, before its rules", PayToScriptHash(key), AppendData([]byte{Op0}, multi), wire.Witness{}, 0, 0},
		{"script hash, not only pushes", PayToScriptHash(key), AppendData([]byte{0x61}, multi), wire.Witness{}, MandatoryFlags, 0},
		{"script hash, nothing pushed", PayToScriptHash(key), nil, wire.Witness{}, MandatoryFlags, 0},
		{"witness key hash", PayToWitness(0, key[:]), nil, wire.Witness{}, MandatoryFlags, 1},
		{"witness script hash", wsh, nil, wire.NewWitness(nil, multi), MandatoryFlags, 3},
		{"witness script hash, no witness", wsh, nil, wire.Witness{}, MandatoryFlags, 0},
		{"witness script hash, before its rules", wsh, nil, wire.NewWitness(nil, multi), P2SH, 0},
		{"nested", PayToScriptHash(key), AppendData(nil, wsh), wire.NewWitness(multi), MandatoryFlags, 3},
		{"nested after another push", PayToScriptHash(key), AppendData([]byte{Op1}, wsh), wire.NewWitness(multi), MandatoryFlags, 3},
		{"taproot", PayToWitness(1, make([]byte, 32)), nil, wire.NewWitness([]byte{OpCheckSig}), MandatoryFlags, 0},
	} {
		tx := wire.NewTx(2, []wire.TxIn{{PrevOut: wire.OutPoint{Index: 3}, Script: c.script, Witness: c.witness}},
			[]wire.TxOut{{Script: []byte{Op1}}}, 0)
		if got := SigOpCost(tx, []wire.TxOut{{Script: c.out}}, c.flags); got != c.want {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
	}
	coinbase := wire.NewTx(1, []wire.TxIn{{PrevOut: wire.OutPoint{Index: wire.NullIndex}, Script: []byte{OpCheckMultiSig, 0}}},
		[]wire.TxOut{{Script: PayToPubKeyHash(key)}}, 0)
	if got := SigOpCost(coinbase, nil, MandatoryFlags); got != 84 {
		t.Errorf("coinbase: got %d, want 84", got)
	}
}

func TestNumbersAndPushes(t *testing.T) {
	for _, c := range []struct {
		n    int64
		want string
	}{
		{0, "00"}, {-1, "4f"}, {1, "51"}, {16, "60"}, {17, "0111"}, {-2, "0182"}, {127, "017f"}, {128, "028000"},
		{-128, "028080"}, {255, "02ff00"}, {256, "020001"}, {32767, "02ff7f"}, {32768, "03008000"},
		{500_000, "0320a107"}, {0x7fffffff, "04ffffff7f"}, {0x80000000, "050000008000"},
	} {
		if got := hex.EncodeToString(AppendInt(nil, c.n)); got != c.want {
			t.Errorf("%d: got %s, want %s", c.n, got, c.want)
		}
		if c.n > 16 || c.n < -1 {
			num := AppendNum(nil, c.n)
			if !isMinimalNum(num) || decodeNum(num) != c.n {
				t.Errorf("%d: read back as %d", c.n, decodeNum(num))
			}
		}
	}
	for _, n := range []int{0, 1, 2, 75, 76, 255, 256, 65535, 65536} {
		data := bytes.Repeat([]byte{0xee}, n)
		script := AppendData(nil, data)
		tk := tokens{script: script}
		if !tk.next() || !bytes.Equal(tk.data, data) || tk.next() || tk.bad || n > 1 && !isMinimalPush(script[0], data) {
			t.Errorf("a push of %d bytes does not read back", n)
		}
	}
	if got := AppendPush(nil, []byte{16}); !bytes.Equal(got, []byte{Op16}) {
		t.Errorf("shortest push of 16 is %x", got)
	}
	if got := AppendPush(nil, []byte{0x81}); !bytes.Equal(got, []byte{Op1Negate}) {
		t.Errorf("shortest push of -1 is %x", got)
	}
	if PayToWitness(17, make([]byte, 20)) != nil || PayToWitness(0, nil) != nil || PayToWitness(0, make([]byte, 41)) != nil {
		t.Error("a witness program that cannot be was made")
	}
}

func TestIsUnspendable(t *testing.T) {
	for _, c := range []struct {
		name   string
		script []byte
		want   bool
	}{
		{"empty", nil, false},
		{"return", []byte{OpReturn, 1}, true},
		{"return later", []byte{Op1, OpReturn}, false},
		{"longest", make([]byte, MaxScriptSize), false},
		{"too long", make([]byte, MaxScriptSize+1), true},
		{"half a push", []byte{5, 1}, false},
	} {
		if got := IsUnspendable(c.script); got != c.want {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
}

func TestErrorsSayWhichRule(t *testing.T) {
	tx := wire.NewTx(1, []wire.TxIn{{Sequence: 1}, {Script: []byte{Op0}}}, []wire.TxOut{{}}, 0)
	spent := []wire.TxOut{{Script: []byte{Op1}}, {Script: []byte{0x61}}}
	c := NewVerifier(Options{}).Tx(tx, spent, MandatoryFlags)
	if err := c.Input(0); err != nil {
		t.Fatal(err)
	}
	err := c.Input(1)
	var e *Error
	if !errors.As(err, &e) || e.Code != ErrEvalFalse || e.Input != 1 || !errors.Is(err, &Error{Code: ErrEvalFalse}) ||
		errors.Is(err, &Error{Code: ErrVerify}) {
		t.Fatalf("got %#v", err)
	}
	want := "input 1: Script evaluated without error but finished with a false/empty top stack element"
	if !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %q", err)
	}
	for code := range reasons {
		if reasons[code] == "" {
			t.Errorf("%s has no reason", code)
		}
	}
	for from, code := range codes {
		if code != ErrUnknown && reasons[code] == "" {
			t.Errorf("%v is %s, which has no reason", from, code)
		}
	}
}
