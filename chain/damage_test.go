package chain_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/sync/errgroup"

	"starling/chain"
	"starling/chain/headertree"
	"starling/clock"
	"starling/script"
	"starling/store"
	"starling/wire"
)

// damageScript is a data directory that is damaged in all ways, and what must
// be in it.
type damageScript struct {
	*crashScript
	whole    *vfs.MemFS
	verifier *script.Verifier
	kept     map[wire.Hash]bool // blocks that were written for sure
	tip      wire.Hash          // of the directory as it is
}

func (s *damageScript) open(fs vfs.FS, log *slog.Logger, edit func(*chain.Config)) (*crashNode, error) {
	clk := clock.NewMock(s.now)
	cfg := chain.Config{
		Network: s.net, FS: fs, Dir: "data", DBCache: chain.MinDBCache, Workers: 1, Clock: clk, Log: log,
		MaxFile: 3 << 10, Verifier: s.verifier,
	}
	if edit != nil {
		edit(&cfg)
	}
	c, err := chain.Open(cfg)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	n := &crashNode{Chain: c, ctx: ctx, stop: cancel, done: make(chan error, 1), clk: clk}
	go func() { n.done <- c.Run(ctx) }()
	return n, nil
}

// newDamageScript makes the directory. A clean one was closed; the other is as
// a power cut or a kill leaves it.
func newDamageScript(t *testing.T, clean bool) *damageScript {
	s := &damageScript{crashScript: newCrashScript(t), verifier: script.NewVerifier(script.Options{SigCacheEntries: 1000}), kept: map[wire.Hash]bool{}}
	fs := vfs.NewCrashableMem()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	n, err := s.open(fs, nil, nil)
	must(err)
	half := len(s.blocks) / 2
	for i, b := range s.blocks[:half] {
		must(n.give(b))
		if i%4 == 0 {
			must(n.Flush(n.ctx))
		}
	}
	must(n.end())
	n, err = s.open(fs, nil, nil) // what was in the logs goes to tables
	must(err)
	for i, b := range s.blocks[half:] {
		must(n.give(b))
		s.kept[b.Hash()] = true
		if i == 8 {
			must(n.Flush(n.ctx))
		}
	}
	for _, b := range s.blocks {
		s.kept[b.Hash()] = true
	}
	if clean {
		// A block that is declared invalid, off the best chain.
		must(n.Invalidate(n.ctx, n.Headers().Lookup(s.blocks[16].Hash())))
		must(n.end())
		s.whole = fs
	} else {
		must(n.Keep(n.ctx))
		s.whole = fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(0, 0))})
		must(n.end())
	}
	s.tip = s.last.Hash()
	return s
}

// files returns all files in the directory.
func (s *damageScript) files(t *testing.T) []string {
	var all []string
	var walk func(dir string)
	walk = func(dir string) {
		names, err := s.whole.List(dir)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(names)
		for _, name := range names {
			p := path.Join(dir, name)
			if st, err := s.whole.Stat(p); err != nil {
				t.Fatal(err)
			} else if st.IsDir() {
				walk(p)
			} else {
				all = append(all, p)
			}
		}
	}
	walk("data")
	return all
}

func read(fs vfs.FS, p string) ([]byte, error) {
	f, err := fs.Open(p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

func write(fs vfs.FS, p string, b []byte) error {
	f, err := fs.Create(p, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(bytes.Clone(b)) // a vfs may change what it is given
	return errors.Join(err, f.Sync(), f.Close())
}

// blockFiles returns the content of all block files.
func blockFiles(fs vfs.FS) (map[string]string, error) {
	names, err := fs.List("data/blocks")
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, name := range names {
		if strings.HasPrefix(name, "blk") {
			b, err := read(fs, path.Join("data/blocks", name))
			if err != nil {
				return nil, err
			}
			all[name] = string(b)
		}
	}
	return all, nil
}

// cutBlocks reports which block file is not there with all that it held.
func cutBlocks(before map[string]string, fs vfs.FS) error {
	after, err := blockFiles(fs)
	if err != nil {
		return err
	}
	for name, b := range before {
		if !strings.HasPrefix(after[name], b) {
			return fmt.Errorf("%s was cut or changed", name)
		}
	}
	return nil
}

// outcome opens the damaged directory and says what came of it. An error is what
// must not happen.
func (s *damageScript) outcome(fs vfs.FS, damaged string) (outcome string, err error) {
	before, err := blockFiles(fs)
	if err != nil {
		return "", err
	}
	// Blocks that the damage has spared, by what lies in the files.
	intact := map[wire.Hash]bool{}
	for _, b := range s.blocks {
		record := binary.LittleEndian.AppendUint32(bytes.Clone(s.net.Magic[:]), uint32(b.Size()))
		for _, content := range before {
			if strings.Contains(content, string(append(record, b.Bytes()...))) {
				intact[b.Hash()] = true
			}
		}
	}
	inBlocks := strings.HasPrefix(path.Base(damaged), "blk")
	var rebuilt rebuildLog
	n, err := s.open(fs, slog.New(&rebuilt), nil)
	if err != nil {
		var c *store.CorruptError
		if !errors.As(err, &c) || strings.Contains(err.Error(), "\n") {
			return "", fmt.Errorf("not a good message: %w", err)
		}
		if err := cutBlocks(before, fs); err != nil {
			return "", fmt.Errorf("refused, and %w", err)
		}
		switch {
		case strings.Contains(err.Error(), "delete the file"):
			err = fs.Remove(c.Path)
			outcome = "refused; opens when the file is deleted"
			if err == nil {
				n, err = s.open(fs, nil, nil)
			}
		case strings.Contains(err.Error(), "--reindex"):
			outcome = "refused; all blocks back with --reindex"
			n, err = s.open(fs, nil, func(cfg *chain.Config) { cfg.Reindex = true })
		default:
			err = fmt.Errorf("it does not say what to do: %w", err)
		}
		if err != nil {
			return "", err
		}
	} else {
		outcome = "whole"
		if rebuilt.seen {
			outcome = "the UTXO set was rebuilt"
		}
	}
	end := func(err error) (string, error) {
		return outcome, errors.Join(err, n.end(), cutBlocks(before, fs))
	}
	select {
	case <-n.Ready():
	case <-n.ctx.Done():
		return end(errors.New("never ready"))
	}
	if err := n.Settle(n.ctx); err != nil {
		return end(err)
	}
	// Each block that is intact in the files is known and comes back as it was.
	reported := false
	for _, b := range s.blocks {
		h := b.Hash()
		node := n.Headers().Lookup(h)
		if node == nil || node.Data() == nil {
			if intact[h] && !inBlocks {
				return end(fmt.Errorf("%s: block %d %v is lost", outcome, b.Height, h))
			}
			continue
		}
		raw, err := n.Block(node)
		var c *store.CorruptError
		switch {
		case err == nil && !bytes.Equal(raw, b.Bytes()):
			return end(fmt.Errorf("block %d is another", b.Height))
		case err != nil && (intact[h] || !errors.As(err, &c)):
			return end(fmt.Errorf("block %d: %w", b.Height, err))
		case err != nil:
			reported = true
		}
	}
	compare := func() error {
		sum, err := n.sum()
		if err != nil {
			return err
		}
		want, ok := s.sums[n.Tip().Hash]
		if n.Tip() == n.Headers().Genesis() {
			ok = sum == emptySum
			want = sum
		}
		if !ok || sum != want {
			return fmt.Errorf("%s: wrong coins at block %d", outcome, n.Tip().Height)
		}
		return nil
	}
	var corrupt *store.CorruptError
	if err := compare(); errors.As(err, &corrupt) {
		// The UTXO set says that it is damaged; the next start puts it right.
		_ = n.stopped()
		outcome = "damage is told when it is read; the next start rebuilds the UTXO set"
		if n, err = s.open(fs, nil, nil); err != nil {
			return "", err
		}
		if err := n.Settle(n.ctx); err != nil {
			return end(err)
		}
		if err := compare(); err != nil {
			return end(err)
		}
	} else if err != nil {
		return end(err)
	}
	if err := n.Verify(n.ctx, 3, 0); errors.As(err, &corrupt) {
		reported = true
	} else if err != nil {
		return end(err)
	}
	if outcome == "whole" && reported {
		outcome = "whole; damage is told when it is read"
	}
	if !inBlocks && n.Tip().Hash != s.tip {
		return end(fmt.Errorf("%s: the tip is %d", outcome, n.Tip().Height))
	}
	// What was lost can be had again.
	for _, b := range s.blocks {
		node := n.Headers().Lookup(b.Hash())
		if node != nil && node.Failed() {
			continue
		}
		if err := n.give(b); err != nil && !(s.clean() && b.Hash() == s.blocks[16].Hash()) {
			return end(err)
		}
	}
	if err := n.Settle(n.ctx); err != nil {
		return end(err)
	}
	if n.Tip().Hash != s.last.Hash() {
		return end(fmt.Errorf("%s: ends at %d", outcome, n.Tip().Height))
	}
	if err := compare(); err != nil {
		return end(err)
	}
	if invalid := n.Headers().Lookup(s.blocks[16].Hash()); path.Base(damaged) != "invalid.dat" && s.clean() && !invalid.Has(headertree.Failed) {
		return end(errors.New("a block that was declared invalid is valid again"))
	}
	return end(nil)
}

func (s *damageScript) clean() bool {
	_, err := s.whole.Stat("data/blocks/invalid.dat")
	return err == nil
}

// stopped stops the node whatever it then says.
func (n *crashNode) stopped() error {
	n.stop()
	return errors.Join(<-n.done, n.Close())
}

// emptySum is the digest of an empty UTXO set.
var emptySum = [32]byte{0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55}

// rebuildLog notes whether the UTXO set was rebuilt.
type rebuildLog struct {
	slog.Handler
	seen bool
}

func (h *rebuildLog) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }
func (h *rebuildLog) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, "it is rebuilt from the block files now") {
		h.seen = true
	}
	return nil
}

// kindOf is what a file is, without its number.
func kindOf(p string) string {
	name := strings.Trim(path.Base(p), "0123456789-")
	switch {
	case strings.HasPrefix(name, "blk"), strings.HasPrefix(name, "rev"):
		return name[:3]
	case strings.HasPrefix(name, "marker."):
		name = strings.Join(strings.Split(name, ".")[:2], ".")
	}
	dir := path.Base(path.Dir(p))
	if dir == "data" || dir == "blocks" {
		return name
	}
	return dir + "/" + name
}

// Every byte of every file of a data directory is changed in turn, and each file
// is cut, emptied and removed. No block is ever lost, no state is wrong without
// being told of, nothing panics; and where the node refuses to start, it says
// what to do, and that helps. Without STARLING_TEST_LONG only some bytes are.
func TestDamage(t *testing.T) {
	const wholly, seeded = 16 << 10, 2000 // every byte of files up to wholly, else seeded ones
	share := 90
	if os.Getenv("STARLING_TEST_LONG") != "" {
		share = 1
	} else if testing.Short() {
		share = 900
	}
	for _, clean := range []bool{true, false} {
		name := map[bool]string{true: "after a clean end", false: "after a kill"}[clean]
		t.Run(name, func(t *testing.T) {
			s := newDamageScript(t, clean)
			var mu sync.Mutex
			table := map[string]map[string]int{}
			total := 0 // damages
			var g errgroup.Group
			g.SetLimit(runtime.GOMAXPROCS(0))
			try := func(p, what string, damage func(vfs.FS) error) {
				total++
				g.Go(func() error {
					fs := s.whole.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(0, 0))})
					if err := damage(fs); err != nil {
						return err
					}
					outcome, err := s.outcome(fs, p)
					if err != nil {
						return fmt.Errorf("%s, %s: %w", p, what, err)
					}
					mu.Lock()
					defer mu.Unlock()
					how, _, _ := strings.Cut(what, " ")
					row := fmt.Sprintf("%-28s %s", kindOf(p), how)
					if table[row] == nil {
						table[row] = map[string]int{}
					}
					table[row][outcome]++
					return nil
				})
			}
			rng := rand.New(rand.NewPCG(7, 7))
			for _, p := range s.files(t) {
				b, err := read(s.whole, p)
				if err != nil {
					t.Fatal(err)
				}
				var at []int
				if len(b) <= wholly {
					for i := range b {
						at = append(at, i)
					}
				} else {
					for range seeded {
						at = append(at, rng.IntN(len(b)))
					}
				}
				for i, off := range at {
					if bit := byte(1) << rng.IntN(8); (i+total)%share == 0 {
						try(p, fmt.Sprintf("flipped at byte %d", off), func(fs vfs.FS) error {
							c := bytes.Clone(b)
							c[off] ^= bit
							return write(fs, p, c)
						})
					}
				}
				for _, n := range slices.Compact([]int{len(b) / 3, len(b) - 1}) {
					if n > 0 {
						try(p, fmt.Sprintf("truncated to %d bytes", n), func(fs vfs.FS) error { return write(fs, p, b[:n]) })
					}
				}
				if len(b) > 0 {
					try(p, "emptied", func(fs vfs.FS) error { return write(fs, p, nil) })
				}
				try(p, "removed", func(fs vfs.FS) error { return fs.Remove(p) })
			}
			if err := g.Wait(); err != nil {
				t.Fatal(err)
			}
			for _, row := range slices.Sorted(maps.Keys(table)) {
				for _, outcome := range slices.Sorted(maps.Keys(table[row])) {
					t.Logf("%-40s %6d  %s", row, table[row][outcome], outcome)
				}
			}
			t.Log("damages:", total)
		})
	}
}
