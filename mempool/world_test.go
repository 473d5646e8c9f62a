package mempool

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"
	//lint:ignore SA1019 the hash that addresses use
	"golang.org/x/crypto/ripemd160"
	"pgregory.net/rapid"

	"starling/chain"
	"starling/chain/chaintest"
	"starling/chain/headertree"
	"starling/clock"
	"starling/params"
	"starling/script"
	"starling/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// redeem is a script that anyone can satisfy; paid to by its hash it is
// standard, and what spends it needs no witness and no signature.
var redeem = []byte{0x51}

var anyone = script.PayToScriptHash(hash160(redeem))

func hash160(b []byte) [20]byte {
	s := sha256.Sum256(b)
	h := ripemd160.New()
	h.Write(s[:])
	return [20]byte(h.Sum(nil))
}

// world is a chain with a pool on it.
type world struct {
	t     rapid.TB
	close func() // ends the chain; it may be called twice
	chain *chain.Chain
	pool  *Pool
	gen   *chaintest.Maker
	clk   *clock.Mock
	tip   chaintest.Block
	log   *log
	fs    vfs.FS

	funds []coin // confirmed, standard to spend
}

// coin is an output that can be spent.
type coin struct {
	op    wire.OutPoint
	value int64
}

// log is an observer that keeps what it is told.
type log struct {
	lines []string
	in    map[wire.Hash]bool
}

const fundValue = 1_000_000

// newWorld returns a pool with funds to spend: n outputs of fundValue.
func newWorld(t testing.TB, n int, edit func(*Config)) *world {
	return newWorldOn(t, params.Regtest(), n, edit)
}

func newWorldOn(t testing.TB, net *params.Network, n int, edit func(*Config)) *world {
	t.Helper()
	w := &world{t: t, gen: chaintest.New(net), fs: vfs.NewMem()}
	verifier := script.NewVerifier(script.Options{SigCacheEntries: 10_000})
	w.clk = clock.NewMock(net.Genesis.Header.Time().Add(240 * time.Hour))
	c, err := chain.Open(chain.Config{
		Network: net, FS: w.fs, Dir: "data", DBCache: chain.MinDBCache, Workers: 2, Clock: w.clk, Verifier: verifier,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.chain = c
	w.log = &log{in: map[wire.Hash]bool{}}
	cfg := Config{Chain: c, Verifier: verifier, Clock: w.clk, Observer: w.log, RequireStandard: true, FS: w.fs, File: "mempool.dat"}
	if edit != nil {
		edit(&cfg)
	}
	if w.pool, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	c.AttachPool(w.pool)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	w.close = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-done, c.Close()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(w.close)
	w.tip = w.gen.Genesis()
	first := w.gen.Chain(w.tip, 1+int(net.CoinbaseMaturity))
	w.give(first...)
	if n > 0 {
		w.fund(first[0], n)
	}
	return w
}

// fund mines a transaction that splits the coinbase of b into n outputs.
func (w *world) fund(b chaintest.Block, n int) {
	op, value := b.Coinbase()
	out := make([]wire.TxOut, n, n+1)
	for i := range out {
		out[i] = wire.TxOut{Value: fundValue, Script: anyone}
	}
	if rest := value - int64(n)*fundValue; rest < 0 {
		w.t.Fatal("not enough to fund")
	} else if rest > 0 {
		out = append(out, wire.TxOut{Value: rest, Script: anyone})
	}
	tx := wire.NewTx(2, []wire.TxIn{{PrevOut: op, Sequence: wire.SequenceFinal}}, out, 0)
	w.mine(tx)
	for i := range n {
		w.funds = append(w.funds, coin{wire.OutPoint{Hash: tx.TxID(), Index: uint32(i)}, fundValue})
	}
}

// give has the chain take blocks.
func (w *world) give(blocks ...chaintest.Block) {
	w.t.Helper()
	for _, b := range blocks {
		if o := w.chain.Process(context.Background(), chain.Incoming{Raw: b.Bytes(), Requested: true}); o.Err != nil {
			w.t.Fatalf("block %d: %v", b.Height, o.Err)
		}
	}
	w.tip = blocks[len(blocks)-1]
	if now := w.tip.Header.Time().Add(time.Minute); now.After(w.clk.Now()) {
		w.clk.Set(now)
	}
}

// mine mines a block with transactions on the tip, whatever they pay.
func (w *world) mine(txs ...*wire.Tx) chaintest.Block {
	w.t.Helper()
	b := w.gen.Next(w.tip, 0, txs...)
	w.give(b)
	return b
}

// settle waits until the chain has nothing left to do.
func (w *world) settle() {
	w.t.Helper()
	if err := w.chain.Settle(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

// coin takes a confirmed output to spend.
func (w *world) coin() coin {
	w.t.Helper()
	if len(w.funds) == 0 {
		w.t.Fatal("out of funds")
	}
	c := w.funds[0]
	w.funds = w.funds[1:]
	return c
}

// spec says what transaction to make. The zero value of each field is
// ordinary.
type spec struct {
	version  int32
	from     []coin
	outs     int   // equal parts
	fee      int64 // in satoshi
	pad      int   // bytes of data in an output, to make it larger
	lock     uint32
	sequence uint32 // SequenceFinal-1 if 0
	extra    []wire.TxOut
}

// tx makes a transaction.
func (s spec) tx() *wire.Tx {
	if s.version == 0 {
		s.version = 2
	}
	if s.outs == 0 {
		s.outs = 1
	}
	if s.sequence == 0 {
		s.sequence = wire.SequenceFinal - 1
	}
	var in []wire.TxIn
	left := -s.fee
	for _, c := range s.from {
		in = append(in, wire.TxIn{PrevOut: c.op, Sequence: s.sequence, Script: script.AppendData(nil, redeem)})
		left += c.value
	}
	var out []wire.TxOut
	for _, o := range s.extra {
		left -= o.Value
	}
	for i := range s.outs {
		part := left / int64(s.outs)
		if i == 0 {
			part = left - part*int64(s.outs-1)
		}
		out = append(out, wire.TxOut{Value: part, Script: anyone})
	}
	if s.pad > 0 {
		out = append(out, wire.TxOut{Script: script.NullDataScript(make([]byte, s.pad))})
	}
	return wire.NewTx(s.version, in, append(out, s.extra...), s.lock)
}

// out returns an output of a transaction as a coin.
func out(tx *wire.Tx, i int) coin {
	return coin{wire.OutPoint{Hash: tx.TxID(), Index: uint32(i)}, tx.Out[i].Value}
}

// pay makes a transaction that spends a fresh coin for a fee.
func (w *world) pay(fee int64) *wire.Tx { return spec{from: []coin{w.coin()}, fee: fee}.tx() }

// add has the pool take a transaction.
func (w *world) add(tx *wire.Tx) *Accepted {
	w.t.Helper()
	a, err := w.pool.Add(context.Background(), tx, AddOptions{})
	if err != nil {
		w.t.Fatalf("add: %v", err)
	}
	return a
}

// refuse has the pool refuse a transaction for a reason, and returns how.
func (w *world) refuse(tx *wire.Tx, kind Kind, reason string) *Rejection {
	w.t.Helper()
	_, err := w.pool.Add(context.Background(), tx, AddOptions{})
	rej, ok := err.(*Rejection)
	if !ok {
		w.t.Fatalf("add: %v, want %q", err, reason)
	}
	if rej.Kind != kind || rej.Reason != reason {
		w.t.Errorf("refused: %v: %v; want %v: %s", rej.Kind, rej, kind, reason)
	}
	return rej
}

// holds checks that the pool holds exactly these.
func (w *world) holds(txs ...*wire.Tx) {
	w.t.Helper()
	for i, tx := range txs {
		if w.pool.Get(tx.TxID()) == nil {
			w.t.Errorf("transaction %d (%v) is not in the pool", i, tx.TxID())
		}
	}
	if n := w.pool.Len(); n != len(txs) {
		w.t.Errorf("the pool holds %d transactions, want %d", n, len(txs))
	}
	w.check()
}

// check goes through the whole pool.
func (w *world) check() {
	w.t.Helper()
	if err := w.pool.Check(true); err != nil {
		w.t.Fatal("inconsistent: ", err)
	}
	if len(w.log.in) != w.pool.Len() {
		w.t.Fatalf("the observer counts %d, the pool %d", len(w.log.in), w.pool.Len())
	}
	for id := range w.log.in {
		if w.pool.Get(id) == nil {
			w.t.Fatalf("the observer was not told that %v is gone", id)
		}
	}
}

func (l *log) TxAdded(e *Entry) {
	l.lines = append(l.lines, "add")
	l.in[e.TxID] = true
}

func (l *log) TxRemoved(e *Entry, why RemovalReason) {
	l.lines = append(l.lines, why.String())
	delete(l.in, e.TxID)
}

func (l *log) TipMoved(_ *headertree.Node, connected []*headertree.Node) {
	l.lines = append(l.lines, fmt.Sprintf("tip+%d", len(connected)))
}

// take returns the lines since it was last called.
func (l *log) take() []string {
	lines := l.lines
	l.lines = nil
	return lines
}

// incoming hands a block over as if it had been asked for.
func incoming(b chaintest.Block) chain.Incoming {
	return chain.Incoming{Raw: b.Bytes(), Requested: true}
}

// yield lets other goroutines run.
func yield() { runtime.Gosched() }

// Select is [Pool.SelectAt] without the tip.
func (p *Pool) Select(maxWeight int64, maxSigOps int, minRate FeeRate) []*Entry {
	e, _ := p.SelectAt(maxWeight, maxSigOps, minRate)
	return e
}
