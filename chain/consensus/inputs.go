package consensus

import "starling/wire"

// Spent is what the rules about amounts need to know of an output that an
// input spends.
type Spent struct {
	Value    int64 // in satoshi
	Height   int32 // of the block that made the output
	Coinbase bool  // whether a coinbase made it
}

// CheckInputs checks the amounts of a transaction, other than a coinbase, in
// a block at the given height, and returns its fee in satoshi. spent(i) tells
// what input i spends; the caller has made sure that it exists and is unspent.
// maturity is how many blocks deep a coinbase must be.
//
// All that it reports is permanent for a block at this height, while a
// transaction that spends a coinbase too early
// ("bad-txns-premature-spend-of-coinbase") may go into a later one.
func CheckInputs(tx *wire.Tx, spent func(i int) Spent, height, maturity int32) (fee int64, err error) {
	var in int64
	for i := range tx.In {
		s := spent(i)
		if depth := height - s.Height; s.Coinbase && depth < maturity {
			return 0, Reject(Invalid, "bad-txns-premature-spend-of-coinbase", "tried to spend coinbase at depth %d", depth)
		}
		// Each term is checked before it is added, so the sum stays below
		// twice MaxMoney.
		if !ValidMoney(s.Value) || !ValidMoney(in+s.Value) {
			return 0, Reject(Invalid, "bad-txns-inputvalues-outofrange", "")
		}
		in += s.Value
	}
	// CheckTx has bounded the sum of the outputs.
	out := OutputValue(tx)
	if in < out {
		return 0, Reject(Invalid, "bad-txns-in-belowout", "value in (%s) < value out (%s)", formatMoney(in), formatMoney(out))
	}
	fee = in - out
	if !ValidMoney(fee) {
		return 0, Reject(Invalid, "bad-txns-fee-outofrange", "")
	}
	return fee, nil
}

// OutputValue returns the sum of a transaction's outputs in satoshi. It is
// meaningful once [CheckTx] has passed.
func OutputValue(tx *wire.Tx) int64 {
	var sum int64
	for i := range tx.Out {
		sum += tx.Out[i].Value
	}
	return sum
}
