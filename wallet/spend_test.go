package wallet

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"starling/chain/chaintest"
	"starling/wallet/ledger"
	"starling/wire"
)

// TestRefused has the node refuse a payment: it is forgotten, and its coins
// can be spent.
func TestRefused(t *testing.T) {
	b, w := funded(t, 1)
	b.pool.fail = errors.New("min relay fee not met")
	_, err := w.Send(t.Context(), SpendOptions{Payments: []Payment{{Script: foreign, Amount: coin}}})
	var refused *RejectedError
	if !errors.As(err, &refused) || !errors.Is(err, b.pool.fail) {
		t.Fatalf("%v", err)
	}
	b.pool.fail = nil
	b.balance(w, ledger.Balance{Trusted: 50 * coin})
	if len(w.History()) != 1 {
		t.Error("the payment is remembered")
	}
	b.m.Close()
	b.open()
	if w, err = b.m.Load(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	b.balance(w, ledger.Balance{Trusted: 50 * coin})
	b.send(w, foreign, 49*coin)
}

func TestAbandon(t *testing.T) {
	b, w := funded(t, 1)
	e := b.send(w, foreign, 10*coin)
	if err := w.Abandon(e.ID); err == nil {
		t.Error("gave up what the node has")
	}
	b.pool.mu.Lock()
	b.pool.drop(b.pool.txs[0])
	b.pool.fail = errors.New("full")
	b.pool.mu.Unlock()
	b.balance(w, ledger.Balance{})
	if err := w.Abandon(e.ID); err != nil {
		t.Fatal(err)
	}
	b.balance(w, ledger.Balance{Trusted: 50 * coin})
	if err := w.Abandon(wire.Hash{1}); !errors.Is(err, ErrUnknownTx) {
		t.Errorf("%v", err)
	}
	// It is not handed in again, but counts if it gets into a block all the
	// same.
	b.pool.fail = nil
	b.burn(1)
	b.balance(w, ledger.Balance{Trusted: 50 * coin})
	if b.pool.Has(e.ID) {
		t.Error("handed in again")
	}
	if _, err := b.miner.Block(t.Context(), chaintest.AnyoneCanSpend, []*wire.Tx{e.Tx}, true, 1<<20); err != nil {
		t.Fatal(err)
	}
	b.balance(w, ledger.Balance{Trusted: 40*coin - e.Fee})
}

func TestBump(t *testing.T) {
	b, w := funded(t, 1)
	first := b.send(w, foreign, 10*coin)
	second, r, err := w.Bump(t.Context(), first.ID, BumpOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if r.OldFee != first.Fee || second.Fee != r.Fee || second.Fee < first.Fee+5*140 {
		t.Errorf("fee %d, before %d", second.Fee, first.Fee)
	}
	if second.Replaces != first.ID {
		t.Error("it does not say what it replaces")
	}
	b.balance(w, ledger.Balance{Trusted: 40*coin - second.Fee})
	if _, _, err := w.Bump(t.Context(), first.ID, BumpOptions{}); err == nil || !strings.Contains(err.Error(), "already bumped") {
		t.Errorf("twice: %v", err)
	}
	if _, _, err := w.Bump(t.Context(), second.ID, BumpOptions{Fee: FeeOptions{Rate: 1000}}); err == nil {
		t.Error("lowered the fee")
	}
	third, _, err := w.Bump(t.Context(), second.ID, BumpOptions{Fee: FeeOptions{Rate: 50_000}})
	if err != nil {
		t.Fatal(err)
	}
	b.balance(w, ledger.Balance{Trusted: 40*coin - third.Fee})
	b.burn(1)
	b.balance(w, ledger.Balance{Trusted: 40*coin - third.Fee})
	if e, _ := w.Entry(first.ID); e.Depth != -1 {
		t.Errorf("the first one is at %d", e.Depth)
	}
	if _, _, err := w.Bump(t.Context(), third.ID, BumpOptions{}); err == nil {
		t.Error("replaced what is in a block")
	}
	// A payment of all bears the higher fee itself.
	all, err := w.Send(t.Context(), SpendOptions{Payments: []Payment{{Script: foreign, Rest: true}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.Bump(t.Context(), all.ID, BumpOptions{}); err == nil {
		t.Error("there was nothing to pay a higher fee with")
	}
}

func TestSpendOptions(t *testing.T) {
	b, w := funded(t, 3)
	try := func(o SpendOptions) (*Draft, error) {
		t.Helper()
		return w.Fund(t.Context(), o)
	}
	fund := func(o SpendOptions) *Draft {
		t.Helper()
		d, err := try(o)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	sum := func(d *Draft) (n int64) {
		for _, o := range d.Tx.Out {
			n += o.Value
		}
		return n
	}
	d := fund(SpendOptions{Payments: []Payment{{Script: foreign, Amount: 10 * coin, SubtractFee: true}}})
	if got := sum(d); got != 50*coin-d.Fee {
		t.Errorf("outputs are %d with a fee of %d", got, d.Fee)
	}
	for i, o := range d.Tx.Out {
		if i != d.Change && o.Value != 10*coin-d.Fee {
			t.Errorf("pays %d with a fee of %d", o.Value, d.Fee)
		}
	}
	d = fund(SpendOptions{Payments: []Payment{{Script: foreign, Rest: true}}, Fee: FeeOptions{Rate: 10_000}})
	if d.Change >= 0 || len(d.Tx.In) != 3 || sum(d) != 150*coin-d.Fee {
		t.Errorf("%d inputs, change %d, sum %d", len(d.Tx.In), d.Change, sum(d))
	}
	// 3 × 67.75 + 31 + 10.5 make 245 whole virtual bytes, at 10 sat each.
	if d.Fee != 2450 {
		t.Errorf("fee %d", d.Fee)
	}
	coins := w.Coins(CoinFilter{})
	d = fund(SpendOptions{
		Payments: []Payment{{Script: foreign, Amount: coin}}, Inputs: []Input{{OutPoint: coins[2].OutPoint}}, OnlyInputs: true,
		NoReplace: true, ChangeAt: new(int),
	})
	if len(d.Tx.In) != 1 || d.Tx.In[0].PrevOut != coins[2].OutPoint || d.Tx.In[0].Sequence != sequenceNoReplace || d.Change != 0 {
		t.Errorf("%+v", d)
	}
	if err := w.Freeze(coins[0].OutPoint, true); err != nil {
		t.Fatal(err)
	}
	var funds *FundsError
	if _, err := try(SpendOptions{Payments: []Payment{{Script: foreign, Amount: 101 * coin}}}); !errors.As(err, &funds) || funds.Have != 100*coin {
		t.Errorf("%v", err)
	}
	b.m.Close()
	b.open()
	var err error
	if w, err = b.m.Load(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	if got := w.Frozen(); len(got) != 1 || got[0] != coins[0].OutPoint {
		t.Errorf("frozen: %v", got)
	}
	if err := w.Thaw(coins[0].OutPoint); err != nil {
		t.Fatal(err)
	}
	fund(SpendOptions{Payments: []Payment{{Script: foreign, Amount: 101 * coin}}})

	for name, o := range map[string]SpendOptions{
		"nobody":   {},
		"dust":     {Payments: []Payment{{Script: foreign, Amount: 293}}},
		"negative": {Payments: []Payment{{Script: foreign, Amount: -1}}},
		"too much": {Payments: []Payment{{Script: foreign, Amount: 21_000_001 * coin}}},
		"low rate": {Payments: []Payment{{Script: foreign, Amount: coin}}, Fee: FeeOptions{Rate: 99}},
		"mad rate": {Payments: []Payment{{Script: foreign, Amount: coin}}, Fee: FeeOptions{Rate: 200_000_000}},
		"mad fee":  {Payments: []Payment{{Script: foreign, Amount: coin}}, Fee: FeeOptions{Rate: 90_000_000}},
		"unknown":  {Payments: []Payment{{Script: foreign, Amount: coin}}, Inputs: []Input{{OutPoint: wire.OutPoint{Index: 3}}}},
		"twice":    {Payments: []Payment{{Script: foreign, Amount: coin}}, Inputs: []Input{{OutPoint: coins[0].OutPoint}, {OutPoint: coins[0].OutPoint}}},
		"fee":      {Payments: []Payment{{Script: foreign, Amount: 294, SubtractFee: true}}},
	} {
		var p *PaymentError
		if _, err := try(o); !errors.As(err, &p) || strings.Contains(p.Reason, "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNoDustChange pays so much that the change would be dust: it goes to the
// fee.
func TestNoDustChange(t *testing.T) {
	b, w := funded(t, 1)
	d, err := w.Fund(t.Context(), SpendOptions{Payments: []Payment{{Script: foreign, Amount: 50*coin - 500}}})
	if err != nil {
		t.Fatal(err)
	}
	if d.Change >= 0 || d.Fee != 500 {
		t.Errorf("change %d, fee %d", d.Change, d.Fee)
	}
	_ = b
}

// TestResendAfterParent has the pool forget a payment and the unconfirmed
// coins that it builds on. The wallet that made it knows of the last of them
// only and can not hand it in; when the other wallet has handed in its own,
// the payment must follow.
func TestResendAfterParent(t *testing.T) {
	b, alice := funded(t, 1)
	bob := b.create(Options{Name: "bob"})
	first := b.send(alice, foreign, 10*coin)
	second := b.send(alice, b.address(bob, Bech32), 10*coin)
	b.balance(bob, ledger.Balance{Pending: 10 * coin})
	o := SpendOptions{Payments: []Payment{{Script: foreign, Amount: coin}}}
	o.Filter.Unsafe = true
	third, err := bob.Send(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	b.pool.mu.Lock()
	for len(b.pool.txs) > 0 {
		b.pool.drop(b.pool.txs[0])
	}
	b.pool.mu.Unlock()
	// A block that holds none of them.
	if _, err := b.miner.Block(t.Context(), chaintest.AnyoneCanSpend, nil, true, 1<<20); err != nil {
		t.Fatal(err)
	}
	b.balance(bob, ledger.Balance{})
	if b.pool.Has(third.ID) {
		t.Fatal("it is in the pool without what it spends")
	}
	b.balance(alice, ledger.Balance{Trusted: 30*coin - first.Fee - second.Fee})
	b.balance(bob, ledger.Balance{Pending: 9*coin - third.Fee})
	if !b.pool.Has(third.ID) {
		t.Error("not handed in again")
	}
}

// TestPayerReplaces has somebody replace a payment that the wallet has spent
// on, together with a coin of its own: that coin must be free again, and only
// until the replacement is gone.
func TestPayerReplaces(t *testing.T) {
	for name, payments := range map[string]func(*bench, *Wallet) []Payment{
		"with the same outputs":       func(*bench, *Wallet) []Payment { return nil },
		"with nothing for the wallet": func(*bench, *Wallet) []Payment { return []Payment{{Script: foreign, Amount: 10 * coin}} },
		"with another output for it": func(b *bench, w *Wallet) []Payment {
			return []Payment{{Script: b.address(w, Legacy), Amount: 10 * coin}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, alice := funded(t, 1)
			bob := b.create(Options{Name: "bob"})
			b.send(alice, b.address(bob, Bech32), coin)
			b.burn(1)
			b.balance(bob, ledger.Balance{Trusted: coin})
			first := b.send(alice, b.address(bob, Bech32), 10*coin)
			o := SpendOptions{Payments: []Payment{{Script: foreign, Amount: 11 * coin, SubtractFee: true}}}
			o.Filter.Unsafe = true
			second, err := bob.Send(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			b.balance(bob, ledger.Balance{})
			if _, err := bob.Send(t.Context(), SpendOptions{Payments: []Payment{{Script: foreign, Amount: 1000}}}); err == nil {
				t.Fatal("spent a coin twice")
			}
			replaced, _, err := alice.Bump(t.Context(), first.ID, BumpOptions{Payments: payments(b, bob)})
			if err != nil {
				t.Fatal(err)
			}
			want := ledger.Balance{Trusted: coin, Pending: 10 * coin}
			if name == "with nothing for the wallet" {
				want.Pending = 0
			}
			b.balance(bob, want)
			if b.pool.Has(second.ID) {
				t.Fatal("the pool holds what can not confirm")
			}
			if got, err := bob.Entry(second.ID); err != nil || !slices.Equal(got.PoolConflicts, []wire.Hash{replaced.ID}) {
				t.Errorf("conflicts in the pool: %v, %v", got.PoolConflicts, err)
			}
			// The pool forgets the replacement. Who knows of it hands it in
			// again; otherwise the first payment may confirm after all, and
			// so may what was built on it.
			b.pool.mu.Lock()
			b.pool.drop(b.pool.txs[0])
			b.pool.mu.Unlock()
			if b.pool.Has(replaced.ID) {
				t.Fatal("not dropped")
			}
			if name == "with nothing for the wallet" {
				want = ledger.Balance{}
			}
			b.balance(bob, want)
		})
	}
}

// TestResendAfterRival has the pool forget all that is in it. What comes back
// first is a payment that a replacement had made void, and it keeps out the one
// made instead of it; when the replacement is back, that one must follow.
func TestResendAfterRival(t *testing.T) {
	b, alice := funded(t, 1)
	bob := b.create(Options{Name: "bob"})
	b.send(alice, b.address(bob, Bech32), coin)
	b.burn(1)
	first := b.send(alice, b.address(bob, Bech32), 10*coin)
	b.balance(bob, ledger.Balance{Trusted: coin, Pending: 10 * coin})
	o := SpendOptions{Payments: []Payment{{Script: foreign, Amount: 11 * coin, SubtractFee: true}}}
	o.Filter.Unsafe = true
	void, err := bob.Send(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	away := []Payment{{Script: foreign, Amount: 10 * coin}}
	if _, _, err := alice.Bump(t.Context(), first.ID, BumpOptions{Payments: away}); err != nil {
		t.Fatal(err)
	}
	b.balance(bob, ledger.Balance{Trusted: coin})
	instead := b.send(bob, foreign, coin/2)

	b.pool.mu.Lock()
	for len(b.pool.txs) > 0 {
		b.pool.drop(b.pool.txs[0])
	}
	b.pool.refuse = instead.ID
	b.pool.mu.Unlock()
	// A block that holds none of them.
	if _, err := b.miner.Block(t.Context(), chaintest.AnyoneCanSpend, nil, true, 1<<20); err != nil {
		t.Fatal(err)
	}
	b.balance(bob, ledger.Balance{})
	if !b.pool.Has(void.ID) || b.pool.Has(instead.ID) {
		t.Fatal("the pool does not hold what it should")
	}
	b.pool.refuse = wire.Hash{}
	if err := alice.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.balance(bob, ledger.Balance{Trusted: coin/2 - instead.Fee})
	if b.pool.Has(void.ID) || !b.pool.Has(instead.ID) {
		t.Error("not handed in again")
	}
}
