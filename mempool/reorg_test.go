package mempool

import (
	"strings"
	"testing"

	"starling/chain/chaintest"
	"starling/wire"
)

// fork mines blocks on an older block until they are the best chain: the first
// holds txs.
func (w *world) fork(on chaintest.Block, n int, txs ...*wire.Tx) {
	w.t.Helper()
	var blocks []chaintest.Block
	for i := range n {
		if i > 0 {
			txs = nil
		}
		on = w.gen.Next(on, 0, txs...)
		blocks = append(blocks, on)
	}
	w.give(blocks...)
	w.settle()
	if tip := w.chain.Tip(); tip.Hash != on.Hash() || w.pool.Tip() != tip {
		w.t.Fatalf("tip %d, pool at %d, want %d", tip.Height, w.pool.Tip().Height, on.Height)
	}
}

func TestReorgPutsBack(t *testing.T) {
	w := newWorld(t, 10, nil)
	base := w.tip
	a := w.pay(1000)
	b := spec{from: []coin{out(a, 0)}, fee: 0, outs: 2}.tx() // pays nothing: it was worth a block
	c := spec{from: []coin{out(b, 0)}, fee: 700}.tx()
	d := spec{from: []coin{out(b, 1)}, fee: 900}.tx()
	w.add(a)
	w.mine(a)
	w.mine(b, c)
	w.add(d)
	w.holds(d)
	w.log.take()
	w.fork(base, 3)
	w.holds(a, b, c, d)
	if got := strings.Join(w.log.take(), " "); got != "add add add tip+3" {
		t.Error(got)
	}
	if e := w.pool.Get(b.TxID()); e.Sequence != 0 || e.Fee != 0 {
		t.Errorf("%+v", e)
	}
	if up, _ := w.pool.Ancestors(d.TxID()); len(up) != 2 {
		t.Errorf("%d ancestors", len(up))
	}
	w.mine(a, b)
	w.holds(c, d)
}

func TestReorgOtherBranchHoldsSome(t *testing.T) {
	w := newWorld(t, 10, nil)
	base := w.tip
	a := w.pay(1000)
	b := spec{from: []coin{out(a, 0)}, fee: 800}.tx()
	other := w.pay(1000)
	double := spec{from: []coin{{other.In[0].PrevOut, fundValue}}, fee: 400}.tx()
	child := spec{from: []coin{out(other, 0)}, fee: 600}.tx()
	w.mine(a, other)
	w.mine(b)
	w.add(child)
	w.holds(child)
	// The new branch holds a, and spends what other spends: other can not come
	// back, and its child must go.
	w.log.take()
	w.fork(base, 3, a, double)
	w.holds(b)
	if got := strings.Join(w.log.take(), " "); got != "add reorg tip+3" {
		t.Error(got)
	}
}

func TestReorgConflict(t *testing.T) {
	w := newWorld(t, 10, nil)
	base := w.tip
	a := w.pay(1000)
	b := spec{from: []coin{out(a, 0)}, fee: 500}.tx()
	double := spec{from: []coin{{a.In[0].PrevOut, fundValue}}, fee: 1}.tx()
	w.add(a)
	w.add(b)
	w.log.take()
	w.mine(double)
	w.holds()
	if got := strings.Join(w.log.take(), " "); got != "conflict conflict tip+1" {
		t.Error(got)
	}
	w.fork(base, 2)
	w.holds(double) // it pays too little to be relayed, but a block held it
}

func TestReorgKeepsWhatABlockHeld(t *testing.T) {
	w := newWorld(t, 10, nil)
	base := w.tip
	cheap := w.pay(0)
	w.mine(cheap)
	w.fork(base, 2)
	w.holds(cheap)
}

func TestReorgDropsWhatIsNotStandard(t *testing.T) {
	w := newWorld(t, 10, nil)
	base := w.tip
	odd := spec{version: 9, from: []coin{w.coin()}, fee: 1000}.tx()
	child := spec{from: []coin{out(odd, 0)}, fee: 1000}.tx()
	grandchild := spec{from: []coin{out(child, 0)}, fee: 1000}.tx()
	w.mine(odd)
	w.add(child)
	w.add(grandchild)
	w.fork(base, 2)
	w.holds()
}

func TestReorgLockTimes(t *testing.T) {
	w := newWorld(t, 20, nil)
	base := w.tip
	w.mine()
	w.mine()
	// Both are final for the block after this one, not for a lower one.
	byHeight := spec{from: []coin{w.coin()}, fee: 1000, lock: uint32(w.tip.Height)}.tx()
	child := spec{from: []coin{out(byHeight, 0)}, fee: 1000}.tx()
	relative := spec{from: []coin{w.coin()}, fee: 1000, sequence: uint32(w.tip.Height - base.Height + 1)}.tx()
	free := w.pay(1000)
	for _, tx := range []*wire.Tx{byHeight, child, relative, free} {
		w.add(tx)
	}
	w.holds(byHeight, child, relative, free)
	if err := w.chain.Invalidate(t.Context(), w.chain.Headers().Lookup(w.tip.Hash())); err != nil {
		t.Fatal(err)
	}
	w.settle()
	w.holds(free)
	w.refuse(byHeight, Premature, "non-final")
	w.refuse(relative, Premature, "non-BIP68-final")
}

func TestReorgImmature(t *testing.T) {
	w := newWorld(t, 1, func(c *Config) { c.RequireStandard = false })
	w.mine() // above what the world began with
	// This coinbase is just old enough now.
	first := w.chain.At(w.tip.Height + 1 - 100)
	b, err := w.chain.ParsedBlock(first)
	if err != nil {
		t.Fatal(err)
	}
	cb := coin{wire.OutPoint{Hash: b.Txs[0].TxID()}, b.Txs[0].Out[0].Value}
	tx := wire.NewTx(2, []wire.TxIn{{PrevOut: cb.op}}, []wire.TxOut{{Value: cb.value - 1000, Script: anyone}}, 0)
	child := spec{from: []coin{out(tx, 0)}, fee: 1000}.tx()
	w.add(tx)
	w.add(child)
	if !w.pool.Get(tx.TxID()).SpendsCoinbase || w.pool.Get(child.TxID()).SpendsCoinbase {
		t.Error("wrong about the coinbase")
	}
	if err := w.chain.Invalidate(t.Context(), w.chain.Tip()); err != nil {
		t.Fatal(err)
	}
	w.settle()
	w.holds()
	// A spend of a coinbase that is gone must go with it.
	w2 := newWorld(t, 1, func(c *Config) { c.RequireStandard = false })
	base := w2.tip
	w2.fork(base, 101)
	top := w2.chain.At(base.Height + 1)
	if b, err = w2.chain.ParsedBlock(top); err != nil {
		t.Fatal(err)
	}
	cb = coin{wire.OutPoint{Hash: b.Txs[0].TxID()}, b.Txs[0].Out[0].Value}
	tx = wire.NewTx(2, []wire.TxIn{{PrevOut: cb.op}}, []wire.TxOut{{Value: cb.value - 1000, Script: anyone}}, 0)
	w2.add(tx)
	w2.fork(base, 102)
	w2.holds()
}

// TestReorgTooLarge joins families that were apart into one that is too large.
func TestReorgTooLarge(t *testing.T) {
	w := newWorld(t, 10, nil)
	base := w.tip
	root := spec{from: []coin{w.coin()}, fee: 1000, outs: 4}.tx()
	w.mine(root)
	var all []*wire.Tx
	for i := range 4 {
		c := out(root, i)
		for range 25 {
			tx := spec{from: []coin{c}, fee: 1000 + int64(i)*500}.tx()
			w.add(tx)
			all = append(all, tx)
			c = out(tx, 0)
		}
	}
	w.holds(all...)
	w.fork(base, 2)
	w.check()
	if n := w.pool.Len(); n != MaxClusterCount {
		t.Errorf("%d left", n)
	}
	if w.pool.Get(root.TxID()) == nil || w.pool.Get(all[99].TxID()) == nil {
		t.Error("the best of it is gone")
	}
}

// TestReorgBadBranch walks into a branch whose last block is invalid and back.
func TestReorgBadBranch(t *testing.T) {
	w := newWorld(t, 10, nil)
	base := w.tip
	a, b := w.pay(1000), w.pay(800)
	w.add(a)
	w.add(b)
	w.mine(a)
	tip := w.tip
	good := w.gen.Next(base, 0, b)
	bad := w.gen.Next(good, 1) // takes a fee that nobody paid
	w.log.take()
	for _, x := range []chaintest.Block{good, bad} {
		w.chain.Process(t.Context(), incoming(x))
	}
	w.settle()
	if w.chain.Tip().Hash != tip.Hash() {
		t.Fatal("another tip")
	}
	w.holds(b)
	if got := strings.Join(w.log.take(), " "); got != "tip+1" {
		t.Errorf("the way there and back was seen: %s", got)
	}
	w.mine(b)
	w.holds()
}

func TestBacklogLimit(t *testing.T) {
	var l backlog
	big := make([]*wire.Tx, 6)
	for i := range big {
		big[i] = wire.NewTx(2, []wire.TxIn{{PrevOut: wire.OutPoint{Index: uint32(i)}, Script: make([]byte, 4_000_000-100)}}, []wire.TxOut{{}}, 0)
	}
	cb := wire.NewTx(1, []wire.TxIn{{PrevOut: wire.OutPoint{Index: wire.NullIndex}, Script: make([]byte, 5)}}, []wire.TxOut{{}}, 0)
	for i := range big {
		l.add(nil, &wire.Block{Txs: []wire.Tx{*cb, *big[i]}})
	}
	if len(l.blocks) != 5 || l.bytes > maxBackBytes || l.blocks[0].txs[0].TxID() != big[1].TxID() {
		t.Errorf("%d blocks, %d bytes", len(l.blocks), l.bytes)
	}
	if len(l.dropped) != 7 {
		t.Errorf("%d dropped", len(l.dropped))
	}
}
