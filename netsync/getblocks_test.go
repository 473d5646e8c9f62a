package netsync

import (
	"fmt"
	"testing"
	"time"

	"starling/chain/headertree"
	"starling/wire"
)

// A peer that is asked with getblocks announces blocks that were asked of
// another before, whose turn is over and which does not give them. They are
// needed in their place, or the peer's chain seems to lack its work.
func TestFeedWhileAnotherHoldsItsBlocks(t *testing.T) {
	w := newWorld()
	tip := w.grow(w.tree.Genesis(), 480, 0)
	ms := time.Millisecond
	for _, tc := range []struct {
		name  string
		need  *headertree.Node // has the minimum work
		given int              // blocks that the other has given before it sleeps
	}{
		{"the first blocks", w.tree.Genesis(), 0},
		{"the first blocks of a walk through the gate", tip.Parent, 0},
		{"the last blocks of the first pass", tip.Parent, 470},
		{"blocks of the second pass", tip.Parent, 480 + 100},
	} {
		t.Run(tc.name, func(t *testing.T) {
			need := tc.need.Work
			s := newSim(t, w, &need)
			other := s.connect(&remote{name: "other", info: outbound(), tip: tip, delay: ms, block: 10 * ms, noHeaders: true})
			other.noBlocks = tc.given == 0
			peer := s.connect(&remote{name: "peer", info: outbound(), tip: tip, delay: ms, block: 10 * ms, noHeaders: true})
			given := func() (n int) {
				for _, times := range s.fetched {
					n += times
				}
				return n - len(other.asked)
			}
			s.run(time.Minute, func() bool { return given() >= tc.given })
			other.noBlocks = true
			s.rest(silentAfter + 10*time.Second) // what is on its way still comes
			if n := len(other.asked); n == 0 {
				t.Fatal("nothing is in flight from the other")
			}
			s.reply(other, 0, func() { s.act(s.m.Headers(s.now, other.id, nil)) })
			s.run(2*time.Minute, s.synced(tip))
			if len(peer.drops) > 0 {
				t.Errorf("the peer was dropped: %v", peer.drops)
			}
		})
	}
}

// The headers of a peer's chain come into the tree by another way while the
// peer's blocks are walked through the gate. That the walk ends early says
// nothing against its chain: it is asked for news as before.
func TestFeedOvertakenByHeaders(t *testing.T) {
	w := newWorld()
	long := w.grow(w.tree.Genesis(), 1300, 0)
	ms := time.Millisecond
	for _, tc := range []struct {
		height int32 // of the peer's chain
		after  int   // that many of its blocks were asked for
	}{
		{480, 100},
		{480, 479},
		{480, 480},
		{480, 500}, // in the second pass
		{480, 900},
		{1300, 100}, // so much is left that the peer announces 500 known ones
		{1300, 1200},
	} {
		t.Run(fmt.Sprint(tc), func(t *testing.T) {
			tip := long.Ancestor(tc.height)
			next := w.grow(tip, 1, 1)
			s := newSim(t, w, &tip.Work)
			info := outbound()
			info.Manual = true
			peer := s.connect(&remote{name: "peer", info: info, tip: tip, delay: ms, block: 10 * ms, noHeaders: true})
			fetched := 0
			s.run(time.Minute, func() bool {
				fetched = 0
				for _, times := range s.fetched {
					fetched += times
				}
				return fetched >= tc.after
			})
			if _, _, err := s.chain.AcceptHeaders(headersOf(tip, 1, tip.Height)); err != nil {
				t.Fatal(err)
			}
			s.act(s.m.Tick(s.now))
			s.run(10*time.Minute, s.synced(tip))
			s.rest(5 * time.Minute)
			peer.tip = next
			s.act(s.m.Inv(s.now, peer.id, []wire.Hash{next.Hash}))
			s.run(5*time.Minute, s.synced(next))
		})
	}
}
