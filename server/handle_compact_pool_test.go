package server

import (
	"testing"
	"testing/synctest"
	"time"

	"starling/chain/chaintest"
	"starling/wire"
)

// TestCompactWithMempool relays transactions between two nodes first. The block
// that then holds them, another that was replaced, and one that never travelled
// is rebuilt from all that, and only the last one is asked for.
func TestCompactWithMempool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t, 12)
		a := m.node(1)
		b := m.node(2, 1)
		time.Sleep(time.Second)
		var txs []*wire.Tx
		for range 10 {
			txs = append(txs, m.pay(2000))
		}
		a.submit(txs...)
		b.has(time.Minute, txs...)

		// The miner has one that b has seen and replaced by another.
		old := m.pay(1000)
		b.add(old)
		better := chaintest.Spend(old.In[0].PrevOut, old.Out[0].Value, 0, 3) // pays as much as half of it
		b.add(better)
		if b.Mempool().Get(old.TxID()) != nil {
			t.Fatal("it was not replaced")
		}
		if n := b.compact.index.Len(); n != b.Mempool().Len() {
			t.Errorf("%d transactions are at hand, the pool has %d", n, b.Mempool().Len())
		}
		private := m.pay(5000)

		before := b.came(wire.CmdBlock)
		block := m.gen.Next(last(m.blocks), 0, append(append([]*wire.Tx{}, txs...), old, private)...)
		a.give(block)
		b.reach(block, time.Second)
		synctest.Wait()
		if got := b.came(wire.CmdBlock) - before; got != 0 {
			t.Errorf("%d bytes of a whole block came", got)
		}
		frame := uint64(wire.FrameHeaderSize)
		if got, want := b.came(wire.CmdBlockTxn), frame+wire.HashSize+1+uint64(private.Size()); got != want {
			t.Errorf("%d bytes of transactions came, want %d", got, want)
		}
		if n := b.Mempool().Len() + b.compact.index.Len(); n != 0 {
			t.Errorf("%d transactions are left", n)
		}
	})
}

// TestCompactIndexFollows keeps what compact blocks are rebuilt from in step
// with the mempool through a reorganisation.
func TestCompactIndexFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t, 4)
		a := m.node(1)
		txs := []*wire.Tx{m.pay(2000), m.pay(3000), m.pay(4000)}
		a.add(txs...)
		check := func(step string) {
			t.Helper()
			got := 0
			for id, tx := range a.compact.index.All() {
				got++
				if e := a.Mempool().GetByWTxID(*id); e == nil || e.Tx != tx {
					t.Errorf("%s: %v is at hand and not in the pool", step, *id)
				}
			}
			if got != a.Mempool().Len() {
				t.Errorf("%s: %d are at hand, the pool has %d", step, got, a.Mempool().Len())
			}
		}
		check("at first")
		tip := last(m.blocks)
		a.give(m.gen.Next(tip, 0, txs[:2]...))
		check("after a block")
		other := m.gen.Next(tip, 0)
		a.give(other, m.gen.Next(other, 0))
		if n := a.Mempool().Len(); n != 3 {
			t.Errorf("%d in the pool after a reorganisation", n)
		}
		check("after a reorganisation")
		a.Mempool().Prioritise(txs[0].TxID(), 500)
		check("after a change of priority")
	})
}

// TestBlocksOnlyTakesWholeBlocks has a node without transactions ask for whole
// blocks and tell nobody to announce by compact blocks.
func TestBlocksOnlyTakesWholeBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t, 1)
		a := m.node(1)
		b := m.nodeWith(2, a.fs, func(c *Config) { c.BlocksOnly, c.Dir = true, "other" }, 1)
		time.Sleep(time.Second)
		tip := last(m.blocks)
		for range 3 {
			tip = m.gen.Next(tip, 0)
			a.give(tip)
			b.reach(tip, time.Second)
		}
		if got := b.came(wire.CmdCmpctBlock); got != 0 {
			t.Errorf("%d bytes of compact blocks came", got)
		}
		if b.Peers()[0].Sync.CompactTo {
			t.Error("a was told to announce by compact blocks")
		}
	})
}
