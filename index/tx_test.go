package index

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"starling/chain"
	"starling/chain/chaintest"
	"starling/chain/headertree"
	"starling/params"
	"starling/store"
	"starling/wire"
)

func openTx(t testing.TB, src Source, fs vfs.FS) (*TxIndex, *running) {
	t.Helper()
	x, err := OpenTx(Options{Source: src, FS: fs, Dir: "data/indexes/txindex"})
	if err != nil {
		t.Fatal(err)
	}
	return x, start(x.Index)
}

// runChain opens a chain in memory and runs it until the test ends.
func runChain(t testing.TB, fs vfs.FS) *chain.Chain {
	t.Helper()
	return runChainWith(t, chain.Config{FS: fs})
}

// runChainWith is runChain with what cfg says.
func runChainWith(t testing.TB, cfg chain.Config) *chain.Chain {
	t.Helper()
	cfg.Network, cfg.Dir, cfg.DBCache, cfg.Workers = params.Regtest(), "data", chain.MinDBCache, 2
	c, err := chain.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("chain: %v", err)
		}
		if err := c.Close(); err != nil {
			t.Errorf("chain: %v", err)
		}
	})
	return c
}

func give(t testing.TB, c *chain.Chain, blocks ...chaintest.Block) {
	t.Helper()
	for _, b := range blocks {
		if o := c.Process(t.Context(), chain.Incoming{Raw: b.Bytes(), Requested: true}); o.Err != nil {
			t.Fatalf("block %d: %v", b.Height, o.Err)
		}
	}
	if err := c.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// wantTxs looks all transactions of a block up.
func wantTxs(t *testing.T, x *TxIndex, b chaintest.Block) {
	t.Helper()
	for i := range b.Txs {
		want := &b.Txs[i]
		tx, block, ok, err := x.FindTx(want.TxID())
		if err != nil || !ok {
			t.Errorf("transaction %d of block %d: found %v, %v", i, b.Height, ok, err)
			continue
		}
		if block != b.Hash() || !bytes.Equal(tx.Bytes(), want.Bytes()) {
			t.Errorf("transaction %d of block %d: found another one, in %v", i, b.Height, block)
		}
		loc, _, err := x.Lookup(want.TxID())
		if err != nil || int(loc.Offset) != b.TxOffset(i) || int(loc.Size) != want.Size() {
			t.Errorf("transaction %d of block %d: at %+v, %v", i, b.Height, loc, err)
		}
	}
}

func wantNoTx(t *testing.T, x *TxIndex, id wire.Hash) {
	t.Helper()
	if _, block, ok, err := x.FindTx(id); ok || err != nil {
		t.Errorf("%v found in %v, %v", id, block, err)
	}
}

// On a real chain: many transactions, a reorganisation which drops some and
// confirms one again elsewhere, and a restart.
func TestTxIndex(t *testing.T) {
	m := chaintest.New(params.Regtest())
	base := m.Chain(m.Genesis(), 105)
	op, value := base[0].Coinbase()
	both := chaintest.Spend(op, value, 1000, 2)
	op, value = base[1].Coinbase()
	onlyA := chaintest.Spend(op, value, 1000, 3)
	onlyB := chaintest.Spend(op, value, 1000, 4)
	chained := chaintest.Spend(wire.OutPoint{Hash: both.TxID(), Index: 1}, both.Out[1].Value, 1000, 1)
	a := []chaintest.Block{m.Next(base[104], 0, both, onlyA, chained)}
	b := []chaintest.Block{m.Next(base[104], 0, onlyB)}
	b = append(b, m.Next(b[0], 0, both))

	fs := vfs.NewMem()
	c := runChain(t, vfs.NewMem())
	give(t, c, base...)
	give(t, c, a...)
	x, r := openTx(t, Over(c), fs)
	if err := x.WaitSynced(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h, synced := x.Height(); h != 106 || !synced {
		t.Errorf("at %d, synced %v", h, synced)
	}
	for _, b := range append(base, a...) {
		wantTxs(t, x, b)
	}
	wantNoTx(t, x, onlyB.TxID())
	wantNoTx(t, x, c.Network().Genesis.Txs[0].TxID())

	give(t, c, b...)
	if err := x.WaitSynced(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, b := range append(base, b...) {
		wantTxs(t, x, b)
	}
	wantNoTx(t, x, onlyA.TxID())
	wantNoTx(t, x, chained.TxID())
	wantNoTx(t, x, a[0].Txs[0].TxID())
	for _, id := range []wire.Hash{onlyA.TxID(), chained.TxID(), a[0].Txs[0].TxID()} {
		if loc, ok, err := x.Lookup(id); ok || err != nil {
			t.Errorf("the record of what left the chain is still there: %+v, %v", loc, err)
		}
	}

	r.end(t)
	x, r = openTx(t, Over(c), fs)
	if x.Best() != c.Tip() {
		t.Errorf("after a restart at %v", x.Best())
	}
	for _, b := range append(base, b...) {
		wantTxs(t, x, b)
	}
	r.end(t)
	if _, _, _, err := x.FindTx(onlyB.TxID()); !errors.Is(err, store.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// The genesis block is indexed where its outputs can be spent.
func TestTxIndexGenesis(t *testing.T) {
	c := newFakeChain(t)
	c.net.GenesisSpendable = true
	c.blocks[c.net.GenesisHash] = c.net.Genesis
	x, r := openTx(t, c, vfs.NewMem())
	if err := x.WaitSynced(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantTxs(t, x, chaintest.Block{Block: c.net.Genesis})
	r.end(t)
}

// A coinbase that repeats an older one (BIP30) is found in the later block.
func TestTxIndexRepeatedCoinbase(t *testing.T) {
	m := chaintest.New(params.Regtest())
	first := m.Next(m.Genesis(), 0)
	// The same coinbase again, in the block after it.
	h := first.Header
	h.PrevBlock = first.Hash()
	h.Timestamp++
	for h.Nonce = 0; h.Hash()[31] > 0x7f; h.Nonce++ {
	}
	second := chaintest.Block{Block: wire.NewBlock(h, []*wire.Tx{&first.Txs[0]}), Height: 2}
	c := newFakeChain(t, first, second)
	id := first.Txs[0].TxID()
	x, r := openTx(t, c, vfs.NewMem())
	at := func(want *headertree.Node) {
		t.Helper()
		if err := x.WaitSynced(t.Context()); err != nil {
			t.Fatal(err)
		}
		loc, ok, err := x.Lookup(id)
		if err != nil || ok != (want != nil) || ok && loc.Block != want {
			t.Errorf("found %v at %v, %v", ok, loc.Block, err)
		}
	}
	c.setTip(first)
	at(c.node(first))
	c.setTip(second)
	at(c.node(second))
	r.end(t)
}

// Records that outlived their block are found out.
func TestTxIndexOutdatedRecords(t *testing.T) {
	main, side := branches()
	c := newFakeChain(t, main...)
	fs := vfs.NewMem()
	c.setTip(main[5])
	x, r := openTx(t, c, fs)
	if err := x.WaitSynced(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.end(t)

	// The chain has lost blocks 5 and 6, and takes another way.
	c = newFakeChain(t, append(main[:4:4], side...)...)
	c.setTip(main[3])
	x, r = openTx(t, c, fs)
	wantNoTx(t, x, main[4].Txs[0].TxID())
	wantNoTx(t, x, main[5].Txs[0].TxID())
	wantTxs(t, x, main[3])
	c.setTip(side[4])
	if err := x.WaitSynced(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, b := range main[3:] {
		wantNoTx(t, x, b.Txs[0].TxID())
	}
	for _, b := range append(main[:3:3], side...) {
		wantTxs(t, x, b)
	}
	// A block that is not there, and one that cannot be read.
	c.lose(chain.ErrNoBlock, side[0])
	wantNoTx(t, x, side[0].Txs[0].TxID())
	broken := &store.CorruptError{Path: "blk"}
	c.lose(broken, side[0])
	if _, _, _, err := x.FindTx(side[0].Txs[0].TxID()); err != error(broken) {
		t.Errorf("got %v", err)
	}
	r.end(t)

	// A record that is damaged although its checksum holds.
	db, err := store.OpenDB(store.DBOptions{FS: fs, Dir: "data/indexes/txindex", Marked: true})
	if err != nil {
		t.Fatal(err)
	}
	id := main[0].Txs[0].TxID()
	b := db.NewBatch()
	b.Set(txKey(id), []byte{0x80})
	if err := errors.Join(db.Write(b, true), db.Close()); err != nil {
		t.Fatal(err)
	}
	x, r = openTx(t, c, fs)
	want := "data/indexes/txindex is damaged: the record of transaction " + id.String() + " does not decode; " +
		"check the disk, delete data/indexes/txindex and start again to have it built anew"
	if _, _, err := x.Lookup(id); err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	r.end(t)
}

func TestTxRecord(t *testing.T) {
	type record struct {
		Height       int32
		Offset, Size uint32
	}
	for _, want := range []record{{}, {1, 81, 200}, {840_000, 1_234_567, 400_000}, {1<<31 - 1, 3_999_999, 3_999_919}} {
		b := appendTxRecord(nil, want.Height, want.Offset, want.Size)
		var got record
		var ok bool
		got.Height, got.Offset, got.Size, ok = decodeTxRecord(b)
		if d := cmp.Diff(want, got); d != "" || !ok {
			t.Errorf("%v: ok %v, %s", want, ok, d)
		}
		for _, bad := range [][]byte{b[:len(b)-1], append(b, 0), nil} {
			if _, _, _, ok := decodeTxRecord(bad); ok {
				t.Errorf("%x decodes", bad)
			}
		}
	}
	if got := fmt.Sprintf("%x", appendTxRecord(nil, 840_000, 81, 250)); got != "c0a23351fa01" {
		t.Errorf("record is %s", got)
	}
}

func FuzzTxRecord(f *testing.F) {
	f.Add(appendTxRecord(nil, 840_000, 81, 250))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, b []byte) {
		height, offset, size, ok := decodeTxRecord(b)
		if ok && height < 0 {
			t.Errorf("%x: height %d", b, height)
		}
		h, o, s, again := decodeTxRecord(appendTxRecord(nil, height, offset, size))
		if ok && (!again || h != height || o != offset || s != size) {
			t.Errorf("%x is %d %d %d, then %d %d %d", b, height, offset, size, h, o, s)
		}
	})
}

// BenchmarkTxIndex measures catching up with blocks of 2,000 transactions.
func BenchmarkTxIndex(b *testing.B) {
	m := chaintest.New(params.Regtest())
	parent := m.Genesis()
	var blocks []chaintest.Block
	for i := range 20 {
		txs := make([]*wire.Tx, 2000)
		for j := range txs {
			txs[j] = chaintest.Spend(wire.OutPoint{Hash: wire.Hash{1: byte(i)}, Index: uint32(j)}, 1000, 0, 2)
		}
		parent = m.Next(parent, 0, txs...)
		blocks = append(blocks, parent)
	}
	c := newFakeChain(b, blocks...)
	c.setTip(parent)
	b.ReportAllocs()
	for b.Loop() {
		x, r := openTx(b, c, vfs.NewMem())
		if err := x.WaitSynced(b.Context()); err != nil {
			b.Fatal(err)
		}
		r.end(b)
	}
	b.ReportMetric(float64(b.N*20*2000)/b.Elapsed().Seconds(), "tx/s")
}

// TestPruningWaits prunes while an index has yet to read the blocks, and once it
// has.
func TestPruningWaits(t *testing.T) {
	fs := vfs.NewMem()
	c := runChainWith(t, chain.Config{FS: fs, Prune: 1, MaxFile: 8 << 10})
	ix, err := Open(Options{Source: Over(c), FS: fs, Dir: "data/indexes/test"}, &countless{})
	if err != nil {
		t.Fatal(err)
	}
	m := chaintest.New(params.Regtest())
	give(t, c, m.Chain(m.Genesis(), 700)...)
	prune := func() int32 {
		t.Helper()
		h, err := c.PruneTo(t.Context(), 700)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	if h := prune(); h != -1 {
		t.Errorf("pruned to %d before the index had read a block", h)
	}
	r := start(ix)
	if err := ix.WaitSynced(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h := prune(); h < 300 || h > 700-chain.KeepBlocks {
		t.Errorf("pruned to %d", h)
	}
	r.end(t)
}

// countless is an indexer that keeps nothing.
type countless struct{}

func (countless) Name() string                               { return "countless" }
func (countless) Version() uint16                            { return 1 }
func (countless) Connect(*store.Batch, chain.Event) error    { return nil }
func (countless) Disconnect(*store.Batch, chain.Event) error { return nil }
func (countless) Forget(*store.Batch, int32) error           { return nil }
