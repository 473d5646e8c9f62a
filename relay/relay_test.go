package relay

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"starling/mempool"
	"starling/peer"
	"starling/wire"
)

// game is a Manager with a clock, a pool that is played by hand, and what was
// sent to whom.
type game struct {
	t    testing.TB
	m    *Manager
	now  time.Time
	st   State
	seq  uint64
	sent map[PeerID][]wire.Message
	at   map[PeerID][]time.Time // of each message
	kn   map[PeerID]*peer.Known
}

func newGame(t testing.TB, cfg Config) *game {
	if cfg.MinRelayFee == 0 {
		cfg.MinRelayFee, cfg.IncrementalFee = 100, 100
	}
	g := &game{t: t, m: New(cfg), now: time.Unix(1_700_000_000, 0), st: State{MinFee: 100},
		sent: map[PeerID][]wire.Message{}, at: map[PeerID][]time.Time{}, kn: map[PeerID]*peer.Known{}}
	return g
}

var (
	in  = PeerInfo{Inbound: true, Wants: true, WTxID: true}
	out = PeerInfo{Wants: true, WTxID: true}
)

func (g *game) up(id PeerID, info PeerInfo) {
	g.kn[id] = new(peer.Known)
	info.Known = g.kn[id]
	g.m.PeerUp(g.now, id, info)
}

// entry makes a transaction that pays the given rate and spends outputs of the
// given parents.
func (g *game) entry(rate int64, parents ...*mempool.Entry) *mempool.Entry {
	g.seq++
	in := []wire.TxIn{{PrevOut: wire.OutPoint{Hash: wire.Hash{1}, Index: uint32(g.seq)}, Witness: wire.NewWitness([]byte{1})}}
	for _, p := range parents {
		in = append(in, wire.TxIn{PrevOut: wire.OutPoint{Hash: p.TxID}})
	}
	tx := wire.NewTx(2, in, []wire.TxOut{{Value: int64(g.seq)}}, 0)
	fee := rate * int64(tx.VSize()) / 1000
	return &mempool.Entry{Tx: tx, TxID: tx.TxID(), WTxID: tx.WTxID(), Fee: fee, ModifiedFee: fee, VSize: int64(tx.VSize()),
		Time: g.now, Sequence: g.seq}
}

func (g *game) add(es ...*mempool.Entry) {
	for _, e := range es {
		g.m.TxAdded(e)
	}
	g.tick()
}

func (g *game) many(n int) []*mempool.Entry {
	var all []*mempool.Entry
	for range n {
		all = append(all, g.entry(10_000+int64(g.seq%97)*100))
	}
	return all
}

func (g *game) tick() {
	for _, a := range g.m.Tick(g.now, g.st) {
		g.sent[a.Peer] = append(g.sent[a.Peer], a.Msg)
		g.at[a.Peer] = append(g.at[a.Peer], g.now)
	}
	if d := g.m.NextDeadline(g.now); !d.IsZero() && !d.After(g.now) {
		g.t.Fatal("a deadline that has passed")
	}
}

// run lets time pass, from deadline to deadline.
func (g *game) run(d time.Duration) {
	end := g.now.Add(d)
	for {
		next := g.m.NextDeadline(g.now)
		if next.IsZero() || next.After(end) {
			break
		}
		g.now = next
		g.tick()
	}
	g.now = end
	g.tick()
}

// told returns what a peer was told of since the last time.
func (g *game) told(id PeerID) []wire.Hash {
	var all []wire.Hash
	g.sent[id] = slices.DeleteFunc(g.sent[id], func(m wire.Message) bool {
		inv, ok := m.(*wire.MsgInv)
		if ok {
			for _, v := range inv.Inv {
				all = append(all, v.Hash)
			}
		}
		return ok
	})
	return all
}

func (g *game) wantTold(id PeerID, es ...*mempool.Entry) {
	g.t.Helper()
	got := g.told(id)
	if len(got) != len(es) {
		g.t.Fatalf("peer %d was told of %d transactions, want %d", id, len(got), len(es))
	}
	for i, e := range es {
		if got[i] != e.WTxID && got[i] != e.TxID {
			g.t.Fatalf("peer %d: announcement %d is another one", id, i)
		}
	}
}

// TestKinds announces to peers of all kinds.
func TestKinds(t *testing.T) {
	g := newGame(t, Config{})
	g.up(1, in)
	g.up(2, PeerInfo{Wants: true})
	g.up(3, PeerInfo{WTxID: true}) // wants none
	a := g.entry(1000)
	g.kn[1].Add(a.TxID) // the other id
	g.add(a)
	g.run(time.Minute)
	if got := g.told(1); len(got) != 1 || got[0] != a.WTxID {
		t.Errorf("by wtxid: %v", got)
	}
	if got := g.told(2); len(got) != 1 || got[0] != a.TxID {
		t.Errorf("by txid: %v", got)
	}
	if got := g.told(3); len(got) != 0 {
		t.Errorf("unwanted: %v", got)
	}
	if !g.kn[1].Has(a.WTxID) || !g.kn[2].Has(a.TxID) {
		t.Error("what was announced is not noted as known")
	}
	// Known, gone and of another link.
	b, c := g.entry(1000), g.entry(1000)
	g.kn[1].Add(b.WTxID)
	g.m.TxAdded(b)
	g.m.TxAdded(c)
	g.m.TxRemoved(c, mempool.RemovedReplaced)
	g.tick()
	g.run(time.Minute)
	g.wantTold(1)
	g.wantTold(2, b)
}

// TestDelays measures the times from arrival to announcement.
func TestDelays(t *testing.T) {
	g := newGame(t, Config{})
	g.up(1, in)
	g.up(2, in)
	g.up(3, out)
	g.up(4, out)
	g.up(5, PeerInfo{Wants: true, Inbound: true, Eager: true})
	const rounds = 2000
	sum := map[PeerID]time.Duration{}
	together := 0
	for range rounds {
		g.add(g.entry(1000))
		start := g.now
		g.run(5 * time.Minute)
		for id := PeerID(1); id <= 5; id++ {
			if len(g.at[id]) != 1 {
				t.Fatalf("peer %d: %d messages", id, len(g.at[id]))
			}
			sum[id] += g.at[id][0].Sub(start)
		}
		if g.at[1][0] != g.at[2][0] {
			t.Fatal("two inbound peers are told at different times")
		}
		if g.at[3][0] == g.at[4][0] {
			together++
		}
		clear(g.at)
	}
	for id, want := range map[PeerID]time.Duration{1: 5 * time.Second, 3: 2 * time.Second, 4: 2 * time.Second} {
		if got := sum[id] / rounds; got < want*9/10 || got > want*11/10 {
			t.Errorf("peer %d: mean delay %v, want %v", id, got, want)
		}
	}
	if together > 0 {
		t.Error("outbound peers share a timer")
	}
	if sum[5] > 0 {
		t.Errorf("a trusted peer waits for %v", sum[5]/rounds)
	}
}

// TestTurns has many transactions wait: a bounded number goes out at a time,
// the best first, and more of them if very many wait.
func TestTurns(t *testing.T) {
	for _, tc := range []struct{ n, turn int }{{70, 70}, {500, 70}, {5200, 95}} {
		t.Run(fmt.Sprint(tc.n), func(t *testing.T) {
			g := newGame(t, Config{})
			g.up(1, out)
			all := g.many(tc.n)
			g.add(all...)
			g.run(time.Hour)
			var got int
			last := mempool.FeeRate(1 << 60)
			rate := map[wire.Hash]mempool.FeeRate{}
			for _, e := range all {
				rate[e.WTxID] = e.FeeRate()
			}
			for i, m := range g.sent[1] {
				inv := m.(*wire.MsgInv).Inv
				if i == 0 && len(inv) != tc.turn {
					t.Errorf("first turn: %d, want %d", len(inv), tc.turn)
				}
				for _, v := range inv {
					if rate[v.Hash] > last {
						t.Fatal("a better one later")
					}
					last = rate[v.Hash]
				}
				got += len(inv)
			}
			if got != tc.n {
				t.Errorf("%d announced", got)
			}
		})
	}
}

// TestParentsFirst announces chains of transactions whose children pay more.
func TestParentsFirst(t *testing.T) {
	g := newGame(t, Config{})
	g.up(1, out)
	a := g.entry(1000)
	b := g.entry(5000, a)
	c := g.entry(9000, b, a)
	d := g.entry(7000)
	g.add(a, b, c, d)
	g.run(time.Minute)
	g.wantTold(1, a, b, c, d)
}

// TestFeeFilter leaves out what pays less than the peer wants, but not its child;
// when the filter falls, what was left out stays so.
func TestFeeFilter(t *testing.T) {
	g := newGame(t, Config{})
	g.up(1, out)
	g.m.FeeFilter(1, 2000)
	a := g.entry(1000)
	b := g.entry(5000, a)
	c := g.entry(2000)
	g.add(a, b, c)
	g.run(time.Minute)
	g.wantTold(1, b, c)
	g.m.FeeFilter(1, 1500)
	g.run(time.Minute)
	g.wantTold(1) // by little
	g.m.FeeFilter(1, maxMoney)
	d := g.entry(100_000)
	g.add(d)
	g.run(time.Minute)
	g.wantTold(1)
	g.m.FeeFilter(1, 100)
	g.run(time.Minute)
	g.wantTold(1)
	e := g.entry(1000)
	g.add(e)
	g.run(time.Minute)
	g.wantTold(1, e)
	g.m.FeeFilter(1, -5) // nonsense
	if s, _ := g.m.Peer(1); s.FeeFilter != 100 {
		t.Errorf("filter %d", s.FeeFilter)
	}
}

// TestNewLink tells a new link of nothing that was there before it, but for own
// transactions that nobody has fetched.
func TestNewLink(t *testing.T) {
	g := newGame(t, Config{})
	mine, owed := g.entry(200), g.entry(300)
	g.add(append(g.many(300), mine, owed)...)
	g.m.Own(g.now, mine.TxID)
	g.up(1, in)
	info := out
	info.Owed = []wire.Hash{{7}, owed.TxID} // one that has left the pool
	g.up(2, info)
	info.Wants = false
	g.up(3, info)
	g.run(5 * time.Minute)
	g.wantTold(1)
	g.wantTold(2, owed)
	g.wantTold(3)
	next := g.entry(1000)
	g.add(next)
	g.run(time.Minute)
	g.wantTold(1, next)
	g.wantTold(2, next)
}

// TestGradual tells whoever asks of all that the pool holds, a turn at a time, own
// transactions first, whatever the same host was told on another link; and of
// what it knows not again.
func TestGradual(t *testing.T) {
	g := newGame(t, Config{Gradual: true})
	mine := g.entry(200)
	g.add(append(g.many(300), mine)...)
	g.m.Own(g.now, mine.TxID)
	for id := PeerID(1); id <= 2; id++ {
		g.up(id, in)
		g.m.Mempool(g.now, id)
		g.run(2 * time.Minute)
		if n := len(g.sent[id]); n < 3 {
			t.Errorf("told in %d turns", n)
		}
		if got := g.told(id); len(got) != 301 || got[0] != mine.WTxID {
			t.Fatalf("%d told, own first: %v", len(got), len(got) > 0 && got[0] == mine.WTxID)
		}
		g.m.Mempool(g.now, id)
		g.run(2 * time.Minute)
		if got := g.told(id); len(got) != 1 { // the own one
			t.Errorf("told of %d again", len(got))
		}
		g.m.PeerDown(id)
	}
	g.up(3, PeerInfo{Inbound: true})
	g.m.Mempool(g.now, 3)
	g.m.Mempool(g.now, 4) // a link that has ended
	g.run(2 * time.Minute)
	g.wantTold(3)
}

// TestOwn announces own transactions every 10 to 15 minutes, also to those who
// know them, until they are mined; and again if the block is taken back.
func TestOwn(t *testing.T) {
	g := newGame(t, Config{})
	g.up(1, out)
	mine, other := g.entry(1000), g.entry(1000)
	g.add(mine, other)
	g.m.Own(g.now, mine.TxID)
	g.run(time.Minute)
	if got := g.told(1); len(got) != 2 {
		t.Fatalf("at first told of %d", len(got))
	}
	clear(g.at)
	g.run(24 * time.Hour)
	got := g.told(1)
	if n := len(got); n < 24*60/15-1 || n > 24*60/10+1 {
		t.Errorf("in a day announced %d times", n)
	}
	for i, at := range g.at[1][1:] {
		if d := at.Sub(g.at[1][i]); d < ownIntervalMin-time.Minute || d > ownIntervalMax+time.Minute {
			t.Errorf("after %v", d)
		}
	}
	for _, h := range got {
		if h != mine.WTxID {
			t.Fatal("not the own one")
		}
	}
	g.m.TxRemoved(mine, mempool.RemovedBlock)
	g.run(time.Hour)
	g.wantTold(1)
	if len(g.m.Owned()) != 0 {
		t.Error("still own")
	}
	g.add(mine) // a reorganisation
	g.run(40 * time.Minute)
	if got := g.told(1); len(got) < 2 {
		t.Errorf("after a reorganisation announced %d times", len(got))
	}
	g.m.TxRemoved(mine, mempool.RemovedConflict)
	g.add(mine)
	g.told(1)
	g.run(time.Hour)
	g.wantTold(1)
	// As after a restart.
	g.m.Restore(g.now, []wire.Hash{mine.TxID, {9}})
	if o := g.m.Owned(); len(o) != 1 || o[0] != mine.TxID {
		t.Errorf("restored: %v", o)
	}
	g.run(20 * time.Minute)
	g.wantTold(1, mine)
}

// TestOwnDoesNotStarve has very many own transactions announced again while new
// ones come.
func TestOwnDoesNotStarve(t *testing.T) {
	g := newGame(t, Config{})
	g.up(1, out)
	own := g.many(500)
	g.add(own...)
	for _, e := range own {
		g.m.Own(g.now, e.TxID)
	}
	g.run(9 * time.Minute)
	g.told(1)
	g.now = g.m.own.next
	g.m.Tick(g.now, g.st) // all wait again
	fresh := g.many(30)
	g.add(fresh...)
	for len(g.sent[1]) == 0 {
		g.now = g.m.NextDeadline(g.now)
		g.tick()
	}
	got := g.told(1)
	if len(got) < 65 || len(got) > turnSize {
		t.Errorf("%d in the first turn", len(got))
	}
	for _, e := range fresh {
		if !slices.Contains(got, e.WTxID) {
			t.Fatal("a new one waits")
		}
	}
	g.run(time.Hour)
	if got := g.told(1); len(got) < 470 {
		t.Errorf("then %d", len(got))
	}
}

// TestMempool asks for all that there is.
func TestMempool(t *testing.T) {
	g := newGame(t, Config{})
	g.up(1, in)
	all := g.many(1000)
	g.add(all...)
	g.run(10 * time.Minute)
	g.told(1)
	g.m.FeeFilter(1, 12_000)
	g.m.Mempool(g.now, 1)
	if len(g.told(1)) != 0 {
		t.Error("answered before its time")
	}
	g.run(2 * time.Minute)
	want := 0
	for _, e := range all {
		if e.FeeRate() >= 12_000 {
			want++
		}
	}
	if got := len(g.sent[1]); got != 1 {
		t.Errorf("%d messages", got)
	}
	if got := g.told(1); len(got) < want-1 || len(got) > want {
		t.Errorf("told of %d, want %d", len(got), want)
	}
}

// TestMayServe gives only what the peer could have been told of.
func TestMayServe(t *testing.T) {
	g := newGame(t, Config{})
	g.up(1, in)
	e := g.entry(1000)
	g.add(e)
	if g.m.MayServe(g.now, 1, e) {
		t.Error("served before it was announced")
	}
	g.run(time.Minute)
	if !g.m.MayServe(g.now, 1, e) {
		t.Error("not served after it was announced")
	}
	f := g.entry(1000)
	g.m.TxAdded(f)
	if g.m.MayServe(g.now, 1, f) {
		t.Error("a later one is served")
	}
	g.up(2, PeerInfo{})
	g.now = g.now.Add(openAfter)
	if !g.m.MayServe(g.now, 2, f) {
		t.Error("not served after a while")
	}
}

// TestOurFilter follows what this node tells of the fees that it wants.
func TestOurFilter(t *testing.T) {
	g := newGame(t, Config{})
	info := out
	info.SendFilter = true
	g.st.InitialDownload = true
	g.up(1, info)
	g.up(2, out)
	g.run(time.Hour)
	filters := func() []int64 {
		var all []int64
		for _, m := range g.sent[1] {
			all = append(all, m.(*wire.MsgFeeFilter).FeeRate)
		}
		clear(g.sent)
		return all
	}
	if got := filters(); len(got) != 1 || got[0] < 9_000_000 {
		t.Errorf("during the first synchronisation: %v", got)
	}
	g.st.InitialDownload = false
	g.tick()
	if got := filters(); len(got) != 1 || got[0] != 100 {
		t.Errorf("after it: %v", got)
	}
	g.run(24 * time.Hour)
	if got := filters(); len(got) != 0 {
		t.Errorf("without a change: %v", got)
	}
	g.st.MinFee = 5000
	start := g.now
	g.run(filterHurry + filterCheck)
	got := filters()
	if len(got) != 1 || got[0] < 4500 || got[0] > 5600 {
		t.Errorf("when the floor rises: %v after %v", got, g.now.Sub(start))
	}
	clear(g.at)
	g.run(100 * time.Hour)
	if got := filters(); len(got) < 50 || len(got) > 500 {
		t.Errorf("in 100 hours %d jittered filters", len(got))
	}
	for i, at := range g.at[1][1:] {
		if at == g.at[1][i] {
			t.Error("two at once")
		}
	}
	if len(g.sent[2]) != 0 {
		t.Error("a filter for who wants none")
	}
}

// TestRounder draws one of the two neighbours, none below the least.
func TestRounder(t *testing.T) {
	r := newFilterRounder(100)
	rng := rand.New(rand.NewPCG(1, 2))
	for _, rate := range []mempool.FeeRate{0, 1, 49, 50, 100, 12_345, 9_999_999, 1e7, maxMoney} {
		seen := map[mempool.FeeRate]int{}
		for range 300 {
			seen[r.round(rng, rate)]++
		}
		if len(seen) > 2 {
			t.Errorf("%d: %v", rate, seen)
		}
		for s := range seen {
			if rate >= 100 && rate < 9_000_000 && (s < rate*90/100 || s > rate*111/100) {
				t.Errorf("%d is rounded to %d", rate, s)
			}
		}
	}
	if r.top() < 9_000_000 || r.top() > 1e7 {
		t.Errorf("top: %d", r.top())
	}
}

// TestWaitingIsBounded has the pool churn while nobody is told.
func TestWaitingIsBounded(t *testing.T) {
	g := newGame(t, Config{OutboundDelay: 1000 * time.Hour})
	g.up(1, out)
	g.m.Tick(g.now, g.st)
	e := g.entry(1000)
	for i := range 2*maxWaiting + 10 {
		x := *e
		x.TxID[20], x.TxID[21], x.TxID[22] = byte(i), byte(i>>8), byte(i>>16)
		x.WTxID = x.TxID
		x.Fee += int64(i)
		x.ModifiedFee = x.Fee
		g.m.TxAdded(&x)
	}
	g.m.Tick(g.now, g.st)
	s, _ := g.m.Peer(1)
	if s.Waiting > maxWaiting || s.Waiting < maxWaiting/2 {
		t.Errorf("%d wait", s.Waiting)
	}
	if top := g.m.peers[1].queue[0]; top.entry.Fee != e.Fee+2*maxWaiting+9 {
		t.Error("the best one was dropped")
	}
}

// BenchmarkAnnounce takes transactions in and announces them to 8 outbound and
// 117 inbound peers.
func BenchmarkAnnounce(b *testing.B) {
	g := newGame(b, Config{})
	for i := range PeerID(125) {
		info := in
		info.Inbound = i >= 8
		g.up(i, info)
	}
	es := g.many(b.N)
	b.ReportAllocs()
	b.ResetTimer()
	for i, e := range es {
		g.m.TxAdded(e)
		if i%10 == 0 {
			g.now = g.now.Add(100 * time.Millisecond)
			g.m.Tick(g.now, g.st)
			for _, k := range g.m.order {
				if i%20000 == 0 {
					k.info.Known = new(peer.Known)
				}
			}
		}
	}
}
