package mining

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"starling/chain/consensus"
	"starling/chain/headertree"
	"starling/clock"
	"starling/mempool"
	"starling/params"
	"starling/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakePool holds transactions until a block has them. It belongs to one chain
// and moves with it as far as these tests need.
type fakePool struct {
	chain *fakeChain

	mu      sync.Mutex
	entries []*mempool.Entry
	seq     uint64
	changed chan struct{}
	stuck   bool // nothing is selected
}

func newFakePool(c *fakeChain) *fakePool {
	return &fakePool{chain: c, changed: make(chan struct{})}
}

func (p *fakePool) add(entries ...*mempool.Entry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.entries = append(p.entries, entries...)
	p.bump()
}

func (p *fakePool) bump() {
	p.seq++
	close(p.changed)
	p.changed = make(chan struct{})
}

// mined removes what is in a block.
func (p *fakePool) mined(b *wire.Block) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.entries = slices.DeleteFunc(p.entries, func(e *mempool.Entry) bool {
		return slices.ContainsFunc(b.Txs, func(t wire.Tx) bool { return t.TxID() == e.TxID })
	})
	p.bump()
}

func (p *fakePool) SelectAt(maxWeight int64, maxSigOps int, minRate mempool.FeeRate) ([]*mempool.Entry, *headertree.Node) {
	tip := p.chain.Tip()
	p.mu.Lock()
	defer p.mu.Unlock()
	var chosen []*mempool.Entry
	for _, e := range p.entries {
		if !p.stuck && e.FeeRate() >= minRate && e.Weight <= maxWeight && e.SigOps <= maxSigOps {
			chosen = append(chosen, e)
			maxWeight -= e.Weight
			maxSigOps -= e.SigOps
		}
	}
	return chosen, tip
}

func (p *fakePool) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.entries)
}

func (p *fakePool) Sequence() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seq
}

func (p *fakePool) Changed() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}

// entry makes a transaction that spends the first output of prev.
func entry(prev wire.Hash, fee int64, lockTime uint32) *mempool.Entry {
	tx := wire.NewTx(2, []wire.TxIn{{PrevOut: wire.OutPoint{Hash: prev}, Sequence: 1}}, []wire.TxOut{{Value: 1000, Script: anyone}}, lockTime)
	return &mempool.Entry{Tx: tx, TxID: tx.TxID(), WTxID: tx.WTxID(), Fee: fee, ModifiedFee: fee, Weight: int64(tx.Weight()), VSize: int64(tx.VSize())}
}

// setup is a chain, a pool and a miner of both, in virtual time, an hour after
// the genesis block.
func setup(net *params.Network) (*fakeChain, *fakePool, *Miner) {
	c := newFakeChain(net)
	c.now = time.Now
	time.Sleep(time.Until(c.clock.Now()))
	p := newFakePool(c)
	c.connected = p.mined
	return c, p, New(Config{Chain: c, Source: p, Clock: clock.System()})
}

// work runs a worker until the returned function is called.
func work(t *testing.T, cfg WorkerConfig) (stop func()) {
	cfg.Script, cfg.Threads = anyone, max(cfg.Threads, 1)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- NewWorker(cfg).Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("worker: %v", err)
		}
	}
}

// TestWorkerWaitsForTransactions holds blocks back until enough transactions
// wait, and then goes on until there are none.
func TestWorkerWaitsForTransactions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p, m := setup(params.Regtest())
		stop := work(t, WorkerConfig{Miner: m, MinTxs: 3})
		defer stop()
		p.add(entry(wire.Hash{1}, 500, 0), entry(wire.Hash{2}, 600, 0))
		synctest.Wait()
		time.Sleep(time.Hour)
		if h := c.Tip().Height; h != 0 {
			t.Fatalf("two transactions were enough for block %d", h)
		}
		p.add(entry(wire.Hash{3}, 700, 0))
		synctest.Wait()
		if h := c.Tip().Height; h != 1 || p.Len() != 0 {
			t.Fatalf("at block %d, %d left", h, p.Len())
		}
		if got := c.blocks[0].Txs; len(got) != 4 || got[0].Out[0].Value != 50_0000_0000+1800 {
			t.Errorf("%d transactions, the coinbase takes %d", len(got), got[0].Out[0].Value)
		}
		// Below the least again: closed.
		p.add(entry(wire.Hash{4}, 700, 0))
		time.Sleep(time.Hour)
		if h := c.Tip().Height; h != 1 {
			t.Errorf("one transaction was enough for block %d", h)
		}
	})
}

// TestWorkerGoesOnUntilEmpty fills more than a block; the rest is less than
// the least, and is mined all the same.
func TestWorkerGoesOnUntilEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p, _ := setup(params.Regtest())
		m := New(Config{Chain: c, Source: p, MaxWeight: DefaultReservedWeight + 3*entry(wire.Hash{1}, 500, 0).Weight})
		for i := range 7 {
			p.add(entry(wire.Hash{byte(i + 1)}, 500, 0))
		}
		defer work(t, WorkerConfig{Miner: m, MinTxs: 5})()
		synctest.Wait()
		time.Sleep(time.Minute)
		if h := c.Tip().Height; h != 3 || p.Len() != 0 {
			t.Errorf("at block %d, %d left", h, p.Len())
		}
	})
}

// TestWorkerLeavesWhatCanNotBeMined does not fill the chain with empty blocks
// because of a transaction that no block takes.
func TestWorkerLeavesWhatCanNotBeMined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p, m := setup(params.Regtest())
		p.stuck = true
		p.add(entry(wire.Hash{1}, 500, 0))
		defer work(t, WorkerConfig{Miner: m, MinTxs: 1})()
		time.Sleep(time.Hour)
		if h := c.Tip().Height; h != 0 {
			t.Errorf("at block %d", h)
		}
	})
}

// TestWorkerPace makes blocks by the clock.
func TestWorkerPace(t *testing.T) {
	for _, tc := range []struct {
		name     string
		pace     Pace
		min, max int32 // blocks after a minute
	}{
		{"every second", Every(time.Second), 60, 60},
		{"Poisson", Poisson(time.Second, halves()), 86, 87}, // the median is 0.69 of the mean
		{"as fast as the clock allows", nil, 61, 7 * 60},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, _, m := setup(params.Regtest())
				stop := work(t, WorkerConfig{Miner: m, Pace: tc.pace})
				time.Sleep(time.Minute + time.Millisecond)
				stop()
				if h := c.Tip().Height; h < tc.min || h > tc.max {
					t.Errorf("%d blocks in a minute, want %d to %d", h, tc.min, tc.max)
				}
				if ahead := c.Tip().Time() - time.Now().Unix(); ahead > 0 {
					t.Errorf("the tip is %d s ahead of the clock", ahead)
				}
			})
		})
	}
}

func halves() func() float64 { return func() float64 { return 0.5 } }

// hard is a network whose blocks nobody finds.
func hard() *params.Network {
	net := params.Regtest()
	net.PowLimitBits = 0x03000001
	g := *net.Genesis
	g.Header.Bits = 0x03000001
	net.Genesis = &g
	return net
}

// TestWorkerFollowsTheTip gives up a search when the tip moves and when it is
// told to stop.
func TestWorkerFollowsTheTip(t *testing.T) {
	net := hard()
	c := newFakeChain(net)
	p := newFakePool(c)
	assembled := make(chan *headertree.Node, 16)
	src := &watchedPool{fakePool: p, at: assembled}
	m := New(Config{Chain: c, Source: src, Clock: c.clock}) // whose clock stands still
	for _, threads := range []int{1, 3} {
		ctx, cancel := context.WithCancel(t.Context())
		w := NewWorker(WorkerConfig{Miner: m, Script: anyone, Threads: threads})
		done := make(chan error, 1)
		go func() { done <- w.Run(ctx) }()
		before := <-assembled
		next := &headertree.Node{Header: before.Header, Height: before.Height + 1, Parent: before, Hash: wire.Hash{byte(before.Height + 1)}}
		next.Header.Timestamp++
		for rate, on := w.HashRate(); !on || rate == 0; rate, on = w.HashRate() {
			// The search has begun once it is measured.
		}
		c.setTip(next)
		if at := <-assembled; at != next {
			t.Errorf("%d threads: builds on %d after the tip moved to %d", threads, at.Height, next.Height)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// watchedPool tells what tips it was asked to select for.
type watchedPool struct {
	*fakePool
	at chan *headertree.Node
}

func (p *watchedPool) SelectAt(w int64, s int, r mempool.FeeRate) ([]*mempool.Entry, *headertree.Node) {
	e, tip := p.fakePool.SelectAt(w, s, r)
	p.at <- tip
	return e, tip
}

// TestWorkerWaitsForPeers stays away from a tip that is about to move.
func TestWorkerWaitsForPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, m := setup(params.Regtest())
		defer work(t, WorkerConfig{Miner: m, Pace: Every(time.Second), Behind: func(since time.Duration) bool {
			return c.Tip().Height == 0 && since < time.Minute
		}})()
		time.Sleep(50 * time.Second)
		if h := c.Tip().Height; h != 0 {
			t.Errorf("at block %d already", h)
		}
		time.Sleep(30 * time.Second)
		if h := c.Tip().Height; h == 0 {
			t.Error("waits for ever")
		}
	})
}

// TestWorkerRefused goes on when the chain refuses a block, without haste.
func TestWorkerRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, m := setup(params.Regtest())
		c.refuse = consensus.Reject(consensus.Invalid, "bad-something", "")
		stop := work(t, WorkerConfig{Miner: m})
		time.Sleep(time.Minute + time.Millisecond)
		stop()
		if c.refused < 50 || c.refused > 70 {
			t.Errorf("%d blocks were refused in a minute", c.refused)
		}
	})
}

func TestWorkerSignet(t *testing.T) {
	net := params.Signet()
	m := New(Config{Chain: newFakeChain(net)})
	if err := NewWorker(WorkerConfig{Miner: m, Script: anyone}).Run(t.Context()); !errors.Is(err, ErrSignet) {
		t.Errorf("got %v", err)
	}
}

// TestNeverTwoOnOneParent lets a worker and two callers make blocks at once.
func TestNeverTwoOnOneParent(t *testing.T) {
	c := newFakeChain(params.Regtest())
	c.step = time.Second
	m := New(Config{Chain: c, Clock: c.clock})
	w := NewWorker(WorkerConfig{Miner: m, Script: anyone, Threads: 2})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := w.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	var mu sync.Mutex
	made := make(map[wire.Hash]bool)
	var callers sync.WaitGroup
	for range 2 {
		callers.Go(func() {
			hashes, err := m.Generate(t.Context(), anyone, 100, 1<<20)
			if err != nil || len(hashes) != 100 {
				t.Errorf("%d blocks, %v", len(hashes), err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, h := range hashes {
				made[h] = true
			}
		})
	}
	callers.Wait()
	cancel()
	wg.Wait()
	if len(made) != 200 {
		t.Errorf("%d different blocks", len(made))
	}
	parents := make(map[wire.Hash]bool)
	for _, b := range c.blocks {
		if parents[b.Header.PrevBlock] {
			t.Errorf("a second block on %v", b.Header.PrevBlock)
		}
		parents[b.Header.PrevBlock] = true
	}
}

func TestGate(t *testing.T) {
	for _, tc := range []struct {
		name  string
		least int
		in    []int
		want  []bool
	}{
		{"default", 1, []int{0, 1, 0, 2, 1, 0}, []bool{false, true, false, true, true, false}},
		{"three", 3, []int{2, 3, 1, 0, 2}, []bool{false, true, true, false, false}},
		{"never pauses", 0, []int{0, 5, 0}, []bool{true, true, true}},
	} {
		g := gate{least: tc.least}
		for i, n := range tc.in {
			if got := g.look(n); got != tc.want[i] {
				t.Errorf("%s: look %d with %d gives %v", tc.name, i, n, got)
			}
		}
	}
}
