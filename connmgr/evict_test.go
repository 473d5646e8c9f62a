package connmgr

import (
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// crowd returns n ordinary inbound peers, each a second younger than the one
// before, each in its own group. What makes no difference between them favours
// the older ones.
func crowd(n int) (peers []Candidate) {
	for i := range n {
		peers = append(peers, Candidate{
			ID: uint64(i), Connected: epoch.Add(time.Duration(i) * time.Second),
			MinPing: time.Second, RelaysTxs: true, Useful: true,
			Group: uint64(10_000 - i), Net: "ipv4",
		})
	}
	return peers
}

// evictions returns who is evicted when victims are taken one after the other
// until none is left.
func evictions(peers []Candidate) (order []uint64) {
	peers = append([]Candidate(nil), peers...)
	for {
		id, ok := SelectEviction(peers)
		if !ok {
			return order
		}
		order = append(order, id)
		for i := range peers {
			if peers[i].ID == id {
				peers = append(peers[:i], peers[i+1:]...)
				break
			}
		}
	}
}

func TestSelectEviction(t *testing.T) {
	const n = 60
	tests := []struct {
		name    string
		special func(p *Candidate, i int) // i from 0 for the youngest peers
		count   int
		safe    bool // the special peers are not evicted
	}{
		{"the lowest pings", func(p *Candidate, i int) { p.MinPing = time.Millisecond }, 8, true},
		{"one more than fit", func(p *Candidate, i int) { p.MinPing = time.Millisecond }, 30, false},
		{"recent transactions", func(p *Candidate, i int) { p.LastTx = epoch.Add(time.Duration(i)) }, 4, true},
		{"recent blocks", func(p *Candidate, i int) { p.LastBlock = epoch.Add(time.Duration(i)) }, 4, true},
		{"recent blocks without transactions", func(p *Candidate, i int) {
			p.RelaysTxs = false
			p.LastBlock = epoch.Add(time.Duration(i))
		}, 8, true},
		{"a rare group", func(p *Candidate, i int) { p.Group = 1 << 60 }, 4, true},
		{"noban", func(p *Candidate, i int) { p.NoBan = true }, 20, true},
		{"local peers", func(p *Candidate, i int) { p.Local = true }, 5, true},
		{"onion peers", func(p *Candidate, i int) { p.Net = "onion" }, 5, true},
		{"private peers", func(p *Candidate, i int) { p.Net = "not_publicly_routable" }, 5, false},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			peers := crowd(n)
			for i := range tc.count {
				tc.special(&peers[n-1-i], i)
			}
			id, ok := SelectEviction(peers)
			if !ok {
				t.Fatal("nobody is evicted")
			}
			if special := id >= uint64(n-tc.count); special == tc.safe {
				t.Errorf("evicted %d", id)
			}
		})
	}
}

func TestSelectEvictionPicks(t *testing.T) {
	t.Run("few peers are all safe", func(t *testing.T) {
		if id, ok := SelectEviction(crowd(20)); ok {
			t.Errorf("evicted %d", id)
		}
		if _, ok := SelectEviction(nil); ok {
			t.Error("evicted nobody")
		}
	})
	t.Run("the youngest of the largest group", func(t *testing.T) {
		peers := crowd(100)
		for i := 80; i < 90; i++ {
			peers[i].Group = 7
		}
		if id, _ := SelectEviction(peers); id != 89 {
			t.Errorf("evicted %d", id)
		}
	})
	t.Run("one to be evicted before others", func(t *testing.T) {
		peers := crowd(100)
		peers[85].PreferEvict = true
		if id, _ := SelectEviction(peers); id != 85 {
			t.Errorf("evicted %d", id)
		}
	})
	t.Run("half of the rest by uptime", func(t *testing.T) {
		// 20 are protected by other merits, 20 of the other 40 by uptime.
		peers := crowd(60)
		peers[39].PreferEvict = true
		if id, _ := SelectEviction(peers); id != 59 {
			t.Errorf("evicted %d", id)
		}
		peers[40].PreferEvict = true
		if id, _ := SelectEviction(peers); id != 40 {
			t.Errorf("evicted %d", id)
		}
	})
	t.Run("places for rare networks", func(t *testing.T) {
		// Ten places for 40 peers: five for each of the two networks.
		peers := crowd(60)
		for i := 48; i < 60; i++ {
			peers[i].Net = []string{"onion", "i2p"}[i%2]
			peers[i].PreferEvict = true
		}
		safe := 0
		for range 12 {
			id, _ := SelectEviction(peers)
			if !peers[id].PreferEvict {
				break
			}
			peers[id].PreferEvict = false
			safe++
		}
		if safe != 2 {
			t.Errorf("%d of 12 could be evicted, want 2", safe)
		}
	})
	t.Run("old peers stay when a crowd of new ones comes", func(t *testing.T) {
		peers := crowd(115)
		for i := 60; i < 115; i++ {
			peers[i].Group = 7 // the attacker
		}
		for _, id := range evictions(peers)[:40] {
			if id < 60 {
				t.Fatalf("the honest peer %d was evicted", id)
			}
		}
	})
}

// The choice does not hang on the order of the list, never falls on a trusted
// peer, and leaves the list alone.
func TestSelectEvictionPlay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 130).Draw(t, "peers")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		peers := crowd(n)
		trusted := 0
		for i := range peers {
			p := &peers[i]
			p.MinPing = time.Duration(rng.IntN(5)) * time.Millisecond
			p.LastBlock = epoch.Add(time.Duration(rng.IntN(3)) * time.Second)
			p.LastTx = epoch.Add(time.Duration(rng.IntN(3)) * time.Second)
			p.Connected = epoch.Add(time.Duration(rng.IntN(50)) * time.Second)
			p.Group = uint64(rng.IntN(20))
			p.RelaysTxs, p.Useful, p.Bloom = rng.IntN(2) == 0, rng.IntN(2) == 0, rng.IntN(2) == 0
			p.Local = rng.IntN(10) == 0
			p.Net = []string{"ipv4", "ipv6", "onion", "i2p", "cjdns"}[rng.IntN(5)]
			p.NoBan = rng.IntN(10) == 0
			p.PreferEvict = rng.IntN(20) == 0
			if p.NoBan {
				trusted++
			}
		}
		id, ok := SelectEviction(peers)
		if protected := keepByGroup + keepByPing + keepByTx + keepByBlockOnly + keepByBlock; !ok && n-trusted > protected+1 {
			t.Fatalf("nobody of %d is evicted", n)
		}
		if ok && peers[id].NoBan {
			t.Fatal("a trusted peer is evicted")
		}
		mixed := append([]Candidate(nil), peers...)
		rng.Shuffle(n, func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		if id2, ok2 := SelectEviction(mixed); id2 != id || ok2 != ok {
			t.Fatalf("evicts %d or %d", id, id2)
		}
		for i := range peers {
			if peers[i].ID != uint64(i) {
				t.Fatal("the list was changed")
			}
		}
	})
}
