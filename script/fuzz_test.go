package script

import (
	"bytes"
	"testing"

	"github.com/btcsuite/btcd/txscript/v2"
	btcwire "github.com/btcsuite/btcd/wire/v2"

	"starling/wire"
)

// FuzzScript feeds any bytes to what reads scripts, and holds the counts and
// forms against another implementation where there is one.
func FuzzScript(f *testing.F) {
	f.Add([]byte{})
	f.Add(PayToPubKeyHash([20]byte{1}))
	f.Add(PayToMultiSig(1, unhex(f, testPub33), unhex(f, testPub65)))
	f.Add([]byte{OpPushData4, 0xff, 0xff, 0xff, 0xff, 1})
	f.Add([]byte{Op1, 2, 0x4e, 0x73})
	f.Add(append([]byte{71}, append(unhex(f, testSig), 1)...))
	f.Fuzz(func(t *testing.T, script []byte) {
		text := Asm(script)
		if bad := bytes.HasSuffix([]byte(text), []byte("[error]")); bad == parses(script) {
			t.Errorf("text %q, parses %v", text, parses(script))
		}
		AsmSig(script)
		if got, want := SigOps(script, false), txscript.GetSigOpCount(script); got != want {
			t.Errorf("%d signature operations, want %d", got, want)
		}
		if got, want := SigOps(script, true), txscript.GetPreciseSigOpCount(nil, script, true); got != want && !isScriptHash(script) {
			t.Errorf("%d signature operations, accurately, want %d", got, want)
		}
		class, parts := Classify(script)
		if (class == WitnessUnknown || class == Anchor || class == WitnessV0KeyHash || class == WitnessV0ScriptHash ||
			class == WitnessV1Taproot) && !txscript.IsWitnessProgram(script) {
			t.Errorf("%s is no witness program", class)
		}
		for _, p := range parts {
			if len(p) > len(script) {
				t.Errorf("a part of %d bytes in a script of %d", len(p), len(script))
			}
		}
		if kept := withoutSeparators(script); parses(script) && parses(kept) {
			tk := tokens{script: kept}
			for tk.next() {
				if tk.op == OpCodeSeparator {
					t.Error("a separator is left")
				}
			}
		}
	})
}

func parses(script []byte) bool {
	t := tokens{script: script}
	for t.next() {
	}
	return !t.bad
}

// FuzzInput runs any scripts and witness with any flags. Nothing may panic,
// and what passes directly must pass the interpreter, as its own library
// calls it.
func FuzzInput(f *testing.F) {
	for _, kind := range spendKinds {
		s := newSpend(f, kind, 1, txscript.SigHashAll)
		w := s.tx.In[0].Witness.Append(nil)
		f.Add(s.tx.In[0].Script, s.spent[0].Script, w, uint32(MandatoryFlags), s.spent[0].Value)
		f.Add(s.tx.In[0].Script, s.spent[0].Script, w, uint32(StandardFlags), s.spent[0].Value)
	}
	// All seeds sign the same transaction.
	base := newSpend(f, "p2wpkh", 1, txscript.SigHashAll)
	v := NewVerifier(Options{})
	f.Fuzz(func(t *testing.T, sig, out, witness []byte, bits uint32, value int64) {
		if len(sig) > 20_000 || len(out) > 20_000 || len(witness) > 20_000 {
			return
		}
		cur := wire.NewCursor(witness, "witness")
		var items [][]byte
		for range cur.Count(len(witness), 1) {
			items = append(items, cur.VarBytes(len(witness)))
		}
		if cur.Err() != nil {
			return
		}
		flags := Flags(bits) & allFlags
		if flags&Witness != 0 {
			flags |= P2SH // what neither Core nor the interpreter defines without
		}
		in := base.tx.In[0]
		in.Script, in.Witness = sig, wire.NewWitness(items...)
		tx := wire.NewTx(2, []wire.TxIn{in}, base.tx.Out, 17)
		spent := []wire.TxOut{{Value: value, Script: out}}
		c := v.Tx(tx, spent, flags)
		err := c.Input(0)

		var msg btcwire.MsgTx
		if e := msg.Deserialize(bytes.NewReader(tx.Bytes())); e != nil {
			t.Fatal(e)
		}
		fetch := txscript.NewCannedPrevOutputFetcher(out, value)
		vm, want := txscript.NewEngine(out, &msg, 0, engineFlags(flags), nil, txscript.NewTxSigHashes(&msg, fetch), value, fetch)
		if want == nil {
			want = vm.Execute()
		}
		if (err == nil) != (want == nil) {
			t.Errorf("got %v, the interpreter says %v", err, want)
		}
	})
}
