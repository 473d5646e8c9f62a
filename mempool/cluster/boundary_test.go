package cluster

import (
	"errors"
	"math"
	"slices"
	"testing"
)

// Fees beyond what can be paid are held at 2^62, and products that are an exact
// multiple of 2^64 keep their sign.
func TestLargestNumbers(t *testing.T) {
	for _, c := range []struct {
		rate FeeRate
		size int64
		want int64
	}{
		{FeeRate{math.MaxInt64, 1}, 4, 1 << 62},
		{FeeRate{-math.MaxInt64, 2}, 1, -1 << 62},
		{FeeRate{1 << 62, 1}, 1, 1 << 62},
		{FeeRate{1<<62 - 1, 1}, 1, 1<<62 - 1},
		{FeeRate{1 << 62, 1}, 2, 1 << 62},
		{FeeRate{-1, 3}, 2, -1},
		{FeeRate{-3, 3}, 2, -2},
		{FeeRate{0, 3}, 2, 0},
		{FeeRate{7, 0}, 2, 0},
	} {
		if got := c.rate.FeeFor(c.size); got != c.want {
			t.Errorf("%v for %d: %d, want %d", c.rate, c.size, got, c.want)
		}
	}
	for _, c := range []struct {
		a, b int64
		hi   int64
		lo   uint64
	}{
		{-1 << 62, 4, -1, 0}, {-1 << 62, 8, -2, 0}, {1 << 62, 4, 1, 0}, {-1, 1, -1, math.MaxUint64},
		{0, 5, 0, 0}, {-5, 0, 0, 0}, {math.MinInt64, 2, -1, 0},
	} {
		if hi, lo := mul128(c.a, c.b); hi != c.hi || lo != c.lo {
			t.Errorf("%d times %d: %d, %d", c.a, c.b, hi, lo)
		}
	}
	if (FeeRate{-1 << 62, 1}).Compare(FeeRate{-1 << 60, 1 << 40}) >= 0 {
		t.Error("the most negative rate is not the lowest")
	}
}

// What is asked about a transaction that is not in the graph has no answer.
func TestNotInGraph(t *testing.T) {
	g := New(Limits{})
	s := g.Stage()
	in, out := s.Add("in", FeeRate{10, 5}), s.Add("out", FeeRate{20, 5})
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	if g.Rate(out) != (FeeRate{20, 5}) || len(g.Chunks(out)) != 1 {
		t.Errorf("before: %v, %d chunks", g.Rate(out), len(g.Chunks(out)))
	}
	g.Remove(out)
	_, ok := g.Chunk(out)
	if g.Contains(out) || ok || g.Cluster(out) != nil || g.Chunks(out) != nil || g.Ancestors(out) != nil || g.Descendants(out) != nil ||
		g.Rate(out) != (FeeRate{}) || g.ChunkRate(out) != (FeeRate{}) {
		t.Error("something is known of what was removed")
	}
	if n := g.CountClusters(in, out); n != 1 {
		t.Errorf("in %d clusters", n)
	}
	g.Remove(in)
	if _, ok := g.Worst(); ok || g.Len() != 0 || g.Clusters() != 0 {
		t.Error("an empty graph has a worst chunk")
	}
}

// Limits that are not given, or above what can be handled, are the defaults.
func TestDefaultLimits(t *testing.T) {
	for _, c := range []struct{ given, want Limits }{
		{Limits{}, Limits{64, 101_000}},
		{Limits{Count: 64, Size: 1}, Limits{64, 1}},
		{Limits{Count: 65, Size: -1}, Limits{64, 101_000}},
		{Limits{Count: 1, Size: 500_000}, Limits{1, 500_000}},
		{Limits{Count: -3}, Limits{64, 101_000}},
	} {
		if got := New(c.given).Limits(); got != c.want {
			t.Errorf("%+v: %+v", c.given, got)
		}
	}
}

// pile makes a graph of one cluster: a parent with n children that pay ever
// less.
func pile(t *testing.T, n int) (*Graph, []*Tx) {
	t.Helper()
	g := New(Limits{})
	s := g.Stage()
	txs := []*Tx{s.Add(0, FeeRate{1000, 10})}
	for i := range n {
		child := s.Add(i+1, FeeRate{int64(900 - i), 10})
		s.Depend(txs[0], child)
		txs = append(txs, child)
	}
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	return g, txs
}

// Any two transactions are in one order, which the sign tells from both sides.
func TestCompareTransactions(t *testing.T) {
	g, txs := pile(t, 5)
	s := g.Stage()
	best, worst := s.Add("best", FeeRate{5000, 10}), s.Add("worst", FeeRate{1, 10})
	same := s.Add("same", FeeRate{1, 10}) // as the worst, but later
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	order := append(append([]*Tx{best}, txs...), worst, same)
	for i, a := range order {
		for j, b := range order {
			if got := g.Compare(a, b); got < 0 != (i < j) || got > 0 != (i > j) {
				t.Errorf("%v against %v: %d", a.Owner(), b.Owner(), got)
			}
		}
	}
	if c, ok := g.Worst(); !ok || c.Txs[0] != same {
		t.Error("of equals not the later one is the worst")
	}
}

// A stage is ended by another, by Commit and by Abort; what depends on itself
// is refused, and what is too large may be trimmed.
func TestStageEnds(t *testing.T) {
	g, txs := pile(t, 2)
	old := g.Stage()
	old.Remove(txs[2])
	s := g.Stage()
	if err := old.Commit(); !errors.Is(err, ErrStale) {
		t.Errorf("the stage before: %v", err)
	}
	old.Abort() // which must not end the present one
	s.Depend(txs[1], txs[0])
	if err := s.Commit(); !errors.Is(err, ErrCircle) || g.Len() != 3 {
		t.Errorf("a circle: %v", err)
	}
	s = g.Stage()
	s.SetFee(txs[2], 800)
	if err := s.Commit(); err != nil || g.Rate(txs[2]).Fee != 800 {
		t.Errorf("%v, fee %v", err, g.Rate(txs[2]))
	}
	if err := s.Commit(); !errors.Is(err, ErrStale) {
		t.Errorf("committed twice: %v", err)
	}
	s = g.Stage()
	s.Abort()
	if err := s.Commit(); !errors.Is(err, ErrStale) {
		t.Errorf("after it was given up: %v", err)
	}
	g.SetFee(txs[1], 700)
	if g.Rate(txs[1]).Fee != 700 || g.Check() != nil {
		t.Errorf("fee %v, %v", g.Rate(txs[1]), g.Check())
	}
}

// Of transactions that are worth the same those stay that came first, as many as
// there is room for, by number and by size.
func TestTrimTies(t *testing.T) {
	for _, limits := range []Limits{{Count: 4}, {Size: 40}} {
		g := New(limits)
		var tops []*Tx
		s := g.Stage()
		for i := range 6 {
			tops = append(tops, s.Add(i, FeeRate{50, 10}))
		}
		if err := s.Commit(); err != nil {
			t.Fatal(err)
		}
		s = g.Stage()
		back := s.Add("back", FeeRate{1, 10})
		for _, c := range tops {
			s.Depend(back, c)
		}
		if !s.Oversized() {
			t.Fatal("it fits")
		}
		if before, after := s.Diagrams(); before != nil || after != nil || s.Compare() != Incomparable {
			t.Error("an oversized stage has a diagram")
		}
		if err := s.Commit(); !errors.Is(err, ErrOversized) {
			t.Errorf("committed: %v", err)
		}
		if gone := s.Trim(); !slices.Equal(gone, tops[3:]) {
			t.Errorf("%+v: %d have gone, or others", limits, len(gone))
		}
		if err := s.Commit(); err != nil || g.Len() != 4 || g.Check() != nil {
			t.Errorf("%v, %d are left, %v", err, g.Len(), g.Check())
		}
	}
}
