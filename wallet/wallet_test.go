package wallet

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/chain/chaintest"
	"starling/params"
	"starling/script"
	"starling/script/descriptor"
	"starling/wallet/ledger"
	"starling/wire"
)

func TestReceiveAndSend(t *testing.T) {
	for _, kind := range []Kind{Bech32, Bech32m, Legacy, P2SHSegwit} {
		t.Run(string(kind), func(t *testing.T) {
			b := newBench(t, params.Regtest())
			alice, bob := b.create(Options{Name: "alice"}), b.create(Options{Name: "bob"})
			b.mine(b.address(alice, kind), 1)
			b.balance(alice, ledger.Balance{Immature: 50 * coin})
			b.burn(99)
			b.balance(alice, ledger.Balance{Immature: 50 * coin})
			b.burn(1)
			b.balance(alice, ledger.Balance{Trusted: 50 * coin})

			e := b.send(alice, b.address(bob, kind), 22*coin)
			if !e.HasFee || e.Fee < 200 || e.Fee > 1000 {
				t.Errorf("fee of %d", e.Fee)
			}
			left := 28*coin - e.Fee
			b.balance(alice, ledger.Balance{Trusted: left})
			b.balance(bob, ledger.Balance{Pending: 22 * coin})
			b.burn(1)
			b.balance(alice, ledger.Balance{Trusted: left})
			b.balance(bob, ledger.Balance{Trusted: 22 * coin})
		})
	}
}

// funded returns a bench with a wallet that has n mature coinbases.
func funded(t *testing.T, n int) (*bench, *Wallet) {
	t.Helper()
	b := newBench(t, params.Regtest())
	w := b.create(Options{Name: "alice"})
	b.mine(b.address(w, Bech32), n)
	b.burn(100)
	b.balance(w, ledger.Balance{Trusted: int64(n) * 50 * coin})
	return b, w
}

// foreign is a script that nobody here has the key of.
var foreign = script.PayToWitness(0, make([]byte, 20))

// undo takes the newest n blocks back, for n+1 others.
func (b *bench) undo(n int) {
	b.t.Helper()
	at := b.chain.Tip()
	for range n - 1 {
		at = at.Parent
	}
	if err := b.chain.Invalidate(b.t.Context(), at); err != nil {
		b.t.Fatal(err)
	}
}

// fork replaces the newest n blocks by n+1 empty ones.
func (b *bench) fork(n int) {
	b.t.Helper()
	b.undo(n)
	for range n + 1 {
		b.clk.Advance(10 * time.Minute)
		if _, err := b.miner.Block(b.t.Context(), chaintest.AnyoneCanSpend, nil, true, 1<<20); err != nil {
			b.t.Fatal(err)
		}
	}
	b.pool.prune()
}

func TestReorganisationUndoesPayment(t *testing.T) {
	b, alice := funded(t, 1)
	bob := b.create(Options{Name: "bob"})
	e := b.send(alice, b.address(bob, Bech32), 10*coin)
	b.burn(2)
	b.balance(bob, ledger.Balance{Trusted: 10 * coin})

	// The payment is in no block any more, and nobody puts it back into the
	// pool but the wallet.
	b.fork(2)
	b.balance(alice, ledger.Balance{Trusted: 40*coin - e.Fee})
	b.balance(bob, ledger.Balance{Pending: 10 * coin})
	if !b.pool.Has(e.ID) {
		t.Fatal("the payment was not handed in again")
	}
	if got, err := bob.Entry(e.ID); err != nil || got.Depth != 0 || got.Block != (wire.Hash{}) {
		t.Errorf("%+v, %v", got, err)
	}
	b.burn(1)
	b.balance(bob, ledger.Balance{Trusted: 10 * coin})
}

func TestReorganisationTakesCoinbase(t *testing.T) {
	b := newBench(t, params.Regtest())
	w := b.create(Options{Name: "alice"})
	b.mine(b.address(w, Bech32), 1)
	b.balance(w, ledger.Balance{Immature: 50 * coin})
	b.fork(1)
	b.balance(w, ledger.Balance{})
	if h := w.History(); len(h) != 1 || h[0].Details[0].Category != Orphan {
		t.Errorf("history %+v", h)
	}
}

// TestConflict has a block hold another transaction that spends the same, and
// then a reorganisation take it back.
func TestConflict(t *testing.T) {
	b, alice := funded(t, 1)
	first := b.send(alice, foreign, 10*coin)
	// What builds on it falls with it.
	second := b.send(alice, foreign, 5*coin)
	b.balance(alice, ledger.Balance{Trusted: 35*coin - first.Fee - second.Fee})

	// Another wallet with the same keys pays somebody else.
	words, _, err := alice.Mnemonic()
	if err != nil {
		t.Fatal(err)
	}
	b.pool.mu.Lock()
	held := b.pool.txs
	b.pool.txs, b.pool.off = nil, true
	b.pool.mu.Unlock()
	twin := b.create(Options{Name: "twin", Mnemonic: words})
	if err := twin.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.pool.off = false
	d, err := twin.Fund(t.Context(), SpendOptions{Payments: []Payment{{Script: foreign, Amount: 20 * coin}}})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := twin.SignTx(d.Tx, d.Spent, nil, nil)
	if err != nil || len(signed.Errors) > 0 {
		t.Fatal(signed.Errors, err)
	}
	rival := signed.Tx
	for _, tx := range held {
		b.m.TxRemoved(tx)
	}
	if _, err := b.miner.Block(t.Context(), chaintest.AnyoneCanSpend, []*wire.Tx{rival}, true, 1<<20); err != nil {
		t.Fatal(err)
	}
	b.balance(alice, ledger.Balance{Trusted: 30*coin - d.Fee})
	for _, id := range []wire.Hash{first.ID, second.ID} {
		if e, err := alice.Entry(id); err != nil || e.Depth != -1 {
			t.Errorf("%+v, %v", e, err)
		}
	}
	if e, _ := alice.Entry(first.ID); len(e.Conflicts) != 1 || e.Conflicts[0] != rival.TxID() {
		t.Errorf("conflicts %v", e.Conflicts)
	}
	if err := alice.Abandon(first.ID); err == nil {
		t.Error("gave up what cannot happen anyway")
	}

	b.fork(1)
	if err := alice.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if e, err := alice.Entry(first.ID); err != nil || e.Depth != 0 {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestRestoreFromPhrase(t *testing.T) {
	b, alice := funded(t, 2)
	b.send(alice, foreign, 10*coin)
	b.burn(1)
	// Skip many addresses, as somebody may have before; as many as are watched.
	for range 999 {
		b.address(alice, Bech32m)
	}
	b.mine(b.address(alice, Bech32m), 1)
	b.burn(100)
	old := b.address(alice, Legacy)
	b.mine(old, 1)
	b.burn(100)
	if err := alice.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := alice.Balance()
	words, extra, err := alice.Mnemonic()
	if err != nil || extra || len(strings.Fields(words)) != 12 {
		t.Fatal(words, extra, err)
	}

	all := b.create(Options{Name: "all", Gap: DefaultGap, Mnemonic: strings.ToUpper(words), Kinds: []Kind{Legacy, P2SHSegwit, Bech32, Bech32m}})
	b.balance(all, want)
	some := b.create(Options{Name: "some", Gap: DefaultGap, Mnemonic: words})
	onOld := alice.Coins(CoinFilter{Addresses: map[string]bool{alice.addressOf(old): true}})[0].Value
	b.balance(some, ledger.Balance{Trusted: want.Trusted - onOld})
	if got, want := len(all.History()), len(alice.History()); got != want {
		t.Errorf("%d transactions, want %d", got, want)
	}
	// It does not give out what was used.
	if got, next := b.address(all, Bech32m), b.address(alice, Bech32m); string(got) != string(next) {
		t.Error("the two wallets do not go on with the same address")
	}
	other := b.create(Options{Name: "other", Mnemonic: words, Extra: "more"})
	b.balance(other, ledger.Balance{})
	if _, extra, _ := other.Mnemonic(); !extra {
		t.Error("nobody remembers the extra passphrase")
	}
	_, _, err = b.m.Create(t.Context(), Options{Name: "bad", Mnemonic: strings.Replace(words, words[:3], "zoo ", 1)})
	if err == nil {
		t.Error("took a wrong phrase")
	}
}

// TestBirthday restores with a birthday after a payment, which is not found,
// and rescans, which finds it.
func TestBirthday(t *testing.T) {
	b, alice := funded(t, 1)
	to := b.address(alice, Bech32)
	birthday := b.clk.Now().Unix() + int64(3*time.Hour/time.Second)
	b.burn(30)
	b.mine(to, 1)
	b.burn(100)
	if err := alice.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	words, _, _ := alice.Mnemonic()
	w := b.create(Options{Name: "late", Mnemonic: words, Birthday: birthday})
	b.balance(w, ledger.Balance{Trusted: 50 * coin})
	if _, err := w.Rescan(t.Context(), 0, nil); err != nil {
		t.Fatal(err)
	}
	b.balance(w, ledger.Balance{Trusted: 100 * coin})
	if _, ok := w.ScanProgress(); ok {
		t.Error("still scanning")
	}
}

// TestRescanGoesOn stops in the middle of a rescan, and goes on after a crash.
func TestRescanGoesOn(t *testing.T) {
	b, alice := funded(t, 3)
	desc, err := alice.Descriptors(false)
	if err != nil {
		t.Fatal(err)
	}
	w := b.create(Options{Name: "watch", NoKeys: true})
	d, err := descriptor.ParseOne(desc[0].Text, b.net)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	errs, err := w.Import(ctx, []Import{{Descriptor: d, End: -1, Next: -1, Active: true}})
	if !errors.Is(err, context.Canceled) || errs[0] != nil {
		t.Fatal(errs, err)
	}
	if p, ok := w.ScanProgress(); !ok || p.Height >= p.To {
		t.Fatalf("%+v %v", p, ok)
	}
	if err := b.m.Close(); err != nil {
		t.Fatal(err)
	}
	b.open()
	w, err = b.m.Load(t.Context(), "watch")
	if err != nil {
		t.Fatal(err)
	}
	for more := true; more; {
		if more, err = w.advance(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	b.balance(w, ledger.Balance{Trusted: 150 * coin})
}

func TestWatchOnly(t *testing.T) {
	b, alice := funded(t, 1)
	desc, err := alice.Descriptors(false)
	if err != nil {
		t.Fatal(err)
	}
	w := b.create(Options{Name: "watch", NoKeys: true})
	var list []Import
	for _, d := range desc {
		p, err := descriptor.ParseOne(d.Text, b.net)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, Import{Descriptor: p, Active: d.Active, Internal: d.Internal, End: -1, Next: -1})
	}
	errs, err := w.Import(t.Context(), list)
	if err != nil || errors.Join(errs...) != nil {
		t.Fatal(err, errs)
	}
	b.balance(w, ledger.Balance{Trusted: 50 * coin})
	e := b.send(alice, foreign, 7*coin)
	b.balance(w, ledger.Balance{Trusted: 43*coin - e.Fee})
	_, err = w.Send(t.Context(), SpendOptions{Payments: []Payment{{Script: foreign, Amount: coin}}})
	if !errors.Is(err, ErrWatchOnly) {
		t.Errorf("sending: %v", err)
	}
	// It can prepare what others sign.
	d, err := w.Fund(t.Context(), SpendOptions{Payments: []Payment{{Script: foreign, Amount: coin}}})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := alice.SignTx(d.Tx, d.Spent, nil, nil)
	if err != nil || len(signed.Errors) > 0 {
		t.Error(signed.Errors, err)
	}
	priv, err := alice.Descriptors(true)
	if err != nil {
		t.Fatal(err)
	}
	p, err := descriptor.ParseOne(priv[0].Text, b.net)
	if err != nil {
		t.Fatal(err)
	}
	if errs, err := w.Import(t.Context(), []Import{{Descriptor: p, Now: true, End: -1, Next: -1}}); err != nil || errs[0] == nil {
		t.Errorf("took private keys: %v %v", errs, err)
	}
	// A wallet of nothing but the private descriptors spends.
	blank := b.create(Options{Name: "blank", Blank: true})
	list = nil
	for _, d := range priv {
		p, err := descriptor.ParseOne(d.Text, b.net)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, Import{Descriptor: p, Active: d.Active, Internal: d.Internal, End: -1, Next: -1})
	}
	if errs, err := blank.Import(t.Context(), list); err != nil || errors.Join(errs...) != nil {
		t.Fatal(err, errs)
	}
	b.send(blank, foreign, coin)
}

func TestEncryption(t *testing.T) {
	b, w := funded(t, 2)
	words, _, _ := w.Mnemonic()
	if err := w.Unlock("x", time.Minute); !errors.Is(err, ErrNotEncrypted) {
		t.Errorf("unlocking: %v", err)
	}
	if err := w.Encrypt("correct horse"); err != nil {
		t.Fatal(err)
	}
	raw, err := b.fs.Open("/wallets/alice/wallet.dat")
	if err != nil {
		t.Fatal(err)
	}
	st, _ := raw.Stat()
	content := make([]byte, st.Size())
	if _, err := raw.Read(content); err != nil {
		t.Fatal(err)
	}
	raw.Close()
	if strings.Contains(string(content), words) || strings.Contains(string(content), "tprv") {
		t.Error("secrets can be read in the file")
	}
	pay := func() error {
		_, err := w.Send(t.Context(), SpendOptions{Payments: []Payment{{Script: foreign, Amount: coin}}})
		return err
	}
	locked := func(when string) {
		t.Helper()
		if err := pay(); !errors.Is(err, ErrLocked) {
			t.Errorf("%s: paying: %v", when, err)
		}
		if _, _, err := w.Mnemonic(); !errors.Is(err, ErrLocked) {
			t.Errorf("%s: phrase: %v", when, err)
		}
		if _, err := w.Descriptors(true); !errors.Is(err, ErrLocked) {
			t.Errorf("%s: descriptors: %v", when, err)
		}
	}
	locked("after encrypting")
	b.address(w, Bech32) // needs no secret
	if err := w.Unlock("wrong horse", time.Minute); !errors.Is(err, ErrPassphrase) {
		t.Errorf("wrong passphrase: %v", err)
	}
	locked("after a wrong passphrase")
	if err := w.Unlock("correct horse", time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := pay(); err != nil {
		t.Error(err)
	}
	if got, _, err := w.Mnemonic(); got != words || err != nil {
		t.Error("another phrase", err)
	}
	b.clk.Advance(61 * time.Second)
	locked("when the time is over")
	if err := w.ChangePassphrase("wrong", "new"); !errors.Is(err, ErrPassphrase) {
		t.Errorf("changing: %v", err)
	}
	if err := w.ChangePassphrase("correct horse", "new"); err != nil {
		t.Fatal(err)
	}
	b.m.Close()
	b.open()
	if w, err = b.m.Load(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	if err := w.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	locked("after a restart")
	if err := w.Unlock("correct horse", time.Minute); !errors.Is(err, ErrPassphrase) {
		t.Errorf("the old passphrase: %v", err)
	}
	if err := w.Unlock("new", time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := w.Lock(); err != nil {
		t.Fatal(err)
	}
	locked("after locking")
	if err := w.Encrypt("again"); !errors.Is(err, ErrEncrypted) {
		t.Errorf("twice: %v", err)
	}
}

// TestCrashAfterPaying takes the power away when a payment has been made and
// no block holds it: the payment and the keys must be there, and the payment
// must be handed in again.
func TestCrashAfterPaying(t *testing.T) {
	b := newBench(t, params.Regtest())
	disk := vfs.NewCrashableMem()
	b.fs = disk
	b.m.Close()
	b.open()
	w := b.create(Options{Name: "alice"})
	b.mine(b.address(w, Bech32), 1)
	b.burn(100)
	e := b.send(w, foreign, 10*coin)
	to := b.address(w, Bech32m)
	// The node crashes too: its pool is empty, and so is nothing else.
	b.fs = disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 0, RNG: rand.New(rand.NewPCG(1, 2))})
	b.pool.txs = nil
	b.open()
	w, err := b.m.Load(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	b.balance(w, ledger.Balance{Trusted: 40*coin - e.Fee})
	if !b.pool.Has(e.ID) {
		t.Fatal("the payment was not handed in again")
	}
	if !w.Owns(to) {
		t.Error("an address that was given out is not the wallet's any more")
	}
	if string(b.address(w, Bech32m)) == string(to) {
		t.Error("an address was given out twice")
	}
	b.burn(1)
	b.balance(w, ledger.Balance{Trusted: 40*coin - e.Fee})
}

func TestLabels(t *testing.T) {
	b := newBench(t, params.Regtest())
	w := b.create(Options{Name: "alice"})
	a, err := w.NewAddress(Bech32, "rent")
	if err != nil {
		t.Fatal(err)
	}
	b.address(w, Bech32)
	b.m.Close()
	b.open()
	if w, err = b.m.Load(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	if i := w.Info(a.Script()); !i.Mine || i.Label != "rent" || i.Change || i.Index != 0 {
		t.Errorf("%+v", i)
	}
	if got := w.Labels(true, true); len(got) != 2 || got[0] != "" || got[1] != "rent" {
		t.Errorf("%q", got)
	}
	if l := w.Labelled(); len(l) != 2 {
		t.Errorf("%+v", l)
	}
}
