package txdownload

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"starling/wire"
)

// fakePool holds what a test puts in.
type fakePool struct{ txs map[wire.Hash]bool }

func (p *fakePool) HasTx(h wire.Hash) bool  { return p.txs[h] }
func (p *fakePool) HasWTx(h wire.Hash) bool { return p.txs[h] }

func (p *fakePool) put(tx *wire.Tx) { p.txs[tx.TxID()], p.txs[tx.WTxID()] = true, true }

// game is a Manager with a clock.
type game struct {
	t    testing.TB
	m    *Manager
	pool *fakePool
	now  time.Time
	out  []string // what was asked since the last check
	name map[wire.Hash]string
}

func newGame(t testing.TB) *game {
	g := &game{t: t, pool: &fakePool{map[wire.Hash]bool{}}, now: time.Unix(1_700_000_000, 0), name: map[wire.Hash]string{}}
	g.m = New(Config{Pool: g.pool})
	return g
}

// id returns the hash that a test calls by a name.
func (g *game) id(name string) wire.Hash {
	var h wire.Hash
	copy(h[:], name)
	g.name[h] = name
	return h
}

// took notes requests in the form "1 asked w:a t:b".
func (g *game) took(rs []Request) {
	g.t.Helper()
	for _, r := range rs {
		s := fmt.Sprint(r.Peer)
		for _, v := range r.Inv {
			kind := map[wire.InvType]string{wire.InvWTx: "w", wire.InvTx: "t", wire.InvWitnessTx: "T"}[v.Type]
			name, ok := g.name[v.Hash]
			if !ok {
				name = v.Hash.String()
			}
			s += " " + kind + ":" + name
		}
		g.out = append(g.out, s)
	}
}

func (g *game) up(id PeerID, info PeerInfo) { g.m.PeerUp(id, info) }
func (g *game) down(id PeerID)              { g.t.Helper(); g.took(g.m.PeerDown(g.now, id)) }

// inv has a peer announce: "w:a" by witness id, "t:a" by id.
func (g *game) inv(id PeerID, names ...string) {
	g.t.Helper()
	var inv []wire.InvVect
	for _, n := range names {
		typ := wire.InvWTx
		if n[0] == 't' {
			typ = wire.InvTx
		}
		inv = append(inv, wire.InvVect{Type: typ, Hash: g.id(n[2:])})
	}
	g.took(g.m.Inv(g.now, id, inv))
}

func (g *game) notFound(id PeerID, name string) {
	g.t.Helper()
	g.took(g.m.NotFound(g.now, id, []wire.InvVect{{Type: wire.InvWTx, Hash: g.id(name)}}))
}

func (g *game) wait(d time.Duration) {
	g.t.Helper()
	g.now = g.now.Add(d)
	g.took(g.m.Tick(g.now))
}

// expect compares what was asked since the last time.
func (g *game) expect(want ...string) {
	g.t.Helper()
	if diff := cmp.Diff(want, g.out); diff != "" {
		g.t.Errorf("requests (-want +got):\n%s", diff)
	}
	g.out = nil
}

// due checks how long the next deadline is away; below zero for never.
func (g *game) due(want time.Duration) {
	g.t.Helper()
	got := time.Duration(-1)
	if d := g.m.NextDeadline(); !d.IsZero() {
		got = d.Sub(g.now)
	}
	if got != want {
		g.t.Errorf("the next deadline is in %v, want %v", got, want)
	}
}

var (
	chosen   = PeerInfo{Preferred: true, WTxIDRelay: true, Witness: true}
	inbound  = PeerInfo{WTxIDRelay: true, Witness: true}
	byTxID   = PeerInfo{Preferred: true, Witness: true}
	trusted  = PeerInfo{Preferred: true, WTxIDRelay: true, Witness: true, Unlimited: true}
	noBIP141 = PeerInfo{Preferred: true}
)

// TestDelays announces to a node without other peers, and with one that
// announces by witness id.
func TestDelays(t *testing.T) {
	for _, tc := range []struct {
		name  string
		info  PeerInfo
		other bool // whether there is another peer with wtxid relay
		inv   string
		after time.Duration
		asked string
		wait  time.Duration // of the Config
	}{
		{"chosen peer", chosen, false, "w:a", 0, "1 w:a", 0},
		{"inbound peer", inbound, true, "w:a", 2 * time.Second, "1 w:a", 0},
		{"inbound peer, nobody does better", inbound, false, "w:a", 0, "1 w:a", 0},
		{"by txid, nobody does better", byTxID, false, "t:a", 0, "1 T:a", 0},
		{"by txid, somebody might do better", byTxID, true, "t:a", 2 * time.Second, "1 T:a", 0},
		{"by txid, inbound", PeerInfo{Witness: true}, true, "t:a", 4 * time.Second, "1 T:a", 0},
		{"by txid, inbound, with a wait of one's own", PeerInfo{Witness: true}, true, "t:a", time.Second, "1 T:a", time.Second / 2},
		{"by txid, inbound, without a wait", PeerInfo{Witness: true}, true, "t:a", 0, "1 T:a", -1},
		{"no witness", noBIP141, false, "t:a", 0, "1 t:a", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := newGame(t)
			g.m = New(Config{Pool: g.pool, Wait: tc.wait})
			g.up(1, tc.info)
			if tc.other {
				g.up(2, chosen)
			}
			g.inv(1, tc.inv)
			if tc.after > 0 {
				g.expect()
				g.due(tc.after)
				g.wait(tc.after - 1)
				g.expect()
				g.wait(1)
			}
			g.expect(tc.asked)
		})
	}
}

// TestWrongKind announces in words that were not agreed upon.
func TestWrongKind(t *testing.T) {
	g := newGame(t)
	g.up(1, chosen)
	g.up(2, byTxID)
	g.inv(1, "t:a")
	g.inv(2, "w:a")
	g.inv(3, "w:a") // nobody
	g.wait(time.Hour)
	g.expect()
	g.due(-1)
}

// TestOneInFlight has three peers announce the same; they are asked one after
// the other, whatever the reason that the one before did not deliver.
func TestOneInFlight(t *testing.T) {
	for _, tc := range []struct {
		name string
		fail func(g *game)
	}{
		{"time-out", func(g *game) { g.wait(RequestTimeout) }},
		{"not found", func(g *game) { g.notFound(1, "a") }},
		{"gone", func(g *game) { g.down(1) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := newGame(t)
			g.up(1, chosen)
			g.up(2, inbound)
			g.up(3, chosen)
			g.inv(1, "w:a")
			g.expect("1 w:a")
			g.inv(2, "w:a")
			g.inv(3, "w:a")
			g.inv(1, "w:a")
			g.wait(10 * time.Second)
			g.expect()
			tc.fail(g)
			g.expect("3 w:a") // preferred
			g.wait(RequestTimeout - 1)
			g.expect()
			g.wait(1)
			g.expect("2 w:a")
			g.notFound(2, "a")
			g.expect()
			if s := g.m.Stats(); s.Tracked != 0 || s.InFlight != 0 {
				t.Errorf("after the last announcer: %+v", s)
			}
			g.inv(1, "w:a") // and it may begin anew
			if tc.name != "gone" {
				g.expect("1 w:a")
			}
		})
	}
}

// TestOrderOfAnnouncers has two peers of each kind announce 40 transactions that
// a fifth fails to give. The preferred are asked first, and of equals now the
// one, now the other.
func TestOrderOfAnnouncers(t *testing.T) {
	first := map[PeerID]int{}
	for i := range 40 {
		g := newGame(t)
		for id, info := range []PeerInfo{chosen, inbound, inbound, chosen, chosen} {
			g.up(PeerID(id), info)
		}
		name := fmt.Sprint(i)
		for id := range PeerID(5) {
			g.inv(id, "w:"+name)
		}
		g.wait(DefaultWait)
		g.out = nil
		g.notFound(0, name)
		var who []PeerID
		for len(g.out) > 0 {
			var id PeerID
			fmt.Sscan(g.out[0], &id)
			who = append(who, id)
			g.out = nil
			g.notFound(id, name)
		}
		if len(who) != 4 || who[0] < 3 || who[1] < 3 {
			t.Fatalf("order: %v", who)
		}
		first[who[0]]++
	}
	if first[3] < 8 || first[4] < 8 {
		t.Errorf("first were: %v", first)
	}
}

// TestOverload fills a peer's slots: it is asked later then, and others come first.
func TestOverload(t *testing.T) {
	many := make([]string, MaxInFlight)
	for i := range many {
		many[i] = fmt.Sprintf("w:m%d", i)
	}
	for _, tc := range []struct {
		name string
		info PeerInfo
		late bool
	}{{"any peer", chosen, true}, {"trusted peer", trusted, false}} {
		t.Run(tc.name, func(t *testing.T) {
			g := newGame(t)
			g.up(1, tc.info)
			g.inv(1, many[:MaxInFlight-1]...)
			g.out = nil
			g.inv(1, many[MaxInFlight-1])
			g.expect("1 " + many[MaxInFlight-1])
			g.inv(1, "w:z")
			if tc.late {
				g.expect()
				g.wait(OverloadedDelay)
			}
			g.expect("1 w:z")
		})
	}
}

// TestMaxAnnounced has a peer announce without end.
func TestMaxAnnounced(t *testing.T) {
	for _, tc := range []struct {
		name string
		info PeerInfo
		want int
	}{{"any peer", inbound, MaxAnnounced}, {"trusted peer", trusted, 3 * MaxAnnounced}} {
		t.Run(tc.name, func(t *testing.T) {
			g := newGame(t)
			g.up(1, tc.info)
			g.up(2, chosen)
			var inv []wire.InvVect
			for i := range 3 * MaxAnnounced {
				v := wire.InvVect{Type: wire.InvWTx}
				binary.LittleEndian.PutUint32(v.Hash[8:], uint32(i+1))
				inv = append(inv, v)
			}
			g.m.Inv(g.now, 1, inv)
			if n, _ := g.m.Announced(1); n != tc.want {
				t.Errorf("%d tracked, want %d", n, tc.want)
			}
			g.inv(2, "w:a") // the other is not affected
			g.expect("2 w:a")
			g.down(1)
			if s := g.m.Stats(); s.Tracked != 1 || s.InFlight != 1 {
				t.Errorf("after the peer is gone: %+v", s)
			}
		})
	}
}
