package script

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/txscript/v2"

	"starling/wire"
)

// oneInput returns a transaction with one input, and what it spends.
func oneInput(out []byte) (*wire.Tx, []wire.TxOut) {
	in := wire.TxIn{PrevOut: wire.OutPoint{Hash: wire.Hash{5}, Index: 1}, Sequence: wire.SequenceFinal}
	return wire.NewTx(2, []wire.TxIn{in}, []wire.TxOut{{Value: 1000, Script: []byte{Op1}}}, 0), []wire.TxOut{{Value: 2000, Script: out}}
}

// filled returns tx with the scripts of its only input.
func filled(tx *wire.Tx, script []byte, witness wire.Witness) *wire.Tx {
	in := tx.In[0]
	in.Script, in.Witness = script, witness
	return wire.NewTx(tx.Version, []wire.TxIn{in}, tx.Out, tx.LockTime)
}

func signAll(k *btcec.PrivateKey, hash wire.Hash) []byte {
	return append(ecdsa.Sign(k, hash[:]).Serialize(), SigHashAll)
}

// try checks a spend directly and by all rules.
func try(t *testing.T, name string, tx *wire.Tx, spent []wire.TxOut, flags Flags, direct, valid bool) {
	t.Helper()
	c := NewVerifier(Options{}).Tx(tx, spent, flags)
	if got := c.passes(0); got != direct {
		t.Errorf("%s: passed directly %v, want %v", name, got, direct)
	}
	if err := c.Input(0); (err == nil) != valid {
		t.Errorf("%s: %v, want valid %v", name, err, valid)
	}
}

// A key in the hybrid form is a key by the rules of blocks and none by those of
// relay; a plain uncompressed one is both.
func TestUncompressedAndHybridKeys(t *testing.T) {
	k := testKey(1)
	plain := k.PubKey().SerializeUncompressed()
	hybrid := bytes.Clone(plain)
	hybrid[0] = 6 | plain[64]&1
	for _, key := range [][]byte{plain, hybrid} {
		out := PayToPubKeyHash(hash160(key))
		tx, spent := oneInput(out)
		tx = filled(tx, AppendData(AppendData(nil, signAll(k, SignatureHash(tx, 0, out, SigHashAll))), key), wire.Witness{})
		isPlain := key[0] == 4
		try(t, "by the rules of blocks", tx, spent, MandatoryFlags, isPlain, true)
		try(t, "by the rules of relay", tx, spent, StandardFlags, isPlain, isPlain)
	}
}

// The direct checks of multi-signature scripts go from one key to sixteen, and
// look at the push of each.
func TestDirectMultiSig(t *testing.T) {
	build := func(need, n int) (script []byte, keys []*btcec.PrivateKey) {
		var pubs [][]byte
		for i := range n {
			keys = append(keys, testKey(i))
			pubs = append(pubs, keys[i].PubKey().SerializeCompressed())
		}
		return PayToMultiSig(need, pubs...), keys
	}
	spendWitness := func(script []byte, keys []*btcec.PrivateKey, nested bool) (*wire.Tx, []wire.TxOut) {
		sum := sha256.Sum256(script)
		out := PayToWitness(0, sum[:])
		var push []byte
		if nested {
			push = AppendData(nil, out)
			out = PayToScriptHash(hash160(out))
		}
		tx, spent := oneInput(out)
		hash := NewSigHasher(tx, spent).Witness(0, script, SigHashAll)
		items := [][]byte{nil}
		for _, k := range keys {
			items = append(items, signAll(k, hash))
		}
		return filled(tx, push, wire.NewWitness(append(items, script)...)), spent
	}
	for _, c := range []struct {
		need, n int
		direct  bool
	}{{1, 1, true}, {1, 2, true}, {2, 2, true}, {15, 15, true}, {16, 16, true}, {1, 16, true}, {17, 17, false}, {1, 20, false}} {
		script, keys := build(c.need, c.n)
		for _, nested := range []bool{false, true} {
			tx, spent := spendWitness(script, keys[:c.need], nested)
			try(t, "in a witness", tx, spent, StandardFlags, c.direct, true)
		}
	}

	// With the length of a key's push changed the script is another, which no
	// signature satisfies.
	script, keys := build(1, 3)
	for k := range 3 {
		odd := bytes.Clone(script)
		odd[1+k*34]--
		tx, spent := spendWitness(odd, keys[:1], false)
		try(t, "a key with another push", tx, spent, MandatoryFlags, false, false)
	}
	// Numbers that are not those of the keys and signatures.
	for name, change := range map[string]func(s []byte){
		"more keys counted":            func(s []byte) { s[len(s)-2]++ },
		"fewer keys counted":           func(s []byte) { s[len(s)-2]-- },
		"more signatures needed":       func(s []byte) { s[0]++ },
		"no signature needed":          func(s []byte) { s[0] = Op0 },
		"verified instead of answered": func(s []byte) { s[len(s)-1] = OpCheckMultiSigVerify },
	} {
		odd := bytes.Clone(script)
		change(odd)
		tx, spent := spendWitness(odd, keys[:1], false)
		try(t, name, tx, spent, MandatoryFlags, false, false)
	}
}

// Signature scripts that end early, anywhere, are refused and harm nobody.
func TestDirectChecksOfShortScripts(t *testing.T) {
	for _, kind := range []string{"p2pkh", "p2sh-1of1", "p2sh-2of2", "p2sh-2of3", "p2sh-3of15", "p2sh-p2wpkh"} {
		s := newSpend(t, kind, 1, txscript.SigHashAll)
		whole := s.tx.In[0].Script
		for n := range len(whole) {
			tx := filled(s.tx, whole[:n], s.tx.In[0].Witness)
			c := NewVerifier(Options{}).Tx(tx, s.spent, MandatoryFlags)
			if c.passes(0) || c.Input(0) == nil {
				t.Errorf("%s, cut off at %d of %d bytes, passes", kind, n, len(whole))
			}
		}
	}
	for _, script := range [][]byte{{0x49}, {0x49, 0x30}, {0x4b}, {0xff}, {1}, {0}} {
		out := PayToPubKeyHash([20]byte{1})
		tx, spent := oneInput(out)
		try(t, hex.EncodeToString(script), filled(tx, script, wire.Witness{}), spent, MandatoryFlags, false, false)
	}
}

// The longest signature has 73 bytes with its hash type: R and S with a zero in
// front, which S has only where it need not be low.
func TestLongestSignature(t *testing.T) {
	for i := range 100 {
		k := testKey(i)
		key := k.PubKey().SerializeCompressed()
		out := PayToPubKeyHash(hash160(key))
		tx, spent := oneInput(out)
		sig := otherS(signAll(k, SignatureHash(tx, 0, out, SigHashAll)))
		if len(sig) != 73 {
			continue
		}
		if !IsStrictSignature(sig) {
			t.Error("not in strict DER")
		}
		tx = filled(tx, AppendData(AppendData(nil, sig), key), wire.Witness{})
		try(t, "high S by the rules of blocks", tx, spent, MandatoryFlags, true, true)
		try(t, "high S by the rules of relay", tx, spent, StandardFlags, false, false)
		return
	}
	t.Error("no signature was that long")
}

// Code separators are no part of what is signed, wherever they stand.
func TestWithoutSeparators(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "5152": "5152", "ab": "", "ab51": "51", "51ab": "51", "51ab52": "5152", "abab51abab52ab": "5152",
		"02abab51ab": "02abab51", "51ab05ab": "5105ab", "4c01abab": "4c01ab",
	} {
		if got := hex.EncodeToString(withoutSeparators(unhex(t, in))); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// An input without an output of its number may sign all outputs or none; one of
// them it cannot, which older signatures take for the number one.
func TestSingleWithoutOutput(t *testing.T) {
	ins := make([]wire.TxIn, 3)
	for i := range ins {
		ins[i].PrevOut = wire.OutPoint{Hash: wire.Hash{9}, Index: uint32(i)}
	}
	tx := wire.NewTx(2, ins, []wire.TxOut{{Value: 1, Script: []byte{Op1}}}, 0)
	spent := []wire.TxOut{{Value: 5, Script: []byte{Op1}}, {Value: 6, Script: []byte{Op1}}, {Value: 7, Script: PayToWitness(1, make([]byte, 32))}}
	var conv converted
	conv.fill(tx)
	code := []byte{OpDup}
	h := NewSigHasher(tx, spent)
	for i := range ins {
		for _, hashType := range []uint32{SigHashAll, SigHashNone, SigHashSingle, SigHashAll | 0x80, SigHashSingle | 0x80} {
			want, err := txscript.CalcSignatureHash(code, txscript.SigHashType(hashType), &conv.msg, i)
			if err != nil {
				t.Fatal(err)
			}
			if got := SignatureHash(tx, i, code, hashType); !slices.Equal(got[:], want) {
				t.Errorf("input %d, hash type %#x: %v, want %x", i, hashType, got, want)
			}
			single := hashType&3 == SigHashSingle
			if got := SignatureHash(tx, i, code, hashType); single && i > 0 != (got == wire.Hash{0: 1}) {
				t.Errorf("input %d, hash type %#x signs %v", i, hashType, got)
			}
			mid := txscript.NewTxSigHashes(&conv.msg, txscript.NewCannedPrevOutputFetcher(spent[0].Script, spent[0].Value))
			want, err = txscript.CalcWitnessSigHash(code, mid, txscript.SigHashType(hashType), &conv.msg, i, spent[i].Value)
			if err != nil {
				t.Fatal(err)
			}
			if got := h.Witness(i, code, hashType); !slices.Equal(got[:], want) {
				t.Errorf("input %d, hash type %#x in a witness: %v, want %x", i, hashType, got, want)
			}
			if _, ok := h.TaprootKey(i, byte(hashType)); ok != (!single || i == 0) {
				t.Errorf("input %d, hash type %#x of taproot: %v", i, hashType, ok)
			}
		}
	}
	for _, hashType := range []byte{4, 0x80, 0x84, 0x40, 0xff} {
		if _, ok := h.TaprootKey(0, hashType); ok {
			t.Errorf("taproot has no hash type %#x", hashType)
		}
	}
}

// An error ends with what the interpreter saw, if that was more than the rule.
func TestErrorText(t *testing.T) {
	e := &Error{Code: ErrEvalFalse, Input: 2}
	short := e.Error()
	e.Detail = "stack empty"
	if got := e.Error(); got != short+": stack empty" || short != "input 2: "+e.Reason() {
		t.Errorf("%q and %q", short, got)
	}
}
