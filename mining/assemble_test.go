package mining

import (
	"context"
	"math"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"starling/chain/consensus"
	"starling/chain/headertree"
	"starling/internal/cputime"
	"starling/params"
	"starling/wire"
)

func TestAssemble(t *testing.T) {
	c := newFakeChain(params.Regtest())
	p := newFakePool(c)
	m := New(Config{Chain: c, Source: p, Clock: c.clock})
	first := entry(wire.Hash{1}, 500, 0)
	late := entry(wire.Hash{2}, 9000, 7) // not before height 8
	child := entry(late.TxID, 9000, 0)
	grandchild := entry(child.TxID, 9000, 0)
	cheap := entry(wire.Hash{3}, 0, 0)
	p.add(late, child, grandchild, first, cheap)
	d, err := m.Assemble(anyone)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Txs) != 1 || d.Txs[0] != first || d.Fees != 500 || d.Parent != c.Tip() || len(d.Block.Txs) != 2 {
		t.Errorf("got %d transactions with fees of %d", len(d.Txs), d.Fees)
	}
	if got := consensus.OutputValue(&d.Block.Txs[0]); got != 50_0000_0000+500 {
		t.Errorf("the coinbase takes %d", got)
	}
	if s := m.LastSize(); s == nil || s.Txs != 1 || s.Weight != DefaultReservedWeight+first.Weight {
		t.Errorf("size %+v", s)
	}
	if w := d.Block.Weight() - int(first.Weight); w > DefaultReservedWeight {
		t.Errorf("header and coinbase weigh %d, more than what is kept for them", w)
	}
}

func TestAssembleLimits(t *testing.T) {
	weight := entry(wire.Hash{1}, 500, 0).Weight
	for _, tc := range []struct {
		name string
		cfg  Config
		want int // of ten transactions
	}{
		{"default", Config{}, 10},
		{"room for four", Config{MaxWeight: DefaultReservedWeight + 5*weight - 1}, 4},
		{"more reserved", Config{MaxWeight: DefaultReservedWeight + 4*weight, ReservedWeight: DefaultReservedWeight + weight}, 3},
		{"less than can be reserved", Config{MaxWeight: 1, ReservedWeight: 1}, 0},
		{"minimum fee", Config{MinFee: 1_000_000}, 0},
		{"more than the rules allow", Config{MaxWeight: math.MaxInt64, MinFee: -1}, 10},
	} {
		c := newFakeChain(params.Regtest())
		p := newFakePool(c)
		for i := range 10 {
			p.add(entry(wire.Hash{byte(i + 1)}, 500, 0))
		}
		tc.cfg.Chain, tc.cfg.Source, tc.cfg.Clock = c, p, c.clock
		d, err := New(tc.cfg).Assemble(anyone)
		if err != nil || len(d.Txs) != tc.want {
			t.Errorf("%s: %d transactions, %v", tc.name, len(d.Txs), err)
		}
	}
}

// TestLatest hands a draft out again until it is old or the tip moves.
func TestLatest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p, m := setup(params.Regtest())
		latest := func() *Draft {
			d, err := m.Latest(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		first := latest()
		time.Sleep(time.Hour)
		if latest() != first {
			t.Error("another draft although nothing has changed")
		}
		p.add(entry(wire.Hash{1}, 500, 0))
		second := latest()
		if second == first {
			t.Error("an old draft does not get the new transaction")
		}
		p.add(entry(wire.Hash{2}, 500, 0))
		if latest() != second {
			t.Error("a draft of this moment is made again")
		}
		time.Sleep(keepDraft)
		if d := latest(); d == second || len(d.Txs) != 2 {
			t.Error("a draft is kept for too long")
		}
		if _, err := m.Generate(t.Context(), anyone, 1, 1000); err != nil {
			t.Fatal(err)
		}
		if latest().Parent != c.Tip() {
			t.Error("a draft on a block that is not the tip any more")
		}
		c.refuse = consensus.Reject(consensus.Invalid, "bad-something", "")
		time.Sleep(time.Hour)
		p.add(entry(wire.Hash{3}, 500, 0))
		if _, err := m.Latest(t.Context()); err == nil {
			t.Error("a draft that breaks a rule is handed out")
		}
	})
}

func TestWaitBetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p, m := setup(params.Regtest())
		start := time.Now()
		wait := func(ctx context.Context, known *headertree.Node, seq uint64, during func()) (time.Duration, error) {
			start = time.Now()
			done := make(chan error, 1)
			go func() { done <- m.WaitBetter(ctx, known, seq) }()
			synctest.Wait()
			during()
			err := <-done
			return time.Since(start), err
		}
		if d, err := wait(t.Context(), nil, 0, func() {}); err != nil || d != 0 {
			t.Errorf("unknown tip: %v, %v", d, err)
		}
		if d, err := wait(t.Context(), c.Tip(), p.Sequence()+1, func() {}); err != nil || d != firstLook {
			t.Errorf("another pool: %v, %v", d, err)
		}
		if d, err := wait(t.Context(), c.Tip(), p.Sequence(), func() {
			time.Sleep(firstLook + time.Second)
			p.add(entry(wire.Hash{1}, 500, 0))
		}); err != nil || d != firstLook+nextLook {
			t.Errorf("a transaction: %v, %v", d, err)
		}
		if d, err := wait(t.Context(), c.Tip(), p.Sequence(), func() {
			time.Sleep(time.Second)
			if _, err := m.Generate(t.Context(), anyone, 1, 1000); err != nil {
				t.Error(err)
			}
		}); err != nil || d != time.Second {
			t.Errorf("a block: %v, %v", d, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := wait(ctx, c.Tip(), p.Sequence(), func() {}); err == nil {
			t.Error("the end of the context went unseen")
		}
	})
}

// TestSearchAll splits the nonces among threads, finds what there is and says
// when there is nothing.
func TestSearchAll(t *testing.T) {
	h := params.Regtest().Genesis.Header
	h.Bits = 0x1f00ffff // about 65,000 tries
	for _, threads := range []int{1, 2, 5} {
		got := h
		var count atomic.Uint64
		if err := searchAll(t.Context(), &got, threads, &count); err != nil {
			t.Fatal(err)
		}
		target, _, _ := consensus.CompactToTarget(h.Bits)
		hash := got.Hash()
		if !meets(&hash, &target) || count.Load() == 0 {
			t.Errorf("%d threads: %v does not meet the target after %d tries", threads, hash, count.Load())
		}
		got.Nonce = h.Nonce
		if got != h {
			t.Errorf("%d threads: more than the nonce has changed", threads)
		}
	}
	h.Bits = 0
	var count atomic.Uint64
	if err := searchAll(t.Context(), &h, 3, &count); err == nil {
		t.Error("an impossible target was met")
	}
}

func TestNetworkHashRate(t *testing.T) {
	net := params.Regtest() // 2 hashes for a block, on average
	c := newFakeChain(net)
	if r := NetworkHashRate(c.Tip(), 120, net); r != 0 {
		t.Errorf("genesis: %v", r)
	}
	c.step = 10 * time.Second
	if _, err := New(Config{Chain: c, Clock: c.clock}).Generate(t.Context(), anyone, 300, 1<<20); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		height, n int32
		want      float64
	}{
		{300, 120, 0.2},
		{300, 1, 0.2},
		{10, 5, 0.2},
		{300, -1, 0.2},
		{100, -1, 100 * 2 / (3600 + 990.)}, // the period begins with the genesis block, an hour earlier
	} {
		if got := NetworkHashRate(c.Tip().Ancestor(tc.height), tc.n, net); math.Abs(got-tc.want) > 1e-9 {
			t.Errorf("%d blocks up to %d: %v, want %v", tc.n, tc.height, got, tc.want)
		}
	}
}

// BenchmarkSearch is the miner on one core, beside a bare loop that hashes as
// many times 80 bytes twice and does nothing else. They take turns, so that
// whatever else the machine does is fair to both.
func BenchmarkSearch(b *testing.B) {
	h := params.Main().Genesis.Header
	h.Bits = 0x03000001 // nobody finds that
	buf := h.Append(nil)
	const batch = 1 << 15
	var searching, bare time.Duration
	var sum byte
	for b.Loop() {
		h.Nonce = 0
		watch := cputime.Start()
		var count atomic.Uint64
		if tries, _ := search(b.Context(), &h, batch, &count); tries != batch {
			b.Fatalf("%d tries of %d", tries, batch)
		}
		searching += watch.Lap()
		for i := range batch {
			buf[76], buf[77] = byte(i), byte(i>>8)
			hash := wire.DoubleHash(buf)
			sum ^= hash[0]
		}
		bare += watch.Lap()
	}
	hashes := float64(b.N) * batch
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(hashes/searching.Seconds(), "hashes/s")
	b.ReportMetric(hashes/bare.Seconds(), "bare/s")
	b.ReportMetric(bare.Seconds()/searching.Seconds(), "ratio")
	b.Logf("checksum %x", sum)
}
