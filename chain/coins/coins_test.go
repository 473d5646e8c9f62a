package coins

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"starling/store"
	"starling/wire"
)

// The figures are those of Bitcoin Core's compress_tests.
func TestCompressAmount(t *testing.T) {
	const coin = 100_000_000
	for _, c := range []struct{ amount, want uint64 }{
		{0, 0}, {1, 1}, {coin / 100, 7}, {coin, 9}, {50 * coin, 0x32}, {21_000_000 * coin, 0x1406f40},
	} {
		if got := compressAmount(c.amount); got != c.want {
			t.Errorf("compressAmount(%d) = %#x, want %#x", c.amount, got, c.want)
		}
		if got := decompressAmount(c.want); got != c.amount {
			t.Errorf("decompressAmount(%#x) = %d, want %d", c.want, got, c.amount)
		}
	}
}

func TestCompressAmountRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64Range(0, 21_000_000*100_000_000).Draw(t, "amount")
		if got := decompressAmount(compressAmount(n)); got != n {
			t.Fatalf("%d becomes %d", n, got)
		}
	})
}

// The encodings are those of Bitcoin Core's serialize_tests.
func TestVarInt(t *testing.T) {
	for _, c := range []struct {
		n    uint64
		want string
	}{
		{0, "00"}, {0x7f, "7f"}, {0x80, "8000"}, {0x1234, "a334"}, {0xffff, "82fe7f"},
		{0x123456, "c7e756"}, {0x80123456, "86ffc7e756"}, {0xffffffff, "8efefefe7f"},
		{0x7fffffffffffffff, "fefefefefefefefe7f"}, {0xffffffffffffffff, "80fefefefefefefefe7f"},
	} {
		if got := hex.EncodeToString(appendVarInt(nil, c.n)); got != c.want {
			t.Errorf("%#x encodes as %s, want %s", c.n, got, c.want)
		}
		b, _ := hex.DecodeString(c.want)
		d := decoder{b: b}
		if got := d.varInt(); c.n < 1<<63 && (d.failed || got != c.n) {
			t.Errorf("%s decodes as %#x, want %#x (failed %v)", c.want, got, c.n, d.failed)
		}
	}
}

func scripts() *rapid.Generator[[]byte] {
	data := func(n int) *rapid.Generator[[]byte] { return rapid.SliceOfN(rapid.Byte(), n, n) }
	return rapid.OneOf(
		rapid.Map(data(20), func(h []byte) []byte { return slices.Concat([]byte{0x76, 0xa9, 20}, h, []byte{0x88, 0xac}) }),
		rapid.Map(data(20), func(h []byte) []byte { return slices.Concat([]byte{0xa9, 20}, h, []byte{0x87}) }),
		rapid.Map(data(32), func(h []byte) []byte { return slices.Concat([]byte{33, 2}, h, []byte{0xac}) }),
		rapid.Map(data(32), func(h []byte) []byte { return slices.Concat([]byte{33, 3}, h, []byte{0xac}) }),
		rapid.Map(data(64), func(h []byte) []byte { return slices.Concat([]byte{65, 4}, h, []byte{0xac}) }),
		rapid.SliceOfN(rapid.Byte(), 1, 200),
	)
}

func TestCoinRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Coin{
			Value:  rapid.Int64Range(0, 21_000_000*100_000_000).Draw(t, "value"),
			Height: rapid.Int32Min(0).Draw(t, "height"), Coinbase: rapid.Bool().Draw(t, "coinbase"),
			Script: scripts().Draw(t, "script"),
		}
		got, err := DecodeCoin(c.Append(nil))
		if err != nil || !cmp.Equal(got, c) {
			t.Fatalf("%v: %s", err, cmp.Diff(c, got))
		}
		u := &Undo{Spent: [][]Coin{{c, c}, {c}}}
		gotUndo, err := DecodeUndo(u.Append(nil))
		if err != nil || !cmp.Equal(gotUndo, u) {
			t.Fatalf("%v: %s", err, cmp.Diff(u, gotUndo))
		}
	})
}

func FuzzDecodeCoin(f *testing.F) {
	c := Coin{Value: 5e9, Height: 100, Coinbase: true, Script: []byte{0x51}}
	f.Add(c.Append(nil))
	f.Add([]byte{0x01, 0x32, 0x00})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := DecodeCoin(b)
		if err != nil {
			return
		}
		again, err := DecodeCoin(c.Append(nil))
		if err != nil || !cmp.Equal(again, c) {
			t.Fatalf("%x: %v", b, err)
		}
	})
}

func FuzzDecodeUndo(f *testing.F) {
	c := Coin{Value: 5e9, Height: 100, Coinbase: true, Script: []byte{0x51}}
	f.Add((&Undo{Spent: [][]Coin{{c}, {c, c}}}).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		u, err := DecodeUndo(b)
		if err != nil {
			return
		}
		if again, err := DecodeUndo(u.Append(nil)); err != nil || !cmp.Equal(again, u) {
			t.Fatalf("%x: %v", b, err)
		}
	})
}

func openCache(t interface{ Fatal(...any) }, fs vfs.FS) (*Cache, *store.DB) {
	db, err := store.OpenDB(store.DBOptions{FS: fs, Dir: "coins", CacheBytes: 1 << 20, MemTableBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	c, err := Open(db)
	if err != nil {
		t.Fatal(err)
	}
	return c, db
}

// play drives a cache and a plain map side by side.
type play struct {
	c     *Cache
	db    *store.DB
	fs    vfs.FS
	model map[wire.OutPoint]Coin
	chain []played
	off   *wire.Block // the block taken back last, while it fits
	n     uint32
}

type played struct {
	block *wire.Block
	undo  *Undo
}

// block makes a block that spends some coins of the model and of its own.
func (p *play) block(t *rapid.T) *wire.Block {
	p.n++
	newTx := func(in []wire.TxIn) *wire.Tx {
		out := make([]wire.TxOut, rapid.IntRange(1, 4).Draw(t, "outputs"))
		for i := range out {
			out[i] = wire.TxOut{Value: int64(p.n), Script: rapid.SampledFrom([][]byte{
				{0x51}, {0x6a, 1, 2}, bytes.Repeat([]byte{0x61}, 60), bytes.Repeat([]byte{0x61}, 42),
			}).Draw(t, "script")}
		}
		return wire.NewTx(1, in, out, p.n)
	}
	txs := []*wire.Tx{newTx([]wire.TxIn{{PrevOut: wire.OutPoint{Index: wire.NullIndex}}})}
	var free []wire.OutPoint
	for op := range p.model {
		free = append(free, op)
	}
	slices.SortFunc(free, func(a, b wire.OutPoint) int { return bytes.Compare(a.Append(nil), b.Append(nil)) })
	for range rapid.IntRange(0, 5).Draw(t, "transactions") {
		if len(free) == 0 {
			break
		}
		i := rapid.IntRange(0, len(free)-1).Draw(t, "spend")
		tx := newTx([]wire.TxIn{{PrevOut: free[i]}})
		free = slices.Delete(free, i, i+1)
		for j := range tx.Out {
			if spendable(&tx.Out[j]) {
				free = append(free, wire.OutPoint{Hash: tx.TxID(), Index: uint32(j)})
			}
		}
		txs = append(txs, tx)
	}
	prev := wire.Hash{}
	if len(p.chain) > 0 {
		prev = p.chain[len(p.chain)-1].block.Hash()
	}
	return wire.NewBlock(wire.Header{PrevBlock: prev, Nonce: p.n}, txs)
}

func (p *play) apply(b *wire.Block) {
	height := int32(len(p.chain) + 1)
	for i := range b.Txs {
		for j := range b.Txs[i].In {
			delete(p.model, b.Txs[i].In[j].PrevOut)
		}
		for j, out := range b.Txs[i].Out {
			if spendable(&out) {
				p.model[wire.OutPoint{Hash: b.Txs[i].TxID(), Index: uint32(j)}] = Coin{out.Value, height, i == 0, out.Script}
			}
		}
	}
}

func (p *play) check(t *rapid.T) {
	for op, want := range p.model {
		got, ok, _, err := p.c.Get(op)
		if err != nil || !ok || !cmp.Equal(got, want) {
			t.Fatalf("coin %v: found %v, %v: %s", op, ok, err, cmp.Diff(want, got))
		}
	}
	for _, b := range p.chain {
		for i := range b.block.Txs {
			for j := range b.block.Txs[i].Out {
				op := wire.OutPoint{Hash: b.block.Txs[i].TxID(), Index: uint32(j)}
				_, want := p.model[op]
				if _, ok, _, err := p.c.Get(op); err != nil || ok != want {
					t.Fatalf("coin %v exists %v, want %v (%v)", op, ok, want, err)
				}
			}
		}
	}
}

func TestCacheAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &play{fs: vfs.NewMem(), model: map[wire.OutPoint]Coin{}}
		p.c, p.db = openCache(t, p.fs)
		defer func() { p.db.Close() }()
		t.Repeat(map[string]func(*rapid.T){
			"": p.check,
			"connect": func(t *rapid.T) {
				b := p.block(t)
				if p.off != nil && rapid.Bool().Draw(t, "the same again") {
					b = p.off
				}
				p.off = nil
				var pre *Prefetched
				if rapid.Bool().Draw(t, "prefetch") {
					pre = p.c.Prefetch(b)
				}
				ch, err := p.c.Resolve(b, int32(len(p.chain)+1), rapid.Bool().Draw(t, "bip30"), pre)
				if err != nil {
					t.Fatal(err)
				}
				p.c.Apply(ch, nil)
				p.apply(b)
				p.chain = append(p.chain, played{b, ch.Undo()})
			},
			"disconnect": func(t *rapid.T) {
				if len(p.chain) == 0 {
					t.Skip("nothing to take back")
				}
				last := p.chain[len(p.chain)-1]
				undo, err := DecodeUndo(last.undo.Append(nil))
				if err != nil {
					t.Fatal(err)
				}
				if err := p.c.Disconnect(last.block, undo, int32(len(p.chain)), false, nil); err != nil {
					t.Fatal(err)
				}
				p.off = last.block
				p.chain = p.chain[:len(p.chain)-1]
				p.model = map[wire.OutPoint]Coin{}
				all := p.chain
				p.chain = nil
				for _, b := range all {
					p.apply(b.block)
					p.chain = append(p.chain, b)
				}
			},
			"flush": func(t *rapid.T) {
				if _, err := p.c.Flush(rapid.Bool().Draw(t, "drop"), nil); err != nil {
					t.Fatal(err)
				}
			},
			"flush and reopen": func(t *rapid.T) {
				if _, err := p.c.Flush(true, nil); err != nil {
					t.Fatal(err)
				}
				best := p.c.Best()
				p.db.Close()
				p.c, p.db = openCache(t, p.fs)
				if p.c.Best() != best || p.c.Interrupted() != nil {
					t.Fatalf("best block is %v after reopening, was %v", p.c.Best(), best)
				}
			},
			"scan": func(t *rapid.T) {
				if _, err := p.c.Flush(false, nil); err != nil {
					t.Fatal(err)
				}
				s := p.c.Snapshot()
				defer s.Close()
				seen := map[wire.OutPoint]Coin{}
				var last []byte
				if err := s.All(func(op wire.OutPoint, c Coin) error {
					key := appendKey(nil, &op)
					if bytes.Compare(last, key) >= 0 {
						return fmt.Errorf("%v is out of order", op)
					}
					c.Script = bytes.Clone(c.Script)
					last, seen[op] = key, c
					return nil
				}); err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(p.model, seen); d != "" {
					t.Fatal(d)
				}
			},
		})
	})
}

func TestResolveRefuses(t *testing.T) {
	c, db := openCache(t, vfs.NewMem())
	defer db.Close()
	coinbase := wire.NewTx(1, []wire.TxIn{{PrevOut: wire.OutPoint{Index: wire.NullIndex}}}, []wire.TxOut{{Value: 1, Script: []byte{0x51}}}, 0)
	first := wire.NewBlock(wire.Header{}, []*wire.Tx{coinbase})
	ch, err := c.Resolve(first, 1, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Apply(ch, nil)
	var over *OverwriteError
	if _, err := c.Resolve(first, 2, true, nil); !errors.As(err, &over) {
		t.Errorf("repeating a coinbase: %v", err)
	}
	var missing *MissingError
	other := wire.NewTx(1, []wire.TxIn{{PrevOut: wire.OutPoint{Index: wire.NullIndex}}}, nil, 9)
	spend := wire.NewTx(1, []wire.TxIn{{PrevOut: wire.OutPoint{Hash: coinbase.TxID(), Index: 7}}}, nil, 0)
	if _, err := c.Resolve(wire.NewBlock(wire.Header{}, []*wire.Tx{other, spend}), 2, true, nil); !errors.As(err, &missing) || missing.Tx != 1 {
		t.Errorf("spending an output that is not there: %v", err)
	}
	var unclean *UncleanError
	if err := c.Disconnect(first, &Undo{}, 5, false, nil); !errors.As(err, &unclean) {
		t.Errorf("taking a block back at another height: %v", err)
	}
}
