package coins

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/google/go-cmp/cmp"

	"starling/wire"
)

// walker moves a cache up and down two branches of blocks. What the UTXO set is
// at each block is worked out before anything moves.
type walker struct {
	c        *Cache
	branches [2][]*wire.Block // both on the same first blocks
	shared   int
	undos    map[wire.Hash]*Undo
	states   map[wire.Hash]map[wire.OutPoint]Coin
	ops      []wire.OutPoint // every output that there ever is

	on, height int // where the cache stands

	// Every block that the cache has stood for, in order. The last entry is
	// written while readers are kept out.
	tips  []wire.Hash
	count atomic.Int64 // how many of tips readers may look at
}

// newWalker makes branches of n blocks that share the first shared ones.
func newWalker(c *Cache, rng *rand.Rand, n, shared, steps int) *walker {
	w := &walker{
		c: c, shared: shared, undos: map[wire.Hash]*Undo{},
		states: map[wire.Hash]map[wire.OutPoint]Coin{{}: {}},
		tips:   make([]wire.Hash, steps+1),
	}
	w.count.Store(1) // the empty set
	for on := range w.branches {
		if on == 1 {
			w.branches[1] = append(w.branches[1], w.branches[0][:shared]...)
		}
		for h := len(w.branches[on]); h < n; h++ {
			var prev wire.Hash
			if h > 0 {
				prev = w.branches[on][h-1].Hash()
			}
			w.branches[on] = append(w.branches[on], w.block(rng, prev, h+1, on))
		}
	}
	return w
}

// block makes a block that spends about half the coins of its parent.
func (w *walker) block(rng *rand.Rand, prev wire.Hash, height, on int) *wire.Block {
	state := map[wire.OutPoint]Coin{}
	id := uint32(height<<1 | on)
	txs := []*wire.Tx{wire.NewTx(1, []wire.TxIn{{PrevOut: wire.OutPoint{Index: wire.NullIndex}}}, outs(rng, int64(height)), id)}
	undo := &Undo{}
	// Not in the order of the map, so that each run has the same blocks.
	for _, op := range w.ops {
		coin, ok := w.states[prev][op]
		if !ok {
			continue
		}
		if rng.IntN(2) == 0 || len(txs) > 6 {
			state[op] = coin
			continue
		}
		txs = append(txs, wire.NewTx(1, []wire.TxIn{{PrevOut: op}}, outs(rng, int64(height)), id))
		undo.Spent = append(undo.Spent, []Coin{coin})
	}
	for i, tx := range txs {
		for j, out := range tx.Out {
			op := wire.OutPoint{Hash: tx.TxID(), Index: uint32(j)}
			state[op] = Coin{Value: out.Value, Height: int32(height), Coinbase: i == 0, Script: out.Script}
			w.ops = append(w.ops, op)
		}
	}
	b := wire.NewBlock(wire.Header{PrevBlock: prev, Nonce: id}, txs)
	w.states[b.Hash()], w.undos[b.Hash()] = state, undo
	return b
}

// outs makes outputs with short scripts and with such as are kept aside.
func outs(rng *rand.Rand, value int64) []wire.TxOut {
	out := make([]wire.TxOut, 1+rng.IntN(2))
	for i := range out {
		out[i] = wire.TxOut{Value: value, Script: bytes.Repeat([]byte{0x61}, []int{1, inlineScript + 9}[rng.IntN(2)])}
	}
	return out
}

// moved is what the cache calls with readers kept out.
func (w *walker) moved(to wire.Hash) func() {
	return func() {
		n := w.count.Load()
		w.tips[n] = to
		w.count.Store(n + 1)
	}
}

func (w *walker) connect() error {
	b := w.branches[w.on][w.height]
	// Coins that were read before a flush must not be used after it.
	ch, err := w.c.Resolve(b, int32(w.height+1), true, w.c.Prefetch(b))
	if err != nil {
		return err
	}
	w.c.Apply(ch, w.moved(b.Hash()))
	w.height++
	return nil
}

func (w *walker) disconnect() error {
	b := w.branches[w.on][w.height-1]
	if err := w.c.Disconnect(b, w.undos[b.Hash()], int32(w.height), false, w.moved(b.Header.PrevBlock)); err != nil {
		return err
	}
	w.height--
	return nil
}

// step moves by one block, mostly back and forth around where the branches part.
func (w *walker) step(rng *rand.Rand) error {
	if w.height == w.shared {
		w.on = rng.IntN(2)
	}
	if w.height == 0 || w.height < len(w.branches[w.on]) && rng.IntN(2) == 0 {
		return w.connect()
	}
	return w.disconnect()
}

// judge compares an answer with the UTXO set of the block that it is said to
// stand for. That block was the tip while the question was being answered: it is
// among those from the from-th to the to-th.
func (w *walker) judge(t *testing.T, op wire.OutPoint, coin Coin, ok bool, at wire.Hash, from, to int64) bool {
	during := false
	for _, tip := range w.tips[from:to] {
		during = during || tip == at
	}
	if !during {
		t.Errorf("the answer stands for %v, which was not the tip", at)
		return false
	}
	want, exists := w.states[at][op]
	if ok != exists || ok && !cmp.Equal(coin, want) {
		t.Errorf("coin %v:%d at %v: found %v, want %v: %s", op.Hash, op.Index, at, ok, exists, cmp.Diff(want, coin))
		return false
	}
	return true
}

// Readers look coins up while the tip moves and what has changed is written: each
// answer must be that of the block which it names.
func TestGetWhileTheTipMoves(t *testing.T) {
	const readers = 2
	steps := 4_000
	if testing.Short() {
		steps = 1_000
	}
	c, db := openCache(t, vfs.NewMem())
	defer db.Close()
	rng := rand.New(rand.NewPCG(3, 4))
	w := newWalker(c, rng, 6, 2, steps)

	var stop atomic.Bool
	var wg sync.WaitGroup
	for i := range readers {
		rng := rand.New(rand.NewPCG(5, uint64(i)))
		wg.Go(func() {
			for !stop.Load() {
				op := w.ops[rng.IntN(len(w.ops))]
				from := w.count.Load() - 1
				coin, ok, at, err := c.Get(op)
				if err != nil {
					t.Error(err)
					return
				}
				if !w.judge(t, op, coin, ok, at, from, w.count.Load()) {
					return
				}
			}
		})
	}
	for range steps {
		err := w.step(rng)
		if err == nil {
			// Nothing is kept in memory, so that readers always go to the store.
			_, err = c.Flush(rng.IntN(4) != 0, nil)
		}
		if err != nil {
			t.Error(err)
			break
		}
	}
	stop.Store(true)
	wg.Wait()
}

// parkedFS lets one read of a coin wait, or all of them fail. Reads of what else
// is in a table, which Pebble does when it likes, are not touched: coins come
// first, and those of bigSet fill more than this range.
type parkedFS struct {
	vfs.FS
	armed, broken    atomic.Bool
	reached, release chan struct{}
}

var errDisk = errors.New("the disk is broken")

func newParkedFS() *parkedFS {
	f := &parkedFS{reached: make(chan struct{}), release: make(chan struct{})}
	f.FS = errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind != errorfs.OpFileReadAt || op.Offset < 8<<10 || op.Offset > 24<<10 {
			return nil
		}
		if f.broken.Load() {
			return errDisk
		}
		if f.armed.CompareAndSwap(true, false) {
			close(f.reached)
			<-f.release
		}
		return nil
	}))
	return f
}

// bigSet returns a cache in front of a table that nobody has read yet, a coin in
// the middle of it, and the changes of the next block, which spends the coin.
func bigSet(t *testing.T, fs *parkedFS) (c *Cache, op wire.OutPoint, want Coin, next *Changes) {
	t.Helper()
	coinbase := func(n int) *wire.Tx {
		out := make([]wire.TxOut, n)
		for i := range out {
			out[i] = wire.TxOut{Value: int64(i), Script: bytes.Repeat([]byte{0x61}, 60)}
		}
		return wire.NewTx(1, []wire.TxIn{{PrevOut: wire.OutPoint{Index: wire.NullIndex}}}, out, uint32(n))
	}
	c, db := openCache(t, fs)
	first := wire.NewBlock(wire.Header{}, []*wire.Tx{coinbase(500)})
	ch, err := c.Resolve(first, 1, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Apply(ch, nil)
	_, err = c.Flush(true, nil)
	if err = errors.Join(err, db.Flush(), db.Close()); err != nil {
		t.Fatal(err)
	}
	op = wire.OutPoint{Hash: first.Txs[0].TxID(), Index: 240}
	want = Coin{Value: 240, Height: 1, Coinbase: true, Script: first.Txs[0].Out[240].Script}
	spend := wire.NewTx(1, []wire.TxIn{{PrevOut: op}}, []wire.TxOut{{Value: 1, Script: []byte{0x51}}}, 0)
	second := wire.NewBlock(wire.Header{PrevBlock: first.Hash()}, []*wire.Tx{coinbase(1), spend})

	// One cache finds out what the block does, another one, with nothing read, is
	// returned.
	c, db = openCache(t, fs)
	if next, err = c.Resolve(second, 2, true, nil); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	c, db = openCache(t, fs)
	t.Cleanup(func() { db.Close() })
	return c, op, want, next
}

// A reader who waits for the disk keeps nobody waiting, and what it gets is what
// holds afterwards, whether or not that has been written meanwhile.
func TestGetHoldsNoLockWhileItReads(t *testing.T) {
	for name, flush := range map[string]bool{"in memory": false, "written": true} {
		t.Run(name, func(t *testing.T) {
			fs := newParkedFS()
			c, op, _, next := bigSet(t, fs)
			fs.armed.Store(true)
			var coin Coin
			var ok bool
			var at wire.Hash
			var err error
			done := make(chan struct{})
			go func() {
				defer close(done)
				coin, ok, at, err = c.Get(op)
			}()
			<-fs.reached
			if !c.mu.TryLock() {
				close(fs.release)
				t.Fatal("the lock is held while the disk is read")
			}
			c.mu.Unlock()
			c.Apply(next, nil)
			if flush {
				if _, err := c.Flush(true, nil); err != nil {
					t.Fatal(err)
				}
			}
			close(fs.release)
			<-done
			if err != nil {
				t.Fatal(err)
			}
			if at != next.Block.Hash() {
				t.Fatalf("the answer stands for %v, the tip is %v", at, next.Block.Hash())
			}
			if ok {
				t.Fatalf("found %+v, which the tip has spent", coin)
			}
		})
	}
}

// A read that fails says so, and the next one starts afresh.
func TestGetThatFailsLeavesNothing(t *testing.T) {
	fs := newParkedFS()
	c, op, want, _ := bigSet(t, fs)
	fs.broken.Store(true)
	coin, ok, at, err := c.Get(op)
	if !errors.Is(err, errDisk) || ok || at != (wire.Hash{}) || !cmp.Equal(coin, Coin{}) {
		t.Fatalf("with a broken disk: %+v, %v at %v, %v", coin, ok, at, err)
	}
	if n := len(c.entries); n != 0 {
		t.Fatalf("%d entries are left behind", n)
	}
	fs.broken.Store(false)
	coin, ok, at, err = c.Get(op)
	if err != nil || !ok || at != c.Best() || !cmp.Equal(coin, want) {
		t.Fatalf("afterwards: %+v, %v at %v, %v; want %+v", coin, ok, at, err, want)
	}
}
