package relay

import (
	"testing"
	"time"

	"starling/mempool"
	"starling/wire"
)

// wantsOnly is a filter that wants some transactions, and counts what it is asked.
type wantsOnly struct {
	these map[wire.Hash]bool
	asked int
}

func (w *wantsOnly) Wants(tx *wire.Tx) bool {
	w.asked++
	return w.these[tx.TxID()]
}

func only(es ...*mempool.Entry) *wantsOnly {
	w := &wantsOnly{these: map[wire.Hash]bool{}}
	for _, e := range es {
		w.these[e.TxID] = true
	}
	return w
}

// TestFilter: a link with a filter hears of what it wants, and without it of all.
func TestFilter(t *testing.T) {
	g := newGame(t, Config{})
	g.up(1, in)
	g.up(2, in)
	a, b, c := g.entry(1000), g.entry(1000), g.entry(1000)
	g.m.SetFilter(1, only(b))
	g.m.SetFilter(99, only(b)) // a link that has ended
	g.add(a, b)
	g.run(time.Minute)
	g.wantTold(1, b)
	if n := len(g.told(2)); n != 2 {
		t.Errorf("a link without a filter was told of %d", n)
	}
	// What was not wanted is not taken for known.
	g.m.SetFilter(1, only(a))
	g.m.Mempool(g.now, 1)
	g.run(time.Minute)
	g.wantTold(1, a)
	g.m.SetFilter(1, nil)
	g.add(c)
	g.run(time.Minute)
	g.wantTold(1, c)
	// The parent of a wanted transaction is not told unless it is wanted.
	p := g.entry(1000)
	child := g.entry(5000, p)
	g.m.SetFilter(1, only(child))
	g.add(p, child)
	g.run(time.Minute)
	g.wantTold(1, child)
}

// TestFilterWakes: a link that wanted nothing is told of new transactions once it
// has set a filter, or taken one away, and of those before them when it asks.
func TestFilterWakes(t *testing.T) {
	g := newGame(t, Config{})
	quiet := PeerInfo{Inbound: true, WTxID: true}
	g.up(1, quiet)
	g.up(2, quiet)
	a, b := g.entry(1000), g.entry(1000)
	g.add(a, b)
	g.run(time.Minute)
	g.wantTold(1)
	g.m.SetFilter(1, only(b))
	g.m.SetFilter(2, nil)
	c := g.entry(1000)
	g.add(c)
	g.run(time.Minute)
	g.wantTold(1)
	g.wantTold(2, c)
	g.m.Mempool(g.now, 1)
	g.m.Mempool(g.now, 2)
	g.run(time.Minute)
	g.wantTold(1, b)
	if n := len(g.told(2)); n != 3 {
		t.Errorf("told of %d", n)
	}
}

// TestFilterTakesTurns: no more is put to a filter in one turn than is said,
// however much the pool holds, and all of it in the end; also when the peer asks
// for all.
func TestFilterTakesTurns(t *testing.T) {
	g := newGame(t, Config{})
	all := g.many(10_000)
	last := all[len(all)-1]
	most := int(filteredSize/last.VSize) + 1
	g.up(1, PeerInfo{Inbound: true})
	f := only(all[5], last)
	g.m.SetFilter(1, f)
	g.add(all...)
	step := func() bool {
		before := f.asked
		next := g.m.NextDeadline(g.now)
		if next.IsZero() {
			return false
		}
		g.now = next
		g.tick()
		if n := f.asked - before; n > most {
			t.Fatalf("%d were put to the filter in one turn, limit %d", n, most)
		}
		return true
	}
	for step() {
	}
	if n := len(g.told(1)); n != 2 || f.asked != len(all) {
		t.Errorf("told of %d, %d were put to the filter", n, f.asked)
	}
	g.m.Mempool(g.now, 1)
	step() // when it comes hangs on chance
	turns, first := 1, g.now
	for step() {
		turns++
	}
	if g.now.Sub(first) != time.Duration(turns-1)*EagerDelay {
		t.Errorf("%d turns took %v", turns, g.now.Sub(first))
	}
	if n := len(g.told(1)); n != 2 || f.asked != 2*len(all) || turns < 2 {
		t.Errorf("of all: told of %d in %d turns, %d were put to the filter", n, turns, f.asked)
	}
}
