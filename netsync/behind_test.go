package netsync

import (
	"testing"
	"time"

	"github.com/holiman/uint256"
)

// A peer that is dropped for a chain without the minimum work takes no place
// among the protected ones, even if its chain is as good as ours.
func TestDroppedPeerIsNotProtected(t *testing.T) {
	b := newBench(t)
	b.chain.ibd = true
	b.m.minWork = *new(uint256.Int).AddUint64(&b.chain.tip.Work, 1)
	b.want("our tip", b.up(1, outbound(), b.tip()), "Disconnect 1")
	if n := b.m.behind.protected; n != 0 {
		t.Errorf("%d peers are protected", n)
	}
}

// The chain-behind rule by itself: a peer's chain of these heights, as it grows
// or not, against a tip that moves on.
func TestBehind(t *testing.T) {
	w := newWorld()
	top := w.grow(w.tree.Genesis(), 30, 0)
	chain := newTestChain(w.net, func() time.Time { return top.Header.Time() })
	chain.tree = w.tree
	start := top.Header.Time()
	min := time.Minute
	type look struct {
		at   time.Duration
		tip  int32
		best int32 // of the peer; -1 for unknown
		want behindStep
		from int32 // asked from here
	}
	tests := []struct {
		name  string
		spoil func(p *peer)
		looks []look
	}{
		{"never behind", nil, []look{{0, 20, 20, behindWait, 0}, {30 * min, 25, 25, behindWait, 0}, {60 * min, 25, 26, behindWait, 0}}},
		{"behind all the time", nil, []look{
			{0, 20, 19, behindWait, 0}, {20*min - 1, 21, 19, behindWait, 0},
			{20 * min, 22, 19, behindPrompt, 19}, {22*min - 1, 22, 19, behindWait, 0}, {22 * min, 22, 19, behindDrop, 0},
		}},
		{"nothing known", nil, []look{{0, 20, -1, behindWait, 0}, {20 * min, 20, -1, behindPrompt, 19}, {22 * min, 20, -1, behindDrop, 0}}},
		{"it keeps up, one block late", nil, []look{
			{0, 20, 19, behindWait, 0}, {10 * min, 21, 20, behindWait, 0}, {20 * min, 22, 21, behindWait, 0},
			{30 * min, 22, 21, behindWait, 0}, {40 * min, 22, 21, behindPrompt, 21},
		}},
		{"it answers in time", nil, []look{
			{0, 20, 19, behindWait, 0}, {20 * min, 22, 19, behindPrompt, 19}, {21 * min, 22, 22, behindWait, 0}, {23 * min, 23, 22, behindWait, 0},
		}},
		{"it is protected", func(p *peer) { p.behind.protected = true }, []look{{0, 20, 19, behindWait, 0}, {30 * min, 20, 19, behindWait, 0}}},
		{"it is not asked for headers yet", func(p *peer) { p.headers.syncing = false }, []look{{0, 20, 19, behindWait, 0}, {30 * min, 20, 19, behindWait, 0}}},
		{"inbound", func(p *peer) { p.info.Outbound = false }, []look{{0, 20, 19, behindWait, 0}, {30 * min, 20, 19, behindWait, 0}}},
		{"by hand", func(p *peer) { p.info.Manual = true }, []look{{0, 20, 19, behindWait, 0}, {30 * min, 20, 19, behindWait, 0}}},
		{"leaving", func(p *peer) { p.leaving = true }, []look{{0, 20, 19, behindWait, 0}, {30 * min, 20, 19, behindWait, 0}}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			b := behind{env: &env{net: w.net, chain: chain}}
			p := &peer{info: outbound()}
			p.headers.syncing = true
			if tc.spoil != nil {
				tc.spoil(p)
			}
			for _, l := range tc.looks {
				chain.tip = top.Ancestor(l.tip)
				if l.best >= 0 {
					p.best = top.Ancestor(l.best)
				}
				got, from := b.check(start.Add(l.at), p)
				if got != l.want || from != nil && from.Height != l.from || (from != nil) != (l.want == behindPrompt) {
					t.Errorf("after %v: %d, from %v", l.at, got, from)
				}
			}
		})
	}
}

func TestProtect(t *testing.T) {
	w := newWorld()
	top := w.grow(w.tree.Genesis(), 3, 0)
	chain := newTestChain(w.net, func() time.Time { return top.Header.Time() })
	chain.tree, chain.tip = w.tree, top.Parent
	b := behind{env: &env{net: w.net, chain: chain}}
	good := func(change func(*peer)) *peer {
		p := &peer{info: outbound()}
		p.best = top.Parent
		change(p)
		return p
	}
	for name, change := range map[string]func(*peer){
		"inbound":         func(p *peer) { p.info.Outbound = false },
		"by hand":         func(p *peer) { p.info.Manual = true },
		"for blocks only": func(p *peer) { p.info.BlockRelayOnly = true },
		"a weaker chain":  func(p *peer) { p.best = top.Parent.Parent },
		"one that leaves": func(p *peer) { p.leaving = true },
	} {
		p := good(change)
		if b.protect(p); p.behind.protected || b.protected != 0 {
			t.Errorf("%s: protected", name)
		}
	}
	var all []*peer
	for i := range maxProtected + 1 {
		p := good(func(*peer) {})
		b.protect(p)
		b.protect(p) // counts once
		all = append(all, p)
		if p.behind.protected != (i < maxProtected) {
			t.Errorf("peer %d: %v", i, p.behind.protected)
		}
	}
	b.leave(all[maxProtected])
	b.leave(all[0])
	b.leave(all[0])
	if b.protected != maxProtected-1 {
		t.Errorf("%d protected", b.protected)
	}
	if b.protect(all[maxProtected]); !all[maxProtected].behind.protected {
		t.Error("the free place was not given")
	}
}

// A peer that answers getblocks alone is sent no getheaders. What it is to do
// better with is its next turn, however late that comes.
func TestBehindByGetBlocks(t *testing.T) {
	w := newWorld()
	top := w.grow(w.tree.Genesis(), 30, 0)
	chain := newTestChain(w.net, func() time.Time { return top.Header.Time() })
	chain.tree, chain.tip = w.tree, top.Ancestor(20)
	start := top.Header.Time()
	min := time.Minute
	type look struct {
		at   time.Duration
		want behindStep
		turn bool  // it is asked with getblocks just now
		best int32 // of the peer; 0 if it is as before
	}
	for name, tc := range map[string]struct {
		late  bool // it answered getheaders until it was prompted
		looks []look
	}{
		"no turn":                {looks: []look{{at: 0}, {at: 20 * min}, {at: 22 * min}, {at: 9 * time.Hour}}},
		"a turn before":          {looks: []look{{at: 0}, {at: 20*min - 1, turn: true}, {at: 20 * min}, {at: 22 * min}, {at: time.Hour}}},
		"a turn at once":         {looks: []look{{at: 0}, {at: 20 * min, turn: true}, {at: 21 * min}, {at: 22*min - 1}, {at: 22 * min, want: behindDrop}}},
		"a late turn":            {looks: []look{{at: 0}, {at: 20 * min}, {at: 50 * min, turn: true}, {at: 52*min - 1}, {at: 52 * min, want: behindDrop}}},
		"one turn after another": {looks: []look{{at: 0}, {at: 20 * min}, {at: 50 * min, turn: true}, {at: 51 * min, turn: true}, {at: 52 * min, want: behindDrop}}},
		"a turn that helps":      {looks: []look{{at: 0}, {at: 20 * min}, {at: 50 * min, turn: true}, {at: 51 * min, best: 20}, {at: 52 * min}, {at: 9 * time.Hour}}},
		"silent when prompted": {late: true, looks: []look{{at: 0}, {at: 20 * min, want: behindPrompt}, {at: 22 * min}, {at: 50 * min, turn: true},
			{at: 52*min - 1}, {at: 52 * min, want: behindDrop}}},
	} {
		t.Run(name, func(t *testing.T) {
			b, f := behind{env: &env{net: w.net, chain: chain}}, feeder{env: &env{net: w.net, chain: chain}}
			p := &peer{info: outbound()}
			p.headers.syncing = true
			p.best = top.Ancestor(19)
			if !tc.late {
				f.join(start, p)
			}
			for _, l := range tc.looks {
				now := start.Add(l.at)
				if l.best > 0 {
					p.best = top.Ancestor(l.best)
				}
				if got, _ := b.check(now, p); got != l.want {
					t.Errorf("after %v: %d, want %d", l.at, got, l.want)
				}
				if p.feed == nil && l.want == behindPrompt {
					f.join(now, p)
				}
				// Turns are given once all have been looked at.
				if l.turn {
					f.ask(now, p, nil)
				}
			}
		})
	}
}
