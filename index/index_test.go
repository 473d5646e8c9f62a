package index

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"go.uber.org/goleak"

	"starling/chain"
	"starling/chain/chaintest"
	"starling/chain/headertree"
	"starling/params"
	"starling/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// branches returns 6 blocks on the genesis block, and 5 others on the third.
func branches() (main, side []chaintest.Block) {
	m := chaintest.New(params.Regtest())
	main = m.Chain(m.Genesis(), 6)
	return main, m.Chain(main[2], 5)
}

func expect(t *testing.T, r *recorder, want string) {
	t.Helper()
	synctest.Wait()
	if got := strings.Join(r.take(), " "); got != want {
		t.Errorf("calls %q, want %q", got, want)
	}
}

func TestFollowsTheChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		main, side := branches()
		c := newFakeChain(t, append(main, side...)...)
		r := &recorder{}
		ix := run(t, c, vfs.NewMem(), r)
		expect(t, r, "+0")
		if h, synced := ix.Height(); h != 0 || !synced {
			t.Errorf("at %d, synced %v", h, synced)
		}
		c.setTip(main[4])
		expect(t, r, "+1 +2 +3 +4 +5")
		r.check(t, ix.Index)
		c.setTip(side[4])
		expect(t, r, "-5 -4 +4 +5 +6 +7 +8")
		r.check(t, ix.Index)
		if ix.Best() != c.node(side[4]) {
			t.Errorf("best is %v", ix.Best().Height)
		}
		c.setTip(side[1]) // as invalidateblock does
		expect(t, r, "-8 -7 -6")
		r.check(t, ix.Index)
		ix.end(t)
	})
}

// A reader keeps nobody waiting, and what it sees does not change under it.
func TestViewStaysWhileTheIndexGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		main, side := branches()
		c := newFakeChain(t, append(main, side...)...)
		r := &recorder{}
		ix := run(t, c, vfs.NewMem(), r)
		c.setTip(main[4])
		expect(t, r, "+0 +1 +2 +3 +4 +5")
		err := ix.View(func(db *store.Snapshot, best *headertree.Node) error {
			c.setTip(side[3])
			expect(t, r, "-5 -4 +4 +5 +6 +7")
			r.check(t, ix.Index)
			if best != c.node(main[4]) {
				t.Errorf("the view is of block %d", best.Height)
			}
			last, ok, err := db.Get([]byte{'h', 5})
			if h := main[4].Hash(); !ok || string(last) != string(h[:]) {
				t.Errorf("the record of block 5 is %x, %v", last, ok)
			}
			if _, ok, _ := db.Get([]byte{'h', 6}); ok {
				t.Error("there is a record from above the view")
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		ix.end(t)
	})
}

func TestGoesOnAfterRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		main, side := branches()
		c := newFakeChain(t, append(main, side...)...)
		fs, r := vfs.NewMem(), &recorder{}
		c.setTip(main[3])
		ix := run(t, c, fs, r)
		expect(t, r, "+0 +1 +2 +3 +4")
		ix.end(t)

		c.setTip(side[3]) // while it was not running
		opened := openIndex(t, c, fs, r)
		if h, synced := opened.Height(); h != 4 || synced {
			t.Errorf("after the restart at %d, synced %v", h, synced)
		}
		ix = start(opened)
		expect(t, r, "-4 +4 +5 +6 +7")
		r.check(t, ix.Index)
		ix.end(t)

		r.version++
		ix = run(t, c, fs, r)
		expect(t, r, "+0 +1 +2 +3 +4 +5 +6 +7")
		r.check(t, ix.Index)
		ix.end(t)
	})
}

func TestAheadOfTheChain(t *testing.T) {
	// The chain comes back from a crash at an earlier block than the index.
	synctest.Test(t, func(t *testing.T) {
		main, side := branches()
		c := newFakeChain(t, append(main, side...)...)
		fs, r := vfs.NewMem(), &recorder{}
		c.setTip(main[4])
		ix := run(t, c, fs, r)
		expect(t, r, "+0 +1 +2 +3 +4 +5")
		ix.end(t)

		c.setTip(main[1])
		ix = run(t, c, fs, r)
		expect(t, r, "")
		if _, synced := ix.Height(); !synced {
			t.Error("an index ahead of the chain lacks nothing, but says so")
		}
		c.setTip(main[3])
		expect(t, r, "")
		c.setTip(main[5])
		expect(t, r, "+6")
		ix.end(t)

		// The chain takes another way this time.
		c.setTip(main[1])
		ix = run(t, c, fs, r)
		expect(t, r, "")
		c.setTip(side[4])
		expect(t, r, "-6 -5 -4 +4 +5 +6 +7 +8")
		r.check(t, ix.Index)
		ix.end(t)

		// Its block has failed since.
		c.setTip(side[1])
		c.tree.MarkFailed(c.node(side[3]))
		ix = run(t, c, fs, r)
		expect(t, r, "-8 -7 -6")
		r.check(t, ix.Index)
		ix.end(t)
	})
}

func TestChainLostHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		main, side := branches()
		c := newFakeChain(t, main...)
		fs, r := vfs.NewMem(), &recorder{}
		c.setTip(main[5])
		ix := run(t, c, fs, r)
		expect(t, r, "+0 +1 +2 +3 +4 +5 +6")
		ix.end(t)

		// After the crash the chain knows only four of the blocks.
		c = newFakeChain(t, append(main[:4:4], side...)...)
		c.setTip(main[2])
		ix = run(t, c, fs, r)
		expect(t, r, "forget >4")
		r.check(t, ix.Index)
		c.setTip(side[2])
		expect(t, r, "-4 +4 +5 +6")
		r.check(t, ix.Index)
		ix.end(t)

		// And now none but the genesis block of another maker's chain.
		m := chaintest.New(params.Regtest())
		m.Spacing = 700
		other := m.Chain(m.Genesis(), 2)
		c = newFakeChain(t, other...)
		c.setTip(other[1])
		ix = run(t, c, fs, r)
		expect(t, r, "forget >0 +1 +2")
		r.check(t, ix.Index)
		ix.end(t)
	})
}

func TestChainLostBlocks(t *testing.T) {
	// The headers are known, but what is to be taken back cannot be read.
	synctest.Test(t, func(t *testing.T) {
		main, side := branches()
		c := newFakeChain(t, append(main, side...)...)
		fs, r := vfs.NewMem(), &recorder{}
		c.setTip(main[5])
		ix := run(t, c, fs, r)
		expect(t, r, "+0 +1 +2 +3 +4 +5 +6")
		c.lose(chain.ErrNoBlock, main[3], main[5])
		c.setTip(side[4])
		expect(t, r, "forget >5 -5 forget >3 +4 +5 +6 +7 +8")
		r.check(t, ix.Index)
		ix.end(t)

		// A block that must be added has to be there.
		c.lose(chain.ErrPruned, main[4])
		if err := fs.RemoveAll("data/indexes/test"); err != nil {
			t.Fatal(err)
		}
		c.setTip(main[5])
		ix = run(t, c, fs, r)
		err := <-ix.done
		if err == nil || !errors.Is(err, chain.ErrNoBlock) {
			t.Errorf("got %v", err)
		}
		c.lose(chain.ErrPruned, main[3])
		ix = start(ix.Index)
		want := "recorder: block 4 was pruned before it was indexed; delete the block data or run without this index"
		if err := <-ix.done; err == nil || err.Error() != want {
			t.Errorf("got %v", err)
		}
		ix.Close()
	})
}

func TestWritesWhileCatchingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := chaintest.New(params.Regtest())
		blocks := m.Chain(m.Genesis(), 10)
		c := newFakeChain(t, blocks...)
		fs, r := vfs.NewMem(), &recorder{weight: 1 << 20}
		c.lose(errors.New("stop here"), blocks[8])
		c.setTip(blocks[9])
		ix := run(t, c, fs, r)
		if err := <-ix.done; err == nil || err.Error() != "recorder: stop here" {
			t.Errorf("got %v", err)
		}
		// Nine blocks were read, and every four of them fill a batch.
		if best := ix.Best(); best == nil || best.Height != 7 {
			t.Errorf("best is %v", best)
		}
		r.check(t, ix.Index)
		if err := ix.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestWaitSynced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		main, side := branches()
		c := newFakeChain(t, append(main, side...)...)
		ix, err := Open(Options{Source: c, FS: vfs.NewMem(), Dir: "data/x"}, &recorder{})
		if err != nil {
			t.Fatal(err)
		}
		if h, synced := ix.Height(); h != -1 || synced {
			t.Errorf("new index at %d, synced %v", h, synced)
		}
		c.setTip(main[5])
		done := make(chan error, 1)
		go func() { done <- ix.WaitSynced(t.Context()) }()
		synctest.Wait()
		select {
		case err := <-done:
			t.Errorf("synced without running: %v", err)
		default:
		}
		// What it waits for leaves the chain before it is reached.
		c.setTip(side[4])
		r := start(ix)
		if err := <-done; err != nil {
			t.Error(err)
		}
		if r.Best() != c.node(side[4]) {
			t.Errorf("synced at %d", r.Best().Height)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		c.setTip(main[0])
		if err := r.WaitSynced(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		r.end(t)
	})
}

func TestRunErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		main, _ := branches()
		c := newFakeChain(t, main...)
		c.setTip(main[5])

		r := &recorder{fail: &store.CorruptError{Path: "p", What: "broken"}}
		ix := run(t, c, vfs.NewMem(), r)
		want := "recorder: p is damaged: broken; check the disk, delete data/indexes/test and start again to have it built anew"
		if err := <-ix.done; err == nil || err.Error() != want {
			t.Errorf("got %v", err)
		}
		ix.Close()

		// Damage of the chain is not the index's, and is told as it is.
		damage := &store.CorruptError{Path: "blk", What: "broken", Advice: "do it"}
		c.lose(damage, main[3])
		ix = run(t, c, vfs.NewMem(), &recorder{})
		if err := <-ix.done; err == nil || err.Error() != "recorder: blk is damaged: broken; do it" {
			t.Errorf("got %v", err)
		}
		ix.Close()

		var full atomic.Bool
		fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
			if full.Load() && op.Kind == errorfs.OpFileWrite && strings.HasSuffix(op.Path, ".log") {
				return syscall.ENOSPC
			}
			return nil
		}))
		c = newFakeChain(t, main...)
		ix = run(t, c, fs, &recorder{weight: 100_000})
		full.Store(true)
		for _, b := range main {
			c.setTip(b)
			synctest.Wait()
		}
		if err := <-ix.done; !errors.Is(err, store.ErrDiskFull) {
			t.Errorf("on a full disk: %v", err)
		}
		ix.Close()
	})
}

// Whenever the power is cut, index and chain go on together, whatever each of
// them has lost: the records are those of the chain at the index's block, and
// the index gets to the tip.
func TestCrash(t *testing.T) {
	m := chaintest.New(params.Regtest())
	blocks := m.Chain(m.Genesis(), 12)
	side := m.Chain(blocks[5], 12)
	all := append(append([]chaintest.Block{}, blocks...), side...)
	for seed := range uint64(150) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 0))
			mem := vfs.NewCrashableMem()
			c := newFakeChain(t, all...)
			r := &recorder{weight: 1000}
			ix := run(t, c, mem, r)
			for range 1 + rng.IntN(8) {
				for range rng.IntN(4) {
					c.setTip(all[rng.IntN(len(all))])
					if rng.IntN(2) == 0 {
						synctest.Wait()
					}
				}
				crashed := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
				ix.end(t)
				mem = crashed
				// The chain comes back with some headers less and anywhere on what
				// it knows.
				known := blocks[:rng.IntN(len(blocks)+1)]
				if len(known) > 5 {
					known = append(known[:len(known):len(known)], side[:rng.IntN(len(side)+1)]...)
				}
				c = newFakeChain(t, known...)
				if len(known) > 0 {
					c.setTip(known[rng.IntN(len(known))])
				}
				ix = run(t, c, mem, r)
				r.check(t, ix.Index)
				synctest.Wait()
				r.check(t, ix.Index)
				c.add(t, all...)
			}
			c.setTip(side[11])
			synctest.Wait()
			if ix.Best() != c.node(side[11]) {
				t.Errorf("ends at %v", ix.Best().Height)
			}
			r.check(t, ix.Index)
			ix.end(t)
		})
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
