package chain_test

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"math/rand/v2"
	"path"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"starling/chain"
	"starling/chain/chaintest"
	"starling/chain/headertree"
	"starling/params"
	"starling/store"
	"starling/wire"
)

// content returns all files below dir.
func content(t *testing.T, fs vfs.FS, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		p := path.Join(dir, name)
		st, err := fs.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		if st.IsDir() {
			maps.Copy(all, content(t, fs, p))
			continue
		}
		b, err := read(fs, p)
		if err != nil {
			t.Fatal(err)
		}
		all[p] = string(b)
	}
	return all
}

// flipLogs changes a bit in each log and manifest of a database.
func flipLogs(t *testing.T, fs vfs.FS, dir string) {
	t.Helper()
	for p, b := range content(t, fs, dir) {
		if name := path.Base(p); len(b) > 60 && (strings.HasPrefix(name, "MANIFEST-") || strings.HasSuffix(name, ".log")) {
			c := []byte(b)
			c[60] ^= 4
			if err := write(fs, p, c); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// makeOlder makes a data directory of one from before there were marks and
// totals, and then lets edit change the index.
func makeOlder(t *testing.T, fs vfs.FS, edit func(*store.DB, *store.Batch)) {
	t.Helper()
	for _, dir := range []string{"data/blocks/index", "data/chainstate"} {
		d, err := store.OpenDB(store.DBOptions{FS: fs, Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		b := d.NewBatch()
		for _, key := range []string{"\x00mark", "t", "T"} {
			b.Delete([]byte(key))
		}
		if edit != nil && strings.HasSuffix(dir, "index") {
			edit(d, b)
		}
		if err := errors.Join(d.Write(b, true), d.Close(), fs.Remove(dir+store.MarkSuffix)); err != nil {
			t.Fatal(err)
		}
	}
}

// A pruned node whose UTXO set is damaged says that it cannot rebuild it, and
// changes neither it nor the block files. With the damage undone it goes on.
func TestDamagedCoinsOfPrunedNode(t *testing.T) {
	m := chaintest.New(params.Regtest())
	blocks := m.Chain(m.Genesis(), 700)
	mem := vfs.NewMem()
	edit := func(cfg *chain.Config) { cfg.Prune, cfg.MaxFile = 1, 8<<10 }
	r := start(t, mem, edit)
	r.give(blocks...)
	if height, err := r.PruneTo(t.Context(), 200); err != nil || height < 1 {
		t.Fatal(height, err)
	}
	r.close()
	sound := content(t, mem, "data")
	damages := map[string]func(){
		"flipped": func() { flipLogs(t, mem, "data/chainstate") },
		"removed": func() {
			if err := mem.RemoveAll("data/chainstate"); err != nil {
				t.Fatal(err)
			}
		},
		"index removed": func() {
			if err := mem.RemoveAll("data/blocks/index"); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			damage()
			before := content(t, mem, "data")
			cfg := chain.Config{Network: params.Regtest(), FS: mem, Dir: "data", DBCache: chain.MinDBCache, Workers: 1}
			edit(&cfg)
			_, err := chain.Open(cfg)
			var damage *store.CorruptError
			if !errors.As(err, &damage) || !strings.Contains(err.Error(), "pruned") || strings.Contains(err.Error(), "\n") {
				t.Fatalf("got %v", err)
			}
			after := content(t, mem, "data")
			for p, b := range before {
				if !strings.HasPrefix(p, "data/blocks/index") && after[p] != b {
					t.Errorf("%s was changed", p)
				}
			}
			for p, b := range sound {
				if err := errors.Join(mem.MkdirAll(path.Dir(p), 0o755), write(mem, p, []byte(b))); err != nil {
					t.Fatal(err)
				}
			}
			for p := range after {
				if _, had := sound[p]; !had {
					if err := mem.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
						t.Fatal(err)
					}
				}
			}
			r := start(t, mem, edit)
			r.wantTip(blocks[699])
			r.close()
			sound = content(t, mem, "data")
		})
	}
}

// A directory from before there were marks opens, and from then on has them.
func TestOlderDirectory(t *testing.T) {
	m := chaintest.New(params.Regtest())
	blocks := m.Chain(m.Genesis(), 30)
	mem := vfs.NewMem()
	r := start(t, mem, nil)
	r.give(blocks[:20]...)
	r.wantTip(blocks[19])
	r.close()
	makeOlder(t, mem, nil)

	r = start(t, mem, nil)
	r.wantTip(blocks[19])
	r.give(blocks[20:25]...)
	// The first comparison has nothing to compare with; the next ones do.
	for range 2 {
		if err := r.Verify(t.Context(), 3, 0); err != nil {
			t.Fatal(err)
		}
		r.give(blocks[25:]...)
	}
	r.wantTip(blocks[29])
	sum, _ := r.coinSet()
	r.close()

	flipLogs(t, mem, "data/chainstate")
	r = start(t, mem, nil)
	r.wantTip(blocks[29])
	if got, _ := r.coinSet(); got != sum {
		t.Error("another UTXO set")
	}
	if err := r.Verify(t.Context(), 3, 0); err != nil {
		t.Error(err)
	}
}

// An index that has lost its end, in a directory without marks, which cannot be
// noticed: no block file is cut, and the blocks are found again.
func TestTailsAreTakenIn(t *testing.T) {
	m := chaintest.New(params.Regtest())
	blocks := m.Chain(m.Genesis(), 60)
	for _, keep := range []int32{0, 7, 40, 59} {
		mem := vfs.NewMem()
		r := start(t, mem, func(cfg *chain.Config) { cfg.MaxFile = 4 << 10 })
		r.give(blocks...)
		r.close()
		makeOlder(t, mem, func(d *store.DB, b *store.Batch) {
			err := d.Iterate([]byte("b"), func(k, _ []byte) error {
				if k[3] > 0 || int32(k[4]) > keep {
					b.Delete(k)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		})
		before := content(t, mem, "data")
		r = start(t, mem, nil)
		r.wantTip(blocks[59])
		for _, b := range blocks {
			if raw, err := r.Block(r.At(b.Height)); err != nil || !bytes.Equal(raw, b.Bytes()) {
				t.Errorf("index up to %d: block %d: %v", keep, b.Height, err)
			}
		}
		r.close()
		for p, b := range content(t, mem, "data") {
			if strings.HasPrefix(path.Base(p), "blk") && before[p] != b {
				t.Errorf("index up to %d: %s was changed", keep, p)
			}
		}
	}
}

// Damage in a table that is read only when the node has long been running ends
// in an error, and the next start rebuilds the UTXO set.
func TestCoinsDamagedInTable(t *testing.T) {
	net := params.Regtest()
	net.CoinbaseMaturity = 1
	m := chaintest.New(net)
	edit := func(cfg *chain.Config) { cfg.Network = net }
	blocks := m.Chain(m.Genesis(), 3)
	op, value := blocks[0].Coinbase()
	many := chaintest.Spend(op, value, 1000, 3000)
	blocks = append(blocks, m.Next(blocks[2], 1000, many))
	mem := vfs.NewMem()
	r := start(t, mem, edit)
	r.give(blocks...)
	r.wantTip(blocks[3])
	sum, _ := r.coinSet()
	r.close()
	start(t, mem, edit).close() // writes the table
	var table string
	for p, b := range content(t, mem, "data/chainstate") {
		if strings.HasSuffix(p, ".sst") && len(b) > 20_000 {
			table = p
			c := []byte(b)
			c[len(c)/2] ^= 1
			if err := write(mem, p, c); err != nil {
				t.Fatal(err)
			}
		}
	}
	if table == "" {
		t.Fatal("no table")
	}
	c, err := chain.Open(chain.Config{Network: net, FS: mem, Dir: "data", DBCache: chain.MinDBCache, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for i := range many.Out {
		var damage *store.CorruptError
		_, ok, _, err := c.Coin(wire.OutPoint{Hash: many.TxID(), Index: uint32(i)})
		if errors.As(err, &damage) {
			told++
		} else if !ok || err != nil {
			t.Fatalf("coin %d: exists %v, %v", i, ok, err)
		}
	}
	if told == 0 {
		t.Fatal("the damage was not read")
	}
	_ = c.Close()

	var log rebuildLog
	r = start(t, mem, func(cfg *chain.Config) { cfg.Network, cfg.Log = net, slog.New(&log) })
	r.wantTip(blocks[3])
	if got, _ := r.coinSet(); got != sum || !log.seen {
		t.Errorf("rebuilt: %v, the same coins: %v", log.seen, got == sum)
	}
}

// What was declared invalid stays so when the index is rebuilt, whether it could
// be read or not; what was taken back does not come back.
func TestReindexKeepsInvalid(t *testing.T) {
	m := chaintest.New(params.Regtest())
	base := m.Chain(m.Genesis(), 20)
	side := m.Chain(base[9], 3)
	mem := vfs.NewMem()
	r := start(t, mem, nil)
	r.give(base...)
	r.give(side...)
	invalidate := func(b chaintest.Block) {
		t.Helper()
		if err := r.Invalidate(t.Context(), r.Headers().Lookup(b.Hash())); err != nil {
			t.Fatal(err)
		}
	}
	invalidate(base[11])
	r.wantTip(side[2])
	r.close()
	reindex := func(cfg *chain.Config) { cfg.Reindex = true }
	rebuild := func(tip chaintest.Block) {
		t.Helper()
		r = start(t, mem, reindex)
		<-r.Ready()
		r.wantTip(tip)
	}
	rebuild(side[2])
	if n := r.Headers().Lookup(base[19].Hash()); n == nil || !n.Has(headertree.FailedParent) || n.Data() == nil {
		t.Error("a block on top of the invalid one is not known any more")
	}
	r.close()
	flipLogs(t, mem, "data/blocks/index")
	rebuild(side[2])
	if err := r.Reconsider(t.Context(), r.Headers().Lookup(base[15].Hash())); err != nil {
		t.Fatal(err)
	}
	r.wantTip(base[19])
	r.close()
	rebuild(base[19])
}

// Taking back that a block is invalid leaves alone what was declared invalid on
// another branch, also if that builds on one that is taken back.
func TestReconsiderLeavesOtherBranches(t *testing.T) {
	m := chaintest.New(params.Regtest())
	base := m.Chain(m.Genesis(), 20)
	side := m.Chain(base[9], 15)
	mem := vfs.NewMem()
	r := start(t, mem, nil)
	r.give(base...)
	r.give(side...)
	r.wantTip(side[14])
	lookup := func(b chaintest.Block) *headertree.Node { return r.Headers().Lookup(b.Hash()) }
	for _, b := range []chaintest.Block{side[1], base[8]} {
		if err := r.Invalidate(t.Context(), lookup(b)); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Reconsider(t.Context(), lookup(base[12])); err != nil {
		t.Fatal(err)
	}
	r.wantTip(base[19])
	r.close()
	r = start(t, mem, func(cfg *chain.Config) { cfg.Reindex = true })
	<-r.Ready()
	r.wantTip(base[19])
	if n := lookup(side[1]); n == nil || !n.Has(headertree.Failed) {
		t.Error("the invalid block of the other branch is forgotten")
	}
}

// If the list of invalid blocks cannot be written, neither declaring a block
// invalid nor taking that back changes anything.
func TestInvalidListNotWritten(t *testing.T) {
	m := chaintest.New(params.Regtest())
	base := m.Chain(m.Genesis(), 20)
	var fail atomic.Bool
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if fail.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite && strings.Contains(op.Path, "invalid.dat") {
			return syscall.ENOSPC
		}
		return nil
	}))
	r := start(t, fs, nil)
	r.give(base...)
	n := r.Headers().Lookup(base[14].Hash())
	fail.Store(true)
	if err := r.Invalidate(t.Context(), n); !errors.Is(err, store.ErrDiskFull) {
		t.Fatalf("declared invalid: %v", err)
	}
	if err := r.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.wantTip(base[19])
	fail.Store(false)
	if err := r.Invalidate(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	r.wantTip(base[13])
	fail.Store(true)
	if err := r.Reconsider(t.Context(), n); !errors.Is(err, store.ErrDiskFull) {
		t.Fatalf("taken back: %v", err)
	}
	if !n.Has(headertree.Failed) {
		t.Error("the block is valid again although that could not be written")
	}
	r.wantTip(base[13])
}

// Headers are taken in while the list of invalid blocks is written.
func TestInvalidListHoldsNoHeaderUp(t *testing.T) {
	m := chaintest.New(params.Regtest())
	base := m.Chain(m.Genesis(), 20)
	reached, release := make(chan struct{}), make(chan struct{})
	var park atomic.Bool
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && strings.Contains(op.Path, "invalid.dat") && park.CompareAndSwap(true, false) {
			close(reached)
			<-release
		}
		return nil
	}))
	r := start(t, fs, nil)
	r.give(base[:15]...)
	park.Store(true)
	done := make(chan error, 1)
	go func() { done <- r.Invalidate(t.Context(), r.Headers().Lookup(base[12].Hash())) }()
	<-reached
	taken := make(chan error, 1)
	go func() {
		_, _, err := r.AcceptHeaders([]wire.Header{base[15].Header})
		taken <- err
	}()
	select {
	case err := <-taken:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second): // only if the test fails
		t.Error("a header waits for the list to be written")
	}
	close(release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	r.wantTip(base[11])
}

// The power is cut at every few writes while a damaged UTXO set is rebuilt, or
// everything is: the next start goes on, and ends with the right coins.
func TestCrashWhileRebuilding(t *testing.T) {
	s := newDamageScript(t, false)
	for name, reindex := range map[string]bool{"UTXO set": false, "index": true} {
		t.Run(name, func(t *testing.T) {
			damaged := func() *vfs.MemFS {
				mem := s.whole.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(0, 0))})
				flipLogs(t, mem, "data/chainstate")
				// What is there before the start is on the disk.
				return mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(0, 0))})
			}
			life := func(f *crashFS) {
				n, err := s.open(f, nil, func(cfg *chain.Config) { cfg.Reindex = reindex })
				if err != nil {
					t.Fatal(err)
				}
				<-n.Ready()
				if err := errors.Join(n.Settle(n.ctx), n.end()); err != nil {
					t.Fatal(err)
				}
			}
			counting := newCrashFS(damaged(), 0, nil)
			life(counting)
			at := map[int]bool{}
			for w := range counting.writes {
				at[w] = w < 60 || w%5 == 0
			}
			f := newCrashFS(damaged(), 1, at)
			life(f)
			for _, c := range f.copies {
				if err := s.finish(c.fs, nil); err != nil {
					t.Errorf("crash before write %d with %d%%: %v", c.write, c.percent, err)
				}
			}
			t.Logf("%d crashes", len(f.copies))
		})
	}
}

// A coin that is missing, one too many and one that is another are found by
// comparing the whole set with its total, although the database is sound.
func TestVerifyComparesCoins(t *testing.T) {
	m := chaintest.New(params.Regtest())
	blocks := m.Chain(m.Genesis(), 20)
	key := func(b chaintest.Block) []byte {
		op, _ := b.Coinbase()
		return append(append([]byte{'C'}, op.Hash[:]...), 0, 0, 0, 0)
	}
	for name, c := range map[string]struct {
		change func(d *store.DB, b *store.Batch)
		want   string
	}{
		"missing": {func(_ *store.DB, b *store.Batch) { b.Delete(key(blocks[3])) }, "holds 19 coins, 20 expected"},
		"another": {func(d *store.DB, b *store.Batch) {
			v, _, err := d.Get(key(blocks[4]))
			if err != nil {
				t.Fatal(err)
			}
			b.Set(key(blocks[3]), v)
		}, "20 coins are not those that were written"},
		"nothing": {func(*store.DB, *store.Batch) {}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			mem := vfs.NewMem()
			r := start(t, mem, nil)
			r.give(blocks...)
			r.close()
			d, err := store.OpenDB(store.DBOptions{FS: mem, Dir: "data/chainstate", Marked: true})
			if err != nil {
				t.Fatal(err)
			}
			b := d.NewBatch()
			c.change(d, b)
			if err := errors.Join(d.Write(b, true), d.Close()); err != nil {
				t.Fatal(err)
			}
			r = start(t, mem, nil)
			err = r.Verify(t.Context(), 3, 1)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			r.close()
			if c.want == "" {
				return
			}
			// Without its mark the set is read whole, and then rebuilt.
			if err := mem.Remove("data/chainstate" + store.MarkSuffix); err != nil {
				t.Fatal(err)
			}
			r = start(t, mem, nil)
			r.wantTip(blocks[19])
			if err := r.Verify(t.Context(), 3, 1); err != nil {
				t.Error(err)
			}
		})
	}
}
