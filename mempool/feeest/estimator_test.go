package feeest

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"math"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"starling/chain/headertree"
	"starling/mempool"
	"starling/store"
	"starling/wire"
)

// market plays transactions and blocks into an estimator.
type market struct {
	e      *Estimator
	height int32
	next   uint64
	wait   map[int][]wire.Hash // by level of fee
}

func newMarket() *market { return &market{e: New(), wait: map[int][]wire.Hash{}} }

const (
	baseFee = 2000 // of level 1
	size    = 200
	base    = baseFee * 1000 / size // the rate of level 1
)

// offer adds n transactions of a level: it pays level times the base rate.
func (m *market) offer(level, n int) {
	for range n {
		var id wire.Hash
		binary.LittleEndian.PutUint64(id[:], m.next)
		m.next++
		m.e.Added(Tx{ID: id, Height: m.height, Fee: int64(level) * baseFee, VSize: size})
		m.wait[level] = append(m.wait[level], id)
	}
}

// mine makes a block of all that waits at the given levels.
func (m *market) mine(levels ...int) {
	var ids []wire.Hash
	for _, l := range levels {
		ids = append(ids, m.wait[l]...)
		delete(m.wait, l)
	}
	m.height++
	m.e.Block(m.height, ids)
}

func levels(from, to int) (out []int) {
	for l := to; l >= from; l-- {
		out = append(out, l)
	}
	return out
}

// The scenario of Core's policyestimator_tests, with its bounds: ten levels of
// fee, the best in every block, the second best in nine of ten, and so on.
func TestCoreScenario(t *testing.T) {
	m := newMarket()
	medium := func(target int) int64 {
		if target == 1 {
			return 0 // Core's estimateFee says nothing of one block
		}
		return m.e.Raw(target, doubleShare, Medium).Rate
	}
	const delta = 100
	about := func(what string, got, want int64) {
		t.Helper()
		if got >= want+delta || got <= want-delta {
			t.Errorf("%s: %d, want about %d", what, got, want)
		}
	}
	for m.height < 200 {
		for l := 1; l <= 10; l++ {
			m.offer(l, 4)
		}
		m.mine(levels(10-int(m.height)%10, 10)...)
		if m.height == 3 {
			// Three buckets together have enough data: 100, 100 and 90 %.
			about("after 3 blocks", medium(2), 9*base)
		}
	}
	var first [10]int64
	for i := 1; i < 10; i++ {
		first[i] = medium(i)
		if i > 2 && first[i] > first[i-1] {
			t.Errorf("%d blocks cost %d, %d blocks %d", i, first[i], i-1, first[i-1])
		}
		if i%2 == 0 { // periods have two blocks
			about("after 200 blocks", first[i], int64(11-i)*base)
		}
	}

	for m.height < 250 {
		m.mine()
	}
	for i := 2; i < 10; i++ {
		about("after 50 empty blocks", medium(i), first[i])
	}

	for m.height < 265 {
		for l := 1; l <= 10; l++ {
			m.offer(l, 4)
		}
		m.mine()
	}
	for i := 1; i < 10; i++ {
		if r := medium(i); r != 0 && r <= first[i]-delta {
			t.Errorf("%d blocks cost %d although nothing gets mined, %d before", i, r, first[i])
		}
	}
	m.mine(levels(1, 10)...)
	for i := 1; i < 10; i++ {
		if r := medium(i); r != 0 && r <= first[i]-delta {
			t.Errorf("%d blocks cost %d after a jam, %d before", i, r, first[i])
		}
	}

	for m.height < 665 {
		for l := 1; l <= 10; l++ {
			m.offer(l, 4)
		}
		m.mine(levels(1, 10)...)
	}
	for i := 2; i < 9; i++ {
		if r := medium(i); r >= first[i]-delta {
			t.Errorf("%d blocks still cost %d although all gets mined, %d before", i, r, first[i])
		}
	}
}

// busy returns a market that has learned for 150 blocks: level 5 is mined at
// once, level 2 in every fifth block, level 1 never.
func busy() *market {
	m := newMarket()
	for m.height < 150 {
		m.offer(5, 3)
		m.offer(2, 3)
		m.offer(1, 1)
		if m.height%5 == 4 {
			m.mine(5, 2)
		} else {
			m.mine(5)
		}
	}
	return m
}

func TestEstimate(t *testing.T) {
	m := busy()
	for _, tt := range []struct {
		name         string
		target       int
		conservative bool
		rate         int64
		answered     int
	}{
		{"at once means two blocks", 1, false, 5 * base, 2},
		{"two blocks", 2, false, 5 * base, 2},
		{"a while", 12, false, 2 * base, 12},
		{"a while, carefully", 12, true, 2 * base, 12},
		{"longer than can be known", 1008, false, 2 * base, 74},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := m.e.Estimate(tt.target, tt.conservative)
			if err != nil || got.Rate != tt.rate || got.Target != tt.answered {
				t.Errorf("%+v, %v; want %d for %d blocks", got, err, tt.rate, tt.answered)
			}
		})
	}
	for _, target := range []int{-1, 0, 1009} {
		if got, err := m.e.Estimate(target, false); !errors.Is(err, ErrInsufficient) {
			t.Errorf("target %d: %+v, %v", target, got, err)
		}
	}
}

// A lull lowers what is said of the next blocks; careful answers remember.
func TestConservative(t *testing.T) {
	m := newMarket()
	for m.height < 400 {
		m.offer(8, 3)
		m.offer(2, 3)
		if m.height%30 == 29 {
			m.mine(8, 2)
		} else {
			m.mine(8)
		}
	}
	for range 60 {
		m.offer(2, 3)
		m.mine(8, 2)
	}
	quick, err := m.e.Estimate(4, false)
	careful, err2 := m.e.Estimate(4, true)
	if err != nil || err2 != nil || quick.Rate != 2*base || careful.Rate != 8*base {
		t.Errorf("%+v and carefully %+v (%v, %v), want %d and %d", quick, careful, err, err2, 2*base, 8*base)
	}
}

// Most must be confirmed within half the target already: a rate at which half
// are, and the rest just in time, is not good enough.
func TestHalfTheTarget(t *testing.T) {
	m := newMarket()
	for m.height < 300 {
		m.offer(7, 4) // confirmed at once
		if m.height%5 == 0 {
			m.offer(2, 4) // in the fifth block
		}
		if m.height%5 == 4 {
			m.offer(3, 4) // at once
			m.mine(7, 3, 2)
			continue
		}
		m.mine(7)
	}
	for target, want := range map[int]int64{6: 3 * base, 10: 2 * base} {
		if got, err := m.e.Estimate(target, false); err != nil || got.Rate != want {
			t.Errorf("target %d: %+v, %v; want %d", target, got, err, want)
		}
	}
}

// A target that is out of the short horizon's reach is not estimated higher
// than the farthest that is in its reach.
func TestLongerIsNotDearer(t *testing.T) {
	m := newMarket()
	for m.height < 300 { // a jam: level 2 waits for 30 blocks
		m.offer(8, 3)
		m.offer(2, 3)
		if m.height%60 == 59 {
			m.mine(8, 2)
		} else {
			m.mine(8)
		}
	}
	for range 90 { // it has passed
		m.offer(2, 3)
		m.mine(8, 2)
	}
	if alone := math.Round(m.e.combined(24, fullShare, false)); alone != 8*base {
		t.Errorf("the medium horizon says %v, want %d", alone, 8*base)
	}
	if both := math.Round(m.e.combined(24, fullShare, true)); both != 2*base {
		t.Errorf("with the short horizon it is %v, want %d", both, 2*base)
	}
}

// A transaction that leaves counts as failed for the periods that it has
// waited through to their end.
func TestFailedPeriods(t *testing.T) {
	for _, tt := range []struct {
		horizon    Horizon
		ago, found int
	}{{Short, 0, 0}, {Short, 3, 3}, {Short, 100, 12}, {Medium, 1, 0}, {Medium, 3, 1}, {Medium, 4, 2}, {Long, 23, 0}, {Long, 24, 1}, {Long, 5000, 42}} {
		s := newStats(tt.horizon, buckets())
		s.came(100, 5)
		s.left(100, 100+int32(tt.ago), 5, false)
		n := 0
		for i := range s.failed {
			n += int(s.failed[i][5])
		}
		if n != tt.found {
			t.Errorf("%v: after %d blocks it has failed %d periods, want %d", tt.horizon, tt.ago, n, tt.found)
		}
	}
}

// A transaction that waits counts against all targets that it has missed.
func TestStuck(t *testing.T) {
	for h, upTo := range map[Horizon]int{Short: 12, Medium: 48, Long: 1008} {
		s := newStats(h, buckets())
		s.came(100, 5)
		for ago := range 1100 {
			for target, want := range map[int]bool{6: ago >= 6, 12: ago >= 12, upTo: ago >= upTo} {
				if got := s.stuck(target, 100+int32(ago))[5] == 1; got != want {
					t.Fatalf("%v: %d blocks later it is %v that it missed a target of %d", h, ago, got, target)
				}
			}
			s.block(100 + int32(ago) + 1)
		}
	}
}

func TestInsufficient(t *testing.T) {
	m := newMarket()
	if _, err := m.e.Estimate(6, false); !errors.Is(err, ErrInsufficient) {
		t.Errorf("nothing seen: %v", err)
	}
	for range 3 {
		m.offer(5, 20)
		m.mine(5)
	}
	if got, err := m.e.Estimate(6, false); !errors.Is(err, ErrInsufficient) || got.Target > 1 {
		t.Errorf("three blocks seen: %+v, %v", got, err)
	}
}

// What does not say anything about fees is passed over.
func TestPassedOver(t *testing.T) {
	id := func(n byte) wire.Hash { return wire.Hash{n} }
	e := New()
	e.Block(100, nil)
	e.Added(Tx{ID: id(1), Height: 99, Fee: 1000, VSize: 100})
	e.Added(Tx{ID: id(2), Height: 100, Fee: 1000, VSize: 100})
	e.Added(Tx{ID: id(2), Height: 100, Fee: 9000, VSize: 100}) // again
	if len(e.txs) != 1 {
		t.Errorf("%d transactions wait, want 1", len(e.txs))
	}
	e.Block(99, []wire.Hash{id(2)}) // a reorganisation
	e.Removed(id(7))
	var seen float64
	for _, x := range e.stats[Long].seen {
		seen += x
	}
	if len(e.txs) != 0 || seen != 0 {
		t.Errorf("%d wait and %v were seen", len(e.txs), seen)
	}
}

// Those that leave unconfirmed count against their rate, after a while.
func TestFailures(t *testing.T) {
	m := newMarket()
	for range 100 {
		m.offer(9, 2)
		m.offer(4, 2)
		m.mine(9)
		m.mine(4)
	}
	before, err := m.e.Estimate(6, false)
	if err != nil || before.Rate != 4*base {
		t.Fatalf("%+v, %v", before, err)
	}
	m.offer(4, 60)
	for range 8 {
		m.mine()
	}
	if waiting, err := m.e.Estimate(6, false); err != nil || waiting.Rate != 9*base {
		t.Errorf("while they wait: %+v, %v; want %d", waiting, err, 9*base)
	}
	m.e.Forget()
	if after, err := m.e.Estimate(6, false); err != nil || after.Rate != 9*base {
		t.Errorf("%+v, %v; want %d", after, err, 9*base)
	}
}

func TestFile(t *testing.T) {
	m := busy()
	mem := vfs.NewMem()
	now := time.Unix(1_700_000_000, 0)
	if err := m.e.Save(mem, "fees", now); err != nil {
		t.Fatal(err)
	}
	m.e.txs = map[wire.Hash]tracked{} // who waits is not saved
	for _, s := range m.e.stats {
		clear(s.older)
		for _, w := range s.waiting {
			clear(w)
		}
	}
	e := New()
	if err := e.Load(mem, "fees", now.Add(60*time.Hour)); err != nil {
		t.Fatal(err)
	}
	for target := 1; target <= MaxTarget; target += 13 {
		for _, conservative := range []bool{false, true} {
			want, err := m.e.Estimate(target, conservative)
			got, err2 := e.Estimate(target, conservative)
			if got != want || err != err2 {
				t.Fatalf("target %d: %+v after loading, %+v before (%v, %v)", target, got, want, err2, err)
			}
		}
	}
	// What was learned before counts until this run has learned half as much.
	e.Block(e.best+1, nil)
	if err := e.Save(mem, "again", now); err != nil {
		t.Fatal(err)
	}
	again := New()
	if err := again.Load(mem, "again", now); err != nil || again.span() != e.span() || again.span() == 0 {
		t.Errorf("%v: a span of %d, want %d", err, again.span(), e.span())
	}

	fresh := New()
	if err := fresh.Load(mem, "fees", now.Add(61*time.Hour)); !errors.Is(err, ErrStale) {
		t.Errorf("an old file: %v", err)
	}
	if err := fresh.Load(mem, "none", now); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	var corrupt *store.CorruptError
	for name, damage := range map[string]func([]byte){
		"heights": func(b []byte) { binary.LittleEndian.PutUint32(b[8:], 3) },
		"sums":    func(b []byte) { binary.LittleEndian.PutUint64(b[fileHeader:], 0x7ff8<<48) },
		"buckets": func(b []byte) { b[20]++ },
	} {
		b := m.e.encode(now)
		damage(b)
		if err := store.WriteFileAtomic(mem, "bad", fileVersion, b); err != nil {
			t.Fatal(err)
		}
		if err := fresh.Load(mem, "bad", now); !errors.As(err, &corrupt) {
			t.Errorf("damaged %s: %v", name, err)
		}
	}
	if fresh.best != 0 {
		t.Error("a failed load has left something behind")
	}
}

// TestFileIsReadAgain plays transactions, blocks, restarts and late loads, and
// reads each file that is written on the way.
func TestFileIsReadAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mem := vfs.NewMem()
		now := time.Unix(1_700_000_000, 0)
		e, height, next := New(), int32(0), byte(0)
		saved := false
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				next = next%4 + 1
				e.Added(Tx{ID: wire.Hash{next}, Height: height, Fee: rapid.Int64Range(0, 21e14).Draw(t, "fee"), VSize: rapid.Int64Range(0, 1e6).Draw(t, "size")})
			},
			"block": func(t *rapid.T) {
				height = max(0, height+rapid.Int32Range(-2, 3).Draw(t, "step"))
				var ids []wire.Hash
				for range rapid.IntRange(0, 3).Draw(t, "transactions") {
					ids = append(ids, wire.Hash{rapid.ByteRange(1, 4).Draw(t, "id")})
				}
				e.Block(height, ids)
			},
			"remove":  func(t *rapid.T) { e.Removed(wire.Hash{rapid.ByteRange(1, 4).Draw(t, "id")}) },
			"forget":  func(*rapid.T) { e.Forget() },
			"restart": func(*rapid.T) { e = New() },
			"new chain": func(*rapid.T) {
				e, height = New(), 0
			},
			"load": func(t *rapid.T) {
				if err := e.Load(mem, "fees", now); (err == nil) != saved {
					t.Fatal(err)
				}
			},
			"save": func(t *rapid.T) {
				if err := e.Save(mem, "fees", now); err != nil {
					t.Fatal(err)
				}
				saved = true
				if err := New().Load(mem, "fees", now); err != nil {
					t.Fatal(err)
				}
			},
		})
	})
}

func FuzzDecode(f *testing.F) {
	now := time.Unix(1_700_000_000, 0)
	f.Add(New().encode(now))
	f.Add(busy().e.encode(now))
	f.Fuzz(func(t *testing.T, b []byte) {
		e := New()
		if e.decode(b, now) == nil {
			for _, target := range []int{1, 6, 1008} {
				_, _ = e.Estimate(target, true)
			}
		}
	})
}

// Whatever happens, all counts of those that wait come back to nothing, and a
// longer target never costs more if there is an answer for both.
func TestPlay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMarket()
		t.Repeat(map[string]func(*rapid.T){
			"offer": func(t *rapid.T) {
				m.offer(rapid.IntRange(1, 9).Draw(t, "level"), rapid.IntRange(1, 20).Draw(t, "n"))
			},
			"mine": func(t *rapid.T) {
				m.mine(levels(rapid.IntRange(1, 10).Draw(t, "from"), 10)...)
			},
			"lull": func(t *rapid.T) {
				for range rapid.IntRange(1, 20).Draw(t, "blocks") {
					m.mine()
				}
			},
			"drop": func(t *rapid.T) {
				l := rapid.IntRange(1, 9).Draw(t, "level")
				for _, id := range m.wait[l] {
					m.e.Removed(id)
				}
				delete(m.wait, l)
			},
			"back": func(t *rapid.T) { m.e.Block(m.height-1, nil) },
			"": func(t *rapid.T) {
				n := 0
				for _, ids := range m.wait {
					n += len(ids)
				}
				for _, s := range m.e.stats[:Medium] {
					got := 0
					for b := range s.bounds {
						got += int(s.older[b])
						for _, w := range s.waiting {
							got += int(w[b])
						}
					}
					if got != n || len(m.e.txs) != n {
						t.Fatalf("%d and %d wait, want %d", got, len(m.e.txs), n)
					}
					if !s.valid() {
						t.Fatal("sums that can not be")
					}
				}
			},
		})
	})
}

// The watcher takes from a pool what tells something about fees.
func TestWatcher(t *testing.T) {
	current := true
	w := &Watcher{Estimator: New(), Current: func() bool { return current }}
	node := func(h int32) *headertree.Node { return &headertree.Node{Height: h} }
	w.TipMoved(node(10), []*headertree.Node{node(9), node(10)})
	entry := func(n byte) *mempool.Entry {
		return &mempool.Entry{TxID: wire.Hash{n}, Height: 10, Fee: 500, VSize: 100, Orphanless: true, Sequence: 1}
	}
	child, packaged, back := entry(2), entry(3), entry(4)
	child.Orphanless, packaged.Packaged, back.Sequence = false, true, 0
	for _, e := range []*mempool.Entry{entry(1), child, packaged, back} {
		w.TxAdded(e)
	}
	current = false
	w.TxAdded(entry(5))
	current = true
	w.TxAdded(entry(6))
	if len(w.Estimator.txs) != 2 {
		t.Fatalf("%d transactions wait, want 2", len(w.Estimator.txs))
	}
	w.TxRemoved(entry(6), mempool.RemovedReplaced)
	w.TxRemoved(entry(1), mempool.RemovedBlock)
	w.TipMoved(node(12), []*headertree.Node{node(11), node(12)})
	s := w.Estimator.stats[Short]
	var seen, atOnce, later float64
	for b := range s.bounds {
		seen += s.seen[b]
		atOnce += s.within[0][b]
		later += s.within[1][b]
	}
	if len(w.Estimator.txs) != 0 || seen != 1 || atOnce != 0 || later != 1 {
		t.Errorf("%d wait; %v seen, %v within one block, %v within two", len(w.Estimator.txs), seen, atOnce, later)
	}
}

func BenchmarkEstimate(b *testing.B) {
	m := busy()
	for b.Loop() {
		_, _ = m.e.Estimate(6, true)
	}
}

func BenchmarkBlock(b *testing.B) {
	m := busy()
	for b.Loop() {
		m.mine()
	}
}
