package mempool

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"

	"starling/script"
	"starling/wire"
)

// signed makes n transactions with one witness input each, signed, out of
// confirmed coins of w.
func signed(w *world, n int) []*wire.Tx {
	key, _ := btcec.PrivKeyFromBytes([]byte{1, 2, 3})
	pub := key.PubKey().SerializeCompressed()
	own := script.PayToWitness(0, func() []byte { h := hash160(pub); return h[:] }())
	code := script.PayToPubKeyHash(hash160(pub))
	var coins []coin
	for len(coins) < n {
		k := min(n-len(coins), 5000)
		var extra []wire.TxOut
		for range k {
			extra = append(extra, wire.TxOut{Value: 10_000, Script: own})
		}
		var from []coin
		for range k*10_000/fundValue + 1 {
			from = append(from, w.coin())
		}
		tx := spec{from: from, extra: extra}.tx()
		w.mine(tx)
		for i := range k {
			coins = append(coins, out(tx, i+1))
		}
	}
	txs := make([]*wire.Tx, n)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				in := []wire.TxIn{{PrevOut: coins[i].op, Sequence: wire.SequenceFinal - 1}}
				outs := []wire.TxOut{{Value: 5_000, Script: own}, {Value: 5_000 - 200 - int64(i%1000), Script: own}}
				hash := script.NewSigHasher(wire.NewTx(2, in, outs, 0), []wire.TxOut{{Value: coins[i].value, Script: own}}).Witness(0, code, script.SigHashAll)
				sig := append(ecdsa.Sign(key, hash[:]).Serialize(), script.SigHashAll)
				in[0].Witness = wire.NewWitness(sig, pub)
				txs[i] = wire.NewTx(2, in, outs, 0)
			}
		})
	}
	wg.Wait()
	return txs
}

// BenchmarkAdd takes in signed transactions, from one goroutine and from one
// for each core.
func BenchmarkAdd(b *testing.B) {
	for _, workers := range []int{1, runtime.GOMAXPROCS(0)} {
		b.Run(fmt.Sprintf("goroutines=%d", workers), func(b *testing.B) {
			w := newWorld(b, b.N/90+20, nil)
			txs := signed(w, b.N)
			b.ReportAllocs()
			b.ResetTimer()
			var next atomic.Int64
			var wg sync.WaitGroup
			for range workers {
				wg.Go(func() {
					for i := int(next.Add(1)) - 1; i < len(txs); i = int(next.Add(1)) - 1 {
						if _, err := w.pool.Add(context.Background(), txs[i], AddOptions{}); err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tx/s")
		})
	}
}

// stuff fills a pool with n transactions that are not checked: families of one
// to four.
func stuff(tb testing.TB, p *Pool, n int) {
	r := rand.New(rand.NewPCG(3, 4))
	var parent *candidate
	left := 0
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range n {
		var op wire.OutPoint
		if left > 0 {
			op.Hash = parent.txid
			left--
		} else {
			binary.LittleEndian.PutUint64(op.Hash[:], uint64(i)+1)
			left = r.IntN(4)
		}
		tx := wire.NewTx(2, []wire.TxIn{{PrevOut: op, Sequence: 0xfffffffd, Witness: wire.NewWitness(make([]byte, 72), make([]byte, 33))}},
			[]wire.TxOut{{Value: 100_000, Script: make([]byte, 22)}, {Value: 1, Script: make([]byte, 22)}}, uint32(i))
		c := &candidate{tx: tx, txid: tx.TxID(), wtxid: tx.WTxID(), tip: p.tip, when: p.cfg.Clock.Now(), fee: 200 + r.Int64N(20_000), mode: mode{replace: true}}
		c.modified = c.fee
		c.adjusted = int64(tx.Weight())
		c.vsize = int64(tx.VSize())
		c.parents = p.parentsOf(tx)
		s := p.graph.Stage()
		p.stage(s, c)
		if _, _, err := p.enter(s, nil, AddOptions{}, c); err != nil {
			tb.Fatal(err)
		}
		parent = c
	}
}

// BenchmarkSelect chooses what a block takes of a pool of 100,000: all that
// fits, and 3,000 transactions.
func BenchmarkSelect(b *testing.B) {
	w := newWorld(b, 0, func(c *Config) { c.Observer = nil })
	stuff(b, w.pool, 100_000)
	for _, c := range []struct {
		name   string
		weight int64
	}{{"3,000 transactions", 3000 * 575}, {"full block", 3_992_000}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n = len(w.pool.Select(c.weight, 80_000, 100))
			}
			b.ReportMetric(float64(n), "txs")
		})
	}
	b.Run("Entries", func(b *testing.B) {
		for b.Loop() {
			w.pool.Entries()
		}
	})
}

// TestLargePool holds the estimate of what entries take against what they do
// take, and chooses a block out of many in less time than miners notice.
func TestLargePool(t *testing.T) {
	w := newWorld(t, 0, func(c *Config) { c.Observer = nil })
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	const n = 20_000
	stuff(t, w.pool, n)
	took := heap() - before
	usage := w.pool.Info().Usage
	t.Logf("%d bytes for each entry, %d estimated", took/n, usage/n)
	if usage < took*8/10 || usage > took*14/10 {
		t.Errorf("an entry takes %d bytes, estimated at %d", took/n, usage/n)
	}
	began := time.Now()
	es := w.pool.Select(3000*575, 80_000, 100)
	if took := time.Since(began); took > 50*time.Millisecond {
		t.Errorf("%d of %d chosen in %v", len(es), n, took)
	}
	if len(es) < 2900 {
		t.Errorf("only %d chosen", len(es))
	}
}
