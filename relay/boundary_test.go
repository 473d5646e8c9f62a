package relay

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"starling/mempool"
	"starling/peer"
	"starling/wire"
)

// The steps that fee filters are rounded to rise, from half the incremental fee
// to the greatest, and the lower neighbour is drawn two times out of three.
func TestFilterSteps(t *testing.T) {
	for _, incremental := range []mempool.FeeRate{0, 2, 100, 1000} {
		r := newFilterRounder(incremental)
		for i := 1; i < len(r); i++ {
			if r[i] <= r[i-1] {
				t.Fatalf("incremental fee %d: step %d is %d after %d", incremental, i, r[i], r[i-1])
			}
		}
		if want := max(1, incremental/2); r[1] != want {
			t.Errorf("incremental fee %d: the first step is %d", incremental, r[1])
		}
	}
	if top := newFilterRounder(20_000_000).top(); top != 10_000_000 {
		t.Errorf("the greatest step is %d", top)
	}
	r, rng := newFilterRounder(100), rand.New(rand.NewPCG(1, 2))
	lower := 0
	for range 3000 {
		if r.round(rng, 12_345) < 12_345 {
			lower++
		}
	}
	if lower < 1850 || lower > 2150 {
		t.Errorf("the lower neighbour was drawn %d times of 3000", lower)
	}
}

// A filter is sent ahead of its time if what it says has moved by more than a
// third up or a quarter down, unless it is due within five minutes anyway.
func TestFilterHurries(t *testing.T) {
	const sent = 1200
	for _, c := range []struct {
		name string
		rate mempool.FeeRate
		left time.Duration
		soon bool
	}{
		{"a quarter down", 900, 9 * time.Minute, false},
		{"more than a quarter down", 899, 9 * time.Minute, true},
		{"a third up", 1600, 9 * time.Minute, false},
		{"more than a third up", 1601, 9 * time.Minute, true},
		{"due in five minutes", 5000, 5 * time.Minute, false},
		{"due in a little more", 5000, 5*time.Minute + 1, true},
	} {
		g := newGame(t, Config{})
		info := out
		info.SendFilter = true
		g.up(1, info)
		l := g.m.peers[1]
		l.filterSent, l.filterDue = sent, g.now.Add(c.left)
		g.m.Tick(g.now, State{MinFee: c.rate})
		if got := l.filterDue.Sub(g.now); got != c.left && !c.soon || c.soon && got >= 5*time.Minute {
			t.Errorf("%s: due in %v", c.name, got)
		}
	}
}

// A filter of zero lets all through, and one below is none.
func TestFilterFalls(t *testing.T) {
	g := newGame(t, Config{})
	g.up(1, out)
	g.m.FeeFilter(1, 2000)
	e := g.entry(1900)
	g.add(e)
	g.run(time.Minute)
	g.wantTold(1)
	g.m.FeeFilter(1, 0)
	g.m.FeeFilter(1, -1)
	e = g.entry(1)
	g.add(e)
	g.run(time.Minute)
	g.wantTold(1, e)
	if s, _ := g.m.Peer(1); s.FeeFilter != 0 {
		t.Errorf("filter %d", s.FeeFilter)
	}
}

// As many transactions may wait as there is room for; one more, and the half
// that pays less is not announced.
func TestQueueFull(t *testing.T) {
	g := newGame(t, Config{OutboundDelay: 1000 * time.Hour})
	g.up(1, out)
	e := *g.entry(1000)
	add := func(i int) {
		x := e
		x.TxID[20], x.TxID[21], x.TxID[22] = byte(i), byte(i>>8), byte(i>>16)
		x.WTxID = x.TxID
		g.m.TxAdded(&x)
	}
	for i := range maxWaiting {
		add(i)
	}
	g.m.Tick(g.now, g.st)
	if s, _ := g.m.Peer(1); s.Waiting != maxWaiting {
		t.Errorf("%d wait", s.Waiting)
	}
	add(maxWaiting)
	g.m.Tick(g.now, g.st)
	if s, _ := g.m.Peer(1); s.Waiting != maxWaiting/2 {
		t.Errorf("one more, and %d wait", s.Waiting)
	}
}

// firstTurn returns the first announcements that a peer gets from now on.
func (g *game) firstTurn(id PeerID) []wire.Hash {
	g.told(id)
	for len(g.sent[id]) == 0 {
		g.now = g.m.NextDeadline(g.now)
		g.tick()
	}
	return g.told(id)
}

// In one turn 70 are told of, or more if thousands wait. Own ones that are told
// again take half of it at most where there are new ones, which take the rest.
func TestTurnOfOwn(t *testing.T) {
	for _, c := range []struct{ own, fresh, wantOwn, wantFresh int }{
		{500, 0, 70, 0}, {500, 100, 35, 35}, {2000, 1000, 42, 43}, {20, 100, 20, 50}, {500, 10, 35, 10},
	} {
		g := newGame(t, Config{})
		g.up(1, out)
		own := g.many(c.own)
		g.add(own...)
		for _, e := range own {
			g.m.Own(g.now, e.TxID)
		}
		g.run(9 * time.Minute)
		g.now = g.m.own.next
		g.m.Tick(g.now, g.st) // all wait again
		fresh := g.many(c.fresh)
		g.add(fresh...)
		if s, _ := g.m.Peer(1); s.Waiting != c.own+c.fresh {
			t.Errorf("%+v: %d wait", c, s.Waiting)
		}
		gotOwn, gotFresh := 0, 0
		for _, h := range g.firstTurn(1) {
			if slices.ContainsFunc(fresh, func(e *mempool.Entry) bool { return e.WTxID == h }) {
				gotFresh++
			} else {
				gotOwn++
			}
		}
		if gotOwn != c.wantOwn || gotFresh != c.wantFresh {
			t.Errorf("%+v: %d own ones, %d new ones", c, gotOwn, gotFresh)
		}
	}
}

// A queue that was long does not keep its memory.
func TestQueueShrinks(t *testing.T) {
	g := newGame(t, Config{})
	g.up(1, out)
	g.add(g.many(20_000)...)
	g.run(3 * time.Hour)
	if got := len(g.told(1)); got != 20_000 {
		t.Fatalf("%d told", got)
	}
	if c := cap(g.m.peers[1].queue); c > 4*1024 {
		t.Errorf("an empty queue has room for %d", c)
	}
}

// Trusted peers are told at once, but not more often than every 100 ms.
func TestEagerTurns(t *testing.T) {
	g := newGame(t, Config{})
	g.up(1, PeerInfo{Wants: true, WTxID: true, Eager: true})
	start := g.now
	g.add(g.entry(1000))
	g.add(g.entry(1000))
	g.run(time.Second)
	if at := g.at[1]; len(at) != 2 || !at[0].Equal(start) || at[1].Sub(at[0]) != 100*time.Millisecond {
		t.Errorf("told at %v from %v on", at, start)
	}
}

// Links are served in the order of their numbers, whenever they came, and who
// has gone is not served.
func TestOrderOfLinks(t *testing.T) {
	g := newGame(t, Config{})
	eager := PeerInfo{Wants: true, WTxID: true, Eager: true}
	for _, id := range []PeerID{4, 2, 5, 1, 3} {
		g.up(id, eager)
	}
	served := func() (ids []PeerID) {
		g.now = g.now.Add(time.Second)
		g.m.TxAdded(g.entry(1000))
		for _, a := range g.m.Tick(g.now, g.st) {
			ids = append(ids, a.Peer)
		}
		return ids
	}
	if got := served(); !slices.Equal(got, []PeerID{1, 2, 3, 4, 5}) {
		t.Errorf("served %v", got)
	}
	g.m.PeerDown(2)
	g.m.PeerDown(9) // nobody
	if got := served(); !slices.Equal(got, []PeerID{1, 3, 4, 5}) {
		t.Errorf("served %v", got)
	}
	if _, ok := g.m.Peer(2); ok {
		t.Error("a link that has gone is still known")
	}
	if _, ok := g.m.Peer(3); !ok {
		t.Error("another one is not")
	}
}

// A transaction that is not new is told again to those who are not known to
// have it.
func TestAgain(t *testing.T) {
	g := newGame(t, Config{})
	g.up(1, out)
	g.up(2, PeerInfo{WTxID: true}) // wants none
	e := g.entry(1000)
	g.add(e)
	g.run(time.Minute)
	g.wantTold(1, e)
	g.m.Again(g.now, e.TxID)
	g.run(time.Minute)
	g.wantTold(1)
	g.up(3, out)
	g.run(time.Minute)
	g.wantTold(3)
	g.m.Again(g.now, wire.Hash{7}) // not in the pool
	g.m.Again(g.now, e.TxID)
	g.run(time.Minute)
	g.wantTold(1)
	g.wantTold(3, e)
	g.m.peers[3].info.Known = new(peer.Known) // it is not known to have it any more
	g.m.Again(g.now, e.TxID)
	g.run(time.Minute)
	g.wantTold(1)
	g.wantTold(2)
	g.wantTold(3, e)
}

// Of own transactions that blocks hold the last thousand are remembered.
func TestMinedAreBounded(t *testing.T) {
	g := newGame(t, Config{})
	own := g.many(maxMined + 1)
	g.add(own...)
	for _, e := range own {
		g.m.Own(g.now, e.TxID)
	}
	for i, e := range own {
		g.m.TxRemoved(e, mempool.RemovedBlock)
		if i+1 == maxMined {
			g.tick()
			if n := len(g.m.own.mined); n != maxMined {
				t.Errorf("%d mined, %d remembered", maxMined, n)
			}
			g.add(own[0]) // the first is known as long as there are not more
			if got := g.m.Owned(); !slices.Contains(got, own[0].TxID) {
				t.Error("the first one is forgotten")
			}
			g.m.TxRemoved(own[0], mempool.RemovedBlock)
		}
	}
	g.tick()
	if n := len(g.m.own.is); n != maxMined || len(g.m.own.mined) != maxMined {
		t.Errorf("%d are remembered", n)
	}
	g.add(own[1])
	if got := g.m.Owned(); len(got) != 0 {
		t.Error("one too many is remembered")
	}
}

// Who asks for all that there is gets it best fee rate first.
func TestMempoolOrder(t *testing.T) {
	g := newGame(t, Config{})
	g.up(1, in)
	var all []*mempool.Entry
	for _, rate := range []int64{3000, 9000, 1000, 7000, 5000} {
		all = append(all, g.entry(rate))
	}
	g.add(all...)
	g.run(time.Minute)
	g.told(1)
	g.m.Mempool(g.now, 1)
	g.run(time.Minute)
	g.wantTold(1, all[1], all[3], all[4], all[0], all[2])
}

// TestLimitTies lets more wait for a link than may, all of one fee rate: what is
// kept does not hang on the order in which it came, which may be that of a map.
func TestLimitTies(t *testing.T) {
	waiting := make([]*item, maxWaiting+10)
	for i := range waiting {
		waiting[i] = &item{txid: wire.Hash{byte(i), byte(i >> 8), byte(i >> 16)}, rate: 100, entry: new(mempool.Entry)}
	}
	keep := func() queue {
		l := &link{queue: slices.Clone(waiting)}
		l.limit()
		return l.queue
	}
	first := keep()
	slices.Reverse(waiting)
	if again := keep(); len(first) != maxWaiting/2 || !slices.Equal(first, again) {
		t.Errorf("%d and %d are kept, not the same ones", len(first), len(again))
	}
}
