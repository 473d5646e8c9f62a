package policy

import (
	"testing"

	"starling/script"
	"starling/wire"
)

// FuzzRules has all rules look at whatever parses as a transaction: none may
// panic, and some must agree with each other.
func FuzzRules(f *testing.F) {
	d := newDraft()
	f.Add(d.tx().Bytes(), p2pkh)
	d.in = []wire.TxIn{{Script: push(p2wsh), Witness: wire.NewWitness(make([]byte, 3), []byte{0x51})}}
	f.Add(d.tx().Bytes(), p2sh)
	d.in[0] = wire.TxIn{Witness: wire.NewWitness(make([]byte, 3), []byte{0x51}, append([]byte{0xc0}, make([]byte, 32)...))}
	f.Add(d.tx().Bytes(), p2tr)
	f.Add(d.tx().Bytes(), p2a)
	f.Fuzz(func(t *testing.T, raw, prev []byte) {
		tx, err := wire.ParseTx(raw)
		if err != nil {
			return
		}
		spent := make([]wire.TxOut, len(tx.In))
		for i := range spent {
			spent[i] = wire.TxOut{Value: int64(i), Script: prev}
		}
		standard := rules.CheckStandard(tx) == nil
		_ = CheckSize(tx)
		_ = CheckWitness(tx, spent)
		_ = SpendsWitness(tx, spent)
		if CheckInputs(tx, spent) == nil && len(tx.In) > 0 {
			if class, _ := script.Classify(prev); class == script.NonStandard || class == script.WitnessUnknown {
				t.Errorf("spends %v", class)
			}
		}
		if standard && (tx.Weight() > MaxStandardWeight || tx.Version < 1 || tx.Version > 3) {
			t.Error("standard, and out of bounds")
		}
		dust := 0
		for i := range tx.Out {
			if IsDust(&tx.Out[i], rules.DustFee) {
				dust++
			}
		}
		if HasDust(tx, rules.DustFee) != (dust > 0) || standard && dust > MaxDustOutputs {
			t.Errorf("%d dust outputs", dust)
		}
		_ = CheckPackage([]*wire.Tx{tx, tx})
		_, _ = CheckTRUC(tx, int64(tx.VSize()), []Parent{{Relative: Relative{tx, 1, 1}}}, func(wire.Hash) bool { return false })
		_ = CheckEphemeralSpends(tx, rules.DustFee, func(wire.Hash) *wire.Tx { return tx })
	})
}
