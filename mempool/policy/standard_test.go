package policy

import (
	"bytes"
	"testing"

	"starling/script"
	"starling/wire"
)

var (
	key1  = append([]byte{2}, bytes.Repeat([]byte{7}, 32)...)
	p2pkh = script.PayToPubKeyHash([20]byte{1})
	p2sh  = script.PayToScriptHash([20]byte{1})
	p2wsh = script.PayToWitness(0, make([]byte, 32))
	p2tr  = script.PayToWitness(1, make([]byte, 32))
	p2a   = script.PayToWitness(1, []byte{0x4e, 0x73})
)

var rules = Rules{DustFee: 3000, DataCarrier: 100_000}

// draft is a transaction in the making; a test changes something about one that
// passes.
type draft struct {
	version int32
	in      []wire.TxIn
	out     []wire.TxOut
}

func newDraft() draft {
	return draft{2, []wire.TxIn{{Script: script.AppendData(nil, make([]byte, 72))}}, []wire.TxOut{{Value: 10_000, Script: p2pkh}}}
}

func (d draft) tx() *wire.Tx { return wire.NewTx(d.version, d.in, d.out, 0) }

func reasonOf(err *Error) string {
	if err == nil {
		return ""
	}
	return err.Reason
}

func repeat(b byte, n int) []byte { return bytes.Repeat([]byte{b}, n) }

func TestCheckStandard(t *testing.T) {
	manyKeys := func(need, n int) []byte {
		keys := make([][]byte, n)
		for i := range keys {
			keys[i] = key1
		}
		return script.PayToMultiSig(need, keys...)
	}
	for _, c := range []struct {
		name   string
		change func(d *draft, r *Rules)
		reason string
	}{
		{"ordinary", func(d *draft, r *Rules) {}, ""},
		{"version 0", func(d *draft, r *Rules) { d.version = 0 }, "version"},
		{"version 1", func(d *draft, r *Rules) { d.version = 1 }, ""},
		{"version 3", func(d *draft, r *Rules) { d.version = 3 }, ""},
		{"version 4", func(d *draft, r *Rules) { d.version = 4 }, "version"},
		{"negative version", func(d *draft, r *Rules) { d.version = -1 }, "version"},
		{"largest", func(d *draft, r *Rules) { fill(d, MaxStandardWeight) }, ""},
		{"too large", func(d *draft, r *Rules) { fill(d, MaxStandardWeight+4) }, "tx-size"},
		{"longest signature script", func(d *draft, r *Rules) { d.in[0].Script = repeat(0x51, 1650) }, ""},
		{"signature script too long", func(d *draft, r *Rules) { d.in[0].Script = repeat(0x51, 1651) }, "scriptsig-size"},
		{"signature script that computes", func(d *draft, r *Rules) { d.in[0].Script = []byte{0x51, 0x76} }, "scriptsig-not-pushonly"},
		{"signature script cut short", func(d *draft, r *Rules) { d.in[0].Script = []byte{0x05, 1} }, "scriptsig-not-pushonly"},
		{"unknown script", func(d *draft, r *Rules) { d.out[0].Script = []byte{0x51, 0x93} }, "scriptpubkey"},
		{"no script", func(d *draft, r *Rules) { d.out[0].Script = nil }, "scriptpubkey"},
		{"unknown witness version", func(d *draft, r *Rules) { d.out[0].Script = script.PayToWitness(16, make([]byte, 40)) }, ""},
		{"version 0 program of a strange length", func(d *draft, r *Rules) { d.out[0].Script = script.PayToWitness(0, make([]byte, 31)) }, "scriptpubkey"},
		{"anchor", func(d *draft, r *Rules) { d.out[0].Script = p2a }, ""},
		{"1 of 3 keys", func(d *draft, r *Rules) { d.out[0].Script = manyKeys(1, 3) }, ""},
		{"3 of 3 keys", func(d *draft, r *Rules) { d.out[0].Script = manyKeys(3, 3) }, ""},
		{"1 of 4 keys", func(d *draft, r *Rules) { d.out[0].Script = manyKeys(1, 4) }, "scriptpubkey"},
		{"no bare multisig", func(d *draft, r *Rules) { d.out[0].Script = manyKeys(1, 1); r.RefuseBareMultiSig = true }, "bare-multisig"},
		{"several data carriers", func(d *draft, r *Rules) {
			d.out = append(d.out, wire.TxOut{Script: script.NullDataScript(make([]byte, 1000))}, wire.TxOut{Script: script.NullDataScript(make([]byte, 90_000))})
		}, ""},
		{"data carriers up to the limit", func(d *draft, r *Rules) {
			r.DataCarrier = 20
			d.out = append(d.out, wire.TxOut{Script: script.NullDataScript(make([]byte, 8))}, wire.TxOut{Script: script.NullDataScript(make([]byte, 8))})
		}, ""},
		{"data carriers over the limit together", func(d *draft, r *Rules) {
			r.DataCarrier = 20
			d.out = append(d.out, wire.TxOut{Script: script.NullDataScript(make([]byte, 8))}, wire.TxOut{Script: script.NullDataScript(make([]byte, 9))})
		}, "datacarrier"},
		{"OP_RETURN and no push", func(d *draft, r *Rules) { d.out[0].Script = []byte{0x6a, 0x76} }, "scriptpubkey"},
		{"one dust output", func(d *draft, r *Rules) { d.out[0].Value = 545 }, ""},
		{"two dust outputs", func(d *draft, r *Rules) { d.out = []wire.TxOut{{Value: 545, Script: p2pkh}, {Script: p2pkh}} }, "dust"},
		{"not quite dust", func(d *draft, r *Rules) {
			d.out = []wire.TxOut{{Value: 546, Script: p2pkh}, {Value: 545, Script: p2pkh}}
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, r := newDraft(), rules
			c.change(&d, &r)
			if got := reasonOf(r.CheckStandard(d.tx())); got != c.reason {
				t.Errorf("%q, want %q", got, c.reason)
			}
		})
	}
}

// fill adds outputs until a draft has a weight.
func fill(d *draft, weight int) {
	d.in[0].Script = nil
	for {
		left := (weight - d.tx().Weight()) / 4
		switch {
		case left == 0:
			return
		case left >= 2*(8+1+25):
			n := left/(8+1+25) - 1
			for range max(n/2, 1) {
				d.out = append(d.out, wire.TxOut{Value: 10_000, Script: p2pkh})
			}
		default: // the signature script takes the rest, byte by byte
			d.in[0].Script = repeat(0x51, left)
		}
	}
}

func TestCheckSize(t *testing.T) {
	for _, n := range []int{0, 1, 2} {
		d := newDraft()
		d.in[0].Script = nil
		d.out[0].Script = script.NullDataScript(make([]byte, n+1))
		tx := d.tx()
		want := ""
		if tx.BaseSize() < 65 {
			want = "tx-size-small"
		}
		if got := reasonOf(CheckSize(tx)); got != want {
			t.Errorf("%d bytes: %q", tx.BaseSize(), got)
		}
	}
	d := newDraft()
	d.in[0].Script, d.out[0].Script = nil, repeat(0x51, 4)
	if tx := d.tx(); tx.BaseSize() != 64 || CheckSize(tx) == nil {
		t.Errorf("%d bytes pass", tx.BaseSize())
	}
	d.out[0].Script = repeat(0x51, 5)
	if tx := d.tx(); tx.BaseSize() != 65 || CheckSize(tx) != nil {
		t.Errorf("%d bytes do not pass", tx.BaseSize())
	}
}

func push(items ...[]byte) []byte {
	var s []byte
	for _, it := range items {
		s = script.AppendData(s, it)
	}
	return s
}

func TestCheckInputs(t *testing.T) {
	const bad = "bad-txns-nonstandard-inputs"
	sigops := func(n int) []byte { return repeat(script.OpCheckSig, n) }
	for _, c := range []struct {
		name   string
		sig    []byte
		prev   []byte
		inputs int
		reason string
	}{
		{"key hash", push(make([]byte, 72), key1), p2pkh, 1, ""},
		{"nonstandard", nil, []byte{0x51}, 1, bad},
		{"unknown witness version", nil, script.PayToWitness(2, make([]byte, 32)), 1, bad},
		{"anchor", nil, p2a, 1, ""},
		{"taproot", nil, p2tr, 1, ""},
		{"script hash", push([]byte{0x51}), p2sh, 1, ""},
		{"script hash, nothing pushed", nil, p2sh, 1, bad},
		{"script hash, a reserved opcode", []byte{0x50, 0x51}, p2sh, 1, bad},
		{"script hash, an item too long", push(make([]byte, 521)), p2sh, 1, bad},
		{"15 operations behind a script hash", push(sigops(15)), p2sh, 1, ""},
		{"16 operations behind a script hash", push(sigops(16)), p2sh, 1, bad},
		{"2,500 operations", push(sigops(10)), p2sh, 250, ""},
		{"2,510 operations", push(sigops(10)), p2sh, 251, bad},
		{"2,500 keys", push(make([]byte, 72), key1), p2pkh, 2500, ""},
		{"2,501 keys", push(make([]byte, 72), key1), p2pkh, 2501, bad},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDraft()
			d.in = nil
			var spent []wire.TxOut
			for i := range c.inputs {
				d.in = append(d.in, wire.TxIn{PrevOut: wire.OutPoint{Index: uint32(i)}, Script: c.sig})
				spent = append(spent, wire.TxOut{Script: c.prev})
			}
			if got := reasonOf(CheckInputs(d.tx(), spent)); got != c.reason {
				t.Errorf("%q, want %q", got, c.reason)
			}
		})
	}
}

func TestCheckWitness(t *testing.T) {
	items := func(n, size int, last ...[]byte) wire.Witness {
		var w [][]byte
		for range n {
			w = append(w, make([]byte, size))
		}
		return wire.NewWitness(append(w, last...)...)
	}
	tapControl := append([]byte{0xc1}, make([]byte, 32)...)
	otherControl := append([]byte{0xc2}, make([]byte, 32)...)
	wrapped := push(p2wsh)
	for _, c := range []struct {
		name    string
		witness wire.Witness
		prev    []byte
		sig     []byte
		ok      bool
	}{
		{"key hash without witness", wire.Witness{}, p2pkh, nil, true},
		{"key hash with witness", items(1, 1), p2pkh, nil, false},
		{"anchor with witness", items(1, 1), p2a, nil, false},
		{"100 items", items(100, 80, []byte{0x51}), p2wsh, nil, true},
		{"101 items", items(101, 80, []byte{0x51}), p2wsh, nil, false},
		{"an item of 81 bytes", items(1, 81, []byte{0x51}), p2wsh, nil, false},
		{"script of 3,600 bytes", items(1, 1, make([]byte, 3600)), p2wsh, nil, true},
		{"script of 3,601 bytes", items(1, 1, make([]byte, 3601)), p2wsh, nil, false},
		{"behind a script hash", items(1, 80, []byte{0x51}), p2sh, wrapped, true},
		{"behind a script hash, an item too long", items(1, 81, []byte{0x51}), p2sh, wrapped, false},
		{"behind a script hash that is no program", items(1, 1), p2sh, push([]byte{0x51}), false},
		{"behind a script hash, nothing pushed", items(1, 1), p2sh, nil, false},
		{"taproot key", items(1, 64), p2tr, nil, true},
		{"taproot key with annex", items(1, 64, []byte{0x50, 1}), p2tr, nil, false},
		{"tapscript", items(1, 80, []byte{0x51}, tapControl), p2tr, nil, true},
		{"tapscript, an item too long", items(1, 81, []byte{0x51}, tapControl), p2tr, nil, false},
		{"another leaf version, a long item", items(1, 500, []byte{0x51}, otherControl), p2tr, nil, true},
		{"empty control block", items(1, 1, []byte{0x51}, nil), p2tr, nil, false},
		{"unknown version", items(1, 1000), script.PayToWitness(2, make([]byte, 32)), nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDraft()
			d.in = []wire.TxIn{{Script: c.sig, Witness: c.witness}}
			err := CheckWitness(d.tx(), []wire.TxOut{{Script: c.prev}})
			if (err == nil) != c.ok || err != nil && err.Reason != "bad-witness-nonstandard" {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestSpendsWitness(t *testing.T) {
	for _, c := range []struct {
		name string
		prev []byte
		sig  []byte
		want bool
	}{
		{"key hash", p2pkh, nil, false},
		{"witness", p2wsh, nil, true},
		{"taproot", p2tr, nil, true},
		{"anchor", p2a, nil, false},
		{"wrapped", p2sh, push(p2wsh), true},
		{"script hash", p2sh, push([]byte{0x51}), false},
	} {
		d := newDraft()
		d.in = []wire.TxIn{{Script: c.sig}}
		if got := SpendsWitness(d.tx(), []wire.TxOut{{Script: c.prev}}); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
