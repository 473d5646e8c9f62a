package sign

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"pgregory.net/rapid"

	"starling/params"
	"starling/script"
	"starling/script/descriptor"
	"starling/wire"
)

// zeros is the source of Schnorr's extra randomness in tests.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// testKey makes a private key of a number.
func testKey(n int) *btcec.PrivateKey {
	h := sha256.Sum256(fmt.Appendf(nil, "key %d", n))
	k, _ := btcec.PrivKeyFromBytes(h[:])
	return k
}

func wif(n int) string  { return descriptor.FormatWIF(testKey(n), true, params.Regtest()) }
func wifU(n int) string { return descriptor.FormatWIF(testKey(n), false, params.Regtest()) }
func pub(n int) string  { return fmt.Sprintf("%x", testKey(n).PubKey().SerializeCompressed()) }

const nums = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0"

// kinds are descriptors of all forms that can be signed for.
func kinds() map[string]string {
	return map[string]string{
		"pk":                    "pk(" + wif(1) + ")",
		"pk uncompressed":       "pk(" + wifU(1) + ")",
		"pkh":                   "pkh(" + wif(1) + ")",
		"pkh uncompressed":      "pkh(" + wifU(1) + ")",
		"wpkh":                  "wpkh(" + wif(1) + ")",
		"sh wpkh":               "sh(wpkh(" + wif(1) + "))",
		"sh pk":                 "sh(pk(" + wif(1) + "))",
		"sh pkh":                "sh(pkh(" + wif(1) + "))",
		"wsh pk":                "wsh(pk(" + wif(1) + "))",
		"wsh pkh":               "wsh(pkh(" + wif(1) + "))",
		"sh wsh pkh":            "sh(wsh(pkh(" + wif(1) + ")))",
		"bare 1 of 2":           "multi(1," + wif(1) + "," + wif(2) + ")",
		"bare 2 of 3":           "multi(2," + wif(1) + "," + wifU(2) + "," + wif(3) + ")",
		"sh 2 of 3":             "sh(multi(2," + wif(1) + "," + wif(2) + "," + wif(3) + "))",
		"wsh 2 of 3":            "wsh(sortedmulti(2," + wif(1) + "," + wif(2) + "," + wif(3) + "))",
		"wsh 3 of 3":            "wsh(multi(3," + wif(1) + "," + wif(2) + "," + wif(3) + "))",
		"sh wsh 2 of 2":         "sh(wsh(multi(2," + wif(1) + "," + wif(2) + ")))",
		"wsh 17 of 20":          "wsh(multi(17" + many(20) + "))",
		"tr":                    "tr(" + wif(1) + ")",
		"tr with leaves":        "tr(" + wif(1) + ",{pk(" + wif(2) + "),pk(" + wif(3) + ")})",
		"rawtr":                 "rawtr(" + wif(1) + ")",
		"tr by leaf":            "tr(" + nums + ",pk(" + wif(2) + "))",
		"tr by the deeper leaf": "tr(" + nums + ",{pk(" + pub(9) + "),{pk(" + wif(2) + "),pk(" + pub(8) + ")}})",
		"tr multi_a":            "tr(" + nums + ",multi_a(2," + wif(1) + "," + wif(2) + "," + wif(3) + "))",
		"tr sortedmulti_a":      "tr(" + nums + ",sortedmulti_a(2," + wif(1) + "," + wif(2) + "," + wif(3) + "))",
		"tr multi_a 17 of 20":   "tr(" + nums + ",multi_a(17" + many(20) + "))",
	}
}

func many(n int) string {
	s := ""
	for i := range n {
		s += "," + wif(10+i)
	}
	return s
}

// expand returns the output of a descriptor and its keys.
func expand(t testing.TB, text string) (descriptor.Output, *Ring) {
	t.Helper()
	d, err := descriptor.ParseOne(text, params.Regtest())
	if err != nil {
		t.Fatal(err)
	}
	out, err := d.Public().Expand(0)
	if err != nil {
		t.Fatal(err)
	}
	return out[0], NewRing(d.PrivateKeys(0)...)
}

// spend returns a transaction that spends outputs, with as many outputs.
func spend(n int) *wire.Tx {
	ins, outs := make([]wire.TxIn, n), make([]wire.TxOut, n)
	for i := range n {
		ins[i] = wire.TxIn{PrevOut: wire.OutPoint{Hash: wire.DoubleHash([]byte{byte(i)}), Index: uint32(i)}, Sequence: 0xfffffffd}
		outs[i] = wire.TxOut{Value: int64(1000 * (i + 1)), Script: script.PayToWitness(0, make([]byte, 20))}
	}
	return wire.NewTx(2, ins, outs, 500)
}

// hashTypes are all that there are.
var hashTypes = []uint32{0, 1, 2, 3, 0x81, 0x82, 0x83}

func TestAllKinds(t *testing.T) {
	for name, text := range kinds() {
		types := hashTypes
		if strings.Contains(name, "17 of 20") {
			types = []uint32{0, 0x83} // as the others, but far slower
		}
		for _, hashType := range types {
			t.Run(fmt.Sprintf("%s %#x", name, hashType), func(t *testing.T) {
				o, keys := expand(t, text)
				plain, _ := expand(t, "wpkh("+wif(5)+")")
				job := Job{Tx: spend(3), Outputs: []descriptor.Output{plain, o, plain}, Values: []int64{5000, 6000, 7000},
					Keys: Union(keys, NewRing(testKey(5))), HashType: &hashType}
				tx, errs := job.Run()
				if len(errs) > 0 {
					t.Fatalf("%v", errs[0])
				}
				if err := script.NewVerifier(script.Options{}).Check(tx, job.Spent(), script.StandardFlags); err != nil {
					t.Error(err)
				}
				// A signature of another amount or script is worth nothing.
				if o.Witness != nil || o.Taproot != nil {
					spent := job.Spent()
					spent[1].Value++
					if err := script.NewVerifier(script.Options{}).Check(tx, spent, script.StandardFlags); err == nil {
						t.Error("the amount is not signed")
					}
				}
				checkSize(t, &o, &tx.In[1], hashType)
				// Signing again changes nothing.
				job.Tx, job.Keys = tx, new(Ring)
				again, errs := job.Run()
				if len(errs) > 0 || !bytes.Equal(again.Bytes(), tx.Bytes()) {
					t.Errorf("signatures are lost: %v\n%x\n%x", errs, tx.Bytes(), again.Bytes())
				}
			})
		}
	}
}

// checkSize compares an input with its estimate, which must be enough and at
// most a byte for each signature more.
func checkSize(t *testing.T, o *descriptor.Output, in *wire.TxIn, hashType uint32) {
	t.Helper()
	z, err := Estimate(o)
	if err != nil {
		t.Fatal(err)
	}
	got := Size{SigScript: len(in.Script)}
	sigs := 0
	if in.Witness.Len() > 0 {
		got.Witness = witnessSize(in.Witness.Stack())
	}
	for _, items := range [][][]byte{in.Witness.Stack(), pushes(in.Script)} {
		for _, it := range items {
			switch n := len(it); {
			case n == 64 || n == 65 && (o.Taproot != nil || z.Witness == 66):
				sigs++ // Schnorr
			case n > 65 && n <= 72:
				sigs++ // ECDSA; a public key has 65 bytes
			}
		}
	}
	slack := 2 * sigs // S may be shorter, too
	if o.Taproot != nil || z.Witness == 66 {
		// The estimate is of the default hash type, which has no byte.
		if slack = 0; hashType != 0 {
			got.Witness -= sigs
		}
	}
	if got.SigScript > z.SigScript || got.Witness > z.Witness ||
		got.SigScript < z.SigScript-slack || z.Witness > 0 && got.Witness < z.Witness-slack {
		t.Errorf("estimated %+v, is %+v", z, got)
	}
}

func TestEstimateTx(t *testing.T) {
	var outputs []descriptor.Output
	var sizes []Size
	all := Union()
	for _, text := range []string{"wpkh(" + wif(1) + ")", "pkh(" + wif(2) + ")", "tr(" + wif(3) + ")"} {
		o, keys := expand(t, text)
		z, err := Estimate(&o)
		if err != nil {
			t.Fatal(err)
		}
		outputs, sizes, all = append(outputs, o), append(sizes, z), Union(all, keys)
	}
	job := Job{Tx: spend(3), Outputs: outputs, Values: []int64{1, 2, 3}, Keys: all}
	tx, errs := job.Run()
	if len(errs) > 0 {
		t.Fatal(errs[0])
	}
	want := TxWeight(sizes, tx.Out)
	if got := tx.Weight(); got > want || got < want-10 {
		t.Errorf("weight %d, estimated %d", got, want)
	}
	if got := VSize(want); got < tx.VSize() {
		t.Errorf("%d virtual bytes, estimated %d", tx.VSize(), got)
	}
}

// TestPartial has the signers of a multi-signature output sign one after the
// other, each with one key.
func TestPartial(t *testing.T) {
	for _, text := range []string{
		"multi(2," + pub(1) + "," + pub(2) + "," + pub(3) + ")",
		"sh(multi(2," + pub(1) + "," + pub(2) + "," + pub(3) + "))",
		"wsh(multi(2," + pub(1) + "," + pub(2) + "," + pub(3) + "))",
		"sh(wsh(multi(2," + pub(1) + "," + pub(2) + "," + pub(3) + ")))",
	} {
		t.Run(text, func(t *testing.T) {
			o, _ := expand(t, text)
			job := Job{Tx: spend(1), Outputs: []descriptor.Output{o}, Values: []int64{9}, Keys: NewRing(testKey(3)), Options: Options{Rand: zeros{}}}
			tx, errs := job.Run()
			if len(errs) != 1 || errs[0].Input != 0 {
				t.Fatal("one signature is enough:", errs)
			}
			// The next signer needs only the output's script where the input has the rest.
			bare := descriptor.Output{Script: o.Script}
			next := Job{Tx: tx, Outputs: []descriptor.Output{bare}, Values: []int64{9}, Keys: NewRing(testKey(1))}
			done, errs := next.Run()
			if len(errs) > 0 {
				t.Fatal(errs[0])
			}
			// In the other order it is the same transaction.
			job.Keys = NewRing(testKey(1))
			tx, _ = job.Run()
			next = Job{Tx: tx, Outputs: []descriptor.Output{bare}, Values: []int64{9}, Keys: NewRing(testKey(3))}
			other, errs := next.Run()
			if len(errs) > 0 || !bytes.Equal(other.Bytes(), done.Bytes()) {
				t.Errorf("the order of the signers matters: %v", errs)
			}
		})
	}
}

// TestMergeLeaves puts the signatures of a taproot leaf together.
func TestMergeLeaves(t *testing.T) {
	o, _ := expand(t, "tr("+nums+",multi_a(2,"+pub(1)+","+pub(2)+","+pub(3)+"))")
	tx := spend(1)
	spent := []wire.TxOut{{Value: 5, Script: o.Script}}
	s := New(tx, spent, Options{})
	var all Signatures
	for n, k := range []int{3, 1} {
		var have Signatures
		added, err := s.Sign(0, &o, NewRing(testKey(k)), 0, &have)
		if err != nil || added != 1 || have.Len() != 1 {
			t.Fatalf("key %d: %d signatures, %v", k, added, err)
		}
		all.Merge(&have)
		_, _, complete := s.Finish(&o, &all)
		if complete != (n == 1) {
			t.Errorf("after %d signatures complete is %v", n+1, complete)
		}
	}
	_, witness, _ := s.Finish(&o, &all)
	in := tx.In[0]
	in.Witness = wire.NewWitness(witness...)
	done := wire.NewTx(tx.Version, []wire.TxIn{in}, tx.Out, tx.LockTime)
	if err := script.NewVerifier(script.Options{}).Check(done, spent, script.StandardFlags); err != nil {
		t.Error(err)
	}
	if got := New(done, spent, Options{}).Recover(0, &descriptor.Output{Script: o.Script}); got.Len() != 2 {
		t.Errorf("found %d signatures again", got.Len())
	}
}

func TestRefusals(t *testing.T) {
	wpkh, keys := expand(t, "wpkh("+wif(1)+")")
	sh, _ := expand(t, "sh(wpkh("+wif(1)+"))")
	wsh, _ := expand(t, "wsh(pk("+wif(1)+"))")
	tr, _ := expand(t, "tr("+wif(1)+")")
	one := wire.NewTx(2, spend(2).In, spend(1).Out, 0)
	spent := []wire.TxOut{{Value: 1, Script: wpkh.Script}, {Value: 2, Script: tr.Script}}
	for _, tc := range []struct {
		name     string
		out      descriptor.Output
		input    int
		hashType uint32
		want     error
	}{
		{"unknown script", descriptor.Output{Script: []byte{0x51}}, 0, 1, ErrUnknownScript},
		{"data", descriptor.Output{Script: script.NullDataScript([]byte("x"))}, 0, 1, ErrUnknownScript},
		{"no redeem script", descriptor.Output{Script: sh.Script, Keys: sh.Keys}, 0, 1, ErrNoRedeem},
		{"another redeem script", descriptor.Output{Script: sh.Script, Redeem: wsh.Script}, 0, 1, ErrNoRedeem},
		{"no witness script", descriptor.Output{Script: wsh.Script}, 0, 1, ErrNoWitness},
		{"hash type 4", wpkh, 0, 4, ErrHashType},
		{"hash type 0x80", tr, 1, 0x80, ErrHashType},
		{"hash type 0x101", tr, 1, 0x101, ErrHashType},
		{"default outside of taproot", wpkh, 0, 0, ErrHashType},
		{"single without output", wpkh, 1, 3, ErrNoOutput},
		{"taproot single without output", tr, 1, 0x83, ErrNoOutput},
	} {
		var have Signatures
		n, err := New(one, spent, Options{}).Sign(tc.input, &tc.out, keys, tc.hashType, &have)
		if !errors.Is(err, tc.want) || n != 0 || have.Len() != 0 {
			t.Errorf("%s: %d signatures, %v", tc.name, n, err)
		}
	}
	var have Signatures
	spent[0].Script = nil
	if _, err := New(one, spent, Options{}).Sign(1, &tr, keys, 0, &have); !errors.Is(err, ErrSpentMissing) {
		t.Error("taproot without all outputs:", err)
	}
	if _, err := New(one, []wire.TxOut{{Script: wpkh.Script}, {Script: tr.Script}}, Options{Rand: bytes.NewReader(nil)}).Sign(1, &tr, keys, 0, &have); err == nil {
		t.Error("a Schnorr signature without randomness")
	}
	// Somebody else's keys sign nothing, and say nothing.
	other := NewRing(testKey(99))
	for name, text := range kinds() {
		o, _ := expand(t, text)
		spent := []wire.TxOut{{Value: 1, Script: o.Script}}
		var have Signatures
		if n, err := New(spend(1), spent, Options{}).Sign(0, &o, other, DefaultHashType(o.Script), &have); n != 0 || err != nil {
			t.Errorf("%s: %d signatures by another's key, %v", name, n, err)
		}
	}
}

// TestWrongKeys has a source that gives the same key for everything, which
// must not end up in a signature.
func TestWrongKeys(t *testing.T) {
	wrong := KeyFunc(func(descriptor.Key) (*btcec.PrivateKey, bool) { return testKey(99), true })
	for name, text := range kinds() {
		o, _ := expand(t, text)
		var have Signatures
		n, err := New(spend(1), []wire.TxOut{{Value: 1, Script: o.Script}}, Options{}).Sign(0, &o, wrong, DefaultHashType(o.Script), &have)
		if n != 0 || err != nil || have.Len() != 0 {
			t.Errorf("%s: %d signatures by a wrong key, %v", name, n, err)
		}
	}
}

func TestMaster(t *testing.T) {
	const text = "wpkh(tprv8ZgxMBicQKsPd7Uf69XL1XwhmjHopUGep8GuEiJDZmbQz6o58LninorQAfcKZWARbtRtfnLcJ5MQ2AtHcQJCCRUcMRvmDUjyEmNUWwx8UbK/84h/1h/0h/0/*)"
	d, err := descriptor.ParseOne(text, params.Regtest())
	if err != nil {
		t.Fatal(err)
	}
	ext, err := descriptor.ParseExtended("tprv8ZgxMBicQKsPd7Uf69XL1XwhmjHopUGep8GuEiJDZmbQz6o58LninorQAfcKZWARbtRtfnLcJ5MQ2AtHcQJCCRUcMRvmDUjyEmNUWwx8UbK", params.Regtest())
	if err != nil {
		t.Fatal(err)
	}
	master, err := NewMaster(ext)
	if err != nil {
		t.Fatal(err)
	}
	out, err := d.Expand(11)
	if err != nil {
		t.Fatal(err)
	}
	k := out[0].Keys[0]
	got, ok := master.PrivateKey(k)
	want, _ := d.PrivateKey(11, k)
	if !ok || !got.Key.Equals(&want.Key) {
		t.Error("the key is not found by its origin")
	}
	k.Pub = testKey(1).PubKey().SerializeCompressed()
	if _, ok := master.PrivateKey(k); ok {
		t.Error("a key of another origin is found")
	}
	if _, ok := master.PrivateKey(descriptor.Key{Pub: k.Pub}); ok {
		t.Error("a key without origin is found")
	}
}

// TestECDSA compares with the library's signatures, and looks at the size.
func TestECDSA(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key")
		hash := [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))
		key, pub := btcec.PrivKeyFromBytes(raw)
		if key.Key.IsZero() {
			t.Skip("no key")
		}
		any := ECDSA(key, hash, false)
		if want := ecdsa.Sign(key, hash[:]).Serialize(); !bytes.Equal(any, want) {
			t.Fatalf("%x, the library has %x", any, want)
		}
		first, err := ecdsa.ParseDERSignature(any)
		if err != nil {
			t.Fatal(err)
		}
		if s := first.S(); s.IsOverHalfOrder() {
			t.Fatalf("S is high: %x", any)
		}
		low := ECDSA(key, hash, true)
		if len(low) > 70 {
			t.Fatalf("%d bytes", len(low))
		}
		if len(any) <= 70 && any[3] == 32 && !bytes.Equal(any, low) {
			t.Fatal("a signature that is short enough is made anew")
		}
		parsed, err := ecdsa.ParseDERSignature(low)
		if err != nil || !parsed.Verify(hash[:], pub) {
			t.Fatalf("%x: %v", low, err)
		}
	})
}
