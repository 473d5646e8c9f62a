package netsync

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"starling/chain/headertree"
	"starling/wire"
)

// Who announces by compact blocks: the last three to give a block first.
func TestAnnouncers(t *testing.T) {
	b := newBench(t)
	at := b.tip()
	give := func(id PeerID) []Action {
		t.Helper()
		at = b.w.grow(at, 1, byte(id))
		if b.m.compact.whole || !b.m.peers[id].compact.provides {
			h := at.Header
			if v, _ := b.m.Block(b.now, id, at.Hash, &h); !v.Submit {
				t.Fatal("the block is not wanted")
			}
		} else {
			b.opens("a block", id, at, true)
			b.reads("a block", id, at, CompactComplete, CompactSubmit)
		}
		var told []Action
		for _, a := range b.stored(at) {
			if _, ok := a.(SendCmpct); ok {
				told = append(told, a)
			}
		}
		return told
	}
	check := func(id PeerID, want ...Action) {
		t.Helper()
		if d := cmp.Diff(want, give(id)); d != "" {
			t.Errorf("peer %d (-want +got):\n%s", id, d)
		}
	}
	on := func(id PeerID) Action { return SendCmpct{id, true} }
	off := func(id PeerID) Action { return SendCmpct{id, false} }
	for id := PeerID(1); id <= 6; id++ {
		info := inbound()
		if id == 2 || id == 6 {
			info = outbound()
		}
		b.compactUp(id, info)
	}
	check(2, on(2))
	check(2) // told already
	check(1, on(1))
	check(3, on(3))
	check(1) // told already; it is the newest now
	// 2 is the oldest, but the only one that this node chose.
	check(4, off(3), on(4))
	check(5, off(1), on(5)) // 2 is still the only one
	check(6, off(2), on(6)) // now it is not
	if got := []PeerID{b.m.compact.announcers[0].id, b.m.compact.announcers[1].id, b.m.compact.announcers[2].id}; !slices.Equal(got, []PeerID{4, 5, 6}) {
		t.Errorf("announcers %v", got)
	}
	if st, _ := b.m.Peer(6); !st.CompactTo {
		t.Error("the status does not say so")
	}
	b.m.PeerDown(b.now, 4)
	check(1, on(1))

	// Not those that have not said that they can, nor in the initial download,
	// nor while other blocks are on their way, nor without transactions.
	b.m.peers[3].compact.provides = false
	check(3)
	b.m.peers[3].compact.provides = true
	b.m.compact.whole = true
	check(3)
	b.m.compact.whole = false
	b.m.window.flights[wire.Hash{1}] = &flight{}
	check(3)
	delete(b.m.window.flights, wire.Hash{1})
	check(3, off(5), on(3))
}

// New blocks go out as compact blocks to those who want that: before they are
// connected where the parent is known to the peer, and once.
func TestFastRelay(t *testing.T) {
	b := newBench(t)
	for id := PeerID(1); id <= 5; id++ {
		b.compactUp(id, inbound())
		b.m.PeerCompact(id, id != 5, wire.CompactBlocksWitness)
	}
	b.m.peers[3].info.Version = compactNoBan - 1
	b.m.peers[4].best = b.m.peers[4].best.Ancestor(5) // it is far behind
	next := b.w.grow(b.tip(), 1, 1)
	b.m.Headers(b.now, 2, []wire.Header{next.Header}) // it has the block
	own := b.chain.tree.Lookup(next.Hash)
	send := func(id PeerID, n *headertree.Node) Action { return SendCmpctBlock{id, n} }
	checked := func(n *headertree.Node, fast bool, want ...Action) {
		t.Helper()
		got, actions := b.m.BlockChecked(n)
		if got != fast || !slices.Equal(actions, want) {
			t.Errorf("block %d: fast is %v, %v", n.Height, got, names(actions))
		}
	}
	checked(own, true, send(1, own))
	checked(own, false)
	sibling, _, _ := b.chain.tree.Add(&b.w.grow(b.tip(), 1, 2).Header, b.now)
	checked(sibling, false)
	b.chain.store(own)
	// When it is connected the others hear of it.
	b.want("connected", b.m.TipChanged(b.now), "SendCmpctBlock 3", "SendInv 4", "SendInv 5")

	above, _, _ := b.chain.tree.Add(&b.w.grow(b.w.grow(next, 1, 1), 1, 1).Header, b.now)
	if above != nil {
		t.Fatal("added without its parent")
	}
	two := b.w.grow(next, 2, 1)
	first, _, _ := b.chain.tree.Add(&two.Parent.Header, b.now)
	second, _, _ := b.chain.tree.Add(&two.Header, b.now)
	checked(second, false) // it does not build on the tip
	b.chain.ibd = true
	checked(first, false)
	b.chain.ibd = false
	b.m.net.SegwitHeight, b.now = 1000, b.now.Add(time.Second)
	checked(first, false)
	b.m.net.SegwitHeight = 0

	// Two blocks at once are announced by headers or inv.
	b.chain.store(first)
	b.chain.store(second)
	for _, a := range b.m.TipChanged(b.now) {
		if _, ok := a.(SendCmpctBlock); ok {
			t.Errorf("two blocks: %T to %d", a, a.Target())
		}
	}
}

func TestServesCompact(t *testing.T) {
	b := newBench(t)
	tip := b.chain.tip
	for depth, want := range map[int32][2]bool{0: {true, true}, 5: {true, true}, 6: {false, true}, 10: {false, true}, 11: {false, false}} {
		n := tip.Ancestor(tip.Height - depth)
		if got := [2]bool{b.m.ServesCompact(b.now, n), b.m.ServesTxs(n)}; got != want {
			t.Errorf("depth %d: %v, want %v", depth, got, want)
		}
	}
	if b.m.ServesCompact(b.now.Add(24*time.Hour), tip) {
		t.Error("compact blocks of a node that is behind")
	}
}
