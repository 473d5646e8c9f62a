package seed

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"starling/address"
	"starling/params"
	"starling/script/descriptor"
)

// moduleFile returns the path of a file in the source of a module that the
// product uses.
func moduleFile(t *testing.T, module, file string) string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		t.Fatalf("go list -m %s: %v", module, err)
	}
	return filepath.Join(strings.TrimSpace(string(dir)), file)
}

// TestBIP39 goes through the official vectors, as the library's own test file
// holds them: entropy, phrase, seed with the passphrase TREZOR.
func TestBIP39(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), moduleFile(t, "github.com/tyler-smith/go-bip39", "bip39_test.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	ast.Inspect(file, func(node ast.Node) bool {
		lit, ok := node.(*ast.CompositeLit)
		if !ok || len(lit.Elts) != 3 {
			return true
		}
		fields := make(map[string]string)
		for _, e := range lit.Elts {
			kv, ok := e.(*ast.KeyValueExpr)
			if !ok {
				return true
			}
			if value, ok := kv.Value.(*ast.BasicLit); ok {
				fields[kv.Key.(*ast.Ident).Name], _ = strconv.Unquote(value.Value)
			}
		}
		entropy, err := hex.DecodeString(fields["entropy"])
		if err != nil || len(entropy) == 0 || fields["seed"] == "" {
			return true
		}
		n++
		phrase, err := New(len(entropy)/4*3, bytes.NewReader(entropy))
		if err != nil || phrase != fields["mnemonic"] {
			t.Errorf("%x is %q, %v, want %q", entropy, phrase, err, fields["mnemonic"])
		}
		seed, err := Seed(phrase, "TREZOR")
		if err != nil || hex.EncodeToString(seed) != fields["seed"] {
			t.Errorf("%q leads to %x, %v", phrase, seed, err)
		}
		return false
	})
	if n != 24 {
		t.Errorf("%d vectors, there should be 24", n)
	}
}

func TestCheck(t *testing.T) {
	const about = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
	got, err := Check("  Abandon ABANDON\tabandon abandon abandon abandon abandon abandon abandon abandon abandon\n about ")
	if err != nil || got != about {
		t.Errorf("got %q, %v", got, err)
	}
	for phrase, want := range map[string]error{
		"":                              ErrWords,
		"abandon":                       ErrWords,
		strings.Repeat("abandon ", 13):  ErrWords,
		strings.Repeat("abandon ", 27):  ErrWords,
		strings.Repeat("abandon ", 12):  ErrChecksum,
		strings.Repeat("abandonn ", 12): ErrWord,
	} {
		if _, err := Check(phrase); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", phrase, err, want)
		}
	}
	if _, err := Check(strings.Replace(about, "about", "secretword", 1)); err == nil || strings.Contains(err.Error(), "secretword") {
		t.Errorf("the error repeats a word of the phrase: %v", err)
	}
	// The passphrase is normalised (NFKD): the same text in two encodings.
	a, _ := Seed(about, "caf\u00e9")
	b, _ := Seed(about, "cafe\u0301")
	if !bytes.Equal(a, b) {
		t.Error("the form of an accent changes the seed")
	}
	for _, words := range []int{12, 15, 18, 21, 24} {
		phrase, err := New(words, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Check(phrase); err != nil || got != phrase || len(strings.Fields(got)) != words {
			t.Errorf("%d words: %v", words, err)
		}
	}
	if _, err := New(13, rand.Reader); !errors.Is(err, ErrWords) {
		t.Error("13 words:", err)
	}
	if _, err := New(12, bytes.NewReader(nil)); err == nil {
		t.Error("a phrase without randomness")
	}
}

// TestBIP32 has the vectors of BIP32, from seed to each step of the path. Those
// of number 5, keys that must be refused, are tests of the descriptors.
func TestBIP32(t *testing.T) {
	for _, v := range bip32Vectors {
		master, err := MasterOf(decode(t, v.seed), params.Main())
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range v.chain {
			d, err := descriptor.ParseOne("pk("+master+strings.TrimPrefix(step.path, "m")+"/*)", params.Main())
			if err != nil {
				t.Fatal(err)
			}
			k, err := descriptor.ParseExtended(master, params.Main())
			if err != nil {
				t.Fatal(err)
			}
			path, err := descriptor.ParsePath(step.path)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range path {
				if k, err = k.Derive(s); err != nil {
					t.Fatal(err)
				}
			}
			if k.String() != step.private {
				t.Errorf("%s %s: %s, want %s", v.seed, step.path, k, step.private)
			}
			// The descriptor of the key that was reached is that of the way to it.
			far, err := descriptor.ParseOne("pk("+step.private+"/*)", params.Main())
			if err != nil {
				t.Fatal(err)
			}
			near, err := descriptor.ParseOne("pk("+step.public+"/*)", params.Main())
			if err != nil {
				t.Fatal(err)
			}
			if far.Public().String() != near.String() {
				t.Errorf("%s %s: public key %s, want %s", v.seed, step.path, far, near)
			}
			var scripts [3]string
			for i, d := range []*descriptor.Descriptor{d, far, near} {
				out, err := d.Expand(7)
				if err != nil {
					t.Fatal(err)
				}
				scripts[i] = string(out[0].Script)
			}
			if scripts[0] != scripts[1] || scripts[0] != scripts[2] {
				t.Errorf("%s %s: three ways lead to different keys", v.seed, step.path)
			}
		}
	}
}

func decode(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestAccounts has the vectors of BIP49 (test network), BIP84 and BIP86, and
// for BIP44 the addresses that the same phrase is known by.
func TestAccounts(t *testing.T) {
	const phrase = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
	for _, v := range []struct {
		purpose Purpose
		net     *params.Network
		receive []string
		change  string
		account string // the normalised form of receiving, as far as a vector tells
	}{
		{BIP44, params.Main(), []string{"1LqBGSKuX5yYUonjxT5qGfpUsXKYYWeabA", "1Ak8PffB2meyfYnbXZR9EGfLfFZVpzJvQP"}, "1J3J6EvPrv8q6AC3VCjWV45Uf3nssNMRtH", ""},
		{BIP49, params.Testnet4(), []string{"2Mww8dCYPUpKHofjgcXcBCEGmniw9CoaiD2"}, "2MvdUi5o3f2tnEFh9yGvta6FzptTZtkPJC8", ""},
		{BIP84, params.Main(), []string{"bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu", "bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g"}, "bc1q8c6fshw2dlwun7ekn9qwf37cu2rn755upcp6el",
			"wpkh([73c5da0a/84h/0h/0h]xpub6CatWdiZiodmUeTDp8LT5or8nmbKNcuyvz7WyksVFkKB4RHwCD3XyuvPEbvqAQY3rAPshWcMLoP2fMFMKHPJ4ZeZXYVUhLv1VMrjPC7PW6V/0/*)#wc3n3van"},
		{BIP86, params.Main(), []string{"bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr", "bc1p4qhjn9zdvkux4e44uhx8tc55attvtyu358kutcqkudyccelu0was9fqzwh"}, "bc1p3qkhfews2uk44qtvauqyr2ttdsw7svhkl9nkm9s9c3x4ax5h60wqwruhk7",
			"tr([73c5da0a/86h/0h/0h]xpub6BgBgsespWvERF3LHQu6CnqdvfEvtMcQjYrcRzx53QJjSxarj2afYWcLteoGVky7D3UKDP9QyrLprQ3VCECoY49yfdDEHGCtMMj92pReUsQ/0/*)#dh4fyxrd"},
	} {
		master, err := Master(phrase, "", v.net)
		if err != nil {
			t.Fatal(err)
		}
		receive, change, err := Account(master, v.purpose, 0, v.net)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range v.receive {
			checkAddress(t, receive, uint32(i), want, v.net)
		}
		checkAddress(t, change, 0, v.change, v.net)
		text, err := receive.Normalized()
		if err != nil {
			t.Error(err)
		} else if v.account != "" {
			body, _, _ := strings.Cut(text, "#")
			want, _, _ := strings.Cut(v.account, "#")
			if body != want {
				t.Errorf("purpose %d: %s, want %s", v.purpose, text, v.account)
			}
		}
		if !receive.HasPrivate() || receive.Public().HasPrivate() {
			t.Error("private keys are lost or leak")
		}
	}
	if _, _, err := Account("xprv", 45, 0, params.Main()); err == nil {
		t.Error("an account of BIP45")
	}
	if _, _, err := Account("xprv", BIP84, 1<<31, params.Main()); err == nil {
		t.Error("account 2147483648")
	}
}

func checkAddress(t *testing.T, d *descriptor.Descriptor, index uint32, want string, net *params.Network) {
	t.Helper()
	out, err := d.Expand(index)
	if err != nil {
		t.Fatal(err)
	}
	if a, ok := address.FromScript(out[0].Script, net); !ok || a.String() != want {
		t.Errorf("%s at %d: %s, want %s", d, index, a, want)
	}
}
