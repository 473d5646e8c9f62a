package netsync

import (
	"fmt"
	"testing"
	"time"

	"github.com/holiman/uint256"
	"pgregory.net/rapid"

	"starling/chain/headertree"
	"starling/wire"
)

// compactModes are what may come of a peer's compact blocks.
var compactModes = []string{"", "complete", "missing", "unusable", "invalid", "late unusable", "late invalid", "silent"}

// TestPlayCompact has peers of all kinds at the tip, which hear of new blocks
// in all orders and forms. The node must follow as long as one of them is
// honest, and blame nobody but who deserves it.
func TestPlayCompact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		tip := w.grow(w.tree.Genesis(), 20, 0)
		s := newSim(t, w, new(uint256.Int))
		s.now = tip.Header.Time().Add(time.Hour)
		s.start = s.now
		s.chain.give(tip)
		s.chain.ibd = false
		s.reset()
		var peers []*remote
		honest := rapid.IntRange(0, 5).Draw(t, "place of the honest one")
		for i := range 6 {
			r := &remote{name: fmt.Sprintf("peer %d", i), tip: tip}
			r.info = rapid.SampledFrom([]PeerInfo{outbound(), inbound(), {Services: full, Outbound: true, Manual: true}}).Draw(t, "kind")
			r.delay = time.Duration(rapid.IntRange(0, 2000).Draw(t, "delay")) * time.Millisecond
			r.block = time.Duration(rapid.IntRange(0, 500).Draw(t, "block")) * time.Millisecond
			if i == honest {
				r.honest = true
				r.compact = rapid.SampledFrom(compactModes[:3]).Draw(t, "honest compact")
			} else {
				r.compact = rapid.SampledFrom(compactModes).Draw(t, "compact")
				switch rapid.IntRange(0, 6).Draw(t, "flaw") {
				case 0:
					r.noBlocks = true
				case 1:
					r.lies = true
				case 2:
					r.corrupt = true
				}
			}
			peers = append(peers, s.connect(r))
		}
		s.rest(time.Minute)
		for range rapid.IntRange(1, 8).Draw(t, "rounds") {
			from := tip
			if rapid.IntRange(0, 3).Draw(t, "fork") == 0 {
				from = tip.Parent
			}
			next := w.grow(from, rapid.IntRange(1, 3).Draw(t, "blocks"), byte(rapid.IntRange(1, 200).Draw(t, "salt")))
			for i := range peers {
				if !peers[i].up {
					peers[i].tip = next
				}
			}
			up := peers[:0:0]
			for _, r := range rapid.Permutation(peers).Draw(t, "order") {
				if r.up {
					up = append(up, r)
				}
			}
			s.found(up, next, rapid.Bool().Draw(t, "by headers"))
			if next.Work.Gt(&tip.Work) {
				tip = next
				s.run(3*time.Minute, s.synced(next))
			}
			s.rest(30 * time.Minute) // blocks are ten minutes apart, and must not come from the future
		}
		if r := peers[honest]; len(r.drops) > 0 {
			t.Fatalf("the honest peer was dropped: %v", r.drops)
		}
		for _, b := range s.bad {
			if b.Offence != InvalidCompactBlock || b.Peer == peers[honest].id {
				t.Fatalf("peer %d blamed for %v: %v", b.Peer, b.Offence, b.Err)
			}
		}
		s.run(time.Hour, func() bool { return len(s.m.window.flights) == 0 && len(s.m.window.held) == 0 })
	})
}

// whole brings a block that was asked for as a compact block before.
func (s *sim) whole(r *remote, h wire.Hash) {
	if r.noBlocks {
		return
	}
	r.free = maxTime(r.free, s.now.Add(r.delay)).Add(r.block)
	s.reply(r, r.free.Sub(s.now), func() { s.deliver(r, s.w.tree.Lookup(h)) })
}

// cmpct brings a compact block of the peer, and what the field compact says
// comes of it: "complete" at once, "missing" after a round trip, "unusable" or
// "invalid"; "late unusable" and "late invalid" after a round trip; "silent"
// if the round trip never ends.
func (s *sim) cmpct(r *remote, n *headertree.Node) {
	h := n.Header
	open, actions := s.m.CompactBlock(s.now, r.id, n.Hash, &h)
	if r.opened == nil {
		r.opened = make(map[wire.Hash]bool)
	}
	r.opened[n.Hash] = true
	s.landed(r, n.Hash)
	s.act(actions)
	if !open {
		return
	}
	first, later := CompactMissing, CompactComplete
	switch r.compact {
	case "complete":
		first = CompactComplete
	case "unusable":
		first = CompactUnusable
	case "invalid":
		first = CompactInvalid
	case "late unusable":
		later = CompactUnusable
	case "late invalid":
		later = CompactInvalid
	}
	switch s.read(r, n, first) {
	case CompactDrop:
	case CompactAsk:
		if r.compact == "silent" {
			return
		}
		s.reply(r, 2*r.delay, func() {
			fill, actions := s.m.CompactTxs(s.now, r.id, n.Hash)
			s.act(actions)
			if fill {
				s.read(r, n, later)
			}
		})
	}
}

// read tells the node what came of a compact block.
func (s *sim) read(r *remote, n *headertree.Node, result CompactResult) CompactStep {
	step, actions := s.m.CompactRead(s.now, r.id, n.Hash, result, nil)
	s.submit(r, n, step == CompactSubmit)
	s.landed(r, n.Hash)
	s.act(actions)
	return step
}

// landed notes that a block is no longer asked of the peer, if so.
func (s *sim) landed(r *remote, h wire.Hash) {
	if p := s.m.peers[r.id]; p == nil || p.window.asking(h) == nil {
		delete(r.asked, h)
		delete(r.opened, h)
	}
}
