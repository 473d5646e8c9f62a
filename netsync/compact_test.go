package netsync

import (
	"testing"
	"time"

	"github.com/holiman/uint256"

	"starling/chain/headertree"
	"starling/wire"
)

// newest is what a peer of today says in the handshake.
func newest(info PeerInfo) PeerInfo {
	info.Version = wire.ProtocolVersion
	return info
}

// compactUp adds a peer that has the tip and understands compact blocks.
func (b *bench) compactUp(id PeerID, info PeerInfo) {
	b.t.Helper()
	b.up(id, newest(info), b.tip())
	b.m.PeerCompact(id, false, wire.CompactBlocksWitness)
}

// cmpct has a peer send a compact block, and returns whether it is opened.
func (b *bench) cmpct(id PeerID, n *headertree.Node) (open bool, actions []Action) {
	h := n.Header
	return b.m.CompactBlock(b.now, id, n.Hash, &h)
}

// opens is cmpct for a block that must be opened, or must not.
func (b *bench) opens(step string, id PeerID, n *headertree.Node, open bool, want ...string) {
	b.t.Helper()
	got, actions := b.cmpct(id, n)
	if got != open {
		b.t.Errorf("%s: open is %v", step, got)
	}
	b.want(step, actions, want...)
}

// reads tells what came of a compact block.
func (b *bench) reads(step string, id PeerID, n *headertree.Node, r CompactResult, want CompactStep, actions ...string) {
	b.t.Helper()
	got, did := b.m.CompactRead(b.now, id, n.Hash, r, nil)
	if got != want {
		b.t.Errorf("%s: step %d, want %d", step, got, want)
	}
	b.want(step, did, actions...)
}

// stored has the chain take a block that was submitted, and returns what
// follows.
func (b *bench) stored(n *headertree.Node) []Action {
	b.t.Helper()
	own := b.chain.tree.Lookup(n.Hash)
	if own == nil || !b.m.window.holds(n.Hash) {
		b.t.Fatal("the block was not submitted")
	}
	b.chain.store(own)
	return append(b.m.BlockStored(b.now, n.Hash), b.m.TipChanged(b.now)...)
}

// asksFor returns the type of the only block that is asked for.
func asksFor(t *testing.T, actions []Action) wire.InvType {
	t.Helper()
	var types []wire.InvType
	for _, a := range actions {
		if a, ok := a.(SendGetData); ok {
			for _, v := range a.Inv {
				types = append(types, v.Type)
			}
		}
	}
	if len(types) != 1 {
		t.Fatalf("asked for %v", types)
	}
	return types[0]
}

// A single block that comes next is asked for as a compact block.
func TestAskByCompact(t *testing.T) {
	tests := []struct {
		name   string
		change func(b *bench)
		blocks int
		want   wire.InvType
	}{
		{"the next block", func(*bench) {}, 1, wire.InvCmpctBlock},
		{"a peer that has not said that it can", func(b *bench) { b.m.peers[1].compact.provides = false }, 1, wire.InvWitnessBlock},
		{"a peer with another version", func(b *bench) {
			b.m.peers[1].compact.provides = false
			b.m.PeerCompact(1, true, 1)
		}, 1, wire.InvWitnessBlock},
		{"a node without transactions", func(b *bench) { b.m.compact.whole = true }, 1, wire.InvWitnessBlock},
		{"an old tip", func(b *bench) { b.now = b.now.Add(directFetch * b.w.net.TargetSpacing) }, 1, wire.InvWitnessBlock},
		{"the initial download", func(b *bench) { b.chain.ibd = true }, 1, wire.InvWitnessBlock},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t)
			b.compactUp(1, outbound())
			tc.change(b)
			next := b.w.grow(b.tip(), tc.blocks, 1)
			if got := asksFor(t, b.m.Headers(b.now, 1, []wire.Header{next.Header})); got != tc.want {
				t.Errorf("asked for %v, want %v", got, tc.want)
			}
		})
	}
	t.Run("two blocks", func(t *testing.T) {
		b := newBench(t)
		b.compactUp(1, outbound())
		next := b.w.grow(b.tip(), 2, 1)
		for _, a := range b.m.Headers(b.now, 1, []wire.Header{next.Parent.Header, next.Header}) {
			for _, v := range a.(SendGetData).Inv {
				if v.Type != wire.InvWitnessBlock {
					t.Errorf("asked for %v", v)
				}
			}
		}
	})
	t.Run("another one is on its way", func(t *testing.T) {
		b := newBench(t)
		b.compactUp(1, outbound())
		b.compactUp(2, outbound())
		b.m.Headers(b.now, 1, []wire.Header{b.w.grow(b.tip(), 1, 1).Header})
		if got := asksFor(t, b.m.Headers(b.now, 2, []wire.Header{b.w.grow(b.tip(), 1, 2).Header})); got != wire.InvWitnessBlock {
			t.Errorf("asked for %v", got)
		}
	})
}

// The way of a compact block from its arrival to the chain.
func TestCompactBlock(t *testing.T) {
	start := func(t *testing.T) (*bench, *headertree.Node) {
		b := newBench(t)
		b.compactUp(1, outbound())
		return b, b.w.grow(b.tip(), 1, 1)
	}
	t.Run("complete", func(t *testing.T) {
		b, next := start(t)
		b.opens("unasked", 1, next, true)
		b.reads("complete", 1, next, CompactComplete, CompactSubmit)
		b.opens("again", 1, next, false)
		b.want("stored", b.stored(next), "SendCmpct 1")
		if len(b.m.window.flights)+len(b.m.window.held) != 0 {
			t.Errorf("%d in flight, %d held", len(b.m.window.flights), len(b.m.window.held))
		}
		b.opens("when it is stored", 1, next, false)
	})
	t.Run("asked for", func(t *testing.T) {
		b, next := start(t)
		b.want("announced", b.m.Headers(b.now, 1, []wire.Header{next.Header}), "SendGetData 1")
		b.opens("its answer", 1, next, true)
		b.reads("complete", 1, next, CompactComplete, CompactSubmit)
	})
	t.Run("asked for, and something is missing", func(t *testing.T) {
		b, next := start(t)
		b.want("announced", b.m.Headers(b.now, 1, []wire.Header{next.Header}), "SendGetData 1")
		b.opens("its answer", 1, next, true)
		b.reads("missing", 1, next, CompactMissing, CompactAsk)
	})
	t.Run("the whole block was asked for", func(t *testing.T) {
		b, next := start(t)
		b.m.peers[1].compact.provides = false
		b.want("announced", b.m.Headers(b.now, 1, []wire.Header{next.Header}), "SendGetData 1")
		b.m.PeerCompact(1, true, wire.CompactBlocksWitness)
		b.opens("unasked", 1, next, true)
		b.reads("missing", 1, next, CompactMissing, CompactDrop) // the whole one comes anyway
		if v, _ := b.m.Block(b.now, 1, next.Hash, &next.Header); !v.Submit || !v.Requested {
			t.Errorf("the whole block: %+v", v)
		}
	})
	t.Run("missing transactions", func(t *testing.T) {
		b, next := start(t)
		b.opens("unasked", 1, next, true)
		b.reads("missing", 1, next, CompactMissing, CompactAsk)
		b.opens("the same again", 1, next, false)
		if !b.m.CompactWaits(1, next.Hash) {
			t.Error("nothing is awaited")
		}
		if fill, actions := b.m.CompactTxs(b.now, 1, next.Hash); !fill || len(actions) != 0 {
			t.Errorf("fill is %v, %v", fill, names(actions))
		}
		b.reads("complete", 1, next, CompactComplete, CompactSubmit)
		if fill, actions := b.m.CompactTxs(b.now, 1, next.Hash); fill || len(actions) != 0 {
			t.Errorf("a second answer: fill is %v, %v", fill, names(actions))
		}
	})
	t.Run("it can not be rebuilt", func(t *testing.T) {
		b, next := start(t)
		b.opens("unasked", 1, next, true)
		got, actions := b.m.CompactRead(b.now, 1, next.Hash, CompactUnusable, nil)
		if got != CompactDrop || asksFor(t, actions) != wire.InvWitnessBlock {
			t.Errorf("step %d, %v", got, names(actions))
		}
		b.opens("the same again", 1, next, false)
		if v, _ := b.m.Block(b.now, 1, next.Hash, &next.Header); !v.Submit || !v.Requested {
			t.Errorf("the whole block: %+v", v)
		}
	})
	t.Run("what was asked for does not fit", func(t *testing.T) {
		b, next := start(t)
		b.opens("unasked", 1, next, true)
		b.reads("missing", 1, next, CompactMissing, CompactAsk)
		b.m.CompactTxs(b.now, 1, next.Hash)
		b.reads("a collision", 1, next, CompactUnusable, CompactDrop, "SendGetData 1")
		_, actions := b.m.CompactTxs(b.now, 1, next.Hash)
		b.want("another answer", actions, "Misbehaved 1")
	})
	t.Run("invalid", func(t *testing.T) {
		b, next := start(t)
		b.opens("unasked", 1, next, true)
		b.reads("invalid", 1, next, CompactInvalid, CompactDrop, "Misbehaved 1")
		if len(b.m.window.flights) != 0 {
			t.Error("still in flight")
		}
		// Another one is asked.
		b.compactUp(2, outbound())
		b.want("announced", b.m.Headers(b.now, 2, []wire.Header{next.Header}), "SendGetData 2")
	})
	t.Run("it does not come", func(t *testing.T) {
		b, next := start(t)
		b.want("announced", b.m.Headers(b.now, 1, []wire.Header{next.Header}), "SendGetData 1")
		b.want("within the time", b.wait(compactPatience-time.Second))
		if got := asksFor(t, b.wait(2*time.Second)); got != wire.InvWitnessBlock {
			t.Errorf("asked for %v", got)
		}
		b.want("only once", b.wait(time.Minute))
		b.opens("late", 1, next, true) // and still of use
		b.reads("but not complete", 1, next, CompactMissing, CompactDrop)
		if !b.m.window.flights[next.Hash].by(b.m.peers[1]) {
			t.Error("the whole block is no longer awaited")
		}
	})
	t.Run("transactions do not come", func(t *testing.T) {
		b, next := start(t)
		b.opens("unasked", 1, next, true)
		b.reads("missing", 1, next, CompactMissing, CompactAsk)
		if got := asksFor(t, b.wait(compactPatience+time.Second)); got != wire.InvWitnessBlock {
			t.Errorf("asked for %v", got)
		}
		if fill, _ := b.m.CompactTxs(b.now, 1, next.Hash); !fill {
			t.Error("late, they are of no use")
		}
		b.reads("complete", 1, next, CompactComplete, CompactSubmit)
	})
	t.Run("the peer goes", func(t *testing.T) {
		b, next := start(t)
		b.compactUp(2, outbound())
		b.opens("unasked", 1, next, true)
		b.reads("missing", 1, next, CompactMissing, CompactAsk)
		b.m.Headers(b.now, 2, []wire.Header{next.Header})
		b.want("peer down", b.m.PeerDown(b.now, 1), "SendGetData 2")
		b.reads("what it was at", 1, next, CompactComplete, CompactDrop)
	})
	t.Run("the chain has the block in its hands", func(t *testing.T) {
		b, next := start(t)
		b.compactUp(2, outbound())
		b.opens("one", 1, next, true)
		b.opens("two", 2, next, true)
		b.reads("one", 1, next, CompactComplete, CompactSubmit)
		b.reads("two", 2, next, CompactUnusable, CompactDrop)
		b.compactUp(3, outbound())
		b.opens("three", 3, next, false)
	})
	t.Run("the block is damaged", func(t *testing.T) {
		b, next := start(t)
		b.compactUp(2, outbound())
		b.opens("one", 1, next, true)
		b.reads("one", 1, next, CompactComplete, CompactSubmit)
		b.m.Headers(b.now, 2, []wire.Header{next.Header})
		b.want("rejected", b.m.BlockRejected(b.now, next.Hash), "SendGetData 2")
	})
}

// Compact blocks that are not worth opening.
func TestCompactIgnored(t *testing.T) {
	b := newBench(t)
	b.compactUp(1, outbound())
	b.compactUp(2, inbound())
	tip := b.tip()
	far := b.w.grow(tip, 3, 1)
	var headers []wire.Header
	for _, n := range path(nil, far, far.Height-1, 2) {
		headers = append(headers, n.Header)
	}
	b.opens("without a known parent", 1, far, false, "SendGetHeaders 1")
	b.opens("one block less than the tip", 2, b.w.grow(tip.Ancestor(tip.Height-2), 1, 9), false)
	b.opens("as much work as the tip", 2, b.w.grow(tip.Parent, 1, 9), false, "SendGetData 2")
	b.opens("stored", 2, tip, false)

	weak := b.w.grow(tip.Ancestor(1), 1, 9)
	b.m.minWork = *new(uint256.Int).AddUint64(&tip.Work, 1)
	b.opens("below the minimum work", 2, weak, false)
	b.m.minWork.Clear()
	if b.chain.tree.Lookup(weak.Hash) != nil {
		t.Error("a header without the work was kept")
	}

	bad := &headertree.Node{Header: far.Header}
	bad.Header.PrevBlock = tip.Hash
	for bad.Hash = bad.Header.Hash(); bad.Hash[31] < 0x80; bad.Hash = bad.Header.Hash() {
		bad.Header.Nonce++
	}
	b.opens("without proof of work", 2, bad, false, "Misbehaved 2")

	// Too far ahead it counts as an announcement: its parents are fetched.
	b.chain.ibd = true
	next := b.w.grow(tip, 1, 5)
	if open, _ := b.cmpct(2, next); open {
		t.Error("opened in the initial download")
	}
	b.chain.ibd = false
	if _, actions := b.cmpct(1, far); len(actions) != 0 {
		t.Errorf("%v", names(actions)) // getheaders is out already
	}
	b.m.Headers(b.now, 1, headers)
	b.opens("too far ahead", 2, far, false, "SendGetData 1") // which had announced it before

	// The operator, or a rule, has refused the block before.
	own := b.chain.tree.Lookup(next.Hash)
	b.chain.tree.MarkFailed(own)
	b.opens("known to be bad", 1, next, false)
	b.m.PeerDown(b.now, 2)
}

// A block that turns out bad while its compact block is put together leaves no
// request behind.
func TestCompactFailsMeanwhile(t *testing.T) {
	b := newBench(t)
	b.compactUp(1, outbound())
	next := b.w.grow(b.tip(), 1, 1)
	b.opens("new", 1, next, true)
	b.chain.tree.MarkFailed(b.chain.tree.Lookup(next.Hash))
	b.reads("bad by now", 1, next, CompactComplete, CompactDrop)
	if b.m.peers[1].window.asking(next.Hash) != nil || b.m.window.flights[next.Hash] != nil {
		t.Error("the peer keeps its slot for a block that is complete")
	}
}

// At most three fetch a block at once, the last of them a peer that this node
// chose; and nobody's compact block is opened twice.
func TestParallelCompact(t *testing.T) {
	b := newBench(t)
	next := b.w.grow(b.tip(), 1, 1)
	for id := PeerID(1); id <= 6; id++ {
		info := inbound()
		if id == 5 {
			info = outbound()
		}
		b.compactUp(id, info)
		b.m.peers[id].compact.announces = id != 2
	}
	b.opens("the first", 1, next, true)
	b.reads("the first", 1, next, CompactMissing, CompactAsk)
	b.opens("one that was not told to announce", 2, next, true)
	b.reads("one that was not told to announce", 2, next, CompactMissing, CompactDrop)
	b.opens("the second", 3, next, true)
	b.reads("the second", 3, next, CompactMissing, CompactAsk)
	b.opens("one of those who connected to us", 4, next, true)
	b.reads("for whom there is no third place", 4, next, CompactMissing, CompactDrop)
	b.opens("again", 4, next, false)
	b.opens("one that we chose", 5, next, true)
	b.reads("has it", 5, next, CompactMissing, CompactAsk)
	b.opens("one more", 6, next, true)
	b.reads("only tries", 6, next, CompactMissing, CompactDrop)
	b.opens("once", 6, next, false)
	if n := len(b.m.window.flights[next.Hash].from); n != 3 {
		t.Errorf("%d fetch it", n)
	}
	// A failure of one that is not the first is left to the others.
	b.m.CompactTxs(b.now, 3, next.Hash)
	b.reads("the second", 3, next, CompactUnusable, CompactDrop)

	b.compactUp(7, inbound())
	b.opens("who has all of it", 7, next, true)
	b.reads("who has all of it", 7, next, CompactComplete, CompactSubmit)
	b.want("and comes first", b.stored(next), "SendCmpct 7")
	if len(b.m.window.flights) != 0 {
		t.Errorf("%d flights", len(b.m.window.flights))
	}
}

// Many peers that send compact block after compact block have few of them kept
// together, and what they hold back is fetched whole.
func TestCompactFloodOfMany(t *testing.T) {
	b := newBench(t)
	const peers = 20
	for id := range PeerID(peers) {
		b.compactUp(id+1, inbound())
		b.m.peers[id+1].compact.announces = true
	}
	kept := 0
	for i := range byte(10) {
		for id := range PeerID(peers) {
			n := b.w.grow(b.tip(), 1, i*peers+byte(id)+1)
			if open, _ := b.cmpct(id+1, n); !open {
				continue
			}
			if step, _ := b.m.CompactRead(b.now, id+1, n.Hash, CompactMissing, nil); step == CompactAsk {
				kept++
			}
		}
	}
	if kept != maxRebuildingAll || rebuilding(b.m.order) != maxRebuildingAll {
		t.Errorf("%d blocks wait for transactions, %d by count, want %d", kept, rebuilding(b.m.order), maxRebuildingAll)
	}
}

// A peer that sends compact block after compact block has each opened once, and
// few of them kept.
func TestCompactFlood(t *testing.T) {
	b := newBench(t)
	b.compactUp(1, inbound())
	b.m.peers[1].compact.announces = true
	opened, kept := 0, 0
	for i := range 30 {
		n := b.w.grow(b.tip(), 1, byte(i+1))
		for range 5 {
			open, _ := b.cmpct(1, n)
			if !open {
				continue
			}
			opened++
			if step, _ := b.m.CompactRead(b.now, 1, n.Hash, CompactMissing, nil); step == CompactAsk {
				kept++
			}
		}
	}
	if opened > 30 || kept != maxRebuilding {
		t.Errorf("opened %d times, %d kept", opened, kept)
	}
	if n := len(b.m.peers[1].window.flights); n > maxInFlight {
		t.Errorf("%d in flight", n)
	}
}
