package netsync

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/holiman/uint256"
	"pgregory.net/rapid"

	"starling/chain/headertree"
	"starling/wire"
)

// playground is a world with one best chain and forks off it, made once because
// mining it takes longer than playing on it.
var playground = sync.OnceValue(func() (p struct {
	w     *world
	best  *headertree.Node
	forks []*headertree.Node
}) {
	p.w = newWorld()
	p.best = p.w.grow(p.w.tree.Genesis(), 3000, 0)
	for i, at := range []int32{0, 1, 500, 1400, 2100, 2800, 2990, 2998} {
		p.forks = append(p.forks, p.w.grow(p.best.Ancestor(at), 1+7*i, byte(i+1)))
	}
	// One that is nearly as long as the best chain.
	p.forks = append(p.forks, p.w.grow(p.best.Ancestor(1900), 1090, 99))
	return p
})

func drawPeer(t *rapid.T, best *headertree.Node, forks []*headertree.Node, i int) *remote {
	r := &remote{name: fmt.Sprintf("peer %d", i)}
	r.info = rapid.SampledFrom([]PeerInfo{
		outbound(), inbound(),
		{Services: full, Outbound: true, Manual: true},
		{Services: full, Outbound: true, BlockRelayOnly: true},
		{Services: full, NoBan: true},
		{Services: wire.NodeNetworkLimited | wire.NodeWitness, Outbound: true},
		{Services: wire.NodeNetwork},
		{},
	}).Draw(t, "kind")
	if rapid.Bool().Draw(t, "fork") {
		r.tip = forks[rapid.IntRange(0, len(forks)-1).Draw(t, "tip")]
	} else {
		r.tip = best.Ancestor(rapid.Int32Range(0, best.Height).Draw(t, "height"))
	}
	r.delay = time.Duration(rapid.IntRange(0, 3000).Draw(t, "delay")) * time.Millisecond
	r.block = time.Duration(rapid.IntRange(0, 500).Draw(t, "block")) * time.Millisecond
	r.noHeaders = rapid.IntRange(0, 3).Draw(t, "no headers") == 0
	switch rapid.IntRange(0, 6).Draw(t, "flaw") {
	case 0:
		r.noBlocks = true
	case 1:
		r.lies = true
	case 2:
		r.corrupt = true
	}
	if rapid.Bool().Draw(t, "vanishes") {
		r.vanishes = time.Duration(rapid.IntRange(1, 120_000).Draw(t, "after")) * time.Millisecond
	}
	return r
}

// TestPlay lets peers of all kinds loose on a node. The rules that must hold at
// every moment are checked by the simulation; here the node must end on the
// honest peer's chain if there is one honest peer.
func TestPlay(t *testing.T) {
	p := playground()
	rapid.Check(t, func(t *rapid.T) {
		s := newSim(t, p.w, new(uint256.Int))
		if rapid.Bool().Draw(t, "ahead") {
			// Not the first start: part of a chain is there.
			starts := append([]*headertree.Node{p.best.Ancestor(1200), p.best.Ancestor(2995)}, p.forks...)
			s.chain.give(starts[rapid.IntRange(0, len(starts)-1).Draw(t, "start")])
			s.chain.ibd = rapid.Bool().Draw(t, "ibd")
			s.reset()
		}
		honest := &remote{name: "honest", tip: p.best, honest: true,
			info:      rapid.SampledFrom([]PeerInfo{outbound(), inbound(), {Services: full, Outbound: true, Manual: true}}).Draw(t, "honest kind"),
			delay:     time.Duration(rapid.IntRange(0, 500).Draw(t, "honest delay")) * time.Millisecond,
			block:     time.Duration(rapid.IntRange(0, 200).Draw(t, "honest block")) * time.Millisecond,
			noHeaders: false,
		}
		if honest.info.Outbound {
			honest.noHeaders = rapid.Bool().Draw(t, "honest by getblocks")
		}
		others := rapid.IntRange(0, 8).Draw(t, "others")
		at := rapid.IntRange(0, others).Draw(t, "place of the honest one")
		for i := range others + 1 {
			if i == at {
				s.connect(honest)
			}
			if i < others {
				s.connect(drawPeer(t, p.best, p.forks, i))
			}
		}
		s.run(6*time.Hour, func() bool { return !s.chain.tip.Work.Lt(&p.best.Work) })
		if len(honest.drops) > 0 {
			t.Fatalf("the honest peer was dropped: %v", honest.drops)
		}
		for _, b := range s.bad {
			t.Fatalf("peer %d blamed for %v: %v", b.Peer, b.Offence, b.Err)
		}
		// All requests end. Peers that were dropped stay away for that: one which
		// takes requests and does nothing would be asked again and again.
		s.noBack = true
		s.run(6*time.Hour, func() bool { return len(s.m.window.flights) == 0 && len(s.m.window.held) == 0 })
	})
}
