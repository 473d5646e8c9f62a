package wallet

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"starling/params"
	"starling/wallet/ledger"
	"starling/wire"
)

// TestLockTime looks at the lock times of payments.
func TestLockTime(t *testing.T) {
	own := func() *params.Network {
		net := params.Regtest()
		net.Name = "own"
		return net
	}
	for name, net := range map[string]*params.Network{"regtest": params.Regtest(), "of one's own": own()} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, net)
			w := b.create(Options{Name: "alice"})
			b.mine(b.address(w, Bech32), 1)
			b.burn(219)
			b.balance(w, ledger.Balance{Trusted: 50 * coin})
			tip := uint32(b.chain.Tip().Height)
			fund := func(o SpendOptions) *wire.Tx {
				t.Helper()
				o.Payments = []Payment{{Script: foreign, Amount: coin}}
				d, err := w.Fund(t.Context(), o)
				if err != nil {
					t.Fatal(err)
				}
				return d.Tx
			}
			at, before := 0, 0
			for range 300 {
				switch n := fund(SpendOptions{}).LockTime; {
				case n == tip:
					at++
				case n < tip && n > tip-100:
					before++
				default:
					t.Fatalf("lock time %d at height %d", n, tip)
				}
			}
			// One of ten is further back, but for one of a hundred of these.
			if before < 5 || before > 80 {
				t.Errorf("%d of %d at the tip's height, %d below", at, at+before, before)
			}
			for _, noReplace := range []bool{false, true} {
				tx := fund(SpendOptions{NoReplace: noReplace})
				want := uint32(maxReplaceable)
				if noReplace {
					want = sequenceNoReplace
				}
				if tx.In[0].Sequence != want {
					t.Errorf("sequence %x, want %x", tx.In[0].Sequence, want)
				}
			}
			given, sequence := uint32(7), uint32(5)
			if got := fund(SpendOptions{LockTime: &given}).LockTime; got != given {
				t.Errorf("lock time %d, want %d", got, given)
			}
			c := w.Coins(CoinFilter{})[0].OutPoint
			if got := fund(SpendOptions{Inputs: []Input{{OutPoint: c, Sequence: &sequence}}}); got.LockTime != 0 || got.In[0].Sequence != sequence {
				t.Errorf("with a sequence: %d", got.LockTime)
			}
			// Of long ago, the height of the tip would tell who paid.
			b.clk.Advance(maxTipAge + time.Minute)
			if got := fund(SpendOptions{}).LockTime; got != 0 {
				t.Errorf("lock time %d with an old tip", got)
			}
		})
	}
}

// TestBumpLockTime replaces payments: the new one has a lock time of its own,
// unless the old one still waits for its.
func TestBumpLockTime(t *testing.T) {
	b, w := funded(t, 2)
	first := b.send(w, foreign, coin)
	b.clk.Advance(maxTipAge + time.Minute)
	second, _, err := w.Bump(t.Context(), first.ID, BumpOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if first.Tx.LockTime == 0 || second.Tx.LockTime != 0 {
		t.Errorf("lock times %d and %d", first.Tx.LockTime, second.Tx.LockTime)
	}
	late := uint32(b.chain.Tip().Height + 50)
	waits, err := w.Send(t.Context(), SpendOptions{Payments: []Payment{{Script: foreign, Amount: coin}}, LockTime: &late})
	if err != nil {
		t.Fatal(err)
	}
	third, _, err := w.Bump(t.Context(), waits.ID, BumpOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if third.Tx.LockTime != late {
		t.Errorf("lock time %d, want %d", third.Tx.LockTime, late)
	}
}

// TestFrozenUntilSpent freezes coins and spends them.
func TestFrozenUntilSpent(t *testing.T) {
	b, w := funded(t, 3)
	for _, keep := range []bool{false, true} {
		coins := w.Coins(CoinFilter{MinDepth: 1})
		c := coins[0].OutPoint
		for _, other := range coins[:2] {
			if err := w.Freeze(other.OutPoint, keep); err != nil {
				t.Fatal(err)
			}
		}
		o := SpendOptions{Payments: []Payment{{Script: foreign, Amount: coin}}, Inputs: []Input{{OutPoint: c}}, OnlyInputs: true}
		b.pool.fail = errors.New("full")
		if _, err := w.Send(t.Context(), o); err == nil {
			t.Fatal("sent")
		}
		if got := w.Frozen(); len(got) != 2 {
			t.Errorf("a payment that failed has thawed coins: %v", got)
		}
		b.pool.fail = nil
		if _, err := w.Send(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		want := []wire.OutPoint{coins[1].OutPoint}
		if got := w.Frozen(); !slices.Equal(got, want) {
			t.Errorf("frozen: %v, want %v", got, want)
		}
		b.m.Close()
		b.open()
		var err error
		if w, err = b.m.Load(t.Context(), "alice"); err != nil {
			t.Fatal(err)
		}
		if !keep {
			want = nil
		}
		if got := w.Frozen(); !slices.Equal(got, want) {
			t.Errorf("frozen after a restart: %v, want %v", got, want)
		}
		b.burn(1)
		b.balance(w, w.Balance())
	}
}

// TestFrozenSpentElsewhere has a block spend a frozen coin without this wallet.
func TestFrozenSpentElsewhere(t *testing.T) {
	b, w := funded(t, 1)
	c := w.Coins(CoinFilter{})[0].OutPoint
	words, _, err := w.Mnemonic()
	if err != nil {
		t.Fatal(err)
	}
	again := b.create(Options{Name: "again", Mnemonic: words})
	b.balance(again, ledger.Balance{Trusted: 50 * coin})
	if err := again.Freeze(c, true); err != nil {
		t.Fatal(err)
	}
	b.send(w, foreign, coin)
	b.burn(1)
	if err := again.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := again.Frozen(); len(got) != 0 {
		t.Errorf("frozen: %v", got)
	}
}

// TestVersionThree keeps unconfirmed coins of version 3 and others apart.
func TestVersionThree(t *testing.T) {
	b, w := funded(t, 1)
	pay := func(version int32, amount int64, in ...Input) (Entry, error) {
		return w.Send(t.Context(), SpendOptions{
			Payments: []Payment{{Script: foreign, Amount: amount}}, Version: version, Inputs: in, OnlyInputs: len(in) > 0,
		})
	}
	change := func(e Entry) Input {
		t.Helper()
		for i, out := range e.Tx.Out {
			if w.Owns(out.Script) {
				return Input{OutPoint: wire.OutPoint{Hash: e.ID, Index: uint32(i)}}
			}
		}
		t.Fatal("no change")
		return Input{}
	}
	third, err := pay(3, coin)
	if err != nil || third.Tx.Version != 3 {
		t.Fatalf("%v %v", third.Tx, err)
	}
	var funds *FundsError
	if _, err := pay(2, coin); !errors.As(err, &funds) {
		t.Errorf("version 2 spent of version 3: %v", err)
	}
	if _, err := pay(2, coin, change(third)); err == nil || !strings.Contains(err.Error(), "Can't spend unconfirmed version 3 pre-selected input with a version 2 tx") {
		t.Errorf("%v", err)
	}
	if e, err := pay(3, coin); err != nil || e.Tx.In[0].PrevOut.Hash != third.ID {
		t.Errorf("version 3 does not spend of version 3: %v", err)
	}
	b.burn(1)
	second, err := pay(2, coin) // what is confirmed may be spent by any
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pay(3, coin); !errors.As(err, &funds) {
		t.Errorf("version 3 spent of version 2: %v", err)
	}
	if _, err := pay(3, coin, change(second)); err == nil || !strings.Contains(err.Error(), "Can't spend unconfirmed version 2 pre-selected input with a version 3 tx") {
		t.Errorf("%v", err)
	}
}

// TestVersionThreeFamily has version 3 spend of one unconfirmed transaction
// only, and stay small.
func TestVersionThreeFamily(t *testing.T) {
	b, w := funded(t, 2)
	o := func(amount int64) SpendOptions {
		return SpendOptions{Payments: []Payment{{Script: foreign, Amount: amount}}, Version: 3}
	}
	var parents []Entry
	for range 2 {
		e, err := w.Send(t.Context(), o(20*coin))
		if err != nil {
			t.Fatal(err)
		}
		parents = append(parents, e)
	}
	if parents[1].Tx.In[0].PrevOut.Hash == parents[0].ID {
		t.Fatal("spent what is unconfirmed though there was something else")
	}
	if _, err := w.Fund(t.Context(), o(31*coin)); err == nil {
		t.Error("spent of two unconfirmed transactions")
	}
	d, err := w.Fund(t.Context(), o(29*coin))
	if err != nil || len(d.Tx.In) != 1 {
		t.Errorf("%+v %v", d, err)
	}
	all, err := w.Fund(t.Context(), SpendOptions{Payments: []Payment{{Script: foreign, Rest: true}}, Version: 3})
	if err != nil || len(all.Tx.In) != 1 {
		t.Errorf("%+v %v", all, err)
	}
	both := o(coin)
	for _, e := range parents {
		for i, out := range e.Tx.Out {
			if w.Owns(out.Script) {
				both.Inputs = append(both.Inputs, Input{OutPoint: wire.OutPoint{Hash: e.ID, Index: uint32(i)}})
			}
		}
	}
	if _, err := w.Fund(t.Context(), both); err == nil || !strings.Contains(err.Error(), "one unconfirmed transaction only") {
		t.Errorf("%v", err)
	}
	heavy := o(coin)
	for len(heavy.Payments) < 40 {
		heavy.Payments = append(heavy.Payments, Payment{Script: foreign, Amount: 1000})
	}
	var payment *PaymentError
	if _, err := w.Fund(t.Context(), heavy); !errors.As(err, &payment) || !strings.Contains(payment.Reason, "weight") {
		t.Errorf("%v", err)
	}
	b.burn(1)
	if _, err := w.Fund(t.Context(), heavy); err != nil {
		t.Errorf("with confirmed coins: %v", err)
	}
}

// TestRescanTo reads a part of the chain again.
func TestRescanTo(t *testing.T) {
	b, w := funded(t, 4)
	words, _, err := w.Mnemonic()
	if err != nil {
		t.Fatal(err)
	}
	late := b.create(Options{Name: "late", Mnemonic: words, Birthday: b.clk.Now().Add(24 * time.Hour).Unix()})
	b.balance(late, ledger.Balance{})
	to := func(n int32) *int32 { return &n }
	for _, c := range []struct {
		from int32
		to   *int32
		last int32
		have int64
	}{{2, to(3), 3, 100}, {3, to(3), 3, 100}, {0, to(1), 1, 150}, {5, nil, 104, 150}, {0, nil, 104, 200}} {
		last, err := late.Rescan(t.Context(), c.from, c.to)
		if err != nil || last != c.last {
			t.Errorf("from %d: read up to %d, %v", c.from, last, err)
		}
		b.balance(late, ledger.Balance{Trusted: c.have * coin})
	}
}
