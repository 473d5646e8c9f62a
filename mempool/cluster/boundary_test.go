package cluster

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Products are exact beyond 64 bits, and those that are a multiple of 2^64 keep
// their sign.
func TestLargestNumbers(t *testing.T) {
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
	// Small fees times large sizes do not fit into 64 bits either.
	for _, c := range []struct {
		a, b, c, d int64
		want       int
	}{
		{1000, 1 << 62, 1, 1, 1}, {1, 1, 1000, 1 << 62, -1}, {-1000, 1 << 62, 1, 1, -1}, {1, 1, -1000, 1 << 62, 1},
		{1 << 40, 1 << 40, 1, 1, 1}, {-1 << 40, 1 << 40, 1, 1, -1}, {1, 1, 1 << 40, 1 << 40, -1}, {1, 1, -1 << 40, 1 << 40, 1},
		{1 << 40, 1 << 30, 1, 1, 1}, {1, 1, 1 << 40, 1 << 30, -1}, {-1 << 40, 1 << 30, 1, 1, -1}, {1, 1, -1 << 40, 1 << 30, 1},
		{6, 1 << 62, 3, 1<<62 - 1, 1}, {1 << 62, 6, 1 << 61, 12, 0},
	} {
		if got := compareProducts(c.a, c.b, c.c, c.d); got != c.want {
			t.Errorf("%d·%d against %d·%d: %d", c.a, c.b, c.c, c.d, got)
		}
	}
	for _, c := range []struct {
		w, o wide
		want bool
	}{
		{wide{1, 5}, wide{1, 5}, false}, {wide{1, 6}, wide{1, 5}, true}, {wide{1, 5}, wide{1, 6}, false},
		{wide{2, 0}, wide{1, 5}, true}, {wide{-1, 5}, wide{0, 0}, false},
	} {
		if got := c.w.more(c.o); got != c.want {
			t.Errorf("%v more than %v: %v", c.w, c.o, got)
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
	other := s.Add("other", FeeRate{30, 5})
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	if g.Rate(out) != (FeeRate{20, 5}) || len(g.Chunks(out)) != 1 {
		t.Errorf("before: %v, %d chunks", g.Rate(out), len(g.Chunks(out)))
	}
	g.Remove(out)
	if g.Contains(out) || g.Chunks(out) != nil || g.Ancestors(out) != nil || g.Descendants(out) != nil ||
		g.Rate(out) != (FeeRate{}) || g.ChunkRate(out) != (FeeRate{}) {
		t.Error("something is known of what was removed")
	}
	s = g.Stage()
	if _, ok := s.Chunk(out); ok || s.Contains(out) {
		t.Error("a stage knows what was removed")
	}
	if n := g.CountClusters(in, out, other, in); n != 2 {
		t.Errorf("in %d clusters", n)
	}
	g.Remove(in, other)
	if _, ok := g.Worst(); ok || g.Len() != 0 {
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

// Chunks are in one order, which the sign tells from both sides: by what they
// pay, and of equals the earlier cluster first.
func TestOrderOfChunks(t *testing.T) {
	g, txs := pile(t, 5)
	s := g.Stage()
	best, worst := s.Add("best", FeeRate{5000, 10}), s.Add("worst", FeeRate{1, 10})
	same := s.Add("same", FeeRate{1, 10}) // as the worst, but later
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	var order []*chunk
	for _, tx := range append(append([]*Tx{best}, txs...), worst, same) {
		order = append(order, tx.cl.piece(tx.pos))
	}
	for i, a := range order {
		for j, b := range order {
			if got := a.compare(b); got < 0 != (i < j) || got > 0 != (i > j) {
				t.Errorf("%d against %d: %d", i, j, got)
			}
		}
	}
	i := 0
	for c := range g.Best() {
		if c.Txs[0] != order[i].cl.txs[order[i].from] {
			t.Errorf("chunk %d is another one", i)
		}
		i++
	}
	if c, ok := g.Worst(); i != len(order) || !ok || c.Txs[0] != same {
		t.Error("of equals not the later one is the worst")
	}
}

// A cluster whose last transaction goes is another one, although what is left
// stands where it stood.
func TestRemoveTheLast(t *testing.T) {
	g, txs := pile(t, 3)
	s := g.Stage()
	s.Remove(txs[3])
	if before, after := s.Diagrams(); len(before) != 4 || len(after) != 3 {
		t.Errorf("%v becomes %v", before, after)
	}
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	if g.Len() != 3 || g.Contains(txs[3]) || len(g.Chunks(txs[0])) != 3 || g.Check() != nil {
		t.Errorf("%d are left in %d chunks, %v", g.Len(), len(g.Chunks(txs[0])), g.Check())
	}
}

// From whatever order the search starts, valid or not, it ends with a valid one.
func TestAnyStart(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for range 3000 {
		n := 2 + rng.IntN(7)
		rates, rel := make([]FeeRate, n), newRelations(n)
		at := rng.Perm(n)
		for i := range rates {
			rates[i] = FeeRate{rng.Int64N(5), 1 + rng.Int64N(3)}
			for range rng.IntN(3) {
				if i > 0 {
					rel.depend(at[rng.IntN(i)], at[i])
				}
			}
		}
		checkOrder(t, linearise(rates, rel), rel)
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

// Transactions of one cluster are put into chunks and order as their fees say,
// and where these say nothing as they came.
func TestOrderWithinCluster(t *testing.T) {
	type tx struct {
		fee     int64
		parents []int
	}
	for _, c := range []struct {
		name string
		txs  []tx // of size 100 each
		want string
	}{
		{"equal children as they came", []tx{{500, nil}, {100, []int{0}}, {100, []int{0}}, {100, []int{0}}}, "[0] [1] [2] [3]"},
		{"within a chunk the best first", []tx{{0, nil}, {200, []int{0}}, {300, []int{0}}}, "[0 2 1]"},
		{"within a chunk equals as they came", []tx{{0, nil}, {200, []int{0}}, {200, []int{0}}}, "[0 1 2]"},
		{"two roots, the better first", []tx{{100, nil}, {50, nil}, {900, []int{0, 1}}}, "[0 1 2]"},
		{"two roots, the better later", []tx{{50, nil}, {100, nil}, {900, []int{0, 1}}}, "[1 0 2]"},
		// One by one the better would be b1, and then all four one chunk.
		{"equal chunks come apart", []tx{{100, nil}, {300, []int{0}}, {150, nil}, {250, []int{0, 2}}}, "[0 1] [2 3]"},
		// Either half pays the same, but depends on the other.
		{"crossed pairs stay together", []tx{{0, nil}, {0, nil}, {400, []int{0, 1}}, {400, []int{0, 1}}}, "[0 1 2 3]"},
		{"a child that pays too little", []tx{{300, nil}, {100, []int{0}}, {200, []int{1}}}, "[0] [1 2]"},
	} {
		g := New(Limits{})
		s := g.Stage()
		var txs []*Tx
		for i, m := range c.txs {
			n := s.Add(i, FeeRate{m.fee, 100})
			for _, p := range m.parents {
				s.Depend(txs[p], n)
			}
			txs = append(txs, n)
		}
		if err := s.Commit(); err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, chunk := range g.Chunks(txs[0]) {
			var ids []int
			for _, m := range chunk.Txs {
				ids = append(ids, m.Owner().(int))
			}
			got += fmt.Sprint(ids) + " "
		}
		if got != c.want+" " {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// Check finds whatever may be wrong with a graph.
func TestCheckFindsMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(g *Graph, l *list)
		want  string
	}{
		"nothing":                   {func(*Graph, *list) {}, ""},
		"a transaction too many":    {func(g *Graph, _ *list) { g.count++ }, "3 transactions, counted as 4"},
		"chunks out of order":       {func(_ *Graph, l *list) { l.chunks[1].from = 0 }, "chunk 1000/10 is not before 900/10"},
		"a gap":                     {func(_ *Graph, l *list) { l.chunks[1].from, l.chunks[2].from = 2, 3 }, "a chunk begins at 2 instead of 1"},
		"the last chunk too short":  {func(_ *Graph, l *list) { l.txs = append(l.txs, &Tx{}) }, "the chunks of a cluster end at 3 of 4"},
		"above the number":          {func(g *Graph, _ *list) { g.limits.Count = 2 }, "a cluster of 3 transactions and size 30"},
		"above the size":            {func(g *Graph, _ *list) { g.limits.Size = 29 }, "a cluster of 3 transactions and size 30"},
		"just the limits":           {func(g *Graph, _ *list) { g.limits = Limits{3, 30} }, ""},
		"a part that hangs nowhere": {func(_ *Graph, l *list) { l.anc[2], l.desc[0] = bit(2), bit(0)|bit(1) }, "a cluster of 3 falls apart"},
		"a wrong place":             {func(_ *Graph, l *list) { l.txs[1].pos = 2 }, "a transaction does not know its place"},
		"an ancestor behind":        {func(_ *Graph, l *list) { l.anc[1] |= bit(2) }, "a transaction stands before an ancestor"},
		"not its own ancestor":      {func(_ *Graph, l *list) { l.anc[1] = bit(0) }, "a transaction stands before an ancestor"},
		"a descendant forgotten":    {func(_ *Graph, l *list) { l.desc[0] = bit(0) | bit(1) }, "ancestors and descendants contradict each other"},
		"a wrong sum":               {func(_ *Graph, l *list) { l.sum.Fee++ }, "the sum is 2800/30 instead of 2799/30"},
		"a wrong rate":              {func(_ *Graph, l *list) { l.chunks[1].rate.Fee = 1001 }, "chunk 1001/10 stands behind 1000/10"},
	} {
		g, txs := pile(t, 2)
		c.spoil(g, txs[0].cl)
		got := ""
		if err := g.Check(); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
