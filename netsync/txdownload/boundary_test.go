package txdownload

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"starling/wire"
)

// numbered returns n announcements that nobody else makes.
func numbered(n int) []wire.InvVect {
	inv := make([]wire.InvVect, n)
	for i := range inv {
		inv[i].Type = wire.InvWTx
		binary.LittleEndian.PutUint32(inv[i].Hash[8:], uint32(i+1))
	}
	return inv
}

// Once the last peer that announces by witness id has gone, nobody waits for
// one.
func TestTxIDDelayEnds(t *testing.T) {
	g := newGame(t)
	g.up(1, byTxID)
	g.up(2, chosen)
	g.up(3, inbound)
	g.down(2)
	g.inv(1, "t:a")
	g.expect()
	g.wait(DefaultWait)
	g.expect("1 T:a")
	g.down(3)
	g.inv(1, "t:b")
	g.expect("1 T:b")
}

// A peer is asked in the order of its announcements, whichever came to nothing
// elsewhere first, and peers in the order in which they became due.
func TestRequestOrder(t *testing.T) {
	g := newGame(t)
	g.up(1, chosen)
	g.up(2, chosen)
	g.inv(1, "w:a", "w:b", "w:c")
	g.expect("1 w:a w:b w:c")
	g.inv(2, "w:a", "w:b", "w:c")
	g.took(g.m.NotFound(g.now, 1, []wire.InvVect{
		{Type: wire.InvWTx, Hash: g.id("c")}, {Type: wire.InvWTx, Hash: g.id("b")}, {Type: wire.InvWTx, Hash: g.id("a")},
	}))
	g.expect("2 w:a w:b w:c")

	for id := range PeerID(5) {
		g.up(10+id, inbound)
		g.inv(10+id, fmt.Sprintf("w:x%d", id))
	}
	g.wait(DefaultWait)
	g.expect("10 w:x0", "11 w:x1", "12 w:x2", "13 w:x3", "14 w:x4")
}

// What a peer has answered for is not in flight any more, and what a peer that
// has gone announced is not kept for the others' sake.
func TestAnsweredAndGone(t *testing.T) {
	g := newGame(t)
	g.up(1, chosen)
	g.up(2, inbound)
	g.inv(1, "w:a", "w:b")
	g.inv(2, "w:b", "w:c")
	g.notFound(1, "a")
	if tracked, inFlight := g.m.Announced(1); tracked != 1 || inFlight != 1 {
		t.Errorf("of two, one not found: %d tracked, %d in flight", tracked, inFlight)
	}
	target := g.m.requests.targets[g.id("b")]
	if len(target.anns) != 2 {
		t.Fatalf("%d announcers", len(target.anns))
	}
	g.down(1)
	if len(target.anns) != 1 || target.anns[0].peer.id != 2 {
		t.Errorf("%d announcers are left", len(target.anns))
	}
	if s := g.m.Stats(); s.Tracked != 2 {
		t.Errorf("%+v", s)
	}
}

// A peer's answer may name as many transactions as can be asked of it.
func TestLongestNotFound(t *testing.T) {
	for n, want := range map[int]int{MaxAnnounced: 0, MaxAnnounced + 1: 1} {
		g := newGame(t)
		g.up(1, chosen)
		g.inv(1, "w:a")
		inv := numbered(n)
		inv[n-1].Hash = g.id("a")
		g.m.NotFound(g.now, 1, inv)
		if s := g.m.Stats(); s.Tracked != want {
			t.Errorf("not found %d: %d tracked, want %d", n, s.Tracked, want)
		}
	}
}

// The parents of an orphan count among what a peer may announce: the orphan is
// kept for it if they just fit.
func TestParentsWithinLimit(t *testing.T) {
	for _, c := range []struct {
		announced int
		kept      bool
	}{{MaxAnnounced - 2, true}, {MaxAnnounced - 1, false}} {
		g := newGame(t)
		g.up(1, chosen)
		g.m.Inv(g.now, 1, numbered(c.announced))
		child := spend("c", coin(1), coin(2))
		g.judge(1, child)
		g.out = nil
		if f := g.refuse(1, child, InputsMissing); f.Orphan != c.kept {
			t.Errorf("%d announced, two parents missing: kept %v", c.announced, f.Orphan)
		}
	}
}

// Who announces an orphan of which nothing is missing any more does not come to
// stand for it: there is nothing to ask of him.
func TestOrphanThatWaitsForNothing(t *testing.T) {
	g := newGame(t)
	g.up(1, chosen)
	g.up(2, chosen)
	p := spend("p", coin(1))
	c := spend("c", out(p, 0))
	g.judge(1, c)
	g.refuse(1, c, InputsMissing)
	g.pool.put(p)
	g.invTx(2, c)
	if o := g.m.Orphans(); len(o) != 1 || !slices.Equal(o[0].From, []PeerID{1}) {
		t.Errorf("%+v", o)
	}
}

// The heaviest transaction that is relayed is the heaviest orphan.
func TestHeaviestOrphan(t *testing.T) {
	rest := heavy(1, 100_000).Weight() - 100_000
	for weight, kept := range map[int]bool{400_000: true, 400_001: false} {
		o := newTestOrphanage()
		tx := heavy(1, weight-rest)
		if tx.Weight() != weight {
			t.Fatalf("weight %d", tx.Weight())
		}
		o.add(time.Time{}, tx, nil, 1)
		if o.has(tx.WTxID()) != kept {
			t.Errorf("weight %d: kept %v", weight, !kept)
		}
	}
}

// An announcement costs one, and one more for every ten inputs.
func TestOrphanScore(t *testing.T) {
	for inputs, want := range map[int]int{1: 1, 9: 1, 10: 2, 25: 3} {
		o := newTestOrphanage()
		var ops []wire.OutPoint
		for i := range inputs {
			ops = append(ops, wire.OutPoint{Hash: coin(1).Hash, Index: uint32(i)})
		}
		tx := spend("", ops...)
		o.add(time.Time{}, tx, nil, 1)
		o.add(time.Time{}, tx, nil, 2)
		if o.score != 2*want {
			t.Errorf("%d inputs, two announcers: %d", inputs, o.score)
		}
	}
}

// light returns small orphans that differ.
func light(n, from int) []*wire.Tx {
	txs := make([]*wire.Tx, n)
	for i := range txs {
		txs[i] = wire.NewTx(2, []wire.TxIn{{PrevOut: wire.OutPoint{Hash: coin(9).Hash, Index: uint32(from + i)}}}, []wire.TxOut{{}}, 0)
	}
	return txs
}

// weighing returns an orphan of exactly the given weight.
func weighing(n byte, weight int) *wire.Tx {
	return heavy(n, weight-(heavy(n, 100_000).Weight()-100_000))
}

// Room that is just used up is not too much.
func TestOrphanageFull(t *testing.T) {
	o := newTestOrphanage()
	for _, tx := range []*wire.Tx{weighing(1, 204_000), weighing(2, 200_000)} {
		o.add(time.Time{}, tx, nil, 1)
	}
	if len(o.byID) != 2 || o.weight != ReservedWeight {
		t.Errorf("by weight: %d orphans, weight %d", len(o.byID), o.weight)
	}
	o = newTestOrphanage()
	for i, tx := range light(MaxOrphanScore+1, 0) {
		o.add(time.Time{}, tx, nil, PeerID(i%2)) // each alone would have too much weight
		if want := min(i+1, MaxOrphanScore); len(o.byID) != want {
			t.Fatalf("%d added: %d orphans", i+1, len(o.byID))
		}
	}
}

// Weight and number both count, each by the share of what a peer may have. With
// two peers that is 404,000 of weight and a score of 1,500 each.
func TestWorstPeer(t *testing.T) {
	fill := func(many int, heavy ...int) *orphanage {
		o := newTestOrphanage()
		for _, tx := range light(many, 0) {
			o.add(time.Time{}, tx, nil, 1)
		}
		for i, w := range heavy {
			o.add(time.Time{}, weighing(byte(i), w), nil, 2)
		}
		return o
	}
	count := func(o *orphanage) [2]int { return [2]int{len(o.peers[1].claims), len(o.peers[2].claims)} }

	// 1,617 orphans of 240 are 0.96 by weight and 1.08 by number; the two heavy
	// ones are 1.04 by weight. The next light one is one too many.
	o := fill(1616, 210_000, 210_000)
	if got := count(o); got != [2]int{1616, 2} {
		t.Fatalf("up to the limit: %v", got)
	}
	o.add(time.Time{}, light(1, 5000)[0], nil, 1)
	if got := count(o); got != [2]int{1616, 2} {
		t.Errorf("too many light ones: left are %v", got)
	}
	o.check(t)

	// 500 light ones are 0.33 by number.
	o = fill(500, 230_000, 230_000, 220_000)
	if got := count(o); got != [2]int{500, 3} {
		t.Fatalf("up to the limit: %v", got)
	}
	o.add(time.Time{}, weighing(7, 30_000), nil, 2)
	if got := count(o); got != [2]int{500, 3} {
		t.Errorf("too much weight: left are %v", got)
	}
	o.check(t)
}

// Of peers that use equal shares the one with the highest number gives way, in
// every run.
func TestWorstOfEquals(t *testing.T) {
	const peers = 8
	for last := range peers {
		o := newTestOrphanage()
		n := byte(0)
		for round := range 2 {
			for i := range peers {
				n++
				o.add(time.Time{}, weighing(n, 202_000+round), nil, PeerID((last+1+i)%peers+1))
			}
		}
		for id := range PeerID(peers) {
			want := 2
			if id+1 == peers {
				want = 1
			}
			if got := len(o.peers[id+1].claims); got != want {
				t.Errorf("peer %d was last: peer %d has %d, want %d", last+1, id+1, got, want)
			}
		}
		o.check(t)
	}
}

// An orphan that is to be tried again gives way if its peer has no other.
func TestOrphanWithWorkGivesWay(t *testing.T) {
	o := newTestOrphanage()
	p := spend("", coin(1))
	var mine []*wire.Tx
	for i := range uint32(2) {
		tx := wire.NewTx(2, []wire.TxIn{{PrevOut: out(p, i), Witness: wire.NewWitness(make([]byte, 390_000))}}, []wire.TxOut{{}}, 0)
		mine = append(mine, tx)
	}
	o.add(time.Time{}, heavy(1, 100), nil, 1)
	for _, tx := range mine {
		o.add(time.Time{}, tx, nil, 2)
	}
	o.arrived(p)
	o.add(time.Time{}, heavy(2, 100_000), nil, 1)
	o.check(t)
	if o.has(mine[0].WTxID()) || !o.has(mine[1].WTxID()) {
		t.Error("not the oldest of the peer that has too much has gone")
	}
}

// Two orphans that spend the same: when one goes the other is still found, and
// when both have gone nothing is left of them.
func TestOrphansOfOneOutput(t *testing.T) {
	o := newTestOrphanage()
	p := spend("", coin(1))
	a, b := spend("a", out(p, 0)), spend("b", out(p, 0))
	o.add(time.Time{}, a, nil, 1)
	o.add(time.Time{}, b, nil, 1)
	o.erase(a.WTxID())
	o.arrived(p)
	if _, tx, ok := o.next(); !ok || tx != b {
		t.Error("the other one is not tried")
	}
	o.erase(b.WTxID())
	if len(o.spending) != 0 || len(o.peers) != 0 {
		t.Errorf("%d outputs and %d peers are kept", len(o.spending), len(o.peers))
	}
}

// Of the children of a parent those come first that are to be tried again, then
// the newest.
func TestChildrenOrder(t *testing.T) {
	o := newTestOrphanage()
	p := wire.NewTx(2, []wire.TxIn{{PrevOut: coin(1)}}, make([]wire.TxOut, 4), 0)
	other := spend("", coin(2))
	awake := spend("", out(p, 3), out(other, 0))
	older, newer := spend("", out(p, 1)), spend("", out(p, 0))
	for _, tx := range []*wire.Tx{awake, older, newer} {
		o.add(time.Time{}, tx, nil, 1)
	}
	o.add(time.Time{}, spend("", out(p, 2)), nil, 2) // somebody else's
	o.arrived(other)
	if got := o.children(p, 1); !slices.Equal(got, []*wire.Tx{awake, newer, older}) {
		t.Errorf("%d children, in another order", len(got))
	}
}
