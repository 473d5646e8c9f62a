package wallet

import (
	"context"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/params"
	"starling/params/netfile"
	"starling/wallet/ledger"
	"starling/wire"
)

// TestBeforeTheChain makes a wallet on a network that has no first block yet,
// which then pays it. The wallet must find that payment, be able to spend it,
// and find it again when it is restored.
func TestBeforeTheChain(t *testing.T) {
	fs := vfs.NewMem()
	before, err := New(Config{Chain: Detached(params.Own("murmur")), FS: fs, Dir: "/wallets", PassphraseCost: 4})
	if err != nil {
		t.Fatal(err)
	}
	w, mnemonic, err := before.Create(context.Background(), Options{Name: DefaultName})
	if err != nil {
		t.Fatal(err)
	}
	to, err := w.NewAddress("", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := before.Close(); err != nil {
		t.Fatal(err)
	}

	net, err := netfile.Create(context.Background(), netfile.Spec{
		Network: params.Own("murmur"), Time: time.Now(),
		Outputs: []wire.TxOut{{Value: 50 * coin, Script: to.Script()}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, net)
	if err := b.m.Close(); err != nil {
		t.Fatal(err)
	}
	b.fs = fs
	b.open()
	if w, err = b.m.Get(DefaultName); err != nil {
		t.Fatal(err)
	}
	b.balance(w, ledger.Balance{Trusted: 50 * coin})
	restored := b.create(Options{Name: "restored", Mnemonic: mnemonic})
	b.balance(restored, ledger.Balance{Trusted: 50 * coin})

	// What was found is on disk, and can be spent at once.
	if err := b.m.Close(); err != nil {
		t.Fatal(err)
	}
	b.open()
	if w, err = b.m.Get(DefaultName); err != nil {
		t.Fatal(err)
	}
	if restored, err = b.m.Load(t.Context(), "restored"); err != nil {
		t.Fatal(err)
	}
	b.balance(restored, ledger.Balance{Trusted: 50 * coin})
	e := b.send(w, []byte{0x51}, 20*coin)
	b.burn(1)
	b.balance(w, ledger.Balance{Trusted: 30*coin - e.Fee})

	// It belongs to that chain from then on.
	other, err := netfile.Create(context.Background(), netfile.Spec{
		Network: params.Own("murmur"), Time: time.Now(), Text: "another",
		Outputs: []wire.TxOut{{Value: 50 * coin, Script: to.Script()}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b = newBench(t, other)
	b.fs = fs
	b.open()
	if _, err := b.m.Get(DefaultName); err == nil {
		t.Error("the wallet of one chain was loaded on another")
	}
}
