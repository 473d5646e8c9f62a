package wallet

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/holiman/uint256"

	"starling/chain"
	"starling/chain/chaintest"
	"starling/clock"
	"starling/mining"
	"starling/params"
	"starling/script"
	"starling/wallet/ledger"
	"starling/wire"
)

// tester is a test, or one round of random play.
type tester interface {
	Helper()
	Error(...any)
	Errorf(string, ...any)
	Fatal(...any)
	Cleanup(func())
	Context() context.Context
}

// bench is a chain in memory with a small pool and wallets on it.
type bench struct {
	t     tester
	net   *params.Network
	chain *chain.Chain
	miner *mining.Miner
	pool  *testPool
	clk   *clock.Mock
	fs    vfs.FS
	m     *Manager
}

// testPool keeps what it is given if a block could hold it.
type testPool struct {
	c    *chain.Chain
	m    *Manager // told of what happens
	mu   sync.Mutex
	txs  []*wire.Tx
	fail error // refuse all
	// refuse is one that is refused, as if its fee were too low
	refuse wire.Hash
	rate   int64 // of estimates; 0 for none
	floor  int64 // what is asked for at least
	// fees of what is there
	off bool // takes nothing and holds nothing
}

func (p *testPool) out(op wire.OutPoint) (wire.TxOut, bool) {
	for _, tx := range p.txs {
		if tx.TxID() == op.Hash && int(op.Index) < len(tx.Out) {
			return tx.Out[op.Index], true
		}
	}
	c, ok, _, err := p.c.Coin(op)
	return wire.TxOut{Value: c.Value, Script: c.Script}, ok && err == nil
}

func (p *testPool) Submit(_ context.Context, tx *wire.Tx) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		return p.fail
	}
	if tx.TxID() == p.refuse {
		return errors.New("insufficient fee")
	}
	if p.has(tx.TxID()) {
		return nil
	}
	var spent []wire.TxOut
	var rivals []*wire.Tx
	for i := range tx.In {
		out, ok := p.out(tx.In[i].PrevOut)
		if !ok {
			return errors.New("bad-txns-inputs-missingorspent")
		}
		spent = append(spent, out)
		for _, o := range p.txs {
			for j := range o.In {
				if o.In[j].PrevOut == tx.In[i].PrevOut {
					rivals = append(rivals, o)
				}
			}
		}
	}
	if err := script.NewVerifier(script.Options{}).Check(tx, spent, script.StandardFlags); err != nil {
		return err
	}
	for _, r := range rivals {
		p.drop(r)
	}
	p.txs = append(p.txs, tx)
	p.m.TxAdded(tx)
	return nil
}

// drop takes a transaction and its descendants out.
func (p *testPool) drop(tx *wire.Tx) {
	i := slices.Index(p.txs, tx)
	if i < 0 {
		return
	}
	p.txs = slices.Delete(p.txs, i, i+1)
	p.m.TxRemoved(tx)
	for _, o := range slices.Clone(p.txs) {
		for j := range o.In {
			if o.In[j].PrevOut.Hash == tx.TxID() {
				p.drop(o)
			}
		}
	}
}

// prune drops what a reorganisation has left without the outputs it spends.
func (p *testPool) prune() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, tx := range slices.Clone(p.txs) {
		for i := range tx.In {
			if _, ok := p.out(tx.In[i].PrevOut); !ok {
				p.drop(tx)
				break
			}
		}
	}
}

func (p *testPool) has(id wire.Hash) bool {
	return slices.ContainsFunc(p.txs, func(tx *wire.Tx) bool { return tx.TxID() == id })
}

func (p *testPool) Has(id wire.Hash) bool { p.mu.Lock(); defer p.mu.Unlock(); return p.has(id) }
func (p *testPool) Tx(id wire.Hash) *wire.Tx {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, tx := range p.txs {
		if tx.TxID() == id {
			return tx
		}
	}
	return nil
}

// All puts parents first: after a reorganisation they may have come later.
func (p *testPool) All() []*wire.Tx {
	p.mu.Lock()
	defer p.mu.Unlock()
	var sorted []*wire.Tx
	done := map[wire.Hash]bool{}
	for len(sorted) < len(p.txs) {
		for _, tx := range p.txs {
			ready := !done[tx.TxID()]
			for i := range tx.In {
				ready = ready && (done[tx.In[i].PrevOut.Hash] || !p.has(tx.In[i].PrevOut.Hash))
			}
			if ready {
				done[tx.TxID()] = true
				sorted = append(sorted, tx)
			}
		}
	}
	return sorted
}
func (p *testPool) MinFee() int64                                  { return p.floor }
func (p *testPool) IncrementalFee() int64                          { return 100 }
func (p *testPool) EstimateFee(int, bool) (rate int64, known bool) { return p.rate, p.rate > 0 }
func (p *testPool) Package(wire.Hash) (Package, bool)              { return Package{}, false }

// newBench runs a chain until the test ends.
func newBench(t tester, net *params.Network) *bench {
	t.Helper()
	return newBenchWith(t, net, 0, 0)
}

// newBenchWith is newBench with a chain that prunes, and how long its files grow.
func newBenchWith(t tester, net *params.Network, prune, maxFile int64) *bench {
	t.Helper()
	net.MinimumChainWork = new(uint256.Int)
	b := &bench{t: t, net: net, clk: clock.NewMock(net.Genesis.Header.Time().Add(24 * time.Hour)), fs: vfs.NewMem()}
	var err error
	b.chain, err = chain.Open(chain.Config{Network: net, FS: vfs.NewMem(), Dir: "/chain", Clock: b.clk, Workers: 1, Prune: prune, MaxFile: maxFile})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.chain.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-done, b.chain.Close()); err != nil {
			t.Error(err)
		}
	})
	b.miner = mining.New(mining.Config{Chain: b.chain, Clock: b.clk})
	b.pool = &testPool{c: b.chain}
	b.open()
	return b
}

// open makes a manager on what is on disk.
func (b *bench) open() {
	b.t.Helper()
	m, err := New(Config{
		Chain: OverChain(b.chain), Pool: b.pool, FS: b.fs, Dir: "/wallets", Clock: b.clk, PassphraseCost: 4,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.m, b.pool.m = m, m
	if err := m.Open(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		if err := m.Close(); err != nil {
			b.t.Error(err)
		}
	})
}

// mine makes n blocks that pay to script; the first holds what is in the pool.
func (b *bench) mine(script []byte, n int) {
	b.t.Helper()
	for range n {
		b.clk.Advance(10 * time.Minute)
		txs := b.pool.All()
		b.pool.mu.Lock()
		b.pool.txs = nil
		for _, tx := range txs {
			b.m.TxRemoved(tx)
		}
		b.pool.mu.Unlock()
		if _, err := b.miner.Block(b.t.Context(), script, txs, true, 1<<20); err != nil {
			b.t.Fatal(err)
		}
	}
}

// burn mines blocks that pay nobody we know.
func (b *bench) burn(n int) { b.t.Helper(); b.mine(chaintest.AnyoneCanSpend, n) }

// create makes a wallet.
func (b *bench) create(o Options) *Wallet {
	b.t.Helper()
	if o.Gap == 0 {
		o.Gap = 20 // saves time
	}
	w, _, err := b.m.Create(b.t.Context(), o)
	if err != nil {
		b.t.Fatal(err)
	}
	return w
}

// address takes a new address of a wallet.
func (b *bench) address(w *Wallet, kind Kind) []byte {
	b.t.Helper()
	a, err := w.NewAddress(kind, "")
	if err != nil {
		b.t.Fatal(err)
	}
	return a.Script()
}

// balance checks a wallet's balance.
func (b *bench) balance(w *Wallet, want ledger.Balance) {
	b.t.Helper()
	if err := w.Sync(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	if got := w.Balance(); got != want {
		b.t.Errorf("%s: balance %+v, want %+v", w.Name(), got, want)
	}
}

// send pays somebody.
func (b *bench) send(w *Wallet, to []byte, amount int64) Entry {
	b.t.Helper()
	e, err := w.Send(b.t.Context(), SpendOptions{Payments: []Payment{{Script: to, Amount: amount}}})
	if err != nil {
		b.t.Fatal(err)
	}
	return e
}

const coin = params.Coin
