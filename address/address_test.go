package address_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"starling/address"
	"starling/params"
)

// vectors are addresses, their scripts and kinds: well-known ones, and the
// valid segregated-witness addresses of BIP350.
var vectors = []struct {
	net, text, script string
	kind              address.Kind
}{
	{"main", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "76a91462e907b15cbf27d5425399ebf6f0fb50ebb88f1888ac", address.PubKeyHash},
	{"main", "1111111111111111111114oLvT2", "76a914000000000000000000000000000000000000000088ac", address.PubKeyHash},
	{"main", "3P14159f73E4gFr7JterCCQh9QjiTjiZrG", "a914e9c3dd0c07aac76179ebc76a6c78d4d67c6c160a87", address.ScriptHash},
	{"testnet4", "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", "76a914243f1394f44554f4ce3fd68649c19adc483ce92488ac", address.PubKeyHash},
	{"signet", "2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc", "a9144e9f39ca4688ff102128ea4ccda34105324305b087", address.ScriptHash},
	{"regtest", "bcrt1pfeesnyr2tx", "51024e73", address.Anchor},
	{"main", "bc1pfeessrawgf", "51024e73", address.Anchor},
	{"main", "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "0014751e76e8199196d454941c45d1b3a323f1433bd6", address.WitnessPubKeyHash},
	{"testnet4", "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7", "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262", address.WitnessScriptHash},
	{"main", "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y", "5128751e76e8199196d454941c45d1b3a323f1433bd6751e76e8199196d454941c45d1b3a323f1433bd6", address.WitnessUnknown},
	{"main", "BC1SW50QGDZ25J", "6002751e", address.WitnessUnknown},
	{"main", "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs", "5210751e76e8199196d454941c45d1b3a323", address.WitnessUnknown},
	{"signet", "tb1qqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesrxh6hy", "0020000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433", address.WitnessScriptHash},
	{"testnet4", "tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c", "5120000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433", address.Taproot},
	{"main", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", address.Taproot},
}

func network(t testing.TB, name string) *params.Network {
	n, err := params.ByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestVectors(t *testing.T) {
	for _, v := range vectors {
		net := network(t, v.net)
		a, err := address.Decode(v.text, net)
		if err != nil {
			t.Errorf("%s: %v", v.text, err)
			continue
		}
		if got := hex.EncodeToString(a.Script()); got != v.script {
			t.Errorf("%s: script %s, want %s", v.text, got, v.script)
		}
		if a.Kind() != v.kind {
			t.Errorf("%s: is %v, want %v", v.text, a.Kind(), v.kind)
		}
		text := v.text
		if strings.HasPrefix(text, "BC1") {
			text = strings.ToLower(text)
		}
		if a.String() != text {
			t.Errorf("%s: is written %s", v.text, a)
		}
		script, _ := hex.DecodeString(v.script)
		back, ok := address.FromScript(script, net)
		if !ok || back != a {
			t.Errorf("%s: its script gives %v, %v", v.text, back, ok)
		}
	}
}

func TestInvalid(t *testing.T) {
	for _, tc := range []struct{ text, reason string }{
		// The invalid addresses of BIP350, and what Core says of them.
		{"BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL", "Version 1+ witness address must use Bech32m checksum"},
		{"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh", "Version 0 witness address must use Bech32 checksum"},
		{"bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4", "Invalid Base 32 character"},
		{"BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R", "Invalid Bech32 address witness version"},
		{"bc1pw5dgrnzv", "Invalid Bech32 address program size (1 byte)"},
		{"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav", "Invalid Bech32 address program size (41 bytes)"},
		{"BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P", "Invalid Bech32 v0 address program size (16 bytes), per BIP141"},
		{"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf", "Invalid padding in Bech32 data section"},
		{"bc1gmk9yu", "Empty Bech32 data section"},
		{"tc1qw508d6qejxtdg4y5r3zarvary0c5xw7kg3g4ty", "Invalid or unsupported prefix for Segwit (Bech32) address (expected bc, got tc)."},
		// A damaged address of another network is not called one of it.
		{"tb1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqglt7rf", "Invalid or unsupported prefix for Segwit (Bech32) address (expected bc, got tb)."},
		{"tb1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq24jc47", "Invalid or unsupported prefix for Segwit (Bech32) address (expected bc, got tb)."},
		// BIP173.
		{"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", "Invalid Bech32 checksum"},
		{"bc1qW508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "Invalid character or mixed case"},
		{"bc1q 08d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "Invalid character or mixed case"},
		{"bcqw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "Missing separator"},
		{"bcqw508d6qejxtdg4y5r3zarvary0c5xw7kv1f3t4", "Invalid separator position"},
		{"bc1", "Bech32 string has an invalid length"},
		{"bc1" + strings.Repeat("q", 100), "Invalid or unsupported Segwit (Bech32) or Base58 encoding."},
		// Base58.
		{"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "Invalid checksum or length of Base58 address (P2PKH or P2SH)"},
		{"1A1zP1eP5QGefi2DMPTfTL5SLmv7Div", "Invalid checksum or length of Base58 address (P2PKH or P2SH)"},
		{"5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ", "Invalid or unsupported Base58-encoded address."}, // a private key
		{"", "Invalid or unsupported Segwit (Bech32) or Base58 encoding."},
		{"0OIl", "Invalid or unsupported Segwit (Bech32) or Base58 encoding."},
		{"Grüße", "Invalid or unsupported Segwit (Bech32) or Base58 encoding."},
		{strings.Repeat("1", 100_000), "Invalid or unsupported Segwit (Bech32) or Base58 encoding."},
	} {
		a, err := address.Decode(tc.text, params.Main())
		var aerr *address.Error
		if !errors.As(err, &aerr) {
			t.Errorf("%.80q: got %v, %v", tc.text, a, err)
		} else if diff := cmp.Diff(tc.reason, aerr.Reason); diff != "" {
			t.Errorf("%.80q: %s", tc.text, diff)
		}
		if a != (address.Address{}) {
			t.Errorf("%.80q: an address beside the error", tc.text)
		}
	}
}

func TestOtherNetwork(t *testing.T) {
	for _, tc := range []struct {
		text, net, message string
	}{
		{"tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", "main", "this is an address of testnet4 or signet, this node is on main"},
		{"mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", "main", "this is an address of testnet4, signet or regtest, this node is on main"},
		{"2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc", "main", "this is an address of testnet4, signet or regtest, this node is on main"},
		{"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "regtest", "this is an address of main, this node is on regtest"},
		{"bc1pfeessrawgf", "signet", "this is an address of main, this node is on signet"},
		{"tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", "regtest", "this is an address of testnet4 or signet, this node is on regtest"},
		{"bcrt1pfeesnyr2tx", "main", "this is an address of regtest, this node is on main"},
	} {
		_, err := address.Decode(tc.text, network(t, tc.net))
		var nerr *address.NetworkError
		if !errors.As(err, &nerr) || nerr.Want != tc.net {
			t.Errorf("%s on %s: %v", tc.text, tc.net, err)
		} else if diff := cmp.Diff(tc.message, err.Error()); diff != "" {
			t.Errorf("%s on %s: %s", tc.text, tc.net, diff)
		}
	}
}

func TestOwnNetwork(t *testing.T) {
	n := params.Regtest()
	n.Name, n.Bech32HRP = "murmur", "mur"
	a, err := address.NewWitness(1, make([]byte, 32), n)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(a.String(), "mur1p") {
		t.Errorf("is written %s", a)
	}
	if back, err := address.Decode(a.String(), n); err != nil || back != a {
		t.Errorf("decoded as %v, %v", back, err)
	}
	var nerr *address.NetworkError
	if _, err := address.Decode("bcrt1pfeesnyr2tx", n); !errors.As(err, &nerr) || nerr.Want != "murmur" {
		t.Errorf("regtest's address gave %v", err)
	}
}

func TestScriptsWithoutAddress(t *testing.T) {
	for _, s := range []string{
		"", "6a", "51", "0014", "0014751e76e8199196d454941c45d1b3a323f1433b", "0003010203", "5101ff",
		"6102aabb", "5103aabb", "5129" + strings.Repeat("00", 41), "4f02aabb",
		"76a91462e907b15cbf27d5425399ebf6f0fb50ebb88f1888ad", "76a91462e907b15cbf27d5425399ebf6f0fb50ebb88f1888acac",
		"a914e9c3dd0c07aac76179ebc76a6c78d4d67c6c160a88",
		"2102" + strings.Repeat("11", 32) + "ac", // pay to a bare public key
	} {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		if a, ok := address.FromScript(b, params.Main()); ok {
			t.Errorf("%s has the address %v", s, a)
		}
	}
}

func TestNewWitnessRefuses(t *testing.T) {
	for _, tc := range []struct{ version, size int }{{-1, 20}, {17, 20}, {0, 19}, {0, 33}, {1, 1}, {1, 41}} {
		var aerr *address.Error
		if _, err := address.NewWitness(tc.version, make([]byte, tc.size), params.Main()); !errors.As(err, &aerr) {
			t.Errorf("version %d of %d bytes: %v", tc.version, tc.size, err)
		}
	}
}

func TestZero(t *testing.T) {
	var a address.Address
	if a.String() != "" || a.Script() != nil || a.Kind().String() != "none" {
		t.Error("the zero address stands for something")
	}
	if _, _, ok := a.Witness(); ok {
		t.Error("the zero address has a witness program")
	}
}

func TestHash160(t *testing.T) {
	// The key of the private key 1 in compressed form, from BIP173.
	key, _ := hex.DecodeString("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")
	got := address.Hash160(key)
	if hex.EncodeToString(got[:]) != "751e76e8199196d454941c45d1b3a323f1433bd6" {
		t.Errorf("%x", got)
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		net, _ := params.ByName(rapid.SampledFrom(params.Names()).Draw(t, "net"))
		var a address.Address
		switch rapid.IntRange(0, 2).Draw(t, "kind") {
		case 0:
			a = address.NewPubKeyHash([20]byte(rapid.SliceOfN(rapid.Byte(), 20, 20).Draw(t, "hash")), net)
		case 1:
			a = address.NewScriptHash([20]byte(rapid.SliceOfN(rapid.Byte(), 20, 20).Draw(t, "hash")), net)
		case 2:
			var err error
			version := rapid.IntRange(1, 16).Draw(t, "version")
			program := rapid.SliceOfN(rapid.Byte(), 2, 40).Draw(t, "program")
			if a, err = address.NewWitness(version, program, net); err != nil {
				t.Fatal(err)
			}
			v, p, ok := a.Witness()
			if !ok || v != version || !bytes.Equal(p, program) {
				t.Fatal("the program has changed")
			}
		}
		if back, err := address.Decode(a.String(), net); err != nil || back != a {
			t.Fatalf("%v decoded as %v, %v", a, back, err)
		}
		if back, ok := address.FromScript(a.Script(), net); !ok || back != a {
			t.Fatalf("the script of %v gives %v, %v", a, back, ok)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.text)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, name := range params.Names() {
			net := network(t, name)
			a, err := address.Decode(s, net)
			if err != nil {
				var aerr *address.Error
				var nerr *address.NetworkError
				if !errors.As(err, &aerr) && !errors.As(err, &nerr) {
					t.Fatalf("error %v has no type", err)
				}
				continue
			}
			if !strings.EqualFold(a.String(), s) {
				t.Fatalf("%q decodes to %s", s, a)
			}
			if back, ok := address.FromScript(a.Script(), net); !ok || back != a {
				t.Fatalf("the script of %q gives another address", s)
			}
		}
	})
}

func FuzzFromScript(f *testing.F) {
	for _, v := range vectors {
		b, _ := hex.DecodeString(v.script)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		a, ok := address.FromScript(script, params.Main())
		if ok && !bytes.Equal(a.Script(), script) {
			t.Fatalf("%x has the address %v, which pays %x", script, a, a.Script())
		}
	})
}
