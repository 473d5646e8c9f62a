package netsync

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/holiman/uint256"

	"starling/chain/headertree"
	"starling/wire"
)

// atTip returns a simulation whose node has the whole chain of a world, with
// eight healthy outbound peers that have it too.
func atTip(t *testing.T, height int) (s *sim, peers []*remote) {
	w := newWorld()
	tip := w.grow(w.tree.Genesis(), height, 0)
	s = newSim(t, w, new(uint256.Int))
	// The tip is an hour old.
	s.now = tip.Header.Time().Add(time.Hour)
	s.start = s.now
	s.chain.give(tip)
	s.chain.ibd = false
	s.reset()
	for i := range 8 {
		peers = append(peers, s.connect(&remote{
			name: fmt.Sprintf("peer %d", i), info: outbound(), tip: tip,
			delay: 50 * time.Millisecond, block: 20 * time.Millisecond,
		}))
	}
	s.rest(time.Minute)
	return s, peers
}

// rest lets time pass.
func (s *sim) rest(d time.Duration) {
	over := false
	s.after(d, func() { over = true })
	s.run(d+time.Second, func() bool { return over })
}

// found gives the peers a new block, which they announce.
func (s *sim) found(peers []*remote, n *headertree.Node, byHeaders bool) {
	for i, r := range peers {
		r.tip = n
		s.reply(r, time.Duration(i)*time.Millisecond, func() {
			if r.announces {
				s.cmpct(r, n)
			} else if byHeaders {
				s.act(s.m.Headers(s.now, r.id, []wire.Header{n.Header}))
			} else {
				s.act(s.m.Inv(s.now, r.id, []wire.Hash{n.Hash}))
			}
		})
	}
}

// A node that loses the peer it fetches the next block from must not sit idle
// while others have it.
func TestLosingThePeerAtTheTip(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(s *sim, r *remote)
		limit time.Duration
	}{
		{"it disconnects", func(s *sim, r *remote) {
			r.noBlocks, r.gone = true, true
			s.after(100*time.Millisecond, func() { s.cut(r) })
		}, time.Second},
		{"it does not have the block", func(s *sim, r *remote) { r.lies = true }, time.Second},
		{"its copy is damaged", func(s *sim, r *remote) { r.corrupt = true }, time.Second},
		{"it stalls", func(s *sim, r *remote) { r.noBlocks = true }, 10 * time.Second},
		{"it does not answer getheaders either", func(s *sim, r *remote) { r.noBlocks, r.noHeaders = true, true }, 10 * time.Second},
		{"nothing", func(*sim, *remote) {}, time.Second},
	}
	for _, tc := range tests {
		for _, byHeaders := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/headers=%v", tc.name, byHeaders), func(t *testing.T) {
				s, peers := atTip(t, 20)
				// The peer announces first, so it is asked first.
				tc.spoil(s, peers[0])
				next := s.w.grow(peers[0].tip, 1, 7)
				s.found(peers, next, byHeaders)
				s.run(tc.limit, s.synced(next))
			})
		}
	}
}

// All peers but the last spoil the block, one after the other.
func TestOneOfManyAtTheTip(t *testing.T) {
	s, peers := atTip(t, 20)
	for i, r := range peers[:7] {
		r.lies = i%2 == 0
		r.noBlocks = i%2 == 1
	}
	next := s.w.grow(peers[0].tip, 1, 7)
	s.found(peers, next, true)
	// Three stalling peers may take the three places for half a minute.
	s.run(time.Minute, s.synced(next))
}

// An announcement that nobody heard is caught up with by asking now and then.
func TestLostAnnouncement(t *testing.T) {
	s, peers := atTip(t, 20)
	next := s.w.grow(peers[0].tip, 1, 7)
	for _, r := range peers {
		r.tip = next
	}
	s.run(staleTip+2*time.Minute, s.synced(next))
}

func TestReorganisations(t *testing.T) {
	for _, depth := range []int{1, 6, 150, 600} {
		t.Run(fmt.Sprint(depth), func(t *testing.T) {
			s, peers := atTip(t, 700)
			old := peers[0].tip
			next := s.w.grow(old.Ancestor(old.Height-int32(depth)), depth+1, 7)
			s.found(peers[:1], next, false)
			s.run(time.Minute, s.synced(next))
		})
		t.Run(fmt.Sprint(depth, " by getblocks"), func(t *testing.T) {
			s, peers := atTip(t, 700)
			old := peers[0].tip
			next := s.w.grow(old.Ancestor(old.Height-int32(depth)), depth+1, 7)
			for _, r := range peers {
				r.noHeaders = true
			}
			s.found(peers[:1], next, false)
			s.run(2*time.Minute, s.synced(next))
		})
	}
}

// ours gives the node itself a new block, and returns what it does.
func (s *sim) ours(n *headertree.Node) []Action {
	own, _, err := s.chain.tree.Add(&n.Header, s.now)
	if err != nil {
		s.t.Fatalf("%v", err)
	}
	if !s.chain.store(own) {
		s.t.Fatalf("the tip did not move")
	}
	return s.m.TipChanged(s.now)
}

func TestAnnounce(t *testing.T) {
	s, peers := atTip(t, 20)
	old := peers[0].tip
	s.m.PreferHeaders(peers[0].id)
	s.m.PreferHeaders(peers[1].id)
	for _, r := range peers[3:] {
		r.gone = true
		s.cut(r)
	}
	inv := func(r *remote, nodes ...*headertree.Node) Action {
		var inv []wire.InvVect
		for _, n := range nodes {
			inv = append(inv, wire.InvVect{Type: wire.InvBlock, Hash: n.Hash})
		}
		return SendInv{r.id, inv}
	}
	diff := func(got []Action, want ...Action) {
		t.Helper()
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("actions (-want +got):\n%s", d)
		}
	}
	a := s.w.grow(old, 1, 1)
	head := []wire.Header{a.Header}
	diff(s.ours(a), SendHeaders{peers[0].id, head}, SendHeaders{peers[1].id, head}, inv(peers[2], a))
	diff(s.m.TipChanged(s.now)) // nothing new

	// A peer that has the block is not told of it.
	b := s.w.grow(a, 1, 1)
	if got := s.m.Headers(s.now, peers[1].id, []wire.Header{b.Header}); len(got) != 1 {
		t.Fatalf("on an announcement: %v", got) // fetched from it
	}
	diff(s.ours(b), SendHeaders{peers[0].id, []wire.Header{b.Header}}, inv(peers[2], b))

	// A reorganisation is told from the fork on, up to eight blocks, to peers that
	// take headers, and by its last hash to others.
	c := s.w.grow(old, 3, 2)
	path := path(nil, c, c.Height, 3)
	for _, n := range path[:2] {
		own, _, _ := s.chain.tree.Add(&n.Header, s.now)
		s.chain.store(own)
	}
	head = []wire.Header{path[0].Header, path[1].Header, path[2].Header}
	diff(s.ours(c), SendHeaders{peers[0].id, head}, SendHeaders{peers[1].id, head}, inv(peers[2], c))

	// More than that by the tip's hash alone.
	d := s.w.grow(old, 12, 3)
	for n := int32(21); n < 32; n++ {
		own, _, err := s.chain.tree.Add(&d.Ancestor(n).Header, s.now.Add(24*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		s.chain.store(own)
	}
	s.now = s.now.Add(24 * time.Hour)
	diff(s.ours(d), inv(peers[0], d), inv(peers[1], d), inv(peers[2], d))

	// During the initial download nothing is announced.
	s.chain.ibd = true
	diff(s.ours(s.w.grow(d, 1, 3)))
}

func TestServe(t *testing.T) {
	s, peers := atTip(t, 2600)
	id := peers[0].id
	tip := s.chain.tip
	at := func(h int32) wire.Hash { return tip.Ancestor(h).Hash }
	side := s.w.grow(peers[0].tip.Ancestor(2000), 3, 9)
	for _, n := range path(nil, side, side.Height, 3) {
		s.chain.tree.Add(&n.Header, s.now)
	}
	headers := []struct {
		name        string
		locator     []wire.Hash
		stop        wire.Hash
		first, last int32 // -1 for none
	}{
		{"from the start", []wire.Hash{at(0)}, wire.Hash{}, 1, 2000},
		{"to the tip", []wire.Hash{at(1000)}, wire.Hash{}, 1001, 2600},
		{"from the tip", []wire.Hash{at(2600)}, wire.Hash{}, -1, -1},
		{"the first known one counts", []wire.Hash{{1}, at(2000), at(10)}, wire.Hash{}, 2001, 2600},
		{"nothing known", []wire.Hash{{1}, {2}}, wire.Hash{}, 1, 2000},
		{"from a side chain", []wire.Hash{side.Hash, at(2000)}, wire.Hash{}, 2001, 2600},
		{"up to the stop", []wire.Hash{at(5)}, at(9), 6, 9},
		{"one by its hash", nil, at(77), 77, 77},
		{"one unknown", nil, wire.Hash{3}, -1, -1},
		{"one of an unchecked side chain", nil, side.Hash, -1, -1},
	}
	for _, tc := range headers {
		t.Run("getheaders/"+tc.name, func(t *testing.T) {
			got := s.m.GetHeaders(s.now, id, tc.locator, tc.stop)
			first, last := int32(-1), int32(-1)
			if len(got) > 0 {
				first = s.chain.tree.Lookup(got[0].Hash()).Height
				last = s.chain.tree.Lookup(got[len(got)-1].Hash()).Height
			}
			if first != tc.first || last != tc.last {
				t.Errorf("got %d to %d, want %d to %d", first, last, tc.first, tc.last)
			}
		})
	}

	// getblocks: 500 at a time, and the tip when the last is fetched.
	inv := s.m.GetBlocks(id, []wire.Hash{at(0)}, wire.Hash{})
	if len(inv) != 500 || inv[0].Hash != at(1) || inv[499].Hash != at(500) {
		t.Fatalf("getblocks gave %d", len(inv))
	}
	if a := s.m.Served(id, at(499)); a != nil {
		t.Errorf("after another block: %v", a)
	}
	want := []Action{SendInv{id, []wire.InvVect{{Type: wire.InvBlock, Hash: tip.Hash}}}}
	if d := cmp.Diff(want, s.m.Served(id, at(500))); d != "" {
		t.Errorf("after the last block (-want +got):\n%s", d)
	}
	if a := s.m.Served(id, at(500)); a != nil {
		t.Errorf("a second time: %v", a)
	}
	if inv := s.m.GetBlocks(id, []wire.Hash{at(10)}, at(15)); len(inv) != 4 || inv[3].Hash != at(14) {
		t.Errorf("getblocks with a stop gave %v", inv)
	}
	if inv := s.m.GetBlocks(id, []wire.Hash{tip.Hash}, wire.Hash{}); inv != nil {
		t.Errorf("getblocks at the tip gave %v", inv)
	}

	blocks := []struct {
		name   string
		pruned bool
		hash   wire.Hash
		want   Access
	}{
		{"a block", false, at(5), Serve},
		{"the genesis block", false, at(0), Serve},
		{"an unknown one", false, wire.Hash{9}, NotHere},
		{"one of an unchecked side chain", false, side.Hash, NotHere},
		{"a deep one of a pruned node", true, at(2600 - 291), TooOld},
		{"the deepest one of a pruned node", true, at(2600 - 290), Serve},
	}
	for _, tc := range blocks {
		t.Run("block/"+tc.name, func(t *testing.T) {
			s.m.pruned = tc.pruned
			if _, got := s.m.GetBlock(s.now, id, tc.hash); got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
		})
	}
	s.m.pruned = false

	// A node below the minimum work has nothing to tell, except to friends.
	s.m.minWork = *new(uint256.Int).AddUint64(&tip.Work, 1)
	if got := s.m.GetHeaders(s.now, id, []wire.Hash{at(0)}, wire.Hash{}); got != nil {
		t.Errorf("below the minimum work: %d headers", len(got))
	}
	s.m.peers[id].info.Download = true
	if got := s.m.GetHeaders(s.now, id, []wire.Hash{at(0)}, wire.Hash{}); len(got) != 2000 {
		t.Errorf("below the minimum work, to a friend: %d headers", len(got))
	}
}
