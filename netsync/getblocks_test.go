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

// fed is a peer that answers no getheaders, and has announced blocks when it was
// asked with getblocks.
func (b *bench) fed(id PeerID, blocks ...wire.Hash) {
	b.t.Helper()
	b.want("a new peer", b.m.PeerUp(b.now, id, outbound()), fmt.Sprintf("SendGetHeaders %d", id))
	b.want("no answer", b.wait(silentAfter), fmt.Sprintf("SendGetBlocks %d", id))
	b.want("blocks", b.m.Inv(b.now, id, blocks), fmt.Sprintf("SendGetData %d", id))
}

// hashesOf returns the hashes of n's chain from height a to b.
func hashesOf(n *headertree.Node, a, b int32) (out []wire.Hash) {
	for _, n := range path(nil, n, b, b-a+1) {
		out = append(out, n.Hash)
	}
	return out
}

// A peer that has announced blocks and gives none has two minutes; with each
// that comes they begin anew, and while the chain has one of its blocks in its
// hands they stand still.
func TestFeedStalls(t *testing.T) {
	b := newBench(t)
	b.now = b.now.Add(100 * time.Hour)
	next := b.w.grow(b.tip(), 3, 1)
	b.fed(1, hashesOf(next, 21, 23)...)
	b.want("within the time", b.wait(feedStall-time.Second))
	first, second := next.Ancestor(21), next.Ancestor(22)
	if v, _ := b.m.Block(b.now, 1, first.Hash, &first.Header); !v.Submit {
		t.Fatal("the block is not wanted")
	}
	b.want("while the chain works on it", b.wait(5*time.Minute))
	b.chain.store(b.chain.tree.Lookup(first.Hash))
	b.want("stored", b.m.BlockStored(b.now, first.Hash))
	b.want("within the time", b.wait(feedStall-time.Second))
	if v, _ := b.m.Block(b.now, 1, second.Hash, &second.Header); !v.Submit {
		t.Fatal("the block is not wanted")
	}
	b.want("damaged", b.m.BlockRejected(b.now, second.Hash))
	b.want("within the time", b.wait(feedStall-time.Second))
	b.want("over", b.wait(time.Second), "Disconnect 1")
	if len(b.obs.dropped) != 1 || b.obs.dropped[0] != "1: "+GetBlocksStalled.Error() {
		t.Errorf("dropped: %v", b.obs.dropped)
	}
}

// When a chain has shown its work the second pass over it is asked for at once,
// though blocks of the first are still on their way; not of a peer whose turn is
// over.
func TestFeedSecondPass(t *testing.T) {
	for name, over := range map[string]bool{"its turn": false, "its turn is over": true} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.now = b.now.Add(100 * time.Hour)
			next := b.w.grow(b.tip(), 10, 1)
			b.m.minWork = next.Ancestor(24).Work
			b.fed(1, hashesOf(next, 21, 30)...)
			var want []string
			if over {
				b.want("it lacks one", b.m.NotFound(b.now, 1, []wire.Hash{next.Hash}))
			} else {
				want = append(want, "SendGetBlocks 1")
			}
			for h := int32(21); h <= 24; h++ {
				n := next.Ancestor(h)
				v, actions := b.m.Block(b.now, 1, n.Hash, &n.Header)
				if v.Submit {
					t.Errorf("block %d is wanted before its work is shown", h)
				}
				if h < 24 {
					b.want("on the way", actions)
				} else {
					b.want("the work is shown", actions, want...)
				}
			}
		})
	}
}
