package txdownload

import (
	"slices"
	"testing"
	"time"

	"starling/wire"
)

// coin returns an outpoint that nobody knows.
func coin(n byte) wire.OutPoint { return wire.OutPoint{Hash: wire.Hash{0xc0, n}} }

// spend makes a transaction that spends outputs, with a witness if wit is not
// empty.
func spend(wit string, ops ...wire.OutPoint) *wire.Tx {
	var in []wire.TxIn
	for _, op := range ops {
		i := wire.TxIn{PrevOut: op}
		if wit != "" {
			i.Witness = wire.NewWitness([]byte(wit))
		}
		in = append(in, i)
	}
	return wire.NewTx(2, in, []wire.TxOut{{Value: 1}, {Value: 2}}, 0)
}

func out(tx *wire.Tx, i uint32) wire.OutPoint { return wire.OutPoint{Hash: tx.TxID(), Index: i} }

// call names a transaction in what a test expects.
func (g *game) call(name string, tx *wire.Tx) *wire.Tx {
	g.name[tx.TxID()] = name + ".txid"
	g.name[tx.WTxID()] = name
	if tx.TxID() == tx.WTxID() {
		g.name[tx.TxID()] = name
	}
	return tx
}

func (g *game) invTx(id PeerID, txs ...*wire.Tx) {
	g.t.Helper()
	var inv []wire.InvVect
	for _, tx := range txs {
		v := wire.InvVect{Type: wire.InvWTx, Hash: tx.WTxID()}
		if !g.m.peers[id].WTxIDRelay {
			v = wire.InvVect{Type: wire.InvTx, Hash: tx.TxID()}
		}
		inv = append(inv, v)
	}
	g.took(g.m.Inv(g.now, id, inv))
}

// receive has a peer send a transaction and returns what is to be done.
func (g *game) receive(id PeerID, tx *wire.Tx) Verdict {
	g.t.Helper()
	v := g.m.Received(g.now, id, tx)
	g.took(v.Requests)
	return v
}

// judge has a peer send a transaction that must be judged.
func (g *game) judge(id PeerID, tx *wire.Tx) {
	g.t.Helper()
	if v := g.receive(id, tx); !v.Judge || v.Package != nil {
		g.t.Fatalf("%s is not to be judged", g.name[tx.WTxID()])
	}
}

func (g *game) accept(tx *wire.Tx) {
	g.pool.put(tx)
	g.m.Accepted(tx, true)
}

func (g *game) refuse(id PeerID, tx *wire.Tx, c Cause, missing ...wire.OutPoint) Followup {
	g.t.Helper()
	f := g.m.Rejected(g.now, id, Rejection{Tx: tx, Cause: c, Missing: missing, Judged: true})
	g.took(f.Requests)
	return f
}

// TestOutcomes tells what became of a transaction, and announces it again by
// both ids.
func TestOutcomes(t *testing.T) {
	for _, tc := range []struct {
		name  string
		wit   string
		cause Cause
		again []string // what is asked for at the second announcement
	}{
		{"refused", "w", Refused, []string{"2 T:a.txid"}},
		{"refused, without witness", "", Refused, nil},
		{"refused for what it spends", "w", RefusedInputs, nil},
		{"witness stripped", "", WitnessStripped, []string{"1 w:a"}},
		{"pays too little", "w", Reconsiderable, []string{"2 T:a.txid"}},
		{"pays too little, without witness", "", Reconsiderable, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := newGame(t)
			g.up(1, chosen)
			g.up(2, byTxID)
			a := g.call("a", spend(tc.wit, coin(1)))
			g.invTx(1, a)
			g.expect("1 w:a")
			g.judge(1, a)
			g.refuse(1, a, tc.cause)
			g.expect()
			g.invTx(1, a)
			g.invTx(2, a)
			g.wait(3 * time.Second)
			g.expect(tc.again...)
			if tc.again == nil {
				if v := g.receive(2, a); v.Judge {
					t.Error("it is judged again")
				}
			}
			// With a new tip all may be different.
			g.m.Moved(nil, false)
			g.down(2)
			g.out = nil
			g.up(3, chosen)
			g.invTx(3, a)
			if tc.cause != WitnessStripped { // which 1 is asked for
				g.expect("3 w:a")
			}
		})
	}
}

// TestHeld asks nobody for what is being judged at the moment.
func TestHeld(t *testing.T) {
	g := newGame(t)
	g.up(1, chosen)
	g.up(2, chosen)
	a := g.call("a", spend("w", coin(1)))
	g.invTx(1, a)
	g.invTx(2, a)
	first, second := PeerID(1), PeerID(2)
	g.expect("1 w:a")
	g.judge(first, a)
	g.wait(2 * time.Minute)
	g.expect()
	if v := g.receive(second, a); v.Judge {
		t.Error("the same is judged twice at once")
	}
	// Another witness is another matter.
	b := g.call("b", spend("x", coin(1)))
	g.judge(second, b)
	g.refuse(second, b, Refused)
	g.expect()

	g.invTx(3, a)
	g.up(3, chosen)
	g.invTx(3, a)
	g.expect()
	g.took(g.m.Release(g.now, a))
	g.expect("3 w:a")
	g.judge(3, a)
	g.accept(a)
	g.invTx(1, a)
	g.wait(time.Hour)
	g.expect()
	if s := g.m.Stats(); s != (Stats{}) {
		t.Errorf("in the end: %+v", s)
	}
}

// TestOrphan keeps a child until its parents have come, which are asked of all
// that have announced it.
func TestOrphan(t *testing.T) {
	g := newGame(t)
	g.up(1, chosen)
	g.up(2, chosen)
	g.up(3, inbound)
	p := g.call("p", spend("p", coin(1)))
	q := g.call("q", spend("", coin(2)))
	c := g.call("c", spend("c", out(p, 0), out(p, 1), out(q, 0), coin(9)))
	g.invTx(1, c)
	g.invTx(2, c)
	g.expect("1 w:c")
	g.judge(1, c)
	f := g.refuse(1, c, InputsMissing, out(p, 0), out(p, 1), out(q, 0))
	if !f.Orphan || len(f.Parents) != 2 {
		t.Fatalf("%+v", f)
	}
	g.expect()
	g.invTx(3, c) // a third announcer
	if o := g.m.Orphans(); len(o) != 1 || !slices.Equal(o[0].From, []PeerID{1, 2, 3}) {
		t.Fatalf("orphans: %+v", o)
	}
	if v := g.receive(2, c); v.Judge {
		t.Error("an orphan is judged again")
	}
	g.wait(DefaultWait)
	asked := g.out
	g.out = nil
	if len(asked) == 0 || len(asked) > 2 {
		t.Fatalf("asked: %q", asked)
	}
	g.judge(1, p)
	g.accept(p)
	if peer, tx, ok := g.m.Next(); !ok || tx != c || peer < 1 || peer > 3 {
		t.Fatalf("to be tried again: %v, %v", peer, ok)
	}
	// One parent is still missing.
	f = g.m.Rejected(g.now, 1, Rejection{Tx: c, Cause: InputsMissing})
	if g.m.HasWork() || len(g.m.Orphans()) != 1 || f.Orphan {
		t.Fatal("after one parent")
	}
	g.judge(2, q)
	g.accept(q)
	_, tx, ok := g.m.Next()
	if !ok || tx != c {
		t.Fatal("after both parents")
	}
	g.pool.put(c)
	g.m.Accepted(c, false)
	g.wait(time.Hour)
	g.expect()
	if s := g.m.Stats(); s != (Stats{}) {
		t.Errorf("in the end: %+v", s)
	}
}

// TestOrphanEnds lists what ends the wait of an orphan.
func TestOrphanEnds(t *testing.T) {
	p := spend("", coin(1))
	c := spend("c", out(p, 0))
	rival := spend("", out(p, 0))
	rival.HasWitness()
	for _, tc := range []struct {
		name string
		end  func(g *game)
	}{
		{"announcers gone", func(g *game) { g.down(1); g.down(2) }},
		{"expired", func(g *game) { g.wait(OrphanExpiry) }},
		{"confirmed", func(g *game) { g.m.Moved([][]wire.Tx{{*c}}, false) }},
		{"its coin is spent", func(g *game) { g.m.Moved([][]wire.Tx{{*rival}}, false) }},
		{"refused", func(g *game) {
			g.m.Rejected(g.now, 1, Rejection{Tx: c, Cause: Refused})
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := newGame(t)
			g.up(1, chosen)
			g.up(2, chosen)
			g.call("c", c)
			g.call("p", p)
			g.invTx(1, c)
			g.invTx(2, c)
			g.judge(1, c)
			g.refuse(1, c, InputsMissing, out(p, 0))
			if n := len(g.m.Orphans()); n != 1 {
				t.Fatal(n)
			}
			tc.end(g)
			if n := len(g.m.Orphans()); n != 0 {
				t.Errorf("%d orphans", n)
			}
			if w := g.m.orphans.weight; w != 0 {
				t.Errorf("weight %d of nothing", w)
			}
		})
	}
	t.Run("parent in a block", func(t *testing.T) {
		g := newGame(t)
		g.up(1, chosen)
		g.judge(1, c)
		g.refuse(1, c, InputsMissing, out(p, 0))
		g.m.Moved([][]wire.Tx{{*p}}, false)
		if _, tx, ok := g.m.Next(); !ok || tx != c {
			t.Error("it is not tried again")
		}
	})
}

// TestPremature keeps what comes too early, and tries it with each new tip.
func TestPremature(t *testing.T) {
	g := newGame(t)
	for id := PeerID(1); id <= 3; id++ {
		g.up(id, chosen)
	}
	a := g.call("a", spend("a", coin(1)))
	g.invTx(1, a)
	g.invTx(2, a)
	g.expect("1 w:a")
	g.judge(1, a)
	if f := g.refuse(1, a, Premature); !f.Orphan {
		t.Fatal("not kept")
	}
	g.invTx(3, a)
	g.down(1)
	g.down(2)
	g.wait(10 * time.Minute)
	g.expect()
	for range 2 {
		if g.m.HasWork() {
			t.Fatal("tried on the same tip")
		}
		g.m.Moved(nil, false)
		if peer, tx, ok := g.m.Next(); !ok || tx != a || peer != 3 {
			t.Fatal("not tried again")
		}
		g.m.Rejected(g.now, 3, Rejection{Tx: a, Cause: Premature})
	}
	child := spend("", out(a, 0))
	g.judge(3, child)
	if f := g.refuse(3, child, InputsMissing, out(a, 0)); !f.Orphan {
		t.Error("its child is not kept")
	}
	g.m.Moved(nil, false)
	g.m.Next()
	g.pool.put(a)
	g.m.Accepted(a, false)
	if _, tx, ok := g.m.Next(); !ok || tx != child {
		t.Error("its child is not tried again")
	}
}

// TestOrphanOfRejected does not keep what spends a rejected transaction.
func TestOrphanOfRejected(t *testing.T) {
	g := newGame(t)
	g.up(1, chosen)
	p, q := spend("", coin(1)), spend("", coin(2))
	g.judge(1, p)
	g.refuse(1, p, Refused)
	c := spend("c", out(p, 0))
	g.judge(1, c)
	if f := g.refuse(1, c, InputsMissing, out(p, 0)); f.Orphan || len(f.Parents) != 0 {
		t.Errorf("%+v", f)
	}
	if v := g.receive(1, c); v.Judge {
		t.Error("the child is judged again")
	}
	// One parent that pays too little may be helped, two may not.
	low := spend("", coin(3))
	for _, tx := range []*wire.Tx{q, low} {
		g.judge(1, tx)
		g.refuse(1, tx, Reconsiderable)
	}
	both := spend("", out(q, 0), out(low, 0))
	g.judge(1, both)
	if f := g.refuse(1, both, InputsMissing); f.Orphan {
		t.Error("kept with two parents that pay too little")
	}
	one := spend("", out(q, 0))
	g.judge(1, one)
	if f := g.refuse(1, one, InputsMissing); !f.Orphan || len(f.Parents) != 1 {
		t.Error("not kept with one parent that pays too little")
	}
}

// TestParentArrivedMeanwhile accepts the parent between the child's judgement
// and its outcome, as another goroutine may.
func TestParentArrivedMeanwhile(t *testing.T) {
	g := newGame(t)
	g.up(1, chosen)
	g.up(2, chosen)
	p := spend("", coin(1))
	c := spend("", out(p, 0))
	g.judge(1, c)
	g.judge(2, p)
	g.accept(p)
	g.refuse(1, c, InputsMissing, out(p, 0))
	if _, tx, ok := g.m.Next(); !ok || tx != c {
		t.Error("the child waits for a parent that is there")
	}
}

// TestPackage finds the child that pays for a parent, in both orders of
// arrival.
func TestPackage(t *testing.T) {
	p := spend("p", coin(1))
	c := spend("c", out(p, 1))
	for _, tc := range []struct {
		name string
		play func(g *game) *Package
	}{
		{"child first", func(g *game) *Package {
			g.judge(1, c)
			g.refuse(1, c, InputsMissing, out(p, 1))
			g.judge(1, p)
			return g.refuse(1, p, Reconsiderable).Package
		}},
		{"parent first", func(g *game) *Package {
			g.judge(1, p)
			if f := g.refuse(1, p, Reconsiderable); f.Package != nil {
				g.t.Fatal("a package out of nothing")
			}
			g.judge(1, c)
			g.refuse(1, c, InputsMissing, out(p, 1))
			g.wait(10 * time.Second)
			g.expect("1 T:p.txid") // the parent is asked for once more
			v := g.receive(1, p)
			if v.Judge {
				g.t.Error("the parent is judged alone again")
			}
			return v.Package
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := newGame(t)
			g.up(1, chosen)
			g.up(2, chosen)
			g.call("p", p)
			pkg := tc.play(g)
			if pkg == nil || pkg.Parent != p || pkg.Child != c {
				t.Fatalf("%+v", pkg)
			}
			// It fails, and is not tried again.
			g.m.PackageRejected(pkg)
			if v := g.receive(1, p); v.Package != nil {
				t.Error("the package is tried again")
			}
			// Another child may do better, the newest first; of the same peer
			// only, as another's may be there to stop it.
			c2, c3, foreign := spend("2", out(p, 0)), spend("3", out(p, 0)), spend("4", out(p, 0))
			for _, x := range []*wire.Tx{c2, c3} {
				g.judge(1, x)
				g.refuse(1, x, InputsMissing, out(p, 0))
			}
			g.judge(2, foreign)
			g.refuse(2, foreign, InputsMissing, out(p, 0))
			v := g.receive(1, p)
			if v.Package == nil || v.Package.Child != c3 {
				t.Fatal("not the newest child")
			}
			g.m.Accepted(p, false)
			g.m.Accepted(c3, false)
			g.pool.put(p)
			if g.m.orphans.has(c3.WTxID()) {
				t.Error("the child is still an orphan")
			}
		})
	}
}

// TestConfirmed does not fetch what a block held, until blocks are taken back.
func TestConfirmed(t *testing.T) {
	g := newGame(t)
	g.up(1, chosen)
	g.up(2, byTxID)
	a := g.call("a", spend("a", coin(1)))
	g.invTx(1, a)
	g.expect("1 w:a")
	g.m.Moved([][]wire.Tx{{*a}}, false)
	if s := g.m.Stats(); s != (Stats{}) {
		t.Errorf("%+v", s)
	}
	g.invTx(1, a)
	g.invTx(2, a)
	g.wait(time.Hour)
	g.expect()
	g.m.Moved(nil, true)
	g.invTx(1, a)
	g.expect("1 w:a")
}
