package mining

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"starling/chain"
	"starling/chain/chaintest"
	"starling/chain/consensus"
	"starling/clock"
	"starling/mempool"
	"starling/params"
	"starling/script"
	"starling/wire"
)

var (
	_ TxSource = (*mempool.Pool)(nil)
	_ Chain    = (*chain.Chain)(nil)
)

// world is a real chain whose first blocks can be spent by anyone.
type world struct {
	chain *chain.Chain
	clock *clock.Mock
	coins []wire.OutPoint // of value each
	value int64
}

// worldCoins is how many outputs can be spent, all of one transaction.
const worldCoins = 2000

// newWorld runs a chain in memory until the test ends. attach, if not nil, is
// called before it runs.
func newWorld(t testing.TB, attach func(*chain.Chain, *world)) *world {
	t.Helper()
	net := params.Regtest()
	maker := chaintest.New(net)
	first := maker.Next(maker.Genesis(), 0)
	blocks := append([]chaintest.Block{first}, maker.Chain(first, 100)...)
	op, value := first.Coinbase()
	split := chaintest.Spend(op, value, 0, worldCoins)
	blocks = append(blocks, maker.Next(blocks[len(blocks)-1], 0, split))
	tip := blocks[len(blocks)-1]
	w := &world{clock: clock.NewMock(tip.Header.Time().Add(time.Minute)), value: split.Out[0].Value}
	for i := range worldCoins {
		w.coins = append(w.coins, wire.OutPoint{Hash: split.TxID(), Index: uint32(i)})
	}
	c, err := chain.Open(chain.Config{Network: net, FS: vfs.NewMem(), Dir: "/chain", Clock: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	w.chain = c
	if attach != nil {
		attach(c, w)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, b := range blocks {
		if out := c.Process(ctx, chain.Incoming{Raw: b.Bytes(), Requested: true}); out.Err != nil {
			t.Fatal(out.Err)
		}
	}
	return w
}

// pool returns an empty pool on the chain.
func (w *world) pool(t interface{ Fatal(...any) }, c *chain.Chain) *mempool.Pool {
	p, err := mempool.New(mempool.Config{Chain: c, Clock: w.clock, MinRelayFee: -1})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestDraftsObeyLimits fills a pool with transactions of all sizes, fees,
// numbers of signature operations and lock times, in chains, and has drafts
// made with all limits; each must be a valid block within them.
func TestDraftsObeyLimits(t *testing.T) {
	w := newWorld(t, nil)
	rapid.Check(t, func(r *rapid.T) {
		pool := w.pool(r, w.chain)
		type coin struct {
			op    wire.OutPoint
			value int64
		}
		free := make([]coin, 0, worldCoins)
		for _, op := range w.coins {
			free = append(free, coin{op, w.value})
		}
		for range rapid.IntRange(0, 40).Draw(r, "transactions") {
			i := rapid.IntRange(0, len(free)-1).Draw(r, "coin")
			c := free[i]
			fee := rapid.Int64Range(0, 50_000).Draw(r, "fee")
			if c.value < fee+1000 {
				continue
			}
			outs := []wire.TxOut{{Value: (c.value - fee) / 2, Script: anyone}, {Value: (c.value - fee) - (c.value-fee)/2, Script: anyone}}
			if n := rapid.SampledFrom([]int{0, 0, 1, 200}).Draw(r, "signature operations"); n > 0 {
				outs = append(outs, wire.TxOut{Script: repeated(script.OpCheckMultiSig, n)}) // 20 each
			}
			if n := rapid.SampledFrom([]int{0, 0, 500, 9000}).Draw(r, "bytes"); n > 0 {
				outs = append(outs, wire.TxOut{Script: append([]byte{script.OpReturn}, make([]byte, n)...)})
			}
			lock := uint32(rapid.SampledFrom([]int{0, 0, int(w.chain.Tip().Height), int(w.chain.Tip().Height) + 1}).Draw(r, "lock time"))
			tx := wire.NewTx(2, []wire.TxIn{{PrevOut: c.op, Sequence: wire.SequenceFinal - 1}}, outs, lock)
			if _, err := pool.Add(context.Background(), tx, mempool.AddOptions{}); err != nil {
				continue // for its fee, its cluster, its lock time
			}
			free[i] = coin{wire.OutPoint{Hash: tx.TxID()}, outs[0].Value}
			free = append(free, coin{wire.OutPoint{Hash: tx.TxID(), Index: 1}, outs[1].Value})
		}
		m := New(Config{
			Chain: w.chain, Source: pool, Clock: w.clock,
			MaxWeight:      rapid.Int64Range(1, 200_000).Draw(r, "weight"),
			ReservedWeight: rapid.Int64Range(1, 10_000).Draw(r, "reserved"),
			MinFee:         mempool.FeeRate(rapid.Int64Range(-1, 20_000).Draw(r, "fee rate")),
		})
		d, err := m.Assemble(anyone)
		if err != nil {
			r.Fatal(err)
		}
		w.check(r, m, pool, d)
	})
}

// check holds a draft against the rules, the limits and the pool.
func (w *world) check(r *rapid.T, m *Miner, pool *mempool.Pool, d *Draft) {
	if err := w.chain.CheckProposal(context.Background(), d.Block); err != nil {
		r.Fatalf("%d transactions: %v", len(d.Txs), err)
	}
	var weight, fees, sigOps int64
	seen := make(map[wire.Hash]bool)
	for i, e := range d.Txs {
		weight, fees, sigOps = weight+e.Weight, fees+e.Fee, sigOps+int64(e.SigOps)
		for j := range e.Tx.In {
			if parent := e.Tx.In[j].PrevOut.Hash; pool.Get(parent) != nil && !seen[parent] {
				r.Fatalf("transaction %d comes before its parent", i)
			}
		}
		seen[e.TxID] = true
	}
	if weight+m.reserved > m.maxWeight {
		r.Fatalf("transactions weigh %d, %d are reserved, the limit is %d", weight, m.reserved, m.maxWeight)
	}
	if sigOps+reservedSigOps > consensus.MaxSigOpsCost {
		r.Fatalf("%d signature operations", sigOps)
	}
	if got := consensus.OutputValue(&d.Block.Txs[0]); fees != d.Fees || got != consensus.Subsidy(d.Parent.Height+1, params.Regtest())+fees {
		r.Fatalf("fees %d, told %d, the coinbase takes %d", fees, d.Fees, got)
	}
	if m.reserved == DefaultReservedWeight && d.Block.Weight() > int(m.maxWeight) {
		r.Fatalf("the block weighs %d of %d", d.Block.Weight(), m.maxWeight)
	}
	// With room for all, nothing that pays enough is left out.
	room := m.maxWeight - m.reserved
	var all int64
	for _, e := range pool.Entries() {
		all += e.AdjustedWeight()
	}
	if all <= room && m.minFee == 0 && len(d.Txs) != pool.Len() {
		r.Fatalf("%d of %d transactions, with room for all", len(d.Txs), pool.Len())
	}
}

// TestWorkerEmptiesARealPool mines a pool that belongs to its chain until
// nothing is left, block after block, and leaves the chain valid.
func TestWorkerEmptiesARealPool(t *testing.T) {
	var pool *mempool.Pool
	w := newWorld(t, func(c *chain.Chain, w *world) {
		pool = w.pool(t, c)
		c.AttachPool(pool)
	})
	m := New(Config{Chain: w.chain, Source: pool, Clock: w.clock, MaxWeight: DefaultReservedWeight + 5000})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- NewWorker(WorkerConfig{Miner: m, Script: anyone, Threads: 2, MinTxs: 100}).Run(ctx)
	}()
	start := w.chain.Tip()
	for i := range 100 {
		tx := chaintest.Spend(w.coins[i], w.value, 1000, 2)
		if _, err := pool.Add(ctx, tx, mempool.AddOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for {
		changed := pool.Changed()
		if pool.Len() == 0 {
			break
		}
		<-changed
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n := w.chain.Tip().Height - start.Height; n < 100*71*4/5000 {
		t.Errorf("all in %d blocks of at most 5000 weight units", n)
	}
	if err := w.chain.Verify(t.Context(), 4, 0); err != nil {
		t.Error(err)
	}
}

// bigPool is a pool that serves no more than a test of speed: it has the
// entries of a real one, in clusters of two.
func bigPool(b *testing.B, n int) (*world, *mempool.Pool) {
	b.Helper()
	w := newWorld(b, nil)
	const fan = 60
	roots := make([]*wire.Tx, (n/2+fan-1)/fan)
	for i := range roots {
		roots[i] = chaintest.Spend(w.coins[i], w.value, 0, fan)
	}
	tip, err := w.chain.ParsedBlock(w.chain.Tip())
	if err != nil {
		b.Fatal(err)
	}
	next := chaintest.New(params.Regtest()).Next(chaintest.Block{Block: tip, Height: w.chain.Tip().Height}, 0, roots...)
	w.clock.Set(next.Header.Time())
	if out := w.chain.Process(b.Context(), chain.Incoming{Raw: next.Bytes(), Requested: true}); out.Err != nil {
		b.Fatal(out.Err)
	}
	pool := w.pool(b, w.chain)
	add := func(op wire.OutPoint, value, fee int64) *wire.Tx {
		tx := chaintest.Spend(op, value, fee, 2)
		if _, err := pool.Add(b.Context(), tx, mempool.AddOptions{}); err != nil {
			b.Fatal(err)
		}
		return tx
	}
	for k := range n / 2 {
		root, leaf := roots[k/fan], k%fan
		parent := add(wire.OutPoint{Hash: root.TxID(), Index: uint32(leaf)}, root.Out[leaf].Value, int64(200+k*7919%900))
		add(wire.OutPoint{Hash: parent.TxID()}, parent.Out[0].Value, int64(200+k*104729%900))
	}
	return w, pool
}

// BenchmarkAssemble makes a template from a pool of so many transactions, as
// full as a block may be, and one of 3,000 transactions.
func BenchmarkAssemble(b *testing.B) {
	for _, size := range []int{3_000, 100_000} {
		w, pool := bigPool(b, size)
		for _, limit := range []struct {
			name   string
			weight int64
		}{
			{"full block", 0}, {"3,000 transactions", 3000 * 71 * 4},
		} {
			b.Run(fmt.Sprintf("of %d/%s", pool.Len(), limit.name), func(b *testing.B) {
				m := New(Config{Chain: w.chain, Source: pool, Clock: w.clock, MaxWeight: limit.weight})
				var d *Draft
				for b.Loop() {
					var err error
					if d, err = m.Assemble(anyone); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(len(d.Txs)), "txs")
			})
		}
	}
}
