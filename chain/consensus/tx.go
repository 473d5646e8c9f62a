package consensus

import (
	"starling/wire"
)

const (
	// MinCoinbaseScript and MaxCoinbaseScript bound the signature script of a
	// coinbase, in bytes.
	MinCoinbaseScript = 2
	MaxCoinbaseScript = 100

	// fewInputs is up to how many inputs comparing each with each is cheaper
	// than a map. Nearly all transactions have fewer.
	fewInputs = 16
)

// CheckTx checks everything that can be said of a transaction alone, except
// its scripts. What it reports is permanent.
func CheckTx(tx *wire.Tx) error {
	switch {
	case len(tx.In) == 0:
		return Reject(Invalid, "bad-txns-vin-empty", "")
	case len(tx.Out) == 0:
		return Reject(Invalid, "bad-txns-vout-empty", "")
	case tx.BaseSize()*wire.WitnessScale > MaxBlockWeight:
		return Reject(Invalid, "bad-txns-oversize", "")
	}
	var total int64
	for i := range tx.Out {
		v := tx.Out[i].Value
		switch {
		case v < 0:
			return Reject(Invalid, "bad-txns-vout-negative", "")
		case v > MaxMoney:
			return Reject(Invalid, "bad-txns-vout-toolarge", "")
		}
		// Both terms are at most MaxMoney, so the sum does not overflow.
		if total += v; total > MaxMoney {
			return Reject(Invalid, "bad-txns-txouttotal-toolarge", "")
		}
	}
	// Spending one output twice in one transaction would create money
	// (CVE-2018-17144).
	if duplicateInput(tx.In) {
		return Reject(Invalid, "bad-txns-inputs-duplicate", "")
	}
	if tx.IsCoinbase() {
		if n := len(tx.In[0].Script); n < MinCoinbaseScript || n > MaxCoinbaseScript {
			return Reject(Invalid, "bad-cb-length", "")
		}
		return nil
	}
	for i := range tx.In {
		if tx.In[i].PrevOut.IsNull() {
			return Reject(Invalid, "bad-txns-prevout-null", "")
		}
	}
	return nil
}

// duplicateInput reports whether two inputs spend the same output.
func duplicateInput(in []wire.TxIn) bool {
	if len(in) <= fewInputs {
		for i := range in {
			for j := range i {
				if in[i].PrevOut == in[j].PrevOut {
					return true
				}
			}
		}
		return false
	}
	seen := make(map[wire.OutPoint]struct{}, len(in))
	for i := range in {
		seen[in[i].PrevOut] = struct{}{}
	}
	return len(seen) != len(in)
}
