package mempool

import (
	"bytes"
	"crypto/sha256"
	"testing"

	"starling/script"
	"starling/wire"
)

// TestReasons has the pool refuse a transaction for each reason that needs no
// other in the pool, and by the kind that tells a node what to remember.
func TestReasons(t *testing.T) {
	w := newWorld(t, 60, nil)
	young, youngValue := w.tip.Coinbase()
	p2wsh := script.PayToWitness(0, sum256(redeem))
	var funding *wire.Tx
	{ // outputs of other forms to spend
		c := w.coin()
		funding = spec{from: []coin{c}, extra: []wire.TxOut{
			{Value: 10_000, Script: p2wsh},
			{Value: 10_000, Script: []byte{0x51}},
			{Value: 10_000, Script: script.PayToWitness(1, []byte{0x4e, 0x73})},
			{Value: 10_000, Script: script.PayToScriptHash(hash160(p2wsh))},
			{Value: 10_000, Script: script.PayToScriptHash(hash160(bytes.Repeat([]byte{script.OpCheckSig}, 16)))},
			{Value: 10_000, Script: script.PayToPubKeyHash([20]byte{})},
		}}.tx()
		w.mine(funding)
	}
	spend := func(i int, sig []byte, wit wire.Witness) *wire.Tx {
		return wire.NewTx(2, []wire.TxIn{{PrevOut: out(funding, i).op, Sequence: wire.SequenceFinal, Script: sig, Witness: wit}},
			[]wire.TxOut{{Value: 9_000, Script: anyone}}, 0)
	}
	raw := func(c coin, out ...wire.TxOut) *wire.Tx {
		return wire.NewTx(2, []wire.TxIn{{PrevOut: c.op, Sequence: wire.SequenceFinal - 1, Script: script.AppendData(nil, redeem)}}, out, 0)
	}
	to := func(v int64) wire.TxOut { return wire.TxOut{Value: v, Script: anyone} }
	base := w.tip.Height

	for _, c := range []struct {
		name   string
		tx     *wire.Tx
		kind   Kind
		reason string
	}{
		{"no outputs", raw(w.coin()), Consensus, "bad-txns-vout-empty"},
		{"negative output", raw(w.coin(), to(-1)), Consensus, "bad-txns-vout-negative"},
		{"output above all money", raw(w.coin(), to(21e14+1)), Consensus, "bad-txns-vout-toolarge"},
		{"the same input twice", func() *wire.Tx { c := w.coin(); return spec{from: []coin{c, c}}.tx() }(), Consensus, "bad-txns-inputs-duplicate"},
		{"coinbase", &w.tip.Txs[0], Consensus, "coinbase"},
		{"spends more than it has", spec{from: []coin{w.coin()}, fee: -1}.tx(), Consensus, "bad-txns-in-belowout"},
		{"version", spec{version: 4, from: []coin{w.coin()}, fee: 1000}.tx(), NotStandard, "version"},
		{"too large", spec{from: []coin{w.coin()}, fee: 1000, pad: 100_000}.tx(), NotStandard, "tx-size"},
		{"too small", wire.NewTx(2, []wire.TxIn{{PrevOut: w.coin().op}}, []wire.TxOut{{Script: script.NullDataScript(nil)}}, 0), NotStandard, "tx-size-small"},
		{"strange output", raw(w.coin(), wire.TxOut{Value: 5000, Script: []byte{0x51}}), NotStandard, "scriptpubkey"},
		{"dust with a fee", raw(w.coin(), to(539)), NotStandard, "dust"},
		{"locked to a height", spec{from: []coin{w.coin()}, fee: 1000, lock: uint32(base) + 1}.tx(), Premature, "non-final"},
		{"locked to a time", spec{from: []coin{w.coin()}, fee: 1000, lock: w.tip.Header.Timestamp}.tx(), Premature, "non-final"},
		{"locked for blocks", spec{from: []coin{w.coin()}, fee: 1000, sequence: 200}.tx(), Premature, "non-BIP68-final"},
		{"locked for some time", spec{from: []coin{w.coin()}, fee: 1000, sequence: 1<<22 | 100}.tx(), Premature, "non-BIP68-final"},
		{"young coinbase", spec{from: []coin{{young, youngValue}}, fee: 1000}.tx(), Premature, "bad-txns-premature-spend-of-coinbase"},
		{"spends a strange output", spend(2, nil, wire.Witness{}), InputsNotStandard, "bad-txns-nonstandard-inputs"},
		{"16 operations behind a script hash", spend(5, push(bytes.Repeat([]byte{script.OpCheckSig}, 16)), wire.Witness{}), InputsNotStandard, "bad-txns-nonstandard-inputs"},
		{"witness for an anchor", spend(3, nil, wire.NewWitness([]byte{1})), WitnessMutated, "bad-witness-nonstandard"},
		{"witness script with a long item", spend(1, nil, wire.NewWitness(make([]byte, 81), redeem)), WitnessMutated, "bad-witness-nonstandard"},
		{"witness left out", spend(1, nil, wire.Witness{}), WitnessStripped, "mempool-script-verify-flag-failed (Witness program was passed an empty witness)"},
		{"witness left out behind a script hash", spend(4, push(p2wsh), wire.Witness{}), WitnessStripped, "mempool-script-verify-flag-failed (Witness program was passed an empty witness)"},
		{"wrong witness script", spend(1, nil, wire.NewWitness([]byte{0x52})), NotStandard, "mempool-script-verify-flag-failed (Witness program hash mismatch)"},
		{"no signature", spend(6, push([]byte{0xaa}, []byte{0xbb}), wire.Witness{}), NotStandard, "mempool-script-verify-flag-failed (Script failed an OP_EQUALVERIFY operation)"},
		{"pays too little", spec{from: []coin{w.coin()}, fee: 8}.tx(), Reconsiderable, "min relay fee not met"},
		{"pays nothing", spec{from: []coin{w.coin()}}.tx(), Reconsiderable, "min relay fee not met"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := *w
			w.t = t
			rej := w.refuse(c.tx, c.kind, c.reason)
			if c.kind == Reconsiderable && (len(rej.Rated) != 1 || rej.Rated[0] != c.tx.WTxID()) {
				t.Errorf("rated %v", rej.Rated)
			}
			// Testing says the same as adding.
			r, err := w.pool.Test(t.Context(), []*wire.Tx{c.tx}, 0)
			if err != nil || r[0].Err == nil || r[0].Err.Reason != c.reason {
				t.Errorf("test: %+v, %v", r, err)
			}
		})
	}
	for _, c := range []struct {
		name string
		tx   *wire.Tx
	}{
		{"fee at the minimum", spec{from: []coin{w.coin()}, fee: 9}.tx()},
		{"locked to the height before", spec{from: []coin{w.coin()}, fee: 1000, lock: uint32(base)}.tx()},
		{"locked, with final inputs", spec{from: []coin{w.coin()}, fee: 1000, lock: 1 << 30, sequence: wire.SequenceFinal}.tx()},
		{"locked for two blocks", spec{from: []coin{w.coin()}, fee: 1000, sequence: 2}.tx()},
		{"anchor", spend(3, nil, wire.Witness{})},
		{"witness script", spend(1, nil, wire.NewWitness(redeem))},
		{"wrapped witness script", spend(4, push(p2wsh), wire.NewWitness(redeem))},
		{"version 1", spec{version: 1, from: []coin{w.coin()}, fee: 1000}.tx()},
		{"version 3", spec{version: 3, from: []coin{w.coin()}, fee: 1000}.tx()},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := *w
			w.t = t
			w.add(c.tx)
		})
	}
	w.check()
}

func sum256(b []byte) []byte {
	s := sha256.Sum256(b)
	return s[:]
}

func push(items ...[]byte) []byte {
	var s []byte
	for _, it := range items {
		s = script.AppendData(s, it)
	}
	return s
}

func TestNonStandardAllowed(t *testing.T) {
	w := newWorld(t, 2, func(c *Config) { c.RequireStandard = false })
	c := w.coin()
	tx := spec{from: []coin{c}, fee: 1000, extra: []wire.TxOut{{Value: 10, Script: []byte{0x51}}}}.tx()
	w.add(tx)
	w.add(wire.NewTx(7, []wire.TxIn{{PrevOut: out(tx, 1).op}, {PrevOut: w.coin().op, Script: push(redeem)}}, []wire.TxOut{{Value: 900_000, Script: []byte{0x52, 0x53}}}, 0))
	if w.pool.Len() != 2 {
		t.Error("not taken")
	}
	w.check()
}

func TestSameTransactionOtherWitness(t *testing.T) {
	w := newWorld(t, 1, nil)
	pay := spec{from: []coin{w.coin()}, extra: []wire.TxOut{{Value: 10_000, Script: script.PayToWitness(0, sum256([]byte{0x75, 0x51}))}}}.tx()
	w.mine(pay)
	spend := func(item byte) *wire.Tx {
		return wire.NewTx(2, []wire.TxIn{{PrevOut: out(pay, 1).op, Witness: wire.NewWitness([]byte{item}, []byte{0x75, 0x51})}},
			[]wire.TxOut{{Value: 9_000, Script: anyone}}, 0)
	}
	w.add(spend(1))
	w.refuse(spend(2), Conflict, "txn-same-nonwitness-data-in-mempool")
	w.refuse(spend(1), Known, "txn-already-in-mempool")
	if e := w.pool.GetByWTxID(spend(1).WTxID()); e == nil || w.pool.GetByWTxID(spend(2).WTxID()) != nil {
		t.Error("found by the wrong wtxid")
	}
}

func TestMaxFeeRate(t *testing.T) {
	w := newWorld(t, 3, nil)
	tx := w.pay(100_000)
	_, err := w.pool.Add(t.Context(), tx, AddOptions{MaxFeeRate: 10_000})
	if rej, ok := err.(*Rejection); !ok || rej.Reason != "max feerate exceeded" {
		t.Errorf("%v", err)
	}
	other := w.pay(100)
	r, err := w.pool.Test(t.Context(), []*wire.Tx{tx}, 10_000)
	if err != nil || r[0].Err == nil || r[0].Err.Reason != "max-fee-exceeded" {
		t.Errorf("%+v %v", r, err)
	}
	r, err = w.pool.Test(t.Context(), []*wire.Tx{other, tx, w.pay(50), spec{from: []coin{out(tx, 0)}, fee: 50}.tx()}, 10_000)
	if err != nil || r[0].Err != nil || r[1].Err == nil || r[1].Err.Reason != "max-fee-exceeded" || r[2].Err != nil || r[2].Fee != 50 ||
		r[3].Err == nil || r[3].Err.Reason != noInputs {
		t.Errorf("%+v %v", r, err)
	}
	w.add(tx)
}

func TestTooManySigOps(t *testing.T) {
	w := newWorld(t, 2, func(c *Config) { c.RequireStandard = false })
	// 201 CHECKMULTISIG of up to 20 keys each count as 4 units a key.
	heavy := wire.TxOut{Value: 5000, Script: bytes.Repeat([]byte{script.OpCheckMultiSig}, 201)}
	w.refuse(spec{from: []coin{w.coin()}, fee: 100_000, extra: []wire.TxOut{heavy}}.tx(), NotStandard, "bad-txns-too-many-sigops")
	heavy.Script = heavy.Script[:100] // cost 8,000: as large as 40,000 virtual bytes
	tx := spec{from: []coin{w.coin()}, fee: 100_000, extra: []wire.TxOut{heavy}}.tx()
	if e := w.add(tx).Entry; e.VSize != 40_000 || e.Weight != int64(tx.Weight()) || e.SigOps != 8000 {
		t.Errorf("size %d, weight %d, operations %d", e.VSize, e.Weight, e.SigOps)
	}
	w.check()
}
