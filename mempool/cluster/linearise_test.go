package cluster

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// genRates draws n fee rates, many of them alike.
func genRates(t *rapid.T, n int) []FeeRate {
	top := rapid.SampledFrom([]int64{3, 10, 1000, 21e14}).Draw(t, "top")
	out := make([]FeeRate, n)
	for i := range out {
		out[i] = FeeRate{
			Fee:  rapid.Int64Range(-top/4, top).Draw(t, "fee"),
			Size: rapid.Int64Range(1, min(top, 100_000)).Draw(t, "size"),
		}
	}
	return out
}

// genRelations draws dependencies of later ones on earlier ones.
func genRelations(t *rapid.T, n int) *relations {
	rel := newRelations(n)
	dense := rapid.IntRange(1, 4).Draw(t, "dense")
	for c := 1; c < n; c++ {
		for range rapid.IntRange(0, dense).Draw(t, "parents") {
			rel.depend(rapid.IntRange(0, c-1).Draw(t, "parent"), c)
		}
	}
	return rel
}

// lineUp makes a list of an order.
func lineUp(order []int, rates []FeeRate) *list {
	l := &list{}
	for _, i := range order {
		l.rates = append(l.rates, rates[i])
		l.txs = append(l.txs, &Tx{})
	}
	l.cut()
	return l
}

func checkOrder(t interface{ Fatalf(string, ...any) }, order []int, rel *relations) {
	var done set
	for _, i := range order {
		if rel.anc[i]&^done != bit(i) {
			t.Fatalf("%v: %d stands before an ancestor or twice", order, i)
		}
		done |= bit(i)
	}
	if done != below(len(rel.anc)) {
		t.Fatalf("%v is not complete", order)
	}
}

// best finds the best diagram the slow way: of all sets that may come first it
// takes the one that pays most, and again.
func best(rates []FeeRate, rel *relations) Diagram {
	var d Diagram
	n := len(rates)
	for done := set(0); done != below(n); {
		var top set
		var most FeeRate
		for s := set(1); s <= below(n); s++ {
			if s&done != 0 {
				continue
			}
			var sum FeeRate
			closed := true
			for r := s; r != 0 && closed; r = r.rest() {
				closed = rel.anc[r.first()]&^(s|done) == 0
				sum = sum.Plus(rates[r.first()])
			}
			if closed && (top == 0 || sum.Compare(most) > 0) {
				top, most = s, sum
			}
		}
		done |= top
		d = append(d, most)
	}
	return d
}

func TestBestOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 9).Draw(t, "n")
		rates, rel := genRates(t, n), genRelations(t, n)
		order := linearise(rates, rel)
		checkOrder(t, order, rel)
		got := diagram([]*list{lineUp(order, rates)})
		if want := best(rates, rel); got.Compare(want) != Equal {
			t.Fatalf("%v, the best is %v", got, want)
		}
	})
}

// However little effort is allowed, an order never becomes worse, and is valid
// even if what it starts from is not.
func TestNeverWorse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 64).Draw(t, "n")
		rates, rel := genRates(t, n), genRelations(t, n)
		budget := rapid.SampledFrom([]int{0, 100, 1000, 1e6}).Draw(t, "budget")
		f := newForest(rates, rel)
		f.load()
		f.improve(budget)
		order := f.order()
		checkOrder(t, order, rel)
		start := make([]int, n)
		for i := range start {
			start[i] = i
		}
		before, after := diagram([]*list{lineUp(start, rates)}), diagram([]*list{lineUp(order, rates)})
		if c := after.Compare(before); c != Better && c != Equal {
			t.Fatalf("%v after %v: %v", after, before, c)
		}

		// The same with the names of the transactions shuffled.
		perm := rapid.Permutation(start).Draw(t, "perm")
		rates2, rel2 := make([]FeeRate, n), newRelations(n)
		for i, p := range perm {
			rates2[p] = rates[i]
			for a := rel.anc[i] &^ bit(i); a != 0; a = a.rest() {
				rel2.depend(perm[a.first()], p)
			}
		}
		f = newForest(rates2, rel2)
		f.load()
		f.improve(budget)
		order = f.order()
		checkOrder(t, order, rel2)
		if budget == 1e6 {
			again := diagram([]*list{lineUp(order, rates2)})
			if c := again.Compare(after); c != Equal {
				t.Fatalf("%v from one start and %v from another: %v", after, again, c)
			}
		}
	})
}

// The state of the search is consistent after every step.
func TestForest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 20).Draw(t, "n")
		rates, rel := genRates(t, n), genRelations(t, n)
		f := newForest(rates, rel)
		f.load()
		f.check(t)
		for range 20 {
			f.cost = 0
			f.improve(rapid.IntRange(0, 100).Draw(t, "budget"))
			f.check(t)
		}
		f.loosen()
		f.check(t)
	})
}

func (f *forest) check(t *rapid.T) {
	for i := range f.n {
		c := int(f.chunk[i])
		if !f.sets[c].has(i) || !f.sets[c].has(c) {
			t.Fatalf("%d is not in its chunk", i)
		}
		for k := f.below[i]; k != 0; k = k.rest() {
			ch := k.first()
			o := int(f.chunk[ch])
			if !f.act[i].has(ch) {
				if o != c && f.sums[c].Compare(f.sums[o]) < 0 {
					t.Fatalf("chunk %v stands above %v", f.sums[c], f.sums[o])
				}
				continue
			}
			// What is reached from i without this dependency?
			top := bit(i)
			for range f.n {
				for j := range f.n {
					for d := f.act[j]; d != 0; d = d.rest() {
						both := bit(j) | bit(d.first())
						if both != bit(i)|bit(ch) && top&both != 0 {
							top |= both
						}
					}
				}
			}
			var sum FeeRate
			for s := top; s != 0; s = s.rest() {
				sum = sum.Plus(f.rates[s.first()])
			}
			if got := *f.cut(i, ch); o != c || top.has(ch) || got.top != top || got.sum != sum {
				t.Fatalf("the cut between %d and %d is %b %v, want %b %v", i, ch, got.top, got.sum, top, sum)
			}
		}
	}
}

// Arithmetic is exact up to the largest numbers.
func TestCompareExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fee := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-1000, 1000))
		size := rapid.OneOf(rapid.Int64Range(1, 1<<62), rapid.Int64Range(1, 1000))
		a := FeeRate{fee.Draw(t, "fee"), size.Draw(t, "size")}
		b := FeeRate{fee.Draw(t, "fee"), size.Draw(t, "size")}
		x := new(big.Int).Mul(big.NewInt(a.Fee), big.NewInt(b.Size))
		y := new(big.Int).Mul(big.NewInt(b.Fee), big.NewInt(a.Size))
		if got, want := a.Compare(b), x.Cmp(y); got != want {
			t.Fatalf("%v against %v: %d, want %d", a, b, got, want)
		}
		if got, want := product(a.Fee, b.Size).more(product(b.Fee, a.Size)), x.Cmp(y) > 0; got != want {
			t.Fatalf("%v more than %v: %v", a, b, got)
		}
	})
}

func TestDiagrams(t *testing.T) {
	for _, tt := range []struct {
		name string
		a, b Diagram
		want Order
	}{
		{"both empty", nil, nil, Equal},
		{"something is better than nothing", Diagram{{1, 1}}, nil, Better},
		{"unless it costs", Diagram{{-1, 1}}, nil, Worse},
		{"more at the same place", Diagram{{10, 5}}, Diagram{{9, 5}}, Better},
		{"more later, at the same rate", Diagram{{10, 5}}, Diagram{{8, 4}}, Better},
		{"earlier and less in the end", Diagram{{10, 5}}, Diagram{{9, 1}}, Incomparable},
		{"the same line in other pieces", Diagram{{10, 5}}, Diagram{{4, 2}, {6, 3}}, Equal},
		{"a bend above the line", Diagram{{5, 1}, {5, 4}}, Diagram{{10, 5}}, Better},
		{"a bend below the line", Diagram{{10, 5}}, Diagram{{5, 1}, {5, 4}}, Worse},
		{"crossing twice", Diagram{{9, 2}, {1, 8}}, Diagram{{8, 1}, {3, 9}}, Incomparable},
		{"a tail that costs", Diagram{{10, 5}, {-1, 1}}, Diagram{{10, 5}}, Worse},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.a.Compare(tt.b); got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
			back := map[Order]Order{Better: Worse, Worse: Better, Equal: Equal, Incomparable: Incomparable}
			if got := tt.b.Compare(tt.a); got != back[tt.want] {
				t.Errorf("the other way round: %v", got)
			}
		})
	}
}

// hard makes clusters of the shapes that cost most.
func hard(shape string, n int, seed uint64) ([]FeeRate, *relations) {
	rng := rand.New(rand.NewPCG(seed, 1))
	rates, rel := make([]FeeRate, n), newRelations(n)
	for i := range rates {
		rates[i] = FeeRate{rng.Int64N(100_000), 100 + rng.Int64N(1000)}
	}
	for c := 1; c < n; c++ {
		switch shape {
		case "chain":
			rel.depend(c-1, c)
		case "tree":
			rel.depend(rng.IntN(c), c)
		case "random":
			for range 3 {
				rel.depend(rng.IntN(c), c)
			}
		case "bipartite":
			for p := range n / 2 {
				if c >= n/2 && rng.IntN(3) == 0 {
					rel.depend(p, c)
				}
			}
		}
	}
	return rates, rel
}

func BenchmarkLinearise(b *testing.B) {
	for _, shape := range []string{"chain", "tree", "random", "bipartite"} {
		b.Run(fmt.Sprintf("%s-64", shape), func(b *testing.B) {
			b.ReportAllocs()
			const kinds = 64
			var rates [kinds][]FeeRate
			var rel [kinds]*relations
			for i := range kinds {
				rates[i], rel[i] = hard(shape, 64, uint64(i))
			}
			most, unfinished := 0, 0
			for i := range kinds {
				f := newForest(rates[i], rel[i])
				f.load()
				if !f.improve(effort) {
					unfinished++
				}
				most = max(most, f.cost)
			}
			i := 0
			for b.Loop() {
				linearise(rates[i%kinds], rel[i%kinds])
				i++
			}
			b.ReportMetric(float64(most), "maxsteps")
			b.ReportMetric(float64(unfinished), "unfinished/64")
		})
	}
}
