package cluster

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// crowd fills a graph with n transactions, most of them alone, some in small
// families.
func crowd(n int) (*Graph, []*Tx) {
	rng := rand.New(rand.NewPCG(1, 2))
	g := New(Limits{})
	txs := make([]*Tx, 0, n)
	for len(txs) < n {
		s := g.Stage()
		t := s.Add(nil, FeeRate{rng.Int64N(100_000), 100 + rng.Int64N(1000)})
		if len(txs) > 0 && rng.IntN(3) == 0 {
			s.Depend(txs[len(txs)-1-rng.IntN(min(len(txs), 50))], t)
		}
		if s.Commit() == nil {
			txs = append(txs, t)
		}
	}
	return g, txs
}

// One more transaction into a cluster of 63, and out again.
func BenchmarkAdd64(b *testing.B) {
	for _, shape := range []string{"chain", "tree", "random", "bipartite"} {
		b.Run(shape, func(b *testing.B) {
			b.ReportAllocs()
			rates, rel := hard(shape, 63, 1)
			g := New(Limits{})
			s := g.Stage()
			txs := make([]*Tx, 63)
			for i := range txs {
				txs[i] = s.Add(nil, FeeRate{rates[i].Fee, rates[i].Size})
				for p := rel.anc[i] &^ bit(i); p != 0; p = p.rest() {
					s.Depend(txs[p.first()], txs[i])
				}
			}
			for i := 1; i < len(txs); i++ {
				s.Depend(txs[0], txs[i]) // so that it is one
			}
			if err := s.Commit(); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				s := g.Stage()
				t := s.Add(nil, FeeRate{5000, 200})
				s.Depend(txs[20], t)
				s.Depend(txs[40], t)
				if err := s.Commit(); err != nil {
					b.Fatal(err)
				}
				g.Remove(t)
			}
		})
	}
}

// A single transaction into a large graph, and out again.
func BenchmarkAdd100k(b *testing.B) {
	b.ReportAllocs()
	g, _ := crowd(100_000)
	rng := rand.New(rand.NewPCG(3, 4))
	for b.Loop() {
		s := g.Stage()
		t := s.Add(nil, FeeRate{rng.Int64N(100_000), 200})
		if err := s.Commit(); err != nil {
			b.Fatal(err)
		}
		g.Remove(t)
	}
}

func BenchmarkFill100k(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		crowd(100_000)
	}
}

// The best 3,000 of 100,000, as a block takes them.
func BenchmarkBest3000Of100k(b *testing.B) {
	b.ReportAllocs()
	g, _ := crowd(100_000)
	for b.Loop() {
		n := 0
		bl := g.Builder()
		for c, ok := bl.Next(); ok && n < 3000; c, ok = bl.Next() {
			n += len(c.Txs)
		}
	}
}

// What a block of 3,000 takes out of 100,000, in one stage.
func BenchmarkBlock3000Of100k(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		g, _ := crowd(100_000)
		var block []*Tx
		for c := range g.Best() {
			if block = append(block, c.Txs...); len(block) >= 3000 {
				break
			}
		}
		b.StartTimer()
		g.Remove(block...)
	}
}

func ExampleGraph() {
	g := New(Limits{})
	s := g.Stage()
	parent := s.Add("parent", FeeRate{Fee: 100, Size: 200})
	child := s.Add("child", FeeRate{Fee: 1900, Size: 200})
	s.Depend(parent, child)
	if err := s.Commit(); err != nil {
		fmt.Println(err)
	}
	fmt.Println(g.ChunkRate(parent))
	// Output: 2000/400
}
