package policy

import (
	"starling/script"
	"starling/wire"
)

// What it costs to spend an output, in virtual bytes: outpoint, sequence
// number, length, and a signature with a key, of which a witness counts a
// quarter.
const (
	spendSize        = 32 + 4 + 1 + 107 + 4
	spendSizeWitness = 32 + 4 + 1 + 107/wire.WitnessScale + 4
)

// DustThreshold returns the least value, in satoshi, at which an output with
// the given script is worth spending: what the output and its spending cost at
// rate. It is zero for outputs that can not be spent.
func DustThreshold(pkScript []byte, rate FeeRate) int64 {
	if script.IsUnspendable(pkScript) {
		return 0
	}
	n := 8 + wire.CompactSizeLen(uint64(len(pkScript))) + len(pkScript)
	if _, _, ok := script.WitnessProgram(pkScript); ok {
		n += spendSizeWitness
	} else {
		n += spendSize
	}
	return rate.Fee(int64(n))
}

// IsDust reports whether an output is worth less than it costs to spend it.
func IsDust(out *wire.TxOut, rate FeeRate) bool {
	return out.Value < DustThreshold(out.Script, rate)
}

// HasDust reports whether any output is dust.
func HasDust(tx *wire.Tx, rate FeeRate) bool {
	for i := range tx.Out {
		if IsDust(&tx.Out[i], rate) {
			return true
		}
	}
	return false
}

// CheckEphemeral refuses dust in a transaction that pays a fee, so that nobody
// has a reason to mine it without the child that spends the dust.
func CheckEphemeral(tx *wire.Tx, rate FeeRate, fee, modified int64) *Error {
	if (fee != 0 || modified != 0) && HasDust(tx, rate) {
		return reject("dust", "tx with dust output must be 0-fee")
	}
	return nil
}

// CheckEphemeralSpends checks that tx spends all dust of its unconfirmed
// parents. parent returns one by its id, or nil if it is confirmed.
func CheckEphemeralSpends(tx *wire.Tx, rate FeeRate, parent func(txid wire.Hash) *wire.Tx) *Error {
	var dust []wire.OutPoint
	var seen []wire.Hash
	for i := range tx.In {
		id := tx.In[i].PrevOut.Hash
		if contains(seen, id) {
			continue
		}
		p := parent(id)
		if p == nil {
			continue
		}
		seen = append(seen, id)
		for j := range p.Out {
			if IsDust(&p.Out[j], rate) {
				dust = append(dust, wire.OutPoint{Hash: id, Index: uint32(j)})
			}
		}
	}
next:
	for _, op := range dust {
		for i := range tx.In {
			if tx.In[i].PrevOut == op {
				continue next
			}
		}
		return reject("missing-ephemeral-spends", "tx %v (wtxid=%v) did not spend parent's ephemeral dust", tx.TxID(), tx.WTxID())
	}
	return nil
}

// contains reports whether ids holds id. Where it is used there are few:
// parents of one transaction, which a cluster bounds.
func contains(ids []wire.Hash, id wire.Hash) bool {
	for i := len(ids) - 1; i >= 0; i-- {
		if ids[i] == id {
			return true
		}
	}
	return false
}
