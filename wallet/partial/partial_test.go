package partial

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/psbt/v2"

	"starling/params"
	"starling/script"
	"starling/script/descriptor"
	"starling/wallet/sign"
	"starling/wire"
)

func testKey(n int) *btcec.PrivateKey {
	h := sha256.Sum256(fmt.Appendf(nil, "key %d", n))
	k, _ := btcec.PrivKeyFromBytes(h[:])
	return k
}

func wif(n int) string { return descriptor.FormatWIF(testKey(n), true, params.Regtest()) }
func pub(n int) string { return fmt.Sprintf("%x", testKey(n).PubKey().SerializeCompressed()) }

// owned is an output and the keys to it.
func owned(t testing.TB, text string) (descriptor.Output, *sign.Ring) {
	t.Helper()
	d, err := descriptor.ParseOne(text, params.Regtest())
	if err != nil {
		t.Fatal(err)
	}
	outs, err := d.Expand(0)
	if err != nil {
		t.Fatal(err)
	}
	return outs[0], sign.NewRing(d.PrivateKeys(0)...)
}

// spending returns a packet that spends one output each of the scripts given,
// and the transactions that hold them.
func spending(t testing.TB, outs ...descriptor.Output) (*Packet, []*wire.Tx) {
	t.Helper()
	var prevs []*wire.Tx
	var ins []wire.TxIn
	for i, o := range outs {
		prev := wire.NewTx(2, []wire.TxIn{{PrevOut: wire.OutPoint{Index: uint32(i)}}}, []wire.TxOut{{Value: 7}, {Value: 1000, Script: o.Script}}, 0)
		prevs = append(prevs, prev)
		ins = append(ins, wire.TxIn{PrevOut: wire.OutPoint{Hash: prev.TxID(), Index: 1}})
	}
	p, err := New(wire.NewTx(2, ins, []wire.TxOut{{Value: 500, Script: script.NullDataScript(nil)}}, 0))
	if err != nil {
		t.Fatal(err)
	}
	return p, prevs
}

// TestAllKinds signs for outputs of many kinds in one packet, which travels
// between the steps.
func TestAllKinds(t *testing.T) {
	const nums = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0"
	var outs []descriptor.Output
	var rings []sign.Keys
	for _, text := range []string{
		"pkh(" + wif(1) + ")", "pk(" + wif(1) + ")", "wpkh(" + wif(2) + ")", "sh(wpkh(" + wif(3) + "))", "multi(1," + wif(1) + "," + wif(2) + ")",
		"wsh(multi(2," + wif(1) + "," + wif(2) + "))", "sh(wsh(pkh(" + wif(4) + ")))", "tr(" + wif(5) + ")", "tr(" + wif(5) + ",pk(" + wif(6) + "))",
		"rawtr(" + wif(7) + ")", "tr(" + nums + ",{pk(" + wif(1) + "),multi_a(2," + wif(2) + "," + wif(3) + "," + pub(9) + ")})",
	} {
		o, ring := owned(t, text)
		outs, rings = append(outs, o), append(rings, ring)
	}
	p, prevs := spending(t, outs...)
	again := func() {
		t.Helper()
		q, err := Parse(p.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(q.Bytes(), p.Bytes()) {
			t.Fatal("a packet changes on its way")
		}
		checkLibrary(t, p)
		p = q
	}
	if a := p.Analyze(); a.Next != Updater || a.Fee != nil {
		t.Errorf("new: %+v", a)
	}
	for i := range outs {
		if err := p.SetPrevious(i, prevs[i]); err != nil {
			t.Fatal(err)
		}
		p.DescribeInput(i, &outs[i], true)
	}
	again()
	if a := p.Analyze(); a.Next != Signer || a.Fee == nil || *a.Fee != int64(1000*len(outs)-500) || a.VSize == nil {
		t.Errorf("updated: %+v", a)
	}
	estimate := *p.Analyze().VSize
	if n, err := p.SignAll(sign.Union(rings...), nil, nil, sign.Options{}); err != nil || n < len(outs) {
		t.Fatalf("%d signatures, %v", n, err)
	}
	again()
	if !p.Finalize() {
		t.Fatalf("%+v", p.Analyze())
	}
	again()
	if !p.Complete() {
		t.Error("not complete any more")
	}
	tx, err := p.Extract()
	if err != nil {
		t.Fatal(err)
	}
	if err := script.NewVerifier(script.Options{}).Check(tx, p.allSpent(), script.StandardFlags); err != nil {
		t.Error(err)
	}
	// The last output's larger leaf was reckoned with, and the smaller used.
	const largerLeaf = 34
	if v := tx.VSize(); v > estimate || v < estimate-len(outs)-largerLeaf {
		t.Errorf("%d virtual bytes, estimated %d", v, estimate)
	}
}

// checkLibrary has btcsuite's psbt read the packet and write it again. It
// orders signatures by their public keys.
func checkLibrary(t *testing.T, p *Packet) {
	t.Helper()
	theirs, err := psbt.NewFromRawBytes(bytes.NewReader(p.Bytes()), false)
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := theirs.Serialize(&buf); err != nil {
		t.Fatal(err)
	}
	ours, err := Parse(buf.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(ours.Bytes(), p.Bytes()) {
		t.Errorf("the library makes of\n%x\nthis\n%x", p.Bytes(), buf.Bytes())
	}
}

// TestSignerRefuses has the cases of BIP174 that signers must refuse, and more.
func TestSignerRefuses(t *testing.T) {
	legacy, ring := owned(t, "pkh("+wif(1)+")")
	nested, _ := owned(t, "sh(wpkh("+wif(1)+"))")
	deep, _ := owned(t, "sh(wsh(pk("+wif(1)+")))")
	other, _ := owned(t, "sh(wsh(pk("+wif(2)+")))")
	none := uint32(script.SigHashNone)
	for _, tc := range []struct {
		name string
		out  descriptor.Output
		prep func(p *Packet, prev *wire.Tx)
		want error
	}{
		{"nothing known of the output", legacy, func(*Packet, *wire.Tx) {}, ErrNoSpent},
		{"witness output for a legacy input", legacy, func(p *Packet, _ *wire.Tx) { p.SetSpent(0, wire.TxOut{Value: 1000, Script: legacy.Script}) }, ErrNoSpent},
		{"another redeem script, whole transaction", deep, func(p *Packet, prev *wire.Tx) {
			p.In[0].Previous, p.In[0].Redeem, p.In[0].Witness = prev, other.Redeem, other.Witness
		}, sign.ErrNoRedeem},
		{"another redeem script", deep, func(p *Packet, _ *wire.Tx) {
			p.SetSpent(0, wire.TxOut{Value: 1000, Script: deep.Script})
			p.In[0].Redeem, p.In[0].Witness = other.Redeem, other.Witness
		}, sign.ErrNoRedeem},
		{"another witness script", deep, func(p *Packet, _ *wire.Tx) {
			p.SetSpent(0, wire.TxOut{Value: 1000, Script: deep.Script})
			p.In[0].Redeem, p.In[0].Witness = deep.Redeem, other.Witness
		}, sign.ErrNoWitness},
		{"two outputs that differ", nested, func(p *Packet, prev *wire.Tx) {
			p.In[0].Previous, p.In[0].Redeem = prev, nested.Redeem
			p.SetSpent(0, wire.TxOut{Value: 1001, Script: nested.Script})
		}, ErrNoSpent},
		{"another hash type", nested, func(p *Packet, prev *wire.Tx) {
			p.In[0].Previous, p.In[0].Redeem, p.In[0].HashType = prev, nested.Redeem, &none
		}, ErrHashType},
	} {
		p, prevs := spending(t, tc.out)
		tc.prep(p, prevs[0])
		before := p.Bytes()
		all := uint32(script.SigHashAll)
		n, err := p.Sign(p.Signer(sign.Options{}), 0, ring, nil, &all)
		var e *InputError
		if n != 0 || !errors.Is(err, tc.want) || !errors.As(err, &e) || e.Input != 0 {
			t.Errorf("%s: %d signatures, %v", tc.name, n, err)
		}
		if !bytes.Equal(p.Bytes(), before) {
			t.Errorf("%s: the packet was changed", tc.name)
		}
	}
}

// TestFinalizeRefuses changes a signed packet, which must not become final.
func TestFinalizeRefuses(t *testing.T) {
	o, ring := owned(t, "wsh(multi(2,"+wif(1)+","+wif(2)+"))")
	single, none := uint32(script.SigHashSingle), uint32(script.SigHashNone)
	signed := func() *Packet {
		p, prevs := spending(t, o)
		if err := p.SetPrevious(0, prevs[0]); err != nil {
			t.Fatal(err)
		}
		p.DescribeInput(0, &o, true)
		if _, err := p.SignAll(ring, nil, nil, sign.Options{}); err != nil {
			t.Fatal(err)
		}
		return p
	}
	for name, change := range map[string]func(p *Packet){
		"nothing":      nil,
		"a signature":  func(p *Packet) { delete(p.In[0].Sigs.ECDSA, string(p.In[0].Sigs.PubKeys()[0])) },
		"the amount":   func(p *Packet) { p.In[0].Previous = nil; p.In[0].Spent.Value++ },
		"the output":   func(p *Packet) { p.In[0].Previous, p.In[0].Spent = nil, nil },
		"the script":   func(p *Packet) { p.In[0].Witness = []byte{0x51} },
		"a hash type":  func(p *Packet) { p.In[0].HashType = &single },
		"a hash type2": func(p *Packet) { p.In[0].HashType = &none },
		"keys swapped": func(p *Packet) {
			k := p.In[0].Sigs.PubKeys()
			s := p.In[0].Sigs.ECDSA
			s[string(k[0])], s[string(k[1])] = s[string(k[1])], s[string(k[0])]
		},
	} {
		p := signed()
		if change != nil {
			change(p)
		}
		if got := p.Finalize(); got != (change == nil) {
			t.Errorf("%s changed: final %v", name, got)
		}
		if _, err := p.Extract(); (err == nil) != (change == nil) {
			t.Errorf("%s changed: extracted, %v", name, err)
		}
	}
}

func TestJoin(t *testing.T) {
	a, ring := owned(t, "wpkh("+wif(1)+")")
	b, _ := owned(t, "tr("+wif(2)+")")
	p, prevs := spending(t, a)
	q, _ := spending(t, b, a)
	q.Tx = wire.NewTx(3, q.Tx.In[:1], q.Tx.Out, 77)
	q.In = q.In[:1]
	q.Unknown = []Pair{{[]byte{0x77}, []byte{1}}}
	if err := p.SetPrevious(0, prevs[0]); err != nil {
		t.Fatal(err)
	}
	p.DescribeInput(0, &a, true)
	if _, err := p.SignAll(ring, nil, nil, sign.Options{}); err != nil || p.In[0].Sigs.Len() != 1 {
		t.Fatal(err)
	}
	j, err := Join(rand.Shuffle, p, q)
	if err != nil {
		t.Fatal(err)
	}
	if len(j.In) != 2 || len(j.Out) != 2 || len(j.Tx.In) != 2 || j.Tx.Version != 3 || j.Tx.LockTime != 0 || len(j.Unknown) != 1 {
		t.Errorf("%+v", j)
	}
	for i := range j.In {
		if j.In[i].Sigs.Len() != 0 || (j.In[i].Spent != nil) != (j.Tx.In[i].PrevOut == p.Tx.In[0].PrevOut) {
			t.Errorf("input %d: %+v", i, j.In[i])
		}
	}
	if p.In[0].Sigs.Len() != 1 {
		t.Error("joining took the signatures off the original")
	}
	if _, err := Join(rand.Shuffle, p, p); err == nil || !strings.Contains(err.Error(), "exists in multiple PSBTs") {
		t.Error("joined with itself:", err)
	}
	if _, err := Combine(p, q); err == nil {
		t.Error("combined two transactions")
	}
	if _, err := Combine(); err == nil {
		t.Error("combined nothing")
	}
}

// TestDropPrevious keeps previous transactions unless all inputs are taproot.
func TestDropPrevious(t *testing.T) {
	tr, _ := owned(t, "tr("+wif(1)+")")
	v0, _ := owned(t, "wpkh("+wif(1)+")")
	one := uint32(script.SigHashAll | script.SigHashAnyOneCanPay)
	for name, tc := range map[string]struct {
		outs []descriptor.Output
		hash *uint32
		drop bool
	}{
		"taproot":                  {[]descriptor.Output{tr, tr}, nil, true},
		"taproot and others":       {[]descriptor.Output{tr, v0}, nil, false},
		"taproot, anyone can pay":  {[]descriptor.Output{tr, tr}, &one, false},
		"only witnesses version 0": {[]descriptor.Output{v0}, nil, false},
	} {
		p, prevs := spending(t, tc.outs...)
		for i := range prevs {
			if err := p.SetPrevious(i, prevs[i]); err != nil {
				t.Fatal(err)
			}
			p.In[i].HashType = tc.hash
		}
		p.DropPrevious()
		if (p.In[0].Previous == nil) != tc.drop {
			t.Errorf("%s: dropped %v", name, !tc.drop)
		}
	}
	p, prevs := spending(t, tr, v0)
	if err := p.SetPrevious(0, prevs[1]); err == nil || p.In[0].Previous != nil {
		t.Error("another transaction is taken:", err)
	}
}

func TestAnalyzeInvalid(t *testing.T) {
	o, _ := owned(t, "wpkh("+wif(1)+")")
	for want, out := range map[string]wire.TxOut{
		"PSBT is not valid. Input 0 has invalid value":         {Value: maxMoney + 1, Script: o.Script},
		"PSBT is not valid. Input 0 spends unspendable output": {Value: 1, Script: script.NullDataScript(nil)},
	} {
		p, _ := spending(t, o)
		p.SetSpent(0, out)
		if a := p.Analyze(); a.Error != want || a.Next != Creator {
			t.Errorf("%+v, want %s", a, want)
		}
	}
	p, _ := spending(t, o)
	p.SetSpent(0, wire.TxOut{Value: 1000, Script: o.Script})
	if a := p.Analyze(); a.Next != Updater || len(a.Inputs[0].Missing.PubKeys) != 1 || a.VSize != nil {
		t.Errorf("without the public key: %+v", a)
	}
	sh, _ := owned(t, "sh(wsh(pk("+wif(1)+")))")
	p, _ = spending(t, sh)
	p.SetSpent(0, wire.TxOut{Value: 1000, Script: sh.Script})
	if a := p.Analyze(); a.Next != Updater || len(a.Inputs[0].Missing.Redeem) != 20 {
		t.Errorf("without the redeem script: %+v", a)
	}
	p.In[0].Redeem = sh.Redeem
	if a := p.Analyze(); a.Next != Updater || len(a.Inputs[0].Missing.Witness) != 32 {
		t.Errorf("without the witness script: %+v", a)
	}
}

// TestLongScripts keeps what is longer than one byte of length tells.
func TestLongScripts(t *testing.T) {
	o, _ := owned(t, "wpkh("+wif(1)+")")
	p, _ := spending(t, o)
	long := script.NullDataScript(make([]byte, 300))
	p.SetSpent(0, wire.TxOut{Value: 5, Script: long})
	p.In[0].Preimages = []Preimage{{SHA256, make([]byte, 32), []byte("x")}, {RIPEMD160, make([]byte, 20), nil}}
	q, err := Parse(p.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(q.In[0].Spent.Script, long) || len(q.In[0].Preimages) != 2 {
		t.Errorf("%+v", q.In[0])
	}
	// Nothing of 4 MB becomes part of a transaction.
	p.In[0].FinalWitness = [][]byte{make([]byte, wire.MaxBlockSize)}
	if q, err = Parse(p.Bytes()); err != nil {
		t.Fatal(err)
	}
	if q.Finalize() || q.Complete() {
		t.Error("final")
	}
	q.Analyze()
	if _, err := q.Extract(); err == nil {
		t.Error("extracted")
	}
}

// TestTreeEnds reads trees that fail in the middle: reading must end there, with
// an error and nothing gathered.
func TestTreeEnds(t *testing.T) {
	for name, b := range map[string][]byte{
		"empty":         {},
		"no version":    {0},
		"no script":     {0, 0xc0},
		"script cut":    {0, 0xc0, 5, 1},
		"second cut":    {1, 0xc0, 0, 1, 0xc0, 9},
		"script of 4 G": {0, 0xc0, 0xfe, 0xff, 0xff, 0xff, 0xff},
		"only depths":   {1, 1, 0, 1},
	} {
		if leaves, err := decodeTree(b); err == nil || leaves != nil {
			t.Errorf("%s: %v, %v", name, leaves, err)
		}
	}
}
