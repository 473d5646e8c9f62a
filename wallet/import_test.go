package wallet

import (
	"errors"
	"testing"
	"time"

	"starling/params"
	"starling/script/descriptor"
	"starling/wallet/ledger"
)

// watcher makes a wallet without keys.
func (b *bench) watcher(name string) *Wallet {
	b.t.Helper()
	return b.create(Options{Name: name, NoKeys: true})
}

// imports adds the first of a wallet's descriptors to another wallet.
func (b *bench) imports(into, of *Wallet, m Import) {
	b.t.Helper()
	list, err := of.Descriptors(false)
	if err != nil {
		b.t.Fatal(err)
	}
	if m.Descriptor, err = descriptor.ParseOne(list[0].Text, b.net); err != nil {
		b.t.Fatal(err)
	}
	m.End, m.Next = -1, -1
	errs, err := into.Import(b.t.Context(), []Import{m})
	if err = errors.Join(append(errs, err)...); err != nil {
		b.t.Fatal(err)
	}
}

// TestImportNow imports keys as of now when a payment to them was confirmed a
// block ago and another one waits in the pool. Both must be found, whatever
// the clock says.
func TestImportNow(t *testing.T) {
	for _, c := range []struct {
		name  string
		m     Import
		ahead time.Duration // of the wallet's clock
	}{
		{"now", Import{Now: true}, 0},
		{"now by a clock that is ahead", Import{Now: true}, 30 * time.Hour},
		{"a time ahead", Import{Created: 1 << 32}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, alice := funded(t, 2)
			bob := b.create(Options{Name: "bob"})
			b.send(alice, b.address(bob, Bech32), 3*coin)
			b.burn(1)
			b.send(alice, b.address(bob, Bech32), 4*coin)
			b.clk.Advance(c.ahead)
			w := b.watcher("watch")
			b.imports(w, bob, c.m)
			b.balance(w, ledger.Balance{Trusted: 3 * coin, Pending: 4 * coin})
			b.clk.Advance(-c.ahead)
			b.burn(1)
			b.balance(w, ledger.Balance{Trusted: 7 * coin})
		})
	}
}

// TestImportBehind imports keys into a wallet that has yet to read the blocks
// in which they are paid.
func TestImportBehind(t *testing.T) {
	b := newBench(t, params.Regtest())
	w := b.watcher("watch")
	bob := b.create(Options{Name: "bob"})
	b.burn(20)
	b.mine(b.address(bob, Bech32), 1)
	b.imports(w, bob, Import{Now: true})
	b.balance(w, ledger.Balance{Immature: 50 * coin})
}

// TestImportWithoutRange pays far beyond the first address: as many are watched
// as Bitcoin Core watches.
func TestImportWithoutRange(t *testing.T) {
	b := newBench(t, params.Regtest())
	bob := b.create(Options{Name: "bob", Kinds: []Kind{Bech32}})
	w, _, err := b.m.Create(t.Context(), Options{Name: "watch", NoKeys: true})
	if err != nil {
		t.Fatal(err)
	}
	b.imports(w, bob, Import{Now: true})
	var last []byte
	for range 1000 {
		last = b.address(bob, Bech32)
	}
	b.mine(last, 1)
	b.balance(w, ledger.Balance{Immature: 50 * coin})
	if list, err := w.Descriptors(false); err != nil || list[0].End != 2000 {
		t.Errorf("%+v, %v", list, err)
	}
}
