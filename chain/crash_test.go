package chain_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"golang.org/x/sync/errgroup"

	"starling/chain"
	"starling/chain/chaintest"
	"starling/chain/coins"
	"starling/clock"
	"starling/params"
	"starling/wire"
)

// crashScript is what the node lives through again and again: blocks with
// spends, then a longer branch which spends the same coins otherwise.
type crashScript struct {
	net    *params.Network
	now    time.Time
	blocks []chaintest.Block // in the order in which they arrive
	last   chaintest.Block   // the tip at the end

	// sums is a digest of the UTXO set at each block.
	sums map[wire.Hash][32]byte
}

func newCrashScript(t *testing.T) *crashScript {
	net := params.Regtest()
	net.CoinbaseMaturity = 3 // so that a short chain has coins to spend
	s := &crashScript{net: net, sums: map[wire.Hash][32]byte{}}
	m := chaintest.New(net)
	base := m.Chain(m.Genesis(), 12)
	branch := func(at chaintest.Block, n, first, parts int) []chaintest.Block {
		var blocks []chaintest.Block
		for i := range n {
			op, value := base[(first+i)%8].Coinbase()
			tx := chaintest.Spend(op, value, 1000, parts)
			again := chaintest.Spend(wire.OutPoint{Hash: tx.TxID()}, tx.Out[0].Value, 1000, 2)
			txs := []*wire.Tx{tx, again}
			if i > 0 {
				// And what the block before has made.
				txs = append(txs, chaintest.Spend(wire.OutPoint{Hash: blocks[i-1].Txs[2].TxID(), Index: 1}, blocks[i-1].Txs[2].Out[1].Value, 1000, 30))
			}
			at = m.Next(at, 0, txs...)
			blocks = append(blocks, at)
		}
		return blocks
	}
	a := branch(base[11], 5, 0, 2)
	b := branch(base[11], 6, 0, 5)
	c := branch(b[5], 2, 6, 3)
	c = append(c, m.Chain(c[1], 3)...)
	s.last = c[len(c)-1]
	s.blocks = slices.Concat(base, a, b, c)
	s.now = s.last.Header.Time().Add(time.Hour)

	// The undisturbed run, straight along each branch.
	for _, way := range [][]chaintest.Block{slices.Concat(base, a), slices.Concat(base, b, c)} {
		n, err := s.open(vfs.NewMem(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range way {
			if err := n.give(b); err != nil {
				t.Fatal(err)
			}
			if s.sums[n.Tip().Hash], err = n.sum(); err != nil {
				t.Fatal(err)
			}
		}
		if err := n.end(); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// crashNode is a running chain for the crash test. Its methods return errors,
// since many of them run beside each other.
type crashNode struct {
	*chain.Chain
	ctx  context.Context
	stop context.CancelFunc
	done chan error
	clk  *clock.Mock
}

func (s *crashScript) open(fs vfs.FS, log *slog.Logger) (*crashNode, error) {
	clk := clock.NewMock(s.now)
	c, err := chain.Open(chain.Config{
		Network: s.net, FS: fs, Dir: "data", DBCache: chain.MinDBCache, Workers: 2, Clock: clk, Log: log,
	})
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	// A node that hangs is found out before the test as a whole times out.
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	n := &crashNode{Chain: c, ctx: ctx, stop: cancel, done: make(chan error, 1), clk: clk}
	go func() { n.done <- c.Run(ctx) }()
	return n, nil
}

// end stops the node cleanly.
func (n *crashNode) end() error {
	n.stop()
	return errors.Join(<-n.done, n.Close())
}

func (n *crashNode) give(b chaintest.Block) error {
	if o := n.Process(n.ctx, chain.Incoming{Raw: b.Bytes(), Requested: true}); o.Err != nil {
		return fmt.Errorf("block %d %v: %w", b.Height, b.Hash(), o.Err)
	}
	return nil
}

// sum returns a digest of the UTXO set.
func (n *crashNode) sum() (sum [32]byte, err error) {
	snap, _, err := n.CoinSnapshot(n.ctx)
	if err != nil {
		return sum, err
	}
	defer snap.Close()
	h := sha256.New()
	err = snap.All(func(op wire.OutPoint, c coins.Coin) error {
		b := op.Append(nil)
		b = binary.LittleEndian.AppendUint64(b, uint64(c.Value))
		b = binary.LittleEndian.AppendUint32(b, uint32(c.Height))
		if c.Coinbase {
			b = append(b, 1)
		}
		h.Write(append(b, c.Script...))
		return nil
	})
	return [32]byte(h.Sum(nil)), err
}

// live plays the script on fs. The seed decides when the UTXO set and the index
// are written, and whether blocks come in order or somewhat shuffled behind
// their headers. It returns the first error, with which it ends.
func (s *crashScript) live(fs vfs.FS, seed uint64) error {
	rng := rand.New(rand.NewPCG(seed, 1))
	n, err := s.open(fs, nil)
	if err != nil {
		return err
	}
	blocks := slices.Clone(s.blocks)
	if seed%2 == 1 {
		for _, b := range blocks {
			if _, _, err := n.AcceptHeaders([]wire.Header{b.Header}); err != nil {
				return errors.Join(err, n.end())
			}
		}
		for i := range blocks {
			j := min(i+rng.IntN(8), len(blocks)-1)
			blocks[i], blocks[j] = blocks[j], blocks[i]
		}
	}
	for _, b := range blocks {
		err := n.give(b)
		switch {
		case err != nil:
		case rng.IntN(2) == 0:
			err = n.Flush(n.ctx)
		case rng.IntN(4) == 0:
			n.clk.Advance(5 * time.Second) // the index is written beside the next block
		}
		if err != nil {
			return errors.Join(err, n.end())
		}
	}
	return n.end()
}

// finish opens the node on what a crash has left, compares it with what it must
// be at its tip, gives it all blocks and compares again.
func (s *crashScript) finish(fs vfs.FS, log *slog.Logger) (err error) {
	n, err := s.open(fs, log)
	if err != nil {
		return err
	}
	defer func() {
		if e := n.end(); err == nil {
			err = e
		}
	}()
	compare := func(when string) error {
		// Connecting what is stored goes on from the start.
		if err := n.Settle(n.ctx); err != nil {
			return err
		}
		sum, err := n.sum()
		if err != nil {
			return err
		}
		want, ok := s.sums[n.Tip().Hash]
		if n.Tip() == n.Headers().Genesis() {
			want, ok = sha256.Sum256(nil), true
		}
		if !ok || sum != want {
			return fmt.Errorf("%s: the UTXO set at block %d %v is another one", when, n.Tip().Height, n.Tip().Hash)
		}
		return nil
	}
	if err := compare("after the crash"); err != nil {
		return err
	}
	for _, b := range s.blocks {
		if err := n.give(b); err != nil {
			return err
		}
	}
	if err := compare("at the end"); err != nil {
		return err
	}
	if n.Tip().Hash != s.last.Hash() {
		return fmt.Errorf("ends at block %d %v", n.Tip().Height, n.Tip().Hash)
	}
	return n.Verify(n.ctx, 3, 0)
}

// crashFS takes copies of a file system as a power cut would leave it, at
// chosen writes.
type crashFS struct {
	vfs.FS
	mem *vfs.MemFS
	rng *rand.Rand

	// MemFS takes its lock twice in some calls, which CrashClone, waiting in
	// between for the same lock, would hold up for ever.
	twice sync.RWMutex

	mu     sync.Mutex
	writes int          // so far
	at     map[int]bool // before which of them to take a copy
	copies []crashCopy
}

type crashCopy struct {
	fs      *vfs.MemFS
	write   int
	percent int // chance of each unsynced block to survive
}

func newCrashFS(mem *vfs.MemFS, seed uint64, at map[int]bool) *crashFS {
	f := &crashFS{mem: mem, rng: rand.New(rand.NewPCG(seed, 2)), at: at}
	f.FS = errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && op.Kind != errorfs.OpFileClose {
			f.beforeWrite()
		}
		return nil
	}))
	return f
}

func (f *crashFS) beforeWrite() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.at[f.writes] {
		// Nothing survives, as after a power cut; everything, as after a kill;
		// or something in between.
		percent := []int{0, 100, f.rng.IntN(101)}[f.rng.IntN(3)]
		f.twice.Lock()
		c := f.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: f.rng})
		f.twice.Unlock()
		f.copies = append(f.copies, crashCopy{c, f.writes, percent})
	}
	f.writes++
}

func (f *crashFS) once(call func() error) error {
	f.beforeWrite()
	f.twice.RLock()
	defer f.twice.RUnlock()
	return call()
}

// ReuseForWrite implements vfs.FS.
func (f *crashFS) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (h vfs.File, err error) {
	err = f.once(func() (err error) { h, err = f.mem.ReuseForWrite(oldname, newname, c); return err })
	if err != nil {
		return nil, err
	}
	return errorfs.WrapFile(h, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			f.beforeWrite()
		}
		return nil
	})), nil
}

// Link implements vfs.FS.
func (f *crashFS) Link(oldname, newname string) error {
	return f.once(func() error { return f.mem.Link(oldname, newname) })
}

// interrupted counts how often a start had to finish a write of the UTXO set, and
// how often it took the crash for damage.
type interrupted struct {
	slog.Handler
	n, damaged *atomic.Int32
}

func (h interrupted) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }
func (h interrupted) Handle(_ context.Context, r slog.Record) error {
	if strings.HasPrefix(r.Message, "finishing an interrupted write") {
		h.n.Add(1)
	}
	if strings.Contains(r.Message, "damaged") || strings.Contains(r.Message, "mark of the") {
		h.damaged.Add(1)
	}
	return nil
}

// The power is cut at a thousand instants, with unsynced data lost: each time
// the node starts again without being asked to reindex, has the UTXO set of the
// block at which it stands, takes the other blocks, and ends like a node that
// nothing happened to. In one of eight cases it is cut again during the start.
func TestCrashAtAnyWrite(t *testing.T) {
	rounds, each := 25, 41
	if testing.Short() {
		rounds = 3
	}
	s := newCrashScript(t)
	var recovered, damaged atomic.Int32
	log := slog.New(interrupted{slog.DiscardHandler, &recovered, &damaged})
	var points, twice atomic.Int32
	var g errgroup.Group
	g.SetLimit(2)
	for round := range rounds {
		g.Go(func() error {
			seed := uint64(round)
			rng := rand.New(rand.NewPCG(seed, 3))
			// The same life once without a crash, to know how long it is. Not to
			// the write, since goroutines take turns as they like.
			counting := newCrashFS(vfs.NewCrashableMem(), seed, nil)
			if err := s.live(counting, seed); err != nil {
				return fmt.Errorf("round %d: %w", round, err)
			}
			at := map[int]bool{}
			for len(at) < each {
				at[rng.IntN(counting.writes-10)] = true
			}
			f := newCrashFS(vfs.NewCrashableMem(), seed, at)
			if err := s.live(f, seed); err != nil {
				return fmt.Errorf("round %d: %w", round, err)
			}
			for _, c := range f.copies {
				points.Add(1)
				fs := vfs.FS(c.fs)
				again := rng.IntN(8) == 0
				if again {
					// The writes of the start itself, and some behind it.
					f := newCrashFS(c.fs, seed, map[int]bool{rng.IntN(60): true})
					err := s.finish(f, log)
					if err != nil {
						return fmt.Errorf("round %d, crash before write %d with %d%%: %w", round, c.write, c.percent, err)
					}
					if len(f.copies) == 0 {
						continue
					}
					twice.Add(1)
					fs = f.copies[0].fs
				}
				if err := s.finish(fs, log); err != nil {
					return fmt.Errorf("round %d, crash before write %d with %d%%, twice %v: %w", round, c.write, c.percent, again, err)
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d crashes, %d of them followed by a second, %d times a write of the UTXO set had to be finished",
		points.Load(), twice.Load(), recovered.Load())
	if damaged.Load() > 0 {
		t.Errorf("%d crashes were taken for damage", damaged.Load())
	}
	if n := int32(rounds * each); points.Load() < n*95/100 || recovered.Load() < n/20 {
		t.Error("the crashes do not hit what they should")
	}
}
