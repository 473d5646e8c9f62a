package netsync

import (
	"testing"
	"time"

	"github.com/holiman/uint256"

	"starling/chain/headertree"
	"starling/wire"
)

// headersOf returns the headers of n's chain from height a to b.
func headersOf(n *headertree.Node, a, b int32) (out []wire.Header) {
	for _, n := range path(nil, n, b, b-a+1) {
		out = append(out, n.Header)
	}
	return out
}

// A chain below the minimum work passes the gate when it shows the work, and
// leaves no header when it does not.
func TestMinimumWork(t *testing.T) {
	w := newWorld()
	long := w.grow(w.tree.Genesis(), 5000, 0)
	short := w.grow(w.tree.Genesis(), 4600, 1)
	ms := time.Millisecond
	need := long.Ancestor(4800).Work

	t.Run("by headers", func(t *testing.T) {
		s := newSim(t, w, &need)
		s.connect(&remote{info: inbound(), tip: short, delay: 10 * ms, block: ms})
		s.connect(&remote{info: outbound(), tip: long, delay: 20 * ms, block: ms})
		s.run(5*time.Minute, s.synced(long))
		if n := s.chain.tree.Len(); n != 5001 {
			t.Errorf("%d headers kept, want those of the good chain", n)
		}
	})
	t.Run("by getblocks", func(t *testing.T) {
		s := newSim(t, w, &need)
		s.connect(&remote{info: outbound(), tip: long, delay: 20 * ms, block: ms, noHeaders: true})
		s.run(10*time.Minute, s.synced(long))
	})
	t.Run("an outbound peer that has only a weak chain is dropped", func(t *testing.T) {
		s := newSim(t, w, &need)
		r := s.connect(&remote{info: outbound(), tip: short, delay: 20 * ms})
		s.run(time.Minute, func() bool { return len(r.drops) > 0 })
		if r.drops[0] != ChainTooWeak || s.chain.tree.Len() != 1 {
			t.Errorf("dropped for %v, %d headers kept", r.drops[0], s.chain.tree.Len())
		}
	})
	t.Run("by getblocks without the work", func(t *testing.T) {
		s := newSim(t, w, &need)
		info := outbound()
		info.Manual = true
		s.connect(&remote{info: info, tip: short, delay: 20 * ms, block: ms, noHeaders: true})
		s.rest(50 * time.Minute)
		if n := s.chain.tree.Len(); n != 1 {
			t.Errorf("%d headers kept", n)
		}
		// It takes all its blocks to find out, but only once an hour.
		if n := s.fetched[short.Hash]; n != 1 {
			t.Errorf("its last block was fetched %d times", n)
		}
	})
	t.Run("a trusted peer needs to show nothing", func(t *testing.T) {
		s := newSim(t, w, &need)
		info := outbound()
		info.NoBan, info.Manual = true, true
		s.connect(&remote{info: info, tip: short, delay: 20 * ms, block: ms})
		s.run(5*time.Minute, func() bool { return s.chain.tree.Len() == 4601 })
	})
	t.Run("cheap headers without end", func(t *testing.T) {
		s := newSim(t, w, new(uint256.Int).Lsh(uint256.NewInt(1), 100))
		id := PeerID(1)
		s.byID[id] = &remote{id: id, up: true, noHeaders: true}
		s.act(s.m.PeerUp(s.now, id, inbound()))
		n := w.tree.Genesis()
		for range 10 {
			n = w.grow(n, 2000, 5)
			s.act(s.m.Headers(s.now, id, headersOf(n, n.Height-1999, n.Height)))
		}
		g := s.m.peers[id].headers.gate
		if s.chain.tree.Len() != 1 || g == nil || g.Size() > 64 {
			t.Errorf("headers kept: %d, gate %+v", s.chain.tree.Len(), g)
		}
	})
}
