package netsync

import (
	"testing"
	"time"

	"starling/chain/headertree"
	"starling/wire"
)

// A pruned node names the blocks from 290 below its tip on, and 500 at a time.
func TestGetBlocksBounds(t *testing.T) {
	s, peers := atTip(t, 2600)
	id, tip := peers[0].id, s.chain.tip
	for _, c := range []struct {
		name        string
		pruned      bool
		from        int32
		first, last int32 // -1 for none
	}{
		{"from far below", false, 1000, 1001, 1500},
		{"just as many as fit", false, 2100, 2101, 2600},
		{"one less", false, 2101, 2102, 2600},
		{"pruned, the deepest", true, 2600 - 290, 2311, 2600},
		{"pruned, one below", true, 2600 - 291, -1, -1},
	} {
		s.m.pruned = c.pruned
		inv := s.m.GetBlocks(id, []wire.Hash{tip.Ancestor(c.from).Hash}, wire.Hash{})
		first, last := int32(-1), int32(-1)
		if len(inv) > 0 {
			first = s.chain.tree.Lookup(inv[0].Hash).Height
			last = s.chain.tree.Lookup(inv[len(inv)-1].Hash).Height
		}
		if first != c.first || last != c.last {
			t.Errorf("%s: %d to %d, want %d to %d", c.name, first, last, c.first, c.last)
		}
	}
}

// A block that has left the active chain is shown while it is less than a month
// old, by its time and by the work since.
func TestStaleBlocksShown(t *testing.T) {
	s, peers := atTip(t, 200)
	best := s.chain.tree.Best()
	month := 30 * 24 * time.Hour
	for _, c := range []struct {
		name string
		back int32         // where it leaves the chain, below the tip
		age  time.Duration // by its time, before the best header
		want Access
	}{
		{"a block ago", 1, time.Hour, Serve},
		{"nearly a month", 1, month - time.Second, Serve},
		{"a month", 1, month, NotHere},
	} {
		parent := best.Ancestor(best.Height - c.back)
		h := parent.Header
		h.PrevBlock = parent.Hash
		h.Timestamp = uint32(best.Header.Time().Add(-c.age).Unix())
		n, err := s.chain.tree.Restore(&h, headertree.Connected)
		if err != nil {
			t.Fatal(err)
		}
		n.SetData(&headertree.Data{Size: 1})
		if _, got := s.m.GetBlock(s.now, peers[0].id, n.Hash); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
		s.chain.tree.MarkFailed(n)
		if _, got := s.m.GetBlock(s.now, peers[0].id, n.Hash); got != NotHere {
			t.Errorf("%s, and bad: %d", c.name, got)
		}
	}
}

// A month of work is 4,320 blocks, however young a block says that it is.
func TestStaleBlocksByWork(t *testing.T) {
	b := newBench(t)
	best := b.w.grow(b.tip(), 4400, 0)
	b.chain.give(best)
	b.m.PeerUp(b.now, 1, inbound())
	for behind, want := range map[int32]Access{1: Serve, 4319: Serve, 4320: NotHere} {
		parent := b.chain.tip.Ancestor(b.chain.tip.Height - behind - 1)
		h := parent.Header
		h.PrevBlock, h.Timestamp = parent.Hash, b.chain.tip.Header.Timestamp
		n, err := b.chain.tree.Restore(&h, headertree.Connected)
		if err != nil {
			t.Fatal(err)
		}
		n.SetData(&headertree.Data{Size: 1})
		if _, got := b.m.GetBlock(b.now, 1, n.Hash); got != want {
			t.Errorf("%d blocks of work behind: %d, want %d", behind, got, want)
		}
	}
}
