package message

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"starling/address"
	"starling/params"
	"starling/script"
	"starling/script/descriptor"
	"starling/wallet/sign"
	"starling/wire"
)

// zeros is the source of extra randomness.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func owned(t *testing.T, desc string) (descriptor.Output, address.Address, *sign.Ring) {
	t.Helper()
	d, err := descriptor.ParseOne(desc, params.Main())
	if err != nil {
		t.Fatal(err)
	}
	outs, err := d.Expand(0)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := address.FromScript(outs[0].Script, params.Main())
	return outs[0], a, sign.NewRing(d.PrivateKeys(0)...)
}

// BIP322's key and its texts with their signatures.
const bip322Key = "L3VFeEujGtevx9w18HD1fhRbCH67Az2dpCymeRE1SoPK6XQtaN2k"

var bip322 = map[string][]string{
	"": {"AkcwRAIgM2gBAQqvZX15ZiysmKmQpDrG83avLIT492QBzLnQIxYCIBaTpOaD20qRlEylyxFSeEA2ba9YOixpX8z46TSDtS40ASECx/EgAxlkQpQ9hYjgGu6EBCPMVPwVIVJqO4XCsMvViHI=",
		"AkgwRQIhAPkJ1Q4oYS0htvyuSFHLxRQpFAY56b70UvE7Dxazen0ZAiAtZfFz1S6T6I23MWI2lK/pcNTWncuyL8UL+oMdydVgzAEhAsfxIAMZZEKUPYWI4BruhAQjzFT8FSFSajuFwrDL1Yhy"},
	"Hello World": {"AkcwRAIgZRfIY3p7/DoVTty6YZbWS71bc5Vct9p9Fia83eRmw2QCICK/ENGfwLtptFluMGs2KsqoNSk89pO7F29zJLUx9a/sASECx/EgAxlkQpQ9hYjgGu6EBCPMVPwVIVJqO4XCsMvViHI=",
		"AkgwRQIhAOzyynlqt93lOKJr+wmmxIens//zPzl9tqIOua93wO6MAiBi5n5EyAcPScOjf1lAqIUIQtr3zKNeavYabHyR8eGhowEhAsfxIAMZZEKUPYWI4BruhAQjzFT8FSFSajuFwrDL1Yhy"},
}

func TestBIP322(t *testing.T) {
	o, a, keys := owned(t, "wpkh("+bip322Key+")")
	if a.String() != "bc1q9vza2e8x573nczrlzms0wvx3gsqjx7vavgkx0l" {
		t.Fatal(a)
	}
	ids := map[string]string{"": "1e9654e951a5ba44c8604c4de6c67fd78a27e81dcadcfe1edf638ba3aaebaed6", "Hello World": "88737ae86f2077145f93cc4b153ae9a1cb8d56afa511988c149c5c8c9d93bddf"}
	for text, sigs := range bip322 {
		if _, tx := challenge(o.Script, text); tx.TxID().String() != ids[text] {
			t.Errorf("%q: to_sign is %s", text, tx.TxID())
		}
		for _, sig := range sigs {
			if ok, err := Verify(a, sig, text, params.Main()); !ok || err != nil {
				t.Errorf("%q: %v, %v", text, ok, err)
			}
			if ok, _ := Verify(a, sig, text+".", params.Main()); ok {
				t.Errorf("%q: another text passes", text)
			}
		}
		got, err := SignSimple(o, keys, text, sign.Options{Rand: zeros{}})
		if err != nil || got != sigs[0] {
			t.Errorf("%q is signed as %s, %v", text, got, err)
		}
	}
}

func TestSimple(t *testing.T) {
	const other = "KzoAz5CanayRKex3fSLQ2BwJpN7U52gZvxMyk78nDMHuqrUxuSJy"
	for _, desc := range []string{
		"wpkh(" + bip322Key + ")", "sh(wpkh(" + bip322Key + "))", "tr(" + bip322Key + ")", "wsh(pk(" + bip322Key + "))",
		"sh(wsh(multi(2," + bip322Key + "," + other + ")))", "tr(50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0,pk(" + bip322Key + "))",
	} {
		o, a, keys := owned(t, desc)
		sig, err := SignSimple(o, keys, "a text", sign.Options{})
		if err != nil {
			t.Errorf("%s: %v", desc, err)
			continue
		}
		if ok, err := Verify(a, sig, "a text", params.Main()); !ok || err != nil {
			t.Errorf("%s: %v, %v", desc, ok, err)
		}
		_, elsewhere, _ := owned(t, strings.Replace(desc, bip322Key, "L4rK1yDtCWekvXuE6oXD9jCYfFNV2cWRpVuPLBcCU2z8TrisoyY1", 1))
		if ok, _ := Verify(elsewhere, sig, "a text", params.Main()); ok {
			t.Errorf("%s: another's address passes", desc)
		}
		if _, err := SignSimple(o, sign.NewRing(), "a text", sign.Options{}); !errors.Is(err, ErrCannotSign) {
			t.Errorf("%s: signed without a key, %v", desc, err)
		}
	}
	// A signature that covers less than everything is worth nothing.
	o, a, keys := owned(t, "wpkh("+bip322Key+")")
	spent, tx := challenge(o.Script, "a text")
	s := sign.New(tx, []wire.TxOut{spent}, sign.Options{})
	var have sign.Signatures
	if _, err := s.Sign(0, &o, keys, script.SigHashNone, &have); err != nil {
		t.Fatal(err)
	}
	_, witness, _ := s.Finish(&o, &have)
	if verifySimple(a, witness, "a text") {
		t.Error("a signature of no outputs passes")
	}
}

func TestLegacy(t *testing.T) {
	key, compressed, err := descriptor.ParseWIF("5KYZdUEo39z3FPrtuX2QbbwGnNP5zTd7yyr2SC1j299sBCnWjss", params.Main())
	if err != nil {
		t.Fatal(err)
	}
	sig := Sign(key, compressed, "text")
	_, plain, _ := owned(t, "pkh(5KYZdUEo39z3FPrtuX2QbbwGnNP5zTd7yyr2SC1j299sBCnWjss)")
	_, short, _ := owned(t, "pkh(L4rK1yDtCWekvXuE6oXD9jCYfFNV2cWRpVuPLBcCU2z8TrisoyY1)") // the same key
	if ok, err := Verify(plain, sig, "text", params.Main()); !ok || err != nil {
		t.Error(ok, err)
	}
	if ok, _ := Verify(short, sig, "text", params.Main()); ok {
		t.Error("the form of the key does not matter")
	}
	_, witness, _ := owned(t, "wpkh("+bip322Key+")")
	for _, tc := range []struct {
		a    address.Address
		sig  string
		want error
	}{
		{witness, sig, ErrNoKey}, {witness, "?", ErrNoKey}, {plain, "?", ErrMalformed},
		{plain, strings.Repeat("A", 1<<20), ErrMalformed}, {plain, "", nil}, {plain, base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{27}, 65)), nil},
	} {
		if ok, err := Verify(tc.a, tc.sig, "text", params.Main()); ok || !errors.Is(err, tc.want) {
			t.Errorf("%.20s for %s: %v, %v", tc.sig, tc.a, ok, err)
		}
	}
}

// FuzzVerify checks arbitrary signatures, none of which can be right.
func FuzzVerify(f *testing.F) {
	for _, sigs := range bip322 {
		f.Add(sigs[0])
	}
	f.Add("INbVnW4e6PeRmsv2Qgu8NuopvrVjkcxob+sX8OcZG0SALhWybUjzMLPdAsXI46YZGb0KQTRii+wWIQzRpG/U+S0=")
	var to []address.Address
	for _, a := range []string{"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "3P14159f73E4gFr7JterCCQh9QjiTjiZrG", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr"} {
		addr, err := address.Decode(a, params.Main())
		if err != nil {
			f.Fatal(err)
		}
		to = append(to, addr)
	}
	f.Fuzz(func(t *testing.T, sig string) {
		for _, a := range to {
			if ok, err := Verify(a, sig, "nobody signed this", params.Main()); ok || err != nil && !errors.Is(err, ErrNoKey) && !errors.Is(err, ErrMalformed) {
				t.Fatalf("%q for %s: %v, %v", sig, a, ok, err)
			}
		}
	})
}
