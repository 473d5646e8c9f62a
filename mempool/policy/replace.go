package policy

import "starling/wire"

// MaxReplacedClusters is in how many clusters a replacement may conflict, so
// that looking into one takes bounded time.
const MaxReplacedClusters = 100

// PaysForReplacement checks that a replacement, of one or more transactions,
// pays no less than all that leaves for it, and for its own relay on top. Fees
// are modified ones; tx is named in the error.
func PaysForReplacement(original, replacement, vsize int64, incremental FeeRate, tx *wire.Tx) *Error {
	const reason = "insufficient fee"
	if replacement < original {
		return reject(reason, "rejecting replacement %v, less fees than conflicting txs; %s < %s", tx.TxID(), money(replacement), money(original))
	}
	if extra := replacement - original; extra < incremental.Fee(vsize) {
		return reject(reason, "rejecting replacement %v, not enough additional fees to relay; %s < %s", tx.TxID(), money(extra), money(incremental.Fee(vsize)))
	}
	return nil
}
