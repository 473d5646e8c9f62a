package index

import (
	"bytes"
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/chain"
	"starling/chain/chaintest"
	"starling/chain/coins"
	"starling/index/gcs"
	"starling/params"
	"starling/store"
	"starling/wire"
)

const filterDir = "data/indexes/blockfilter"

func openFilters(t testing.TB, src Source, fs vfs.FS) (*FilterIndex, *running) {
	t.Helper()
	x, err := OpenFilters(Options{Source: src, FS: fs, Dir: filterDir})
	if err != nil {
		t.Fatal(err)
	}
	r := start(x.Index)
	if err := x.WaitSynced(t.Context()); err != nil {
		t.Fatal(err)
	}
	return x, r
}

// wantFilters compares the filters of a branch, from the genesis block on, with
// those made of its blocks.
func wantFilters(t *testing.T, c *chain.Chain, x *FilterIndex, branch ...chaintest.Block) {
	t.Helper()
	genesis := chaintest.Block{Block: c.Network().Genesis}
	var before wire.Hash
	for _, b := range append([]chaintest.Block{genesis}, branch...) {
		n := c.Headers().Lookup(b.Hash())
		undo, err := c.Undo(n)
		if err != nil {
			t.Fatal(err)
		}
		want := gcs.Basic(b.Block, undo)
		got, ok, err := x.Filter(n)
		if err != nil || !ok || !bytes.Equal(got, want) {
			t.Fatalf("block %d: filter %x, %v, %v; want %x", b.Height, got, ok, err, want)
		}
		wantHash, wantHeader := gcs.Header(want, before)
		hash, header, ok, err := x.FilterHeader(n)
		if err != nil || !ok || hash != wantHash || header != wantHeader {
			t.Fatalf("block %d: hash %v, header %v, %v, %v", b.Height, hash, header, ok, err)
		}
		before = header
		// What a block spends is in its filter, and what it makes.
		f, err := gcs.Decode(b.Hash(), got)
		if err != nil {
			t.Fatal(err)
		}
		for _, spent := range undo.Spent {
			for i := range spent {
				if !f.Match(spent[i].Script) {
					t.Errorf("block %d: a spent script is not found", b.Height)
				}
			}
		}
	}
}

// A chain with spends, a reorganisation after which the filters of both branches
// are there, and a restart in the middle.
func TestFilters(t *testing.T) {
	m := chaintest.New(params.Regtest())
	base := m.Chain(m.Genesis(), 105)
	op, value := base[0].Coinbase()
	a := append(base[:105:105], m.Next(base[104], 0, chaintest.Spend(op, value, 1000, 3)))
	op, value = base[1].Coinbase()
	b := append(base[:105:105], m.Next(base[104], 0, chaintest.Spend(op, value, 1000, 2)))
	b = append(b, m.Chain(b[105], 3)...)

	fs := vfs.NewMem()
	c := runChain(t, vfs.NewMem())
	give(t, c, a...)
	x, r := openFilters(t, Over(c), fs)
	wantFilters(t, c, x, a...)
	if _, ok, err := x.Filter(c.Headers().Lookup(a[105].Hash())); !ok || err != nil {
		t.Error(ok, err)
	}

	give(t, c, b[105:107]...)
	if err := x.WaitSynced(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantFilters(t, c, x, b[:107]...)
	wantFilters(t, c, x, a...) // of a block that has left the chain

	r.end(t)
	give(t, c, b[107:]...)
	x, r = openFilters(t, Over(c), fs)
	wantFilters(t, c, x, b...)
	wantFilters(t, c, x, a...)

	// A block whose header alone is known has none.
	next := m.Next(b[len(b)-1], 0)
	n, _, err := c.Headers().Add(&next.Header, next.Header.Time())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := x.Filter(n); ok || err != nil {
		t.Errorf("a filter of a block that is not here: %v, %v", ok, err)
	}
	if _, _, ok, err := x.FilterHeader(n); ok || err != nil {
		t.Errorf("a filter header of a block that is not here: %v, %v", ok, err)
	}
	r.end(t)
}

// Records that are damaged although their checksums hold are told of, and the
// header of a block is not made on top of one that is missing.
func TestFiltersDamage(t *testing.T) {
	m := chaintest.New(params.Regtest())
	blocks := m.Chain(m.Genesis(), 3)
	c := newFakeChain(t, blocks...)
	c.setTip(blocks[0])
	for _, how := range []struct {
		name string
		do   func(*store.Batch, []byte)
		want string
	}{
		{"short", func(b *store.Batch, k []byte) { b.Set(k, []byte{1}) }, "does not decode"},
		{"missing", func(b *store.Batch, k []byte) { b.Delete(k) }, "is missing"},
	} {
		fs := vfs.NewMem()
		c.setTip(blocks[0])
		_, r := openFilters(t, c, fs)
		r.end(t)
		db, err := store.OpenDB(store.DBOptions{FS: fs, Dir: filterDir, Marked: true})
		if err != nil {
			t.Fatal(err)
		}
		b := db.NewBatch()
		how.do(b, filterKey(keyHeaders, c.node(blocks[0])))
		if err := errors.Join(db.Write(b, true), db.Close()); err != nil {
			t.Fatal(err)
		}
		c.setTip(blocks[2])
		x, err := OpenFilters(Options{Source: c, FS: fs, Dir: filterDir})
		if err != nil {
			t.Fatal(err)
		}
		err = x.Run(t.Context())
		var damaged *store.CorruptError
		if !errors.As(err, &damaged) || !bytes.Contains([]byte(err.Error()), []byte(how.want)) || !bytes.Contains([]byte(err.Error()), []byte("delete "+filterDir)) {
			t.Errorf("%s: %v", how.name, err)
		}
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A pruned node keeps filters from its start on, of blocks that are gone too.
func TestFiltersPruned(t *testing.T) {
	fs := vfs.NewMem()
	c := runChainWith(t, chain.Config{FS: fs, Prune: 1, MaxFile: 8 << 10})
	x, r := openFilters(t, Over(c), fs)
	m := chaintest.New(params.Regtest())
	blocks := m.Chain(m.Genesis(), 700)
	give(t, c, blocks...)
	if err := x.WaitSynced(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h, err := c.PruneTo(t.Context(), 700); err != nil || h < 300 {
		t.Fatalf("pruned to %d, %v", h, err)
	}
	if _, err := c.Block(c.At(1)); !errors.Is(err, chain.ErrPruned) {
		t.Fatal("block 1 is still there:", err)
	}
	if got, ok, err := x.Filter(c.At(1)); err != nil || !ok || !bytes.Equal(got, gcs.Basic(blocks[0].Block, &coins.Undo{})) {
		t.Errorf("the filter of a pruned block: %x, %v, %v", got, ok, err)
	}
	r.end(t)

	// Who begins when blocks are gone is told what to do.
	late, err := OpenFilters(Options{Source: Over(c), FS: fs, Dir: "data/indexes/late"})
	if err != nil {
		t.Fatal(err)
	}
	want := "blockfilterindex: block 1 was pruned before it was indexed; delete the block data or run without this index"
	if err := late.Run(t.Context()); err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	if err := late.Close(); err != nil {
		t.Error(err)
	}
}
