package walletrpc

import (
	"testing"

	"starling/wallet"
)

// TestFeeReason: what Core has a word for is called by it.
func TestFeeReason(t *testing.T) {
	for from, want := range map[wallet.FeeSource]string{
		wallet.FeeGiven: "PayTxFee set", wallet.FeeEstimated: "Estimate", wallet.FeeFallback: "Fallback fee",
		wallet.FeeRelay: "Minimum Required Fee", wallet.FeePool: "Mempool Min Fee",
	} {
		if got := feeReason(from); got != want {
			t.Errorf("%d is %q, want %q", from, got, want)
		}
	}
}
