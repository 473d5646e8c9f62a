package chain_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"starling/chain"
	"starling/chain/chaintest"
	"starling/params"
	"starling/wire"
)

func TestPrune(t *testing.T) {
	const file = 8 << 10 // some 35 of the small test blocks
	m := chaintest.New(params.Regtest())
	blocks := m.Chain(m.Genesis(), 700)
	for _, c := range []struct {
		name   string
		target int64
	}{{"on request", 1}, {"automatic", 100 << 10}} {
		t.Run(c.name, func(t *testing.T) {
			fs := vfs.NewMem()
			edit := func(cfg *chain.Config) { cfg.Prune, cfg.MaxFile = c.target, file }
			r := start(t, fs, edit)
			r.give(blocks...)
			before := int64(700 * blocks[0].Size())
			if c.target == 1 {
				if r.PrunedHeight() != -1 {
					t.Error("pruned without being asked")
				}
				if _, err := r.PruneTo(t.Context(), 701); err == nil {
					t.Error("pruned above the tip")
				}
				height, err := r.PruneTo(t.Context(), 200)
				if err != nil || height > 200 || height < 150 {
					t.Fatalf("pruned to %d: %v", height, err)
				}
				// The last blocks stay whatever is asked for.
				if height, err = r.PruneTo(t.Context(), 700); err != nil || height > 700-chain.KeepBlocks || height < 350 {
					t.Fatalf("pruned to %d: %v", height, err)
				}
			}
			top := r.PrunedHeight()
			if r.SizeOnDisk() >= before || top < 1 || top > 700-chain.KeepBlocks {
				t.Fatalf("%d bytes before, %d after; pruned to %d", before, r.SizeOnDisk(), top)
			}
			check := func() {
				t.Helper()
				for _, b := range blocks {
					_, err := r.Block(r.At(b.Height))
					if want := b.Height <= top; want != errors.Is(err, chain.ErrPruned) || !want && err != nil {
						t.Fatalf("block %d, pruned to %d: %v", b.Height, top, err)
					}
				}
			}
			check()
			r.close()
			r = start(t, fs, edit)
			r.wantTip(blocks[699])
			check()
			if err := r.Verify(t.Context(), 4, 0); err != nil {
				t.Error(err)
			}
			// The chain goes on, and can still be reorganised.
			longer := m.Chain(blocks[599], 101)
			r.give(longer...)
			r.wantTip(longer[100])
			if r.Process(t.Context(), chain.Incoming{Raw: blocks[0].Bytes(), Requested: true}).Node.Data() == nil {
				t.Error("a pruned block that was asked for again is not stored")
			}
		})
	}
	r := start(t, vfs.NewMem(), nil)
	if _, err := r.PruneTo(t.Context(), 1); err == nil {
		t.Error("pruned although the node is not in prune mode")
	}
}

// TestHoldBlocks has two readers of blocks hold pruning back, on request and by
// itself, until they have gone on.
func TestHoldBlocks(t *testing.T) {
	const file = 8 << 10
	m := chaintest.New(params.Regtest())
	blocks := m.Chain(m.Genesis(), 700)
	for _, c := range []struct {
		name   string
		target int64
	}{{"on request", 1}, {"automatic", 40 << 10}} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			r := start(t, vfs.NewMem(), func(cfg *chain.Config) {
				cfg.Prune, cfg.MaxFile = c.target, file
				cfg.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
			})
			slow, slower := r.HoldBlocks("wallet slow", 0), r.HoldBlocks("wallet slower", 0)
			var none *chain.Hold
			none.Move(1)
			none.Release()
			r.give(blocks...)
			prune := func() int32 {
				t.Helper()
				if c.target > 1 {
					if err := r.Flush(t.Context()); err != nil {
						t.Fatal(err)
					}
					return r.PrunedHeight()
				}
				height, err := r.PruneTo(t.Context(), 700)
				if err != nil {
					t.Fatal(err)
				}
				return height
			}
			if h := prune(); h != -1 {
				t.Errorf("pruned to %d", h)
			}
			slow.Move(300)
			slower.Move(200)
			if h := prune(); h > 190 || h < 140 {
				t.Errorf("pruned to %d", h)
			}
			slower.Release()
			if h := prune(); h > 290 || h < 240 {
				t.Errorf("pruned to %d", h)
			}
			slow.Release()
			if h := prune(); h > 700-chain.KeepBlocks || h < 360 {
				t.Errorf("pruned to %d", h)
			}
			told := strings.Count(log.String(), "not pruned")
			if c.target == 1 && told != 0 || c.target > 1 && (told == 0 || told > 3) || told > 0 && !strings.Contains(log.String(), `by="wallet slow`) {
				t.Errorf("told %d times: %s", told, log.String())
			}
		})
	}
}

// A pruned node whose index is rebuilt begins anew; the blocks that it still has
// are taken in at the first start that knows their headers.
func TestReindexPruned(t *testing.T) {
	m := chaintest.New(params.Regtest())
	blocks := m.Chain(m.Genesis(), 700)
	fs := vfs.NewMem()
	edit := func(cfg *chain.Config) { cfg.Prune, cfg.MaxFile = 1, 8<<10 }
	r := start(t, fs, edit)
	r.give(blocks...)
	height, err := r.PruneTo(t.Context(), 300)
	if err != nil || height < 1 {
		t.Fatal(height, err)
	}
	r.close()

	r = start(t, fs, func(cfg *chain.Config) {
		edit(cfg)
		cfg.Reindex = true
	})
	<-r.Ready()
	if r.Tip().Height != 0 || r.Headers().Len() != 1 {
		t.Errorf("tip is %d, %d headers", r.Tip().Height, r.Headers().Len())
	}
	var headers []wire.Header
	for _, b := range blocks {
		headers = append(headers, b.Header)
	}
	if _, _, err := r.AcceptHeaders(headers); err != nil {
		t.Fatal(err)
	}
	r.close()

	r = start(t, fs, edit)
	r.give(blocks[:height]...)
	r.wantTip(blocks[699])
	if err := r.Verify(t.Context(), 4, 0); err != nil {
		t.Error(err)
	}
}

// A crash between the index forgetting pruned blocks and their files going leaves
// files that the next start deletes.
func TestPruneCrash(t *testing.T) {
	m := chaintest.New(params.Regtest())
	blocks := m.Chain(m.Genesis(), 700)
	mem := vfs.NewMem()
	var fail atomic.Bool
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if fail.Load() && op.Kind == errorfs.OpRemove && strings.HasSuffix(op.Path, ".dat") {
			return syscall.EIO
		}
		return nil
	}))
	edit := func(cfg *chain.Config) { cfg.Prune, cfg.MaxFile = 1, 8<<10 }
	r := start(t, fs, edit)
	r.give(blocks...)
	fail.Store(true)
	if _, err := r.PruneTo(t.Context(), 300); err == nil {
		t.Fatal("the files could be deleted")
	}
	top := r.PrunedHeight()
	r.close()
	fail.Store(false)
	before := r.SizeOnDisk()

	r = start(t, fs, edit)
	r.wantTip(blocks[699])
	if r.PrunedHeight() != top || r.SizeOnDisk() >= before {
		t.Errorf("pruned to %d, was %d; %d bytes, were %d", r.PrunedHeight(), top, r.SizeOnDisk(), before)
	}
	if _, err := r.Block(r.At(1)); !errors.Is(err, chain.ErrPruned) {
		t.Errorf("block 1: %v", err)
	}
}

// refetch is a pruned node that is to fetch its chain anew.
type refetch struct {
	t      *testing.T
	blocks []chaintest.Block
	fs     *vfs.MemFS
}

func newRefetch(t *testing.T) *refetch {
	m := chaintest.New(params.Regtest())
	f := &refetch{t, m.Chain(m.Genesis(), 700), vfs.NewCrashableMem()}
	r := start(t, f.fs, pruning(1))
	r.give(f.blocks...)
	if height, err := r.PruneTo(t.Context(), 300); err != nil || height < 1 {
		t.Fatal(height, err)
	}
	r.close()
	return f
}

func pruning(target int64) func(*chain.Config) {
	return func(cfg *chain.Config) { cfg.Prune, cfg.MaxFile = target, 8<<10 }
}

func reindexing(target int64) func(*chain.Config) {
	return func(cfg *chain.Config) {
		pruning(target)(cfg)
		cfg.Reindex = true
	}
}

// cut cuts the power; r is what runs.
func (f *refetch) cut(r *running, percent int) {
	crashed := f.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(1, 2))})
	r.close()
	f.fs = crashed
}

func (f *refetch) wantPruned(want bool) {
	f.t.Helper()
	if pruned, err := chain.Pruned(f.fs, "data"); err != nil || pruned != want {
		f.t.Errorf("pruned: %v, %v, want %v", pruned, err, want)
	}
}

// loseIndex deletes the index.
func (f *refetch) loseIndex() {
	if err := f.fs.RemoveAll("data/blocks/index"); err != nil {
		f.t.Fatal(err)
	}
}

// A pruned node that fetches its chain anew survives a stop and a power cut at
// any time without being asked to rebuild again, and is not pruned when it is
// done. When it prunes again, it is.
func TestReindexPrunedSurvives(t *testing.T) {
	for _, target := range []int64{0, 1} {
		for _, percent := range []int{0, 100} {
			t.Run(fmt.Sprintf("prune %d, %d%% kept", target, percent), func(t *testing.T) {
				f := newRefetch(t)
				f.wantPruned(true)
				r := start(t, f.fs, reindexing(target))
				<-r.Ready()
				f.wantPruned(false)
				r.close()
				r = start(t, f.fs, pruning(target)) // before the first block came
				<-r.Ready()
				r.give(f.blocks[:50]...)
				f.cut(r, percent)
				r = start(t, f.fs, pruning(target))
				<-r.Ready()
				r.give(f.blocks[:100]...)
				if err := r.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
				f.cut(r, percent)
				r = start(t, f.fs, pruning(target))
				r.give(f.blocks...)
				r.wantTip(f.blocks[699])
				r.close()

				f.wantPruned(false)
				f.loseIndex()
				r = start(t, f.fs, pruning(1))
				<-r.Ready()
				r.wantTip(f.blocks[699])
				if err := r.Verify(t.Context(), 4, 0); err != nil {
					t.Error(err)
				}
				if height, err := r.PruneTo(t.Context(), 300); err != nil || height < 1 {
					t.Fatal(height, err)
				}
				f.cut(r, percent)
				f.wantPruned(true)
				f.loseIndex()
				cfg := chain.Config{Network: params.Regtest(), FS: f.fs, Dir: "data", DBCache: chain.MinDBCache, Workers: 1}
				if _, err := chain.Open(cfg); err == nil || !strings.Contains(err.Error(), "pruned") {
					t.Errorf("without its index a pruned node opens: %v", err)
				}
			})
		}
	}
}

// The power is cut at every few writes of the start that rebuilds a pruned node: the next
// start works, whether the node is as before or begins anew.
func TestReindexPrunedCut(t *testing.T) {
	f := newRefetch(t)
	for i := 0; ; i += 4 {
		fs := newCrashFS(f.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 2))}), uint64(i), map[int]bool{i: true})
		r := start(t, fs, reindexing(0))
		<-r.Ready()
		r.close()
		if len(fs.copies) == 0 {
			if i < 20 {
				t.Errorf("only %d writes", i)
			}
			return
		}
		r = start(t, fs.copies[0].fs, pruning(0))
		<-r.Ready()
		if err := r.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		// The first files may be back, whose deletion was never synced.
		if h := r.Tip().Height; h != 0 && h != 700 {
			t.Errorf("cut before write %d: tip is %d", i, h)
		}
		r.close()
	}
}

// A power cut may come between the index forgetting blocks and the note that the
// files are whole: the next start has pruned, and says so.
func TestPruneCutBeforeNote(t *testing.T) {
	f := newRefetch(t)
	r := start(t, f.fs, reindexing(1))
	<-r.Ready()
	r.give(f.blocks...)
	r.close()
	var fail atomic.Bool
	fs := errorfs.Wrap(f.fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if fail.Load() && op.Kind == errorfs.OpRemove && strings.HasSuffix(op.Path, "whole.dat") {
			return syscall.EIO
		}
		return nil
	}))
	r = start(t, fs, pruning(1))
	before := r.SizeOnDisk()
	fail.Store(true)
	if _, err := r.PruneTo(t.Context(), 300); err == nil {
		t.Fatal("the note could be deleted")
	}
	if r.SizeOnDisk() != before {
		t.Error("files were deleted before the note")
	}
	r.close()
	f.wantPruned(false)
	fail.Store(false)
	start(t, fs, pruning(1)).close()
	f.wantPruned(true)
}
