package netsync

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/holiman/uint256"

	"starling/chain/headertree"
	"starling/netsync/presync"
	"starling/wire"
)

// flood is what peers do that answer every request for headers with 2,000 of a
// chain which is cheap to make, and begin anew at its end. It returns, after each
// round of messages, how much is held for all of them.
func flood(t *testing.T, peers int, cheap []wire.Header, need uint256.Int, now time.Time, limits presync.Options) (held []int, tree *headertree.Tree) {
	t.Helper()
	w := newWorld()
	chain := newTestChain(w.net, func() time.Time { return now.Add(24 * 365 * time.Hour) })
	m := New(Config{Network: w.net, Chain: chain, MinimumWork: &need, Seed: [32]byte{1}, Presync: limits})
	height := map[wire.Hash]int{w.tree.Genesis().Hash: 0}
	for i := range cheap {
		height[cheap[i].Hash()] = i + 1
	}
	next := make(map[PeerID]int) // where each of them goes on
	act := func(actions []Action) {
		for _, a := range actions {
			switch a := a.(type) {
			case SendGetHeaders:
				next[a.Peer] = height[a.Locator[0]]
			case Disconnect, Misbehaved:
				t.Fatalf("%T %v", a, a)
			}
		}
	}
	for id := range PeerID(peers) {
		act(m.PeerUp(now, id+1, inbound()))
	}
	for range 2 * len(cheap) / wire.MaxHeaders {
		total := 0
		for id := PeerID(1); id <= PeerID(peers); id++ {
			from := next[id] % len(cheap)
			act(m.Headers(now, id, cheap[from:min(from+wire.MaxHeaders, len(cheap))]))
			if g := m.peers[id].headers.gate; g != nil {
				total += g.Size()
			}
		}
		held = append(held, total)
	}
	return held, chain.tree
}

// Peers that send cheap headers without end get as much memory as the limit says
// and no more, however many headers come and however many of them there are. Not
// so without the limit.
func TestCheapHeadersOfMany(t *testing.T) {
	w := newWorld()
	gen := w.tree.Genesis()
	cheap := headersOf(w.grow(gen, 16_000, 0), 1, 16_000)
	never := *new(uint256.Int).Lsh(uint256.NewInt(1), 100)
	// There is time for 7,200 headers, and a bit for each of them.
	limits, bound := presync.Options{Period: 1, Rate: 1}, 7200/8
	for _, peers := range []int{1, 25} {
		held, tree := flood(t, peers, cheap, never, gen.Header.Time(), limits)
		if most := slices.Max(held); most > peers*bound || most < peers*bound/2 || tree.Len() != 1 {
			t.Errorf("%d peers: up to %d bytes, want up to %d; %d headers kept", peers, most, peers*bound, tree.Len())
		}
		limits := limits
		limits.Rate = -1
		if held, _ = flood(t, peers, cheap, never, gen.Header.Time(), limits); slices.Max(held) < 2*peers*bound {
			t.Errorf("%d peers, without the limit: only %d bytes", peers, slices.Max(held))
		}
	}
}

// The same for peers whose chain has the work, but for what waits in the second
// pass.
func TestHeadersOfManyTwice(t *testing.T) {
	w := newWorld()
	tip := w.grow(w.tree.Genesis(), 16_000, 0)
	headers := headersOf(tip, 1, 16_000)
	limits := presync.Options{Buffer: 500}
	bound := 64 + 80*(500+wire.MaxHeaders)
	for _, peers := range []int{1, 10} {
		held, tree := flood(t, peers, headers, tip.Work, tip.Header.Time(), limits)
		if most := slices.Max(held); most > peers*bound || tree.Best().Hash != tip.Hash {
			t.Errorf("%d peers: up to %d bytes, want up to %d; best header %d", peers, most, peers*bound, tree.Best().Height)
		}
		limits := limits
		limits.Buffer = -1
		if held, _ = flood(t, peers, headers, tip.Work, tip.Header.Time(), limits); slices.Max(held) < 4*bound {
			t.Errorf("%d peers, without the limit: only %d bytes", peers, slices.Max(held))
		}
	}
}

// headerCount counts the headers that come.
type headerCount struct {
	NoObserver
	n int
}

func (c *headerCount) HeadersReceived(_ PeerID, count, _ int) { c.n += count }

// Where a minimum of work is known the headers of an honest chain come twice up
// to there, and else once. Those of a chain that has the work at once come once
// in any case.
func TestHeadersComeTwice(t *testing.T) {
	w := newWorld()
	tip := w.grow(w.tree.Genesis(), 9000, 0)
	for _, c := range []struct {
		name string
		need uint256.Int
		want int
	}{
		{"no minimum", uint256.Int{}, 9000},
		{"shown by the first message", tip.Ancestor(2000).Work, 9000},
		{"shown by the second", tip.Ancestor(2001).Work, 4000 + 9000},
		{"shown by the last", tip.Work, 9000 + 9000},
	} {
		count := &headerCount{}
		s := newSim(t, w, &c.need)
		s.config = func(cfg *Config) { cfg.Observer = count }
		s.reset()
		s.connect(&remote{info: outbound(), tip: tip, delay: time.Millisecond, block: time.Millisecond})
		s.run(time.Hour, s.synced(tip))
		if count.n != c.want || s.chain.tree.Len() != 9001 {
			t.Errorf("%s: %d headers came and %d are kept, want %d and all", c.name, count.n, s.chain.tree.Len(), c.want)
		}
	}
}

// A peer that shows one chain and then another gets none of the other one into
// the tree by that. If the other has the work, too, it shows so in a walk of its
// own.
func TestChainChangesBetweenPasses(t *testing.T) {
	w := newWorld()
	shown := w.grow(w.tree.Genesis(), 9000, 0)
	strong := w.grow(w.tree.Genesis(), 9000, 1)
	weak := w.grow(w.tree.Genesis(), 8000, 2)
	for name, other := range map[string]*headertree.Node{"strong": strong, "weak": weak} {
		t.Run(name, func(t *testing.T) {
			s := newSim(t, w, &shown.Ancestor(8500).Work)
			s.config = func(cfg *Config) { cfg.Presync = presync.Options{Period: 50, Buffer: 1000} }
			s.reset()
			s.noBack = true
			r := s.connect(&remote{info: outbound(), tip: shown, delay: time.Millisecond, block: time.Millisecond})
			walk := func() *presync.Walk { return s.m.peers[1].headers.gate }
			s.run(time.Minute, func() bool { return walk() != nil && walk().Progress().Second })
			first := walk()
			r.tip = other
			s.run(time.Minute, func() bool { return s.m.peers[1] == nil || walk() != first })
			if n := s.chain.tree.Len(); n != 1 {
				t.Errorf("%d headers are kept when the change shows", n)
			}
			if other == strong {
				s.run(time.Hour, s.synced(other))
				return
			}
			s.run(time.Hour, func() bool { return len(r.drops) > 0 })
			if n := s.chain.tree.Len(); n != 1 || r.drops[0] != ChainTooWeak {
				t.Errorf("%d headers are kept, and it is dropped for %v", n, r.drops[0])
			}
		})
	}
}

// A chain whose end falls on the end of a full message is over with the empty
// answer that comes next, and so is the walk.
func TestEmptyAnswerEndsWalk(t *testing.T) {
	w := newWorld()
	tip := w.grow(w.tree.Genesis(), 4000, 0)
	now := tip.Header.Time()
	chain := newTestChain(w.net, func() time.Time { return now })
	m := New(Config{Network: w.net, Chain: chain, MinimumWork: new(uint256.Int).Lsh(uint256.NewInt(1), 90)})
	for id, info := range map[PeerID]PeerInfo{1: inbound(), 2: outbound()} {
		m.PeerUp(now, id, info)
		m.Headers(now, id, headersOf(tip, 1, 2000))
		m.Headers(now, id, headersOf(tip, 2001, 4000))
		dropped := false
		for _, a := range m.Headers(now, id, nil) {
			d, ok := a.(Disconnect)
			dropped = dropped || ok && d.Reason == ChainTooWeak
		}
		if s, _ := m.Peer(id); s.PresyncHeight != -1 || dropped != info.Outbound {
			t.Errorf("peer %d: still at %d, dropped: %v", id, s.PresyncHeight, dropped)
		}
	}
}

// How far the headers have come is told of the chain that has come furthest, and
// not all the time.
func TestPresyncTold(t *testing.T) {
	w := newWorld()
	gen := w.tree.Genesis()
	tip := w.grow(gen, 8000, 0)
	need := tip.Ancestor(7000).Work
	now := tip.Header.Time()
	chain := newTestChain(w.net, func() time.Time { return now })
	m := New(Config{Network: w.net, Chain: chain, MinimumWork: &need})
	for id := range PeerID(3) {
		m.PeerUp(now, id+1, inbound())
	}
	for i, c := range []struct {
		after    time.Duration
		id       PeerID
		from, to int32
		busy     bool // the node is past its initial download
		want     []Action
		height   int32 // of the peer's first pass
	}{
		// There is a header each ten minutes.
		{0, 1, 1, 2000, true, nil, 2000},
		{0, 2, 1, 2000, false, []Action{Presyncing{2, 2000, false, 2000.0 / 8000}}, 2000},
		{0, 2, 2001, 4000, false, nil, 4000},
		{0, 2, 4001, 6000, false, nil, 6000},
		{tellEvery - 1, 2, 6001, 8000, false, nil, 8000},
		{tellEvery, 3, 1, 2000, false, nil, 2000}, // another is in its second pass
		{tellEvery, 1, 1, 10, false, nil, -1},     // no part of a walk, and too little
		{600 * time.Second, 2, 1, 2000, false, []Action{Presyncing{2, 2000, true, 2000.0 / 8001}}, 8000},
		{600*time.Second + tellEvery - 1, 2, 2001, 4000, false, nil, 8000},
		{600*time.Second + tellEvery, 2, 4001, 6000, false, []Action{Presyncing{2, 6000, true, 6000.0 / (8001 + tellEvery.Seconds()/600)}}, 8000},
		{700 * time.Second, 2, 6001, 8000, false, nil, -1}, // all is kept
	} {
		chain.ibd = !c.busy
		var got []Action
		for _, a := range m.Headers(now.Add(c.after), c.id, headersOf(tip, c.from, c.to)) {
			if a, ok := a.(Presyncing); ok {
				got = append(got, a)
			}
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("message %d (-want +got):\n%s", i, d)
		}
		if s, _ := m.Peer(c.id); s.PresyncHeight != c.height {
			t.Errorf("message %d: presynced up to %d, want %d", i, s.PresyncHeight, c.height)
		}
	}
}

// Of two chains that are walked the one with more work has come further, and any
// that comes again further than one that does not.
func TestFurther(t *testing.T) {
	at := func(second bool, work uint64) presync.Progress {
		return presync.Progress{Second: second, Work: *uint256.NewInt(work)}
	}
	for _, c := range []struct {
		a, b presync.Progress
		want bool
	}{
		{at(false, 2), at(false, 1), true}, {at(false, 1), at(false, 1), false}, {at(false, 1), at(false, 2), false},
		{at(true, 1), at(false, 2), true}, {at(false, 2), at(true, 1), false}, {at(true, 2), at(true, 1), true},
	} {
		if got := further(c.a, c.b); got != c.want {
			t.Errorf("%+v further than %+v: %v", c.a, c.b, got)
		}
	}
}
