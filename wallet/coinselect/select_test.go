package coinselect

import (
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"starling/wire"
)

// bag makes coins of the values given, whose inputs weigh nothing.
func bag(values ...int64) []Candidate {
	all := make([]Candidate, len(values))
	for i, v := range values {
		all[i] = Candidate{OutPoint: wire.OutPoint{Index: uint32(i)}, Value: v}
	}
	return all
}

func total(list []Candidate) (sum int64) {
	for _, c := range list {
		sum += c.Value
	}
	return sum
}

func TestSelect(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 1))
	for _, c := range []struct {
		name   string
		target int64
		fixed  []Candidate
		all    []Candidate
		want   int64 // value of what is chosen, 0 for nothing
		n      int   // how many; 0 for any number
	}{
		{"one that fits", 7, nil, bag(3, 7, 9), 7, 1},
		{"two that fit", 12, nil, bag(3, 7, 9, 20), 12, 2},
		{"three that fit", 19, nil, bag(1, 7, 9, 3, 30), 19, 3},
		{"the lower excess", 10, nil, bag(12, 11, 30), 11, 1},
		{"all", 19, nil, bag(3, 7, 9), 19, 3},
		{"too little", 20, nil, bag(3, 7, 9), 0, 0},
		{"nothing", 1, nil, nil, 0, 0},
		{"fixed are enough", 5, bag(6), bag(100), 6, 1},
		{"fixed and one more", 9, bag(6), bag(100, 3), 9, 2},
		{"with change", 40, nil, bag(100), 100, 1},
		{"worthless ones are left", 10, nil, bag(-5, 0, 10), 10, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := Goal{Target: c.target, ChangeCost: 2, ChangeMin: 5, MaxWeight: 1000}
			got := Select(g, c.fixed, c.all, dice)
			if total(got) != c.want || c.n > 0 && len(got) != c.n {
				t.Errorf("chose %v", got)
			}
		})
	}
}

// TestSelectAny chooses from arbitrary coins: what is chosen reaches the
// target, no coin twice; and if nothing is chosen, all that pay for themselves
// together do not reach it, or weigh too much.
func TestSelectAny(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Candidate {
			return Candidate{
				Value:  rapid.Int64Range(0, 100_000).Draw(t, "value"),
				Weight: rapid.Int64Range(164, 1000).Draw(t, "weight"),
				Bump:   rapid.Int64Range(0, 100).Draw(t, "bump"),
			}
		}), 0, 30).Draw(t, "coins")
		for i := range all {
			all[i].OutPoint.Index = uint32(i)
		}
		n := rapid.IntRange(0, min(3, len(all))).Draw(t, "fixed")
		g := Goal{
			Target: rapid.Int64Range(1, 500_000).Draw(t, "target"), Rate: rapid.Int64Range(0, 20_000).Draw(t, "rate"),
			Whole: rapid.Bool().Draw(t, "whole"), ChangeCost: rapid.Int64Range(0, 2000).Draw(t, "cost"),
			ChangeMin: rapid.Int64Range(0, 5000).Draw(t, "min"), MaxWeight: 20_000,
		}
		dice := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "dice"), 0))
		got := Select(g, all[:n], all[n:], dice)
		var sum, weight, useful, usefulWeight int64
		seen := map[uint32]bool{}
		for _, c := range got {
			if seen[c.OutPoint.Index] {
				t.Fatal("a coin twice")
			}
			seen[c.OutPoint.Index] = true
			sum += g.Worth(&c)
			weight += c.Weight
		}
		for i := range all {
			if v := g.Worth(&all[i]); i < n || v > 0 {
				useful += v
				usefulWeight += all[i].Weight
			}
		}
		switch {
		case got == nil && useful >= g.Target && usefulWeight <= g.MaxWeight && len(all) > 0:
			t.Fatalf("chose nothing, and there is %d for %d", useful, g.Target)
		case got != nil && sum < g.Target:
			t.Fatalf("chose %d for %d", sum, g.Target)
		case got != nil && weight > g.MaxWeight && len(got) > n:
			t.Fatalf("weighs %d", weight)
		}
		for i := range n {
			if got != nil && !seen[uint32(i)] {
				t.Fatal("left a coin out that was asked for")
			}
		}
	})
}

// BenchmarkSelect chooses from 10,000 coins.
func BenchmarkSelect(b *testing.B) {
	dice := rand.New(rand.NewPCG(1, 1))
	all := make([]Candidate, 10_000)
	for i := range all {
		all[i] = Candidate{OutPoint: wire.OutPoint{Index: uint32(i)}, Value: dice.Int64N(1e8), Weight: 272}
	}
	b.ReportAllocs()
	for b.Loop() {
		g := Goal{Target: 123_456_789, Rate: 2000, ChangeCost: 300, ChangeMin: 1000, MaxWeight: 400_000}
		if Select(g, nil, all, dice) == nil {
			b.Fatal("nothing")
		}
	}
}
