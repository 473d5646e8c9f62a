package wallet

import (
	"testing"

	"starling/params"
)

// TestFeeOfWholeBytes makes sure that a payment at the lowest rate that nodes
// take pays for its size as they count it, in whole virtual bytes.
func TestFeeOfWholeBytes(t *testing.T) {
	b := newBench(t, params.Regtest())
	w := b.create(Options{Name: "payer"})
	to := b.address(w, Bech32)
	b.mine(to, 3)
	b.burn(100)
	if err := w.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, rate := range []int64{1000, 5000, 7777, 100_000} {
		e, err := w.Send(t.Context(), SpendOptions{
			Payments: []Payment{{Script: to, Amount: 1 * coin}}, Fee: FeeOptions{Rate: rate},
		})
		if err != nil {
			t.Fatal(err)
		}
		if least := (int64(e.Tx.VSize())*rate + 999) / 1000; e.Fee < least {
			t.Errorf("rate %d: fee %d of %d bytes, want at least %d", rate, e.Fee, e.Tx.VSize(), least)
		}
		b.burn(1)
		if err := w.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
