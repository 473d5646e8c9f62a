package cluster_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"starling/mempool/cluster"
)

// names returns the owners of ts.
func names(ts []*cluster.Tx) []string {
	var out []string
	for _, t := range ts {
		out = append(out, t.Owner().(string))
	}
	return out
}

// family puts a graph together from lines of name, fee, size, parents.
type member struct {
	name      string
	fee, size int64
	parents   []string
}

func build(t *testing.T, l cluster.Limits, ms ...member) (*cluster.Graph, map[string]*cluster.Tx) {
	t.Helper()
	g := cluster.New(l)
	is := map[string]*cluster.Tx{}
	for _, m := range ms {
		s := g.Stage()
		is[m.name] = s.Add(m.name, cluster.FeeRate{Fee: m.fee, Size: m.size})
		for _, p := range m.parents {
			s.Depend(is[p], is[m.name])
		}
		if err := s.Commit(); err != nil {
			t.Fatalf("adding %s: %v", m.name, err)
		}
		if err := g.Check(); err != nil {
			t.Fatalf("after adding %s: %v", m.name, err)
		}
	}
	return g, is
}

func expect(t *testing.T, what string, got []*cluster.Tx, want ...string) {
	t.Helper()
	if !slices.Equal(names(got), want) {
		t.Errorf("%s: %v, want %v", what, names(got), want)
	}
}

// A child that pays for its parent draws it into one chunk.
func TestChildPaysForParent(t *testing.T) {
	g, is := build(t, cluster.Limits{},
		member{"parent", 100, 100, nil},
		member{"other", 200, 100, nil},
		member{"child", 900, 100, []string{"parent"}},
		member{"late", 50, 100, []string{"child"}},
	)
	expect(t, "cluster", g.Cluster(is["child"]), "parent", "child", "late")
	expect(t, "ancestors", g.Ancestors(is["child"]), "parent", "child")
	expect(t, "descendants", g.Descendants(is["child"]), "child", "late")
	c, ok := g.Chunk(is["parent"])
	if want := (cluster.FeeRate{Fee: 1000, Size: 200}); !ok || c.Rate != want {
		t.Errorf("chunk of the parent: %v, want %v", c.Rate, want)
	}
	var order []string
	for c := range g.Best() {
		order = append(order, fmt.Sprint(names(c.Txs)))
	}
	if want := []string{"[parent child]", "[other]", "[late]"}; !slices.Equal(order, want) {
		t.Errorf("blocks take %v, want %v", order, want)
	}
	if w, _ := g.Worst(); w.Txs[0] != is["late"] {
		t.Errorf("the worst is %v", names(w.Txs))
	}
	if g.Compare(is["child"], is["other"]) >= 0 || g.Compare(is["late"], is["other"]) <= 0 {
		t.Error("compared out of order")
	}
}

func TestRemoveSplits(t *testing.T) {
	g, is := build(t, cluster.Limits{},
		member{"hub", 100, 100, nil},
		member{"a", 100, 100, []string{"hub"}},
		member{"b", 100, 100, []string{"hub"}},
	)
	g.Remove(is["hub"])
	if err := g.Check(); err != nil {
		t.Fatal(err)
	}
	if g.Clusters() != 2 || g.Len() != 2 || g.Contains(is["hub"]) {
		t.Errorf("%d transactions in %d clusters", g.Len(), g.Clusters())
	}
	expect(t, "cluster of a", g.Cluster(is["a"]), "a")
}

func TestLimits(t *testing.T) {
	for _, tt := range []struct {
		name   string
		limits cluster.Limits
		ok     bool
	}{
		{"fits", cluster.Limits{Count: 3, Size: 300}, true},
		{"too many", cluster.Limits{Count: 2, Size: 300}, false},
		{"too large", cluster.Limits{Count: 3, Size: 299}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, is := build(t, tt.limits, member{"a", 10, 100, nil}, member{"b", 20, 100, nil})
			s := g.Stage()
			c := s.Add("c", cluster.FeeRate{Fee: 30, Size: 100})
			s.Depend(is["a"], c)
			s.Depend(is["b"], c)
			if s.Oversized() == tt.ok {
				t.Errorf("oversized: %v", !tt.ok)
			}
			if err := s.Commit(); tt.ok && err != nil || !tt.ok && !errors.Is(err, cluster.ErrOversized) {
				t.Errorf("commit: %v", err)
			}
			if !tt.ok {
				expect(t, "trimmed", s.Trim(), "c")
				if err := s.Commit(); err != nil {
					t.Error(err)
				}
			}
			if err := g.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

// Where two parts of a chunk pay the same, and either may go first, they are
// two chunks: blocks take as little at a time as they may.
func TestChunksAreSmall(t *testing.T) {
	g, is := build(t, cluster.Limits{},
		member{"parent", 0, 100, nil},
		member{"a", 400, 100, []string{"parent"}},
		member{"b", 200, 100, []string{"parent"}},
	)
	// The parent and a pay 400 for 200, as b does by itself.
	c, _ := g.Chunk(is["parent"])
	expect(t, "first chunk", c.Txs, "parent", "a")
	c, _ = g.Chunk(is["b"])
	expect(t, "second chunk", c.Txs, "b")
}

// A reorganisation puts a transaction back that joins too many: what is worth
// most stays.
func TestTrim(t *testing.T) {
	l := cluster.Limits{Count: 4}
	g, is := build(t, l,
		member{"a1", 900, 100, nil}, member{"a2", 800, 100, []string{"a1"}}, member{"a3", 100, 100, []string{"a2"}},
		member{"b1", 700, 100, nil}, member{"b2", 200, 100, []string{"b1"}},
		member{"c1", 300, 100, nil},
	)
	s := g.Stage()
	back := s.Add("back", cluster.FeeRate{Fee: 1000, Size: 100})
	for _, name := range []string{"a1", "b1", "c1"} {
		s.Depend(back, is[name])
	}
	expect(t, "trimmed", s.Trim(), "a3", "b2", "c1")
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	expect(t, "cluster", g.Cluster(back), "back", "a1", "a2", "b1")
	if err := g.Check(); err != nil {
		t.Error(err)
	}
}

// Who fills a block and skips a chunk is not offered what may depend on it.
func TestBuilderSkips(t *testing.T) {
	g, _ := build(t, cluster.Limits{},
		member{"a1", 900, 100, nil}, member{"a2", 500, 100, []string{"a1"}}, member{"a3", 100, 100, []string{"a2"}},
		member{"b1", 700, 100, nil}, member{"b2", 200, 100, []string{"b1"}},
	)
	b := g.Builder()
	var got []string
	for c, ok := b.Next(); ok; c, ok = b.Next() {
		got = append(got, names(c.Txs)...)
		if got[len(got)-1] == "a2" {
			b.Skip()
		}
	}
	if want := []string{"a1", "b1", "a2", "b2"}; !slices.Equal(got, want) {
		t.Errorf("offered %v, want %v", got, want)
	}
}

// A child that pays nothing for its size is replaced by a better one: the
// stage sees the difference, and nothing happens before the commit.
func TestReplace(t *testing.T) {
	g, is := build(t, cluster.Limits{},
		member{"parent", 100, 100, nil}, member{"old", 100, 100, []string{"parent"}}, member{"far", 1, 1, nil})
	for _, tt := range []struct {
		name      string
		fee, size int64
		want      cluster.Order
	}{
		{"pays more", 101, 100, cluster.Better},
		{"pays the same", 100, 100, cluster.Equal},
		{"pays less", 99, 100, cluster.Worse},
		{"pays more and less per size", 110, 200, cluster.Incomparable},
		{"pays less and more per size", 90, 50, cluster.Incomparable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := g.Stage()
			s.Remove(is["old"])
			n := s.Add("new", cluster.FeeRate{Fee: tt.fee, Size: tt.size})
			s.Depend(is["parent"], n)
			if got := s.Compare(); got != tt.want {
				before, after := s.Diagrams()
				t.Errorf("%v, want %v: %v becomes %v", got, tt.want, before, after)
			}
			s.Abort()
			expect(t, "cluster", g.Cluster(is["parent"]), "parent", "old")
		})
	}
}
