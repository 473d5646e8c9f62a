package mempool

import (
	"strings"
	"testing"
	"time"

	"starling/wire"
)

// TestEviction fills a pool beyond its size: what is worth least leaves, and
// the floor rises above it.
func TestEviction(t *testing.T) {
	const pad = 45_000
	w := newWorld(t, 300, func(c *Config) { c.MaxBytes = MinMaxBytes })
	rate := func(r int64) *wire.Tx { return spec{from: []coin{w.coin()}, fee: r * (pad + 110), pad: pad}.tx() }
	// A parent that pays little and a child that pays for both stay together.
	parent := spec{from: []coin{w.coin()}, fee: 100_000, pad: pad}.tx()
	child := spec{from: []coin{out(parent, 0)}, fee: 700_000, pad: pad}.tx()
	w.add(parent)
	w.add(child)
	for i := range 260 {
		tx := rate(3 + 3*int64(i%2))
		if _, err := w.pool.Add(t.Context(), tx, AddOptions{}); err != nil {
			rej, ok := err.(*Rejection)
			if !ok || rej.Kind != Reconsiderable || rej.Reason != "mempool full" && rej.Reason != "mempool min fee not met" {
				t.Fatal(err)
			}
		}
	}
	w.check()
	info := w.pool.Info()
	if info.Usage > MinMaxBytes || info.Usage < MinMaxBytes-2*pad {
		t.Errorf("usage %d", info.Usage)
	}
	if w.pool.Get(parent.TxID()) == nil || w.pool.Get(child.TxID()) == nil {
		t.Error("the family was torn apart")
	}
	least := int64(1 << 60)
	for _, e := range w.pool.Entries() {
		if e.TxID != parent.TxID() {
			least = min(least, int64(e.FeeRate()))
		}
	}
	if least < 5990 {
		t.Errorf("least rate %d: others pay 6 and left", least)
	}
	floor := w.pool.MinFee()
	if floor < 6090 || floor > 6110 { // what was evicted, and 100 more
		t.Errorf("floor %d", floor)
	}
	w.refuse(rate(5), Reconsiderable, "mempool min fee not met")

	// Without a block the floor stays; after one it falls by half every 12
	// hours while the pool is half full, and faster when it is not.
	w.clk.Advance(24 * time.Hour)
	if w.pool.MinFee() != floor {
		t.Error("the floor fell without a block")
	}
	w.mine()
	w.clk.Advance(12 * time.Hour)
	if got := w.pool.MinFee(); got < floor/2-2 || got > floor/2+2 {
		t.Errorf("after a half life: %d of %d", got, floor)
	}
	w.clk.Advance(12 * time.Hour)
	if got := w.pool.MinFee(); got < floor/4-2 || got > floor/4+2 {
		t.Errorf("after two: %d of %d", got, floor)
	}
	// A block that empties the pool.
	var txs []*wire.Tx
	for _, e := range w.pool.Entries() {
		txs = append(txs, e.Tx)
	}
	for len(txs) > 0 {
		n := min(len(txs), 20)
		w.mine(txs[:n]...)
		txs = txs[n:]
	}
	w.holds()
	before := w.pool.MinFee()
	w.clk.Advance(3 * time.Hour)
	if got := w.pool.MinFee(); got < before/2-2 || got > before/2+2 {
		t.Errorf("empty, after a quarter: %d of %d", got, before)
	}
	w.clk.Advance(48 * time.Hour)
	if got := w.pool.MinFee(); got != DefaultMinRelayFee {
		t.Errorf("at the end: %d", got)
	}
}

func TestExpiry(t *testing.T) {
	w := newWorld(t, 10, nil)
	old := w.pay(1000)
	w.add(old)
	w.clk.Advance(300 * time.Hour)
	child := spec{from: []coin{out(old, 0)}, fee: 1000}.tx()
	young := w.pay(1000)
	w.add(child)
	w.add(young)
	w.clk.Advance(36*time.Hour - time.Second)
	last := w.pay(1000)
	w.add(last)
	w.holds(old, child, young, last)
	w.clk.Advance(2 * time.Second)
	w.log.take()
	w.pool.makeRoom()
	w.holds(young, last)
	if got := strings.Join(w.log.take(), " "); got != "expiry expiry" {
		t.Error(got)
	}
}

func TestPrioritise(t *testing.T) {
	w := newWorld(t, 10, nil)
	free := w.pay(0)
	w.refuse(free, Reconsiderable, "min relay fee not met")
	w.pool.Prioritise(free.TxID(), 700)
	w.pool.Prioritise(free.TxID(), 300)
	w.add(free)
	other := w.pay(2000)
	w.add(other)
	order := func(want ...*wire.Tx) {
		t.Helper()
		w.check()
		for i, e := range w.pool.Entries() {
			if e.TxID != want[i].TxID() {
				t.Errorf("place %d is another", i)
			}
		}
	}
	order(other, free)
	before := w.pool.Get(free.TxID())
	w.pool.Prioritise(free.TxID(), 5000)
	order(free, other)
	e := w.pool.Get(free.TxID())
	if before.ModifiedFee != 1000 || e.ModifiedFee != 6000 || e.Fee != 0 {
		t.Errorf("%d, then %d of %d", before.ModifiedFee, e.ModifiedFee, e.Fee)
	}
	late := w.pay(100)
	w.pool.Prioritise(late.TxID(), -50)
	ds := w.pool.Prioritised()
	if len(ds) != 2 {
		t.Fatalf("%+v", ds)
	}
	for _, d := range ds {
		if (d.TxID == late.TxID()) != (d.Entry == nil) || d.Entry != nil && d.Delta != 6000 {
			t.Errorf("%+v", d)
		}
	}
	w.pool.Prioritise(late.TxID(), 50)
	if len(w.pool.Prioritised()) != 1 {
		t.Error("zero is kept")
	}
	w.mine(free)
	if len(w.pool.Prioritised()) != 0 {
		t.Error("a confirmed transaction is still prioritised")
	}
	w.holds(other)
	// A replacement must beat the fee that counts.
	w.pool.Prioritise(other.TxID(), 10_000)
	w.refuse(spec{from: []coin{{other.In[0].PrevOut, fundValue}}, fee: 11_000}.tx(), Reconsiderable, "insufficient fee")
	w.add(spec{from: []coin{{other.In[0].PrevOut, fundValue}}, fee: 12_010}.tx())
	w.check()
}

func TestUnbroadcast(t *testing.T) {
	w := newWorld(t, 10, nil)
	var ids []wire.Hash
	for range 3 {
		tx := w.pay(1000)
		if _, err := w.pool.Add(t.Context(), tx, AddOptions{Local: true}); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, tx.TxID())
	}
	w.add(w.pay(1000))
	if got := w.pool.Unbroadcast(); len(got) != 3 {
		t.Errorf("%v", got)
	}
	w.pool.Broadcast(ids[0])
	w.pool.Broadcast(wire.Hash{})
	w.mine(w.pool.Get(ids[1]).Tx)
	if got := w.pool.Unbroadcast(); len(got) != 1 || got[0] != ids[2] {
		t.Errorf("%v", got)
	}
	if d, _ := w.pool.Details(ids[2]); !d.Unbroadcast {
		t.Error("details do not say so")
	}
	w.check()
}

func TestSelect(t *testing.T) {
	w := newWorld(t, 30, nil)
	low := w.pay(100)
	poor := w.pay(200)
	rich := spec{from: []coin{out(poor, 0)}, fee: 5000}.tx()
	mid := w.pay(1000)
	big := spec{from: []coin{w.coin()}, fee: 300_000, pad: 20_000}.tx()
	for _, tx := range []*wire.Tx{low, poor, rich, mid, big} {
		w.add(tx)
	}
	want := func(es []*Entry, txs ...*wire.Tx) {
		t.Helper()
		if len(es) != len(txs) {
			t.Fatalf("%d entries, want %d", len(es), len(txs))
		}
		for i, e := range es {
			if e.TxID != txs[i].TxID() {
				t.Errorf("place %d is another", i)
			}
		}
	}
	want(w.pool.Select(4e6, 80_000, 0), poor, rich, big, mid, low)
	want(w.pool.Select(4e6, 80_000, 2000), poor, rich, big, mid)
	want(w.pool.Select(4*20_000, 80_000, 0), poor, rich, mid, low)
	want(w.pool.Select(int64(low.Weight()+mid.Weight()), 80_000, 0), poor, rich)
	want(w.pool.Select(int64(low.Weight()), 80_000, 0), mid)
	want(w.pool.Select(0, 80_000, 0))
	_, tip := w.pool.SelectAt(1, 1, 0)
	if tip.Hash != w.tip.Hash() {
		t.Error("another tip")
	}
}

func TestSelectSigOps(t *testing.T) {
	w := newWorld(t, 30, func(c *Config) { c.RequireStandard = false })
	heavy := func(fee int64) *wire.Tx {
		return spec{from: []coin{w.coin()}, fee: fee, extra: []wire.TxOut{{Value: 5000, Script: make80()}}}.tx()
	}
	a, b := heavy(90_000), heavy(80_000)
	light := w.pay(10)
	for _, tx := range []*wire.Tx{a, b, light} {
		w.add(tx)
	}
	if got := w.pool.Select(4e6, 639, 0); len(got) != 2 || got[1].TxID != light.TxID() {
		t.Errorf("%d selected", len(got))
	}
}

// make80 returns a script with 80 signature operations that cost 320.
func make80() []byte {
	s := make([]byte, 80)
	for i := range s {
		s[i] = 0xac
	}
	return s
}

func TestChanged(t *testing.T) {
	w := newWorld(t, 10, nil)
	fired := func(c <-chan struct{}) bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	}
	c := w.pool.Changed()
	if fired(c) {
		t.Error("too early")
	}
	seq := w.pool.Sequence()
	tx := w.pay(1000)
	e := w.add(tx).Entry
	if !fired(c) || w.pool.Sequence() != seq+1 || e.Sequence != seq {
		t.Error("an entry did not count")
	}
	c = w.pool.Changed()
	w.mine(tx)
	if !fired(c) || w.pool.Sequence() != seq+2 {
		t.Error("a block did not count")
	}
}
