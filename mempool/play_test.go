package mempool

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"starling/chain/chaintest"
	"starling/params"
	"starling/wire"
)

// player plays at random: what is played is drawn by rapid.
type player struct {
	*world
	coins  []coin            // outputs, confirmed or not, spent or not
	blocks []chaintest.Block // that were mined on the best chain at some time
}

func newPlayer(t *testing.T) *player {
	net := params.Regtest()
	net.CoinbaseMaturity = 2
	w := newWorldOn(t, net, 40, func(c *Config) { c.MaxBytes = MinMaxBytes })
	p := &player{world: w, coins: w.funds}
	p.blocks = append(p.blocks, w.tip)
	return p
}

// some draws between one and n coins, mostly new ones.
func (p *player) some(t *rapid.T, n int) []coin {
	k := rapid.IntRange(1, n).Draw(t, "inputs")
	seen := map[wire.OutPoint]bool{}
	var cs []coin
	for range k {
		back := min(rapid.IntRange(0, 60).Draw(t, "back"), len(p.coins)-1)
		c := p.coins[len(p.coins)-1-back]
		if !seen[c.op] {
			seen[c.op] = true
			cs = append(cs, c)
		}
	}
	return cs
}

func (p *player) draw(t *rapid.T) *wire.Tx {
	s := spec{
		from:    p.some(t, 3),
		outs:    rapid.IntRange(1, 3).Draw(t, "outputs"),
		fee:     rapid.SampledFrom([]int64{0, 10, 30, 100, 1000, 5000, 50_000}).Draw(t, "fee"),
		version: rapid.SampledFrom([]int32{2, 2, 2, 3}).Draw(t, "version"),
	}
	if rapid.IntRange(0, 5).Draw(t, "large") == 0 {
		s.pad = 30_000
	}
	switch rapid.IntRange(0, 12).Draw(t, "lock") {
	case 0:
		s.lock = uint32(p.tip.Height) - 1
	case 1:
		s.sequence = 1
	}
	return s.tx()
}

// made remembers the outputs of a transaction.
func (p *player) made(tx *wire.Tx) {
	for i := range tx.Out {
		if tx.Out[i].Value > 100_000 {
			p.coins = append(p.coins, out(tx, i))
		}
	}
}

// chosen returns transactions of the pool for a block: what a miner would take,
// or only some of it.
func (p *player) chosen(t *rapid.T) []*wire.Tx {
	weight := rapid.SampledFrom([]int64{0, 2000, 40_000, 3_900_000}).Draw(t, "weight")
	var txs []*wire.Tx
	for _, e := range p.pool.Select(weight, 80_000, 0) {
		txs = append(txs, e.Tx)
	}
	return txs
}

func TestPlay(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := newPlayer(t)
		defer p.close()
		p.t = rt
		rt.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) { p.check() },
			"add": func(t *rapid.T) {
				for range rapid.IntRange(1, 20).Draw(t, "count") {
					tx := p.draw(t)
					_, err := p.pool.Add(context.Background(), tx, AddOptions{})
					var rej *Rejection
					if err != nil && !errors.As(err, &rej) {
						t.Fatal(err)
					}
					if err == nil {
						p.made(tx)
					}
				}
			},
			"package": func(t *rapid.T) {
				parent := p.draw(t)
				child := spec{version: parent.Version, from: []coin{out(parent, 0)}, fee: rapid.Int64Range(0, 3000).Draw(t, "fee")}.tx()
				if _, err := p.pool.AddPackage(context.Background(), []*wire.Tx{parent, child}, AddOptions{}); err != nil {
					t.Fatal(err)
				}
				p.made(child)
			},
			"test": func(t *rapid.T) {
				seq := p.pool.Sequence()
				a := p.draw(t)
				b := spec{version: a.Version, from: []coin{out(a, 0)}, fee: 100}.tx()
				if _, err := p.pool.Test(context.Background(), []*wire.Tx{a, b}, 0); err != nil {
					t.Fatal(err)
				}
				if p.pool.Sequence() != seq {
					t.Fatal("testing changed the pool")
				}
			},
			"prioritise": func(t *rapid.T) {
				es := p.pool.Entries()
				if len(es) > 0 {
					e := rapid.SampledFrom(es).Draw(t, "entry")
					p.pool.Prioritise(e.TxID, rapid.Int64Range(-20_000, 20_000).Draw(t, "delta"))
				}
			},
			"mine": func(t *rapid.T) { p.blocks = append(p.blocks, p.mine(p.chosen(t)...)) },
			"reorganise": func(t *rapid.T) {
				at := p.blocks[len(p.blocks)-1-min(rapid.IntRange(0, 4).Draw(t, "depth"), len(p.blocks)-1)]
				p.fork(at, int(p.tip.Height-at.Height)+1)
				p.blocks = append(p.blocks, p.tip)
			},
			"reorganise, with the same": func(t *rapid.T) {
				// The other branch holds a part of what the first held.
				if len(p.blocks) < 2 {
					return
				}
				last, before := p.blocks[len(p.blocks)-1], p.blocks[len(p.blocks)-2]
				if last.Header.PrevBlock != before.Hash() || last.Hash() != p.tip.Hash() {
					return
				}
				var txs []*wire.Tx
				for i := 1; i < len(last.Txs); i++ {
					txs = append(txs, &last.Txs[i])
				}
				p.fork(before, 2, txs[:rapid.IntRange(0, len(txs)).Draw(t, "of them")]...)
				p.blocks = append(p.blocks[:len(p.blocks)-1], p.tip)
			},
			"wait": func(t *rapid.T) {
				p.clk.Advance(time.Duration(rapid.IntRange(0, 200).Draw(t, "hours")) * time.Hour)
				p.pool.makeRoom()
			},
			"save what has changed": func(t *rapid.T) {
				p.pool.loaded = true
				p.upToDate()
			},
			"save and load": func(t *rapid.T) {
				p.pool.loaded = true
				if err := p.pool.Save(); err != nil {
					t.Fatal(err)
				}
				q, stats := p.reopen(nil)
				if q.Len()+stats.Failed+stats.Expired < stats.Read {
					t.Fatalf("%d of %+v", q.Len(), stats)
				}
			},
		})
	})
}

// TestTogether has many goroutines add and ask while blocks come and go.
func TestTogether(t *testing.T) {
	w := newWorld(t, 240, nil)
	base := w.tip
	var families [][]*wire.Tx
	for range 80 {
		c := w.coin()
		var txs []*wire.Tx
		for i := range 6 {
			tx := spec{from: []coin{c}, fee: 500 + int64(i)*100}.tx()
			txs = append(txs, tx)
			c = out(tx, 0)
		}
		families = append(families, txs)
	}
	var wg sync.WaitGroup
	var next atomic.Int64
	stop := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(families) {
					return
				}
				for _, tx := range families[i] {
					if _, err := w.pool.Add(context.Background(), tx, AddOptions{}); err != nil {
						t.Errorf("family %d: %v", i, err)
					}
				}
			}
		})
	}
	var readers sync.WaitGroup
	readers.Go(func() {
		r := rand.New(rand.NewPCG(1, 2))
		for {
			select {
			case <-stop:
				return
			default:
			}
			id := families[r.IntN(len(families))][r.IntN(6)].TxID()
			w.pool.Get(id)
			w.pool.Details(id)
			w.pool.Cluster(id)
			w.pool.Prioritise(id, 1)
			es, tip := w.pool.SelectAt(1e6, 1e5, 0)
			if tip == nil {
				t.Error("no tip")
			}
			w.pool.Each(func(d Details) bool { return d.AncestorCount < 100 })
			_ = es
			w.pool.Info()
		}
	})
	// The tip moves up and aside meanwhile.
	at := base
	for i := range 20 {
		if i%5 == 4 {
			a := w.gen.Next(at, 0)
			b := w.gen.Next(a, 0)
			w.give(w.gen.Next(at, 0), a, b)
			at = b
			continue
		}
		at = w.gen.Next(at, 0)
		w.give(at)
	}
	wg.Wait()
	close(stop)
	readers.Wait()
	w.settle()
	if n := w.pool.Len(); n != 480 {
		t.Errorf("%d in the pool", n)
	}
	w.check()
}

// TestTogetherSame has goroutines race for the same coins: of each, one
// transaction stays.
func TestTogetherSame(t *testing.T) {
	w := newWorld(t, 50, nil)
	var txs []*wire.Tx
	for range 50 {
		c := w.coin()
		for i := range 4 {
			txs = append(txs, spec{from: []coin{c}, fee: int64(100 * (i + 1))}.tx())
		}
	}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := i; j < len(txs); j += 4 {
				_, err := w.pool.Add(context.Background(), txs[j], AddOptions{})
				var rej *Rejection
				if err != nil && (!errors.As(err, &rej) || rej.Reason != "insufficient fee") {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if w.pool.Len() != 50 {
		t.Errorf("%d left", w.pool.Len())
	}
	for _, e := range w.pool.Entries() {
		if e.Fee != 400 {
			t.Errorf("fee %d stayed", e.Fee)
		}
	}
	w.check()
}

// TestWaitsForTip has a transaction come while the chain stands between two
// tips.
func TestWaitsForTip(t *testing.T) {
	w := newWorld(t, 2, nil)
	tx := w.pay(1000)
	tip := w.chain.Tip()
	// The chain goes to another block and back without having published it.
	empty := wire.NewBlock(w.tip.Header, []*wire.Tx{&w.tip.Txs[0]})
	w.pool.BlockConnected(tip, empty)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		_, err := w.pool.Add(ctx, tx, AddOptions{})
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	go func() {
		_, err := w.pool.Add(context.Background(), tx, AddOptions{})
		done <- err
	}()
	published := false
	w.pool.TipMoving(tip, func() { published = true })
	if err := <-done; err != nil || !published {
		t.Fatal(err, published)
	}
	w.holds(tx)
}
