package wallet

import (
	"testing"

	"starling/params"
	"starling/wallet/ledger"
)

// TestOrphanedReward spends a reward together with another coin. When the
// reward's block leaves the chain the payment, and what builds on it, can not
// confirm: the other coin must be free. When the block comes back, so must the
// payments, also after a restart in between.
func TestOrphanedReward(t *testing.T) {
	for _, restart := range []bool{false, true} {
		name := "at once"
		if restart {
			name = "after a restart"
		}
		t.Run(name, func(t *testing.T) {
			net := params.Regtest()
			net.CoinbaseMaturity = 2
			b := newBench(t, net)
			w := b.create(Options{Name: "alice"})
			b.mine(b.address(w, Bech32), 2) // the second one is to be orphaned
			b.burn(3)
			first := b.chain.At(2)
			b.balance(w, ledger.Balance{Trusted: 100 * coin})
			e := b.send(w, foreign, 60*coin)
			change := 40*coin - e.Fee
			next := b.send(w, foreign, 30*coin)
			change -= 30*coin + next.Fee
			b.balance(w, ledger.Balance{Trusted: change})

			b.fork(4)
			if b.chain.Contains(first) {
				t.Fatal("the reward is still there")
			}
			b.balance(w, ledger.Balance{Trusted: 50 * coin})
			for _, id := range []Entry{e, next} {
				if got, err := w.Entry(id.ID); err != nil || !got.Abandoned || got.Depth != 0 || got.InPool {
					t.Errorf("a payment of the orphaned reward: %+v, %v", got, err)
				}
			}
			if coins := w.Coins(CoinFilter{}); len(coins) != 1 || coins[0].Value != 50*coin {
				t.Errorf("coins %+v", coins)
			}
			if restart {
				b.m.Close()
				b.open()
				var err error
				if w, err = b.m.Load(t.Context(), "alice"); err != nil {
					t.Fatal(err)
				}
				b.balance(w, ledger.Balance{Trusted: 50 * coin})
			}

			if err := b.chain.Invalidate(t.Context(), b.chain.At(2)); err != nil {
				t.Fatal(err)
			}
			if err := b.chain.Reconsider(t.Context(), first); err != nil {
				t.Fatal(err)
			}
			if err := b.chain.Settle(t.Context()); err != nil {
				t.Fatal(err)
			}
			if !b.chain.Contains(first) {
				t.Fatal("the reward is not back")
			}
			b.burn(1)
			b.balance(w, ledger.Balance{Trusted: change})
			if !b.pool.Has(e.ID) || !b.pool.Has(next.ID) {
				t.Error("the payments were not handed in again")
			}
			b.burn(1)
			b.balance(w, ledger.Balance{Trusted: change})
		})
	}
}

// TestAbandonedOfOrphan gives up a payment whose reward is gone: it must stay
// given up when the reward comes back.
func TestAbandonedOfOrphan(t *testing.T) {
	net := params.Regtest()
	net.CoinbaseMaturity = 2
	b := newBench(t, net)
	w := b.create(Options{Name: "alice"})
	b.mine(b.address(w, Bech32), 1)
	first := b.chain.Tip()
	b.burn(2)
	e := b.send(w, foreign, coin)
	b.fork(3)
	b.balance(w, ledger.Balance{})
	if err := w.Abandon(e.ID); err != nil {
		t.Fatal(err)
	}
	if err := b.chain.Invalidate(t.Context(), b.chain.At(1)); err != nil {
		t.Fatal(err)
	}
	if err := b.chain.Reconsider(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if err := b.chain.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.balance(w, ledger.Balance{Trusted: 50 * coin})
}
