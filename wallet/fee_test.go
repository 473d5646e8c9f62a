package wallet

import (
	"errors"
	"strings"
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

// TestFeeSources pays where the node knows what others pay, and where it does not:
// on the main network nothing is guessed.
func TestFeeSources(t *testing.T) {
	for _, tc := range []struct {
		about    string
		network  string
		fallback int64
		estimate int64
		floor    int64
		given    int64
		rate     int64
		from     FeeSource // 0 if it is refused
	}{
		{about: "the usual fallback", network: "regtest", rate: DefaultFallbackFee, from: FeeFallback},
		{about: "a fallback of one's own", network: "regtest", fallback: 5000, rate: 5000, from: FeeFallback},
		{about: "no fallback", network: "regtest", fallback: -1},
		{about: "main", network: "main"},
		{about: "main with a fallback", network: "main", fallback: 5000, rate: 5000, from: FeeFallback},
		{about: "an estimate", network: "main", estimate: 7000, rate: 7000, from: FeeEstimated},
		{about: "a rate that was given", network: "main", given: 3000, rate: 3000, from: FeeGiven},
		{about: "a low estimate", network: "main", estimate: 1, rate: params.BitcoinMinRelayFee, from: FeeRelay},
		{about: "a full pool", network: "main", estimate: 7000, floor: 9000, rate: 9000, from: FeePool},
	} {
		t.Run(tc.about, func(t *testing.T) {
			net := params.Regtest()
			net.Name = tc.network
			b := newBench(t, net)
			b.m.Close()
			b.pool.rate, b.pool.floor = tc.estimate, tc.floor
			var err error
			b.m, err = New(Config{Chain: OverChain(b.chain), Pool: b.pool, FS: b.fs, Dir: "/wallets", Clock: b.clk, FallbackFee: tc.fallback})
			if err != nil {
				t.Fatal(err)
			}
			defer b.m.Close()
			b.pool.m = b.m
			w := b.create(Options{Name: "w"})
			b.mine(b.address(w, Bech32), 1)
			b.burn(100)
			e, err := w.Send(t.Context(), SpendOptions{
				Payments: []Payment{{Script: foreign, Amount: coin}}, Fee: FeeOptions{Rate: tc.given},
			})
			var pay *PaymentError
			if tc.from == 0 {
				if !errors.As(err, &pay) || !strings.Contains(err.Error(), "--fallback-fee") {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if least := (int64(e.Tx.VSize())*tc.rate + 999) / 1000; e.FeeFrom != tc.from || e.Fee < least || e.Fee > least+least/20+1 {
				t.Errorf("pays %d by %d, want %d by %d", e.Fee, e.FeeFrom, least, tc.from)
			}
		})
	}
}
