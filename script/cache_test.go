package script

import (
	"encoding/binary"
	"sync"
	"testing"

	"github.com/btcsuite/btcd/txscript/v2"

	"starling/wire"
)

func cacheID(n int) (h wire.Hash) {
	binary.LittleEndian.PutUint64(h[:], uint64(n))
	return h
}

func TestCacheRemembersWhatPassed(t *testing.T) {
	v := NewVerifier(Options{SigCacheEntries: 100})
	s := newSpend(t, "p2wpkh", 2, txscript.SigHashAll)
	if v.Tx(s.tx, s.spent, MandatoryFlags).Known() {
		t.Fatal("known before it was checked")
	}
	if err := v.Check(s.tx, s.spent, StandardFlags); err != nil {
		t.Fatal(err)
	}
	if v.Tx(s.tx, s.spent, MandatoryFlags).Known() {
		t.Error("having passed the rules of relay is taken for having passed those of blocks")
	}
	if err := v.Check(s.tx, s.spent, MandatoryFlags); err != nil {
		t.Fatal(err)
	}
	if !v.Tx(s.tx, s.spent, MandatoryFlags).Known() {
		t.Error("a transaction that passed the rules of blocks is not known to have")
	}
	if v.Tx(s.tx, s.spent, MandatoryFlags&^Taproot).Known() {
		t.Error("known for flags that nobody asked about")
	}

	// The same inputs with another witness is another transaction.
	ins := append([]wire.TxIn(nil), s.tx.In...)
	ins[0].Witness = wire.NewWitness([]byte{1}, []byte{2})
	other := wire.NewTx(s.tx.Version, ins, s.tx.Out, s.tx.LockTime)
	if other.TxID() != s.tx.TxID() {
		t.Fatal("the test changed more than the witness")
	}
	if err := v.Check(other, s.spent, MandatoryFlags); err == nil {
		t.Error("a bad witness passed")
	}
	if v.Tx(other, s.spent, MandatoryFlags).Known() {
		t.Error("what failed is remembered")
	}
}

func TestBlocksAddNothingToTheCache(t *testing.T) {
	v := NewVerifier(Options{SigCacheEntries: 100})
	s := newSpend(t, "p2wpkh", 1, txscript.SigHashAll)
	for range 2 {
		c := v.Tx(s.tx, s.spent, MandatoryFlags)
		if c.Known() {
			t.Fatal("known without a check by Check")
		}
		if err := c.Input(0); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCacheForgetsTheOldest(t *testing.T) {
	c := newResultCache(cacheWays) // one set
	for i := range cacheWays + 1 {
		c.add(cacheID(i), P2SH)
		c.add(cacheID(i), P2SH) // again changes nothing
	}
	for i := range cacheWays + 1 {
		if got, want := c.has(cacheID(i), P2SH), i != 0; got != want {
			t.Errorf("entry %d: %v", i, got)
		}
	}
	if newResultCache(0) != nil {
		t.Error("a cache of nothing was made")
	}
}

func TestCacheConcurrently(t *testing.T) {
	c := newResultCache(1000)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 500 {
				c.add(cacheID(i*4+g), P2SH)
				if !c.has(cacheID(i*4+g), P2SH) {
					// Another entry of the set may have taken the place since.
					continue
				}
				if c.has(cacheID(i*4+g), Witness) {
					t.Error("an entry answers for other flags")
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkCache(b *testing.B) {
	c := newResultCache(100_000)
	c.add(cacheID(1), P2SH)
	b.ReportAllocs()
	for b.Loop() {
		c.has(cacheID(1), P2SH)
	}
}
