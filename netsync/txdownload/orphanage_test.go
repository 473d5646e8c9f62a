package txdownload

import (
	"math/rand/v2"
	"testing"
	"time"

	"starling/wire"
)

func newTestOrphanage() *orphanage { return newOrphanage(rand.New(rand.NewPCG(1, 2))) }

// heavy makes an orphan of about the given weight.
func heavy(n byte, weight int) *wire.Tx {
	in := []wire.TxIn{{PrevOut: coin(n), Witness: wire.NewWitness(make([]byte, weight))}}
	return wire.NewTx(2, in, []wire.TxOut{{Value: int64(n)}}, uint32(n))
}

// check recounts everything.
func (o *orphanage) check(t interface{ Fatalf(string, ...any) }) {
	weight, score, spends := 0, 0, 0
	for id, x := range o.byID {
		if id != x.wtxid || len(x.from) == 0 {
			t.Fatalf("orphan %v has %d announcers", id, len(x.from))
		}
		weight += x.weight
		work := 0
		seen := map[PeerID]bool{}
		for _, c := range x.from {
			if seen[c.peer] || c.orphan != x {
				t.Fatalf("peer %d has announced %v twice", c.peer, id)
			}
			seen[c.peer] = true
			if c.work {
				work++
			}
		}
		if work > 1 {
			t.Fatalf("%v is to be tried %d times", id, work)
		}
		spends += len(x.tx.In)
	}
	claims := 0
	for peer, a := range o.peers {
		w, s, work := 0, 0, 0
		last := uint64(0)
		for _, c := range a.claims {
			claims++
			if c.peer != peer || c.seq <= last || o.byID[c.orphan.wtxid] != c.orphan {
				t.Fatalf("a claim of peer %d is out of place", peer)
			}
			last = c.seq
			w += c.orphan.weight
			s += c.orphan.score
			if c.work {
				work++
			}
		}
		if len(a.claims) == 0 || w != a.weight || s != a.score || work != a.work {
			t.Fatalf("account of peer %d: %d claims, weight %d of %d, score %d of %d, work %d of %d", peer, len(a.claims), a.weight, w, a.score, s, a.work, work)
		}
		score += s
	}
	n := 0
	for _, list := range o.spending {
		n += len(list)
	}
	if weight != o.weight || score != o.score || n != spends || o.byAge.Len() != len(o.byID) {
		t.Fatalf("weight %d of %d, score %d of %d, spends %d of %d, %d by age of %d", o.weight, weight, o.score, score, n, spends, o.byAge.Len(), len(o.byID))
	}
	if score > MaxOrphanScore || weight > ReservedWeight*max(1, len(o.peers)) {
		t.Fatalf("too much: score %d, weight %d of %d peers", score, weight, len(o.peers))
	}
}

// TestReserved has one peer flood the orphanage, by weight and by number. What
// another peer has within its share stays.
func TestReserved(t *testing.T) {
	for _, tc := range []struct {
		name          string
		weight, flood int
	}{{"by weight", 390_000, 50}, {"by number", 10, 4000}} {
		t.Run(tc.name, func(t *testing.T) {
			o := newTestOrphanage()
			now := time.Unix(0, 0)
			honest := heavy(1, 300_000)
			if tc.weight < 1000 {
				honest = heavy(1, 1000)
			}
			o.add(now, honest, nil, 1)
			for i := range tc.flood {
				tx := wire.NewTx(2, []wire.TxIn{{PrevOut: wire.OutPoint{Hash: coin(2).Hash, Index: uint32(i)},
					Witness: wire.NewWitness(make([]byte, tc.weight))}}, []wire.TxOut{{}}, 0)
				o.add(now, tx, nil, 2)
				if !o.has(tx.WTxID()) {
					t.Fatal("the newest one goes, not the oldest")
				}
				if i%(tc.flood/8) == 0 {
					o.check(t)
				}
			}
			o.check(t)
			if !o.hasFrom(honest.WTxID(), 1) {
				t.Error("the flood has driven out what another peer had announced")
			}
			if n := len(o.peers[2].claims); n == 0 || tc.weight == 10 && n < MaxOrphanScore-2 {
				t.Errorf("%d of the flood are left", n)
			}
		})
	}
}

// TestShared has a flooder announce what another peer has announced, too. It
// goes on its account, and the other's stays.
func TestShared(t *testing.T) {
	o := newTestOrphanage()
	now := time.Unix(0, 0)
	tx := heavy(1, 200_000)
	o.add(now, tx, nil, 1)
	o.add(now, tx, nil, 2)
	for i := range byte(10) {
		o.add(now, heavy(10+i, 390_000), nil, 2)
		o.check(t)
	}
	x := o.byID[tx.WTxID()]
	if x == nil || len(x.from) != 1 || x.from[0].peer != 1 {
		t.Errorf("%+v", x)
	}
}

// TestTurns has two peers' orphans wait for the same parent: they are tried in
// turn, however many one of them has.
func TestTurns(t *testing.T) {
	o := newTestOrphanage()
	now := time.Unix(0, 0)
	p := wire.NewTx(2, []wire.TxIn{{PrevOut: coin(1)}}, make([]wire.TxOut, 30), 0)
	for i := range uint32(25) {
		o.add(now, spend("", out(p, i)), nil, 1)
	}
	for i := range uint32(3) {
		o.add(now, spend("", out(p, 25+i)), nil, 2)
	}
	o.arrived(p)
	var turns []PeerID
	for {
		peer, tx, ok := o.next()
		if !ok {
			break
		}
		turns = append(turns, peer)
		o.erase(tx.WTxID())
		o.check(t)
	}
	want := []PeerID{1, 2, 1, 2, 1, 2, 1, 1}
	if len(turns) != 28 {
		t.Fatalf("%d turns", len(turns))
	}
	for i, p := range want {
		if turns[i] != p {
			t.Fatalf("turns: %v", turns)
		}
	}
}

// TestWorkMoves has the peer leave on whose account an orphan was to be tried.
func TestWorkMoves(t *testing.T) {
	for seed := range uint64(8) {
		o := newOrphanage(rand.New(rand.NewPCG(seed, 0)))
		p := spend("", coin(1))
		c := spend("", out(p, 0))
		o.add(time.Time{}, c, nil, 1)
		o.add(time.Time{}, c, nil, 2)
		o.arrived(p)
		o.peerDown(1)
		o.check(t)
		if peer, tx, ok := o.next(); !ok || tx != c || peer != 2 {
			t.Fatal("the orphan is not tried any more")
		}
	}
}

// TestTooHeavy does not keep what would not be relayed.
func TestTooHeavy(t *testing.T) {
	o := newTestOrphanage()
	o.add(time.Time{}, heavy(1, MaxOrphanWeight), nil, 1)
	o.check(t)
	if len(o.byID) != 0 {
		t.Error("kept")
	}
}
