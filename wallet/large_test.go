package wallet

import (
	"testing"

	"starling/params"
	"starling/wire"
)

// largePayment is a payment of about n bytes.
func largePayment(to []byte, i, n int) *wire.Tx {
	in := []wire.TxIn{{PrevOut: wire.OutPoint{Hash: wire.Hash{1}, Index: uint32(i)}}}
	data := append([]byte{0x6a, 0x4e, byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)}, make([]byte, n)...)
	return wire.NewTx(2, in, []wire.TxOut{{Value: coin, Script: to}, {Script: data}}, 0)
}

// TestLargePayments has a wallet meet more than 64 MiB of transactions between
// two saves: while it reads the chain, and after a reindex, when it takes all
// of them back at once.
func TestLargePayments(t *testing.T) {
	b := newBench(t, params.Regtest())
	w := b.create(Options{Name: "alice"})
	to := b.address(w, Bech32)
	b.burn(80)
	most := 0
	for i := range 70 {
		n := b.chain.At(int32(i + 1))
		block := wire.NewBlock(n.Header, []*wire.Tx{largePayment(to, i, 1<<20)})
		w.mu.Lock()
		w.at = n.Parent // far behind
		w.mu.Unlock()
		if err := w.connect(n, block); err != nil {
			t.Fatal(err)
		}
		_, bytes := w.ledger.Unsaved()
		most = max(most, bytes)
	}
	if most > maxUnsavedBytes+1<<20 {
		t.Errorf("up to %d bytes were not written", most)
	}
	if err := w.flush(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := b.m.Close(); err != nil {
			t.Fatal(err)
		}
		// The second time the chain does not know the blocks any more.
		other := newBench(t, params.Regtest())
		other.m.Close()
		other.fs = b.fs
		other.open()
		var err error
		if w, err = other.m.Load(t.Context(), "alice"); err != nil {
			t.Fatal(err)
		}
		if got := len(w.History()); got != 70 {
			t.Errorf("%d transactions", got)
		}
		if err := w.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := w.NewAddress(Bech32, ""); err != nil {
			t.Error(err)
		}
		if n, _ := w.ledger.Unsaved(); n > 0 {
			t.Errorf("%d transactions are not written", n)
		}
		b = other
	}
}
