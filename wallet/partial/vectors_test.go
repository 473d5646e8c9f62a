package partial

import (
	"bytes"
	"encoding/base64"
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

	"starling/params"
	"starling/script"
	"starling/script/descriptor"
	"starling/wallet/sign"
	"starling/wire"
)

// vectors returns the maps of strings in the test file of btcsuite's psbt,
// which hold the vectors of BIP174 and BIP371 and more, by name and by key.
func vectors(t testing.TB) map[string]map[string]string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/btcsuite/btcd/psbt/v2").Output()
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(strings.TrimSpace(string(dir)), "psbt_test.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]map[string]string)
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, s := range g.Specs {
			v := s.(*ast.ValueSpec)
			if len(v.Values) != 1 {
				continue
			}
			lit, ok := v.Values[0].(*ast.CompositeLit)
			if !ok {
				continue
			}
			m := make(map[string]string)
			for _, e := range lit.Elts {
				kv, ok := e.(*ast.KeyValueExpr)
				if !ok {
					continue
				}
				key, ok1 := kv.Key.(*ast.BasicLit)
				value, ok2 := kv.Value.(*ast.BasicLit)
				if !ok1 || !ok2 || value.Kind != token.STRING {
					continue
				}
				name := key.Value
				if key.Kind == token.STRING {
					name, _ = strconv.Unquote(name)
				}
				m[name], _ = strconv.Unquote(value.Value)
			}
			all[v.Names[0].Name] = m
		}
	}
	return all
}

// decode reads hexadecimal digits or base64.
func decode(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		b, err = base64.StdEncoding.DecodeString(s)
	}
	if err != nil {
		t.Fatalf("%.40s…: %v", s, err)
	}
	return b
}

func parseT(t testing.TB, s string) *Packet {
	t.Helper()
	p, err := Parse(decode(t, s))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestValid(t *testing.T) {
	v := vectors(t)
	n := 0
	for _, name := range []string{"validPsbtHex", "validPsbtBase64"} {
		for key, text := range v[name] {
			n++
			t.Run(name+" "+key, func(t *testing.T) {
				p := parseT(t, text)
				if got, want := p.Bytes(), decode(t, text); !bytes.Equal(got, want) {
					t.Errorf("encoded anew\n%x\nwant\n%x", got, want)
				}
				c, err := Combine(p, p)
				if err != nil || !bytes.Equal(c.Bytes(), p.Bytes()) {
					t.Errorf("combined with itself %x, %v", c.Bytes(), err)
				}
				p.Analyze()
			})
		}
	}
	if n < 19 {
		t.Errorf("only %d vectors", n)
	}
}

func TestInvalid(t *testing.T) {
	v := vectors(t)
	n := 0
	for _, name := range []string{"invalidPsbtHex", "invalidPsbtBase64"} {
		for key, text := range v[name] {
			n++
			raw, err := hex.DecodeString(text)
			if err != nil {
				raw, err = base64.StdEncoding.Strict().DecodeString(text)
			}
			if err == nil {
				_, err = Parse(raw)
				var e *Error
				if err != nil && !errors.As(err, &e) {
					t.Errorf("%s %s: an error of another type: %v", name, key, err)
				}
			}
			if err == nil {
				t.Errorf("%s %s is read", name, key)
			}
		}
	}
	if n < 32 {
		t.Errorf("only %d vectors", n)
	}
}

// TestRoles goes the way of BIP174's example: create, update, two signers,
// combine, finalise, extract.
func TestRoles(t *testing.T) {
	v := vectors(t)
	cu, roles, final := v["CUTestHexData"], v["signerPsbtData"], v["finalizerPsbtData"]
	net := params.Regtest()

	// Creator.
	in := func(txid string, n uint32) wire.TxIn {
		return wire.TxIn{PrevOut: wire.OutPoint{Hash: wire.MustHash(txid), Index: n}, Sequence: wire.SequenceFinal}
	}
	p, err := New(wire.NewTx(2, []wire.TxIn{in(cu["txid1"], 0), in(cu["txid2"], 1)}, []wire.TxOut{
		{Value: 149990000, Script: decode(t, cu["scriptPubkey1"])}, {Value: 100000000, Script: decode(t, cu["scriptPubkey2"])}}, 0))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "creator", p, cu["COPsbtHex"])

	// Updater.
	prev, err := wire.ParseTx(decode(t, cu["NonWitnessUtxo"]))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.SetPrevious(0, prev); err != nil {
		t.Fatal(err)
	}
	c := wire.NewCursor(decode(t, cu["WitnessUtxo"]), "output")
	p.SetSpent(1, wire.TxOut{Value: int64(c.Uint64()), Script: c.VarBytes(100)})
	same(t, "previous outputs", p, cu["UOPsbtHex"])
	origin := func(n uint32) *descriptor.Origin {
		return &descriptor.Origin{Fingerprint: descriptor.Fingerprint{0xd9, 0x0c, 0x6a, 0x4f}, Path: []uint32{1 << 31, 1 << 31, n | 1<<31}}
	}
	key := func(name string, n uint32) descriptor.Key {
		return descriptor.Key{Pub: decode(t, v["CUTestPubkeyData"][name]), Origin: origin(n)}
	}
	first := descriptor.Output{Redeem: decode(t, cu["Input1RedeemScript"]), Keys: []descriptor.Key{key("pub1", 0), key("pub2", 1)}}
	second := descriptor.Output{Redeem: decode(t, cu["Input2RedeemScript"]), Witness: decode(t, cu["Input2WitnessScript"]),
		Keys: []descriptor.Key{key("pub3", 2), key("pub4", 3)}}
	p.DescribeInput(0, &first, false)
	p.DescribeInput(1, &second, false)
	same(t, "scripts", p, cu["UOPsbtHex2"])
	p.DescribeInput(0, &first, true)
	p.DescribeInput(1, &second, true)
	p.DescribeOutput(0, &descriptor.Output{Keys: []descriptor.Key{key("pub5", 4)}}, true)
	p.DescribeOutput(1, &descriptor.Output{Keys: []descriptor.Key{key("pub6", 5)}}, true)
	same(t, "keys", p, cu["UOPsbtHex3"])
	all := uint32(script.SigHashAll)
	p.In[0].HashType, p.In[1].HashType = &all, &all
	same(t, "hash types", p, cu["UOPsbtHex4"])
	if a := p.Analyze(); a.Next != Signer || a.Fee == nil || *a.Fee != 10000 || len(a.Inputs[0].Missing.Sigs) != 2 || a.Error != "" {
		t.Errorf("before it is signed: %+v", a)
	}

	// Two signers, each on its own copy.
	var signed []*Packet
	for _, n := range []string{"1", "2"} {
		s := parseT(t, p.Base64())
		ring := new(sign.Ring)
		for _, k := range []string{"signer" + n + "Privkey1", "signer" + n + "Privkey2"} {
			priv, _, err := descriptor.ParseWIF(roles[k], net)
			if err != nil {
				t.Fatal(err)
			}
			ring.Add(priv)
		}
		// The example was made by a signer that takes R as it comes.
		added, err := s.SignAll(ring, nil, nil, sign.Options{AnyR: true})
		if err != nil || added != 2 {
			t.Fatalf("signer %s: %d signatures, %v", n, added, err)
		}
		same(t, "signer "+n, s, roles["signer"+n+"Result"])
		if s.Finalize() {
			t.Errorf("signer %s alone is enough", n)
		}
		if a := s.Analyze(); a.Next != Signer || len(a.Inputs[1].Missing.Sigs) != 1 {
			t.Errorf("after signer %s: %+v", n, a)
		}
		signed = append(signed, s)
	}

	// Combiner, in both orders.
	for _, order := range [][]*Packet{signed, {signed[1], signed[0]}} {
		if p, err = Combine(order...); err != nil {
			t.Fatal(err)
		}
		same(t, "combiner", p, final["finalize"])
	}
	if a := p.Analyze(); a.Next != Finalizer {
		t.Errorf("with all signatures: %+v", a)
	}
	estimate := p.Analyze().VSize

	// Finaliser and extractor.
	if _, err := p.Extract(); err == nil {
		t.Error("extracted before it is final")
	}
	if !p.Finalize() || !p.Complete() {
		t.Fatal("not complete")
	}
	same(t, "finaliser", p, final["result"])
	tx, err := p.Extract()
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(tx.Bytes()); got != final["network"] {
		t.Errorf("extracted %s", got)
	}
	if a := p.Analyze(); a.Next != Extractor || !a.Inputs[0].Final || *a.VSize != tx.VSize() {
		t.Errorf("final: %+v", a)
	}
	// Three of the four signatures have a high R, which the estimate does not
	// reckon with.
	if estimate == nil || *estimate < tx.VSize()-2 || *estimate > tx.VSize()+4 {
		t.Errorf("estimated %d virtual bytes of %d", *estimate, tx.VSize())
	}
}

func same(t *testing.T, what string, p *Packet, want string) {
	t.Helper()
	if got := hex.EncodeToString(p.Bytes()); got != want {
		t.Errorf("%s:\ngot  %s\nwant %s", what, got, want)
	}
}

func TestTwoOfThree(t *testing.T) {
	p := parseT(t, vectors(t)["finalizerPsbtData"]["twoOfThree"])
	if !p.Finalize() {
		t.Errorf("%+v", p.Analyze())
	}
}

// FuzzParse reads arbitrary packets; what can be read has one encoding, and
// nothing that can be asked of it fails.
func FuzzParse(f *testing.F) {
	v := vectors(f)
	for _, name := range []string{"validPsbtHex", "validPsbtBase64", "invalidPsbtHex"} {
		for _, text := range v[name] {
			f.Add(decode(f, text))
		}
	}
	for _, name := range []string{"signer1Result", "signer2Result"} {
		f.Add(decode(f, v["signerPsbtData"][name]))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := Parse(raw)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("an error of another type: %v", err)
			}
			return
		}
		encoded := p.Bytes()
		again, err := Parse(encoded)
		if err != nil || !bytes.Equal(again.Bytes(), encoded) {
			t.Fatalf("%x\nis encoded as\n%x\nwhich is read as %v, %v", raw, encoded, again, err)
		}
		p.Analyze()
		if _, err := Combine(again, p); err != nil {
			t.Fatal(err)
		}
		p.Finalize()
		if _, err := p.Extract(); err == nil != allFinal(p) {
			t.Fatal("extracted", err)
		}
		p.DropPrevious()
	})
}

func allFinal(p *Packet) bool {
	for i := range p.In {
		if !p.In[i].Final() {
			return false
		}
	}
	return len(p.In) > 0
}
