package headertree

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"starling/params"
	"starling/wire"
)

func TestMedianTime(t *testing.T) {
	// The median is taken by sorting all of the last eleven.
	rng := rand.New(rand.NewPCG(1, 2))
	tree := New(params.Regtest())
	n := tree.Genesis()
	times := []int64{n.Time()}
	for range 200 {
		h := wire.Header{PrevBlock: n.Hash, Timestamp: 1_500_000_000 + uint32(rng.IntN(30)), Bits: 0x207fffff}
		var err error
		if n, err = tree.Restore(&h, 0); err != nil {
			t.Fatal(err)
		}
		times = append(times, n.Time())
		last := slices.Clone(times[max(0, len(times)-11):])
		slices.Sort(last)
		if got, want := n.MedianTime(), last[len(last)/2]; got != want {
			t.Fatalf("height %d: %d, want %d", n.Height, got, want)
		}
	}
}

func TestAncestor(t *testing.T) {
	tree := New(params.Regtest())
	const top = 5000
	n := restore(t, tree, tree.Genesis(), top, 1, 0x207fffff)
	chain := make([]*Node, top+1)
	for w := n; w != nil; w = w.Parent {
		chain[w.Height] = w
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		from := rng.IntN(top + 1)
		to := rng.IntN(from + 1)
		if got := chain[from].Ancestor(int32(to)); got != chain[to] {
			t.Fatalf("from %d to %d: height %d", from, to, got.Height)
		}
	}
	if n.Ancestor(-1) != nil || n.Ancestor(top+1) != nil || n.Ancestor(top) != n {
		t.Error("ends of the chain")
	}
	if !chain[10].IsAncestorOf(n) || !n.IsAncestorOf(n) || n.IsAncestorOf(chain[10]) {
		t.Error("IsAncestorOf on one chain")
	}
	other := restore(t, tree, chain[100], 5, 2, 0x207fffff)
	if chain[101].IsAncestorOf(other) || !chain[100].IsAncestorOf(other) || other.IsAncestorOf(n) {
		t.Error("IsAncestorOf across a fork")
	}
}

// TestAncestorSteps bounds the steps over a long chain, by the heights alone.
func TestAncestorSteps(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 20_000 {
		from := 1 + rng.Int32N(2_000_000)
		to := rng.Int32N(from)
		steps := 0
		for h := from; h > to; steps++ {
			skip, before := skipHeight(h), skipHeight(h-1)
			if skip == to || (skip > to && !(before < skip-2 && before >= to)) {
				h = skip
			} else {
				h--
			}
		}
		if steps > 130 {
			t.Fatalf("%d steps from %d to %d", steps, from, to)
		}
	}
}

func TestFork(t *testing.T) {
	tree := New(params.Regtest())
	trunk := restore(t, tree, tree.Genesis(), 1000, 1, 0x207fffff)
	for _, tt := range []struct{ at, a, b int }{{1000, 0, 0}, {1000, 5, 0}, {1000, 3, 7}, {0, 300, 299}, {512, 100, 1}, {511, 1, 100}, {999, 2, 2}} {
		t.Run(fmt.Sprint(tt), func(t *testing.T) {
			at := trunk.Ancestor(int32(tt.at))
			a := restore(t, tree, at, tt.a, 2, 0x207fffff)
			b := restore(t, tree, at, tt.b, 3, 0x207fffff)
			if Fork(a, b) != at || Fork(b, a) != at {
				t.Fatalf("height %d", Fork(a, b).Height)
			}
		})
	}
	if Fork(trunk, nil) != nil || Fork(nil, trunk) != nil || Fork(trunk, New(params.Main()).Genesis()) != nil {
		t.Error("what has no fork has one")
	}
}

func TestLocator(t *testing.T) {
	tree := New(params.Regtest())
	n := restore(t, tree, tree.Genesis(), 1000, 1, 0x207fffff)
	for _, tt := range []struct {
		height int32
		want   []int32
	}{
		{0, []int32{0}},
		{1, []int32{1, 0}},
		{12, []int32{12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0}},
		{1000, []int32{1000, 999, 998, 997, 996, 995, 994, 993, 992, 991, 990, 989, 987, 983, 975, 959, 927, 863, 735, 479, 0}},
	} {
		var got []int32
		for _, h := range Locator(n.Ancestor(tt.height)) {
			got = append(got, tree.Lookup(h).Height)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("height %d: %v, want %v", tt.height, got, tt.want)
		}
	}
	if Locator(nil) != nil {
		t.Error("locator of nothing")
	}
}

func TestStatusBits(t *testing.T) {
	n := New(params.Regtest()).Genesis()
	n.SetStatus(Pruned | Connected | Failed | FailedParent)
	if n.Status() != Pruned|Connected || n.Failed() {
		t.Fatalf("status %b", n.Status())
	}
	if n.Data() != nil {
		t.Fatal("data from nowhere")
	}
	d := &Data{Size: 5}
	n.SetData(d)
	if n.Data() != d {
		t.Fatal("other data")
	}
}

// A node has bits only if it has all of them.
func TestHas(t *testing.T) {
	for _, c := range []struct {
		set, ask Status
		want     bool
	}{
		{0, 0, true}, {0, Connected, false}, {Connected, Connected, true}, {Connected, Pruned, false},
		{Connected, Connected | Pruned, false}, {Connected | Pruned, Connected, true}, {Connected | Pruned, Connected | Pruned, true},
	} {
		var n Node
		if n.SetStatus(c.set); n.Has(c.ask) != c.want {
			t.Errorf("%b has %b: %v", c.set, c.ask, !c.want)
		}
	}
}
