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
