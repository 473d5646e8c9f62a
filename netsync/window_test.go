package netsync

import (
	"testing"
	"time"

	"starling/chain/headertree"
	"starling/wire"
)

// What a peer is asked for, by heights.
func TestWindowFill(t *testing.T) {
	heights := func(from, to int32) (h []int32) {
		for ; from <= to; from++ {
			h = append(h, from)
		}
		return h
	}
	tests := []struct {
		name  string
		info  PeerInfo
		best  int32
		spoil func(l *lab, w *window, p *peer)
		want  []int32
	}{
		{name: "from the tip on, as many as there are slots", best: 60, want: heights(41, 56)},
		{name: "up to what it has", best: 43, want: heights(41, 43)},
		{name: "nothing without more work", best: 39},
		{name: "nothing if nothing is known of it", best: -1},
		{name: "nothing from one without blocks", info: PeerInfo{Outbound: true}, best: 60},
		{name: "nothing from one that leaves", best: 60, spoil: func(_ *lab, _ *window, p *peer) { p.leaving = true }},
		{name: "nothing below the minimum work", best: 60, spoil: func(l *lab, _ *window, _ *peer) {
			l.minWork = *l.minWork.AddUint64(&l.at(60).Work, 1)
		}},
		{name: "not what is stored", best: 43, spoil: func(l *lab, _ *window, _ *peer) { l.at(42).SetData(&headertree.Data{Size: 1}) }, want: []int32{41, 43}},
		{name: "not what is held", best: 43, spoil: func(l *lab, w *window, _ *peer) { w.held[l.at(41).Hash] = l.peer(outbound(), 60) }, want: []int32{42, 43}},
		{name: "not what it lacks", best: 43, spoil: func(l *lab, _ *window, p *peer) { p.window.mark(l.now, l.at(42).Hash) }, want: []int32{41, 43}},
		{name: "not what another was just asked for", best: 43, spoil: func(l *lab, w *window, _ *peer) {
			w.ask(l.now.Add(-lateAfter+1), l.peer(outbound(), 60), l.at(42).Hash, l.at(42))
		}, want: []int32{41, 43}},
		{name: "late ones after the others", best: 43, spoil: func(l *lab, w *window, _ *peer) {
			w.ask(l.now.Add(-lateAfter), l.peer(outbound(), 60), l.at(42).Hash, l.at(42))
		}, want: []int32{41, 43, 42}},
		{name: "nothing on top of a bad block", best: 45, spoil: func(l *lab, _ *window, _ *peer) { l.chain.tree.MarkFailed(l.at(43)) }, want: heights(41, 42)},
		{name: "nothing with witnesses from one without", info: PeerInfo{Services: wire.NodeNetwork}, best: 43},
		{name: "up to the first with witnesses from one without", info: PeerInfo{Services: wire.NodeNetwork}, best: 45,
			spoil: func(l *lab, _ *window, _ *peer) { l.net.SegwitHeight = 43 }, want: heights(41, 42)},
		{name: "from one that keeps the last ones", info: PeerInfo{Services: wire.NodeNetworkLimited | wire.NodeWitness}, best: 43, want: heights(41, 43)},
		{name: "a node that keeps the last ones goes no further than its bytes", best: 60, spoil: func(l *lab, w *window, _ *peer) {
			l.pruned, w.bytes = true, 4
			for _, h := range []int32{45, 46} {
				l.at(h).SetData(&headertree.Data{Size: 2})
			}
			// 45 and 46 take the four bytes, but what the others wait for is
			// fetched in any case, as far as one peer's slots reach.
		}, want: append(heights(41, 44), heights(47, 56)...)},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			l := newLab()
			w := newWindow(l.env, 0)
			if tc.info.Services == 0 && !tc.info.Outbound {
				tc.info = outbound()
			}
			p := l.peer(tc.info, tc.best)
			if tc.spoil != nil {
				tc.spoil(l, &w, p)
			}
			n := w.fill(l.now, p)
			var got []int32
			for _, a := range p.window.flights {
				got = append(got, a.flight.node.Height)
			}
			if n != len(tc.want) || len(got) != n {
				t.Fatalf("%d blocks are asked for: %v, want %v", n, got, tc.want)
			}
			for i := range got {
				if got[i] != tc.want[i] {
					t.Fatalf("asked for %v, want %v", got, tc.want)
				}
			}
		})
	}
}

// A peer that all others wait for is stalling, but only when the window is full
// and nothing else is to be done.
func TestWindowStall(t *testing.T) {
	w := newWorld()
	top := w.grow(w.tree.Genesis(), windowSize+30, 0)
	chain := newTestChain(w.net, nil)
	chain.tree = w.tree
	chain.tip = w.tree.Genesis()
	l := &lab{env: &env{net: w.net, chain: chain, obs: NoObserver{}}, w: w, chain: chain, top: top, now: top.Header.Time()}
	win := newWindow(l.env, 0)
	slow, idle := l.peer(outbound(), top.Height), l.peer(outbound(), top.Height)
	win.ask(l.now, slow, l.at(1).Hash, l.at(1))
	for h := int32(2); h < windowSize; h++ {
		l.at(h).SetData(&headertree.Data{Size: 1})
	}
	if n := win.fill(l.now, idle); n != 1 || !slow.window.stalling.IsZero() {
		t.Fatalf("%d blocks are left; stalling since %v", n, slow.window.stalling)
	}
	win.arrived(l.now, idle, l.at(windowSize).Hash)
	l.at(windowSize).SetData(&headertree.Data{Size: 1})
	at := l.now.Add(time.Second)
	if n := win.fill(at, idle); n != 0 || !slow.window.stalling.Equal(at) {
		t.Fatalf("%d blocks are left; stalling since %v", n, slow.window.stalling)
	}
	win.fill(at.Add(time.Second), idle)
	for d, want := range map[time.Duration]bool{stallTimeoutMin - 1: false, stallTimeoutMin: true} {
		if why, over := win.overdue(at.Add(d), slow, 1); over != want || over && why != StalledWindow {
			t.Errorf("after %v: %v, %v", d, over, why)
		}
	}
	// What the chain keeps us from is our own time.
	slow.window.held = 1
	if _, over := win.overdue(at.Add(time.Hour), slow, 1); over || !slow.window.stalling.Equal(at.Add(time.Hour)) {
		t.Errorf("while its blocks are held: %v, since %v", over, slow.window.stalling)
	}
	slow.window.held = 0
	win.takeBack(at, slow, l.at(1).Hash)
	if !slow.window.stalling.IsZero() {
		t.Error("still stalling without a request")
	}
}

func TestLate(t *testing.T) {
	now := time.Unix(1e9, 0)
	for _, tc := range []struct {
		ages []time.Duration // of the requests, the oldest first
		want bool
	}{
		{[]time.Duration{lateAfter - 1}, false},
		{[]time.Duration{lateAfter}, true},
		{[]time.Duration{time.Hour, lateAfter - 1}, false},
		{[]time.Duration{time.Hour, lateAfter}, true},
		{[]time.Duration{30*time.Second - 1, 20 * time.Second, lateAfter}, false},
		{[]time.Duration{30 * time.Second, 20 * time.Second, lateAfter}, true},
		{[]time.Duration{time.Hour, copyAfter - 1, 20 * time.Second, lateAfter}, false},
	} {
		var f flight
		for _, d := range tc.ages {
			f.from = append(f.from, holder{at: now.Add(-d)})
		}
		if got := late(now, &f); got != tc.want {
			t.Errorf("asked %v ago: %v", tc.ages, got)
		}
	}
}

func TestWindowWants(t *testing.T) {
	for name, tc := range map[string]struct {
		height    int32
		requested bool
		spoil     func(l *lab, w *window)
		want      bool
	}{
		"the next one":                   {41, false, nil, true},
		"asked for":                      {41, true, nil, true},
		"stored":                         {40, true, nil, false},
		"pruned":                         {39, true, func(l *lab, _ *window) { l.at(39).SetData(nil) }, false},
		"held":                           {41, true, func(l *lab, w *window) { w.wants(l.peer(inbound(), 1), l.at(41), true) }, false},
		"bad":                            {41, true, func(l *lab, _ *window) { l.chain.tree.MarkFailed(l.at(41)) }, false},
		"below the minimum, asked for":   {41, true, func(l *lab, _ *window) { l.minWork = l.at(42).Work }, true},
		"below the minimum, by itself":   {41, false, func(l *lab, _ *window) { l.minWork = l.at(42).Work }, false},
		"with the tip's work, by itself": {40, false, func(l *lab, _ *window) { l.at(40).SetData(nil); l.chain.tip = l.w.grow(l.at(39), 1, 7) }, true},
		"with less work, by itself":      {40, false, func(l *lab, _ *window) { l.at(40).SetData(nil); l.chain.tip = l.w.grow(l.at(39), 2, 7) }, false},
		"with less work, asked for":      {40, true, func(l *lab, _ *window) { l.at(40).SetData(nil); l.chain.tip = l.w.grow(l.at(39), 2, 7) }, true},
		"far ahead of an early tip":      {60, false, func(l *lab, _ *window) { l.chain.tip = l.at(0) }, true},
		"too far ahead of an early tip":  {maxUnrequested + 1, false, func(l *lab, _ *window) { l.chain.tip = l.at(0); l.top = l.w.grow(l.top, 300, 0) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab()
			w := newWindow(l.env, 0)
			if tc.spoil != nil {
				tc.spoil(l, &w)
			}
			p, n := l.peer(inbound(), 60), l.at(tc.height)
			if got := w.wants(p, n, tc.requested); got != tc.want {
				t.Fatalf("wanted: %v", got)
			}
			if tc.want != (w.held[n.Hash] == p) || tc.want != (p.window.held == 1) {
				t.Errorf("held by %v, %d of the peer", w.held[n.Hash], p.window.held)
			}
			if !tc.want {
				return
			}
			w.rejected(l.now, n.Hash)
			if w.holds(n.Hash) || p.window.held != 0 || !p.cannot(n) || !w.opened() || w.opened() {
				t.Errorf("after it was rejected: %+v", p.window)
			}
			if p.window.forgetLacks(l.now.Add(lacksFor - 1)); !p.cannot(n) {
				t.Error("asked again too early")
			}
			if p.window.forgetLacks(l.now.Add(lacksFor)); p.cannot(n) {
				t.Error("not asked again")
			}
		})
	}
}

// A node that keeps only the last blocks fetches ahead of validation until what
// is there, and what is to come if it is of the same size, is more than a number
// of bytes.
func TestWindowBytes(t *testing.T) {
	for name, tc := range map[string]struct {
		bytes  int64 // that may be ahead; 0 as if nothing was said
		size   uint32
		stored int32 // so many after the tip, which wait for their validation
		want   int   // blocks that are asked for
	}{
		"exactly full":            {bytes: 100, size: 10, stored: 5, want: 6},
		"a byte less":             {bytes: 99, size: 10, stored: 5, want: 5},
		"a byte more":             {bytes: 109, size: 10, stored: 5, want: 6},
		"one block more":          {bytes: 110, size: 10, stored: 5, want: 7},
		"full with what is there": {bytes: 49, size: 10, stored: 5},
		"256 MiB":                 {size: 64 << 20, stored: 3, want: 2},
		"more than 256 MiB":       {size: 64<<20 + 1, stored: 3, want: 1},
		"below nothing, the same": {bytes: -1, size: 64 << 20, stored: 3, want: 2},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab()
			l.pruned = true
			w := newWindow(l.env, tc.bytes)
			for h := 41; h <= 40+int(tc.stored); h++ {
				l.at(int32(h)).SetData(&headertree.Data{Size: tc.size})
			}
			p := l.peer(outbound(), 60)
			if got := w.fill(l.now, p); got != tc.want {
				t.Errorf("%d are asked for, want %d", got, tc.want)
			}
			for i, a := range p.window.flights {
				if a.flight.node.Height != 41+tc.stored+int32(i) {
					t.Errorf("block %d is number %d of them", a.flight.node.Height, i)
				}
			}
		})
	}
}

// A peer that has gone over to another branch is asked for that one from the
// fork on, however far the one that it has left is stored.
func TestWindowOtherBranch(t *testing.T) {
	l := newLab()
	w := newWindow(l.env, 0)
	p := l.peer(outbound(), 50)
	for h := int32(41); h <= 50; h++ {
		l.at(h).SetData(&headertree.Data{Size: 1})
	}
	if n := w.fill(l.now, p); n != 0 || p.window.common != l.at(50) {
		t.Fatalf("%d are asked for, all is stored", n)
	}
	branch := l.w.grow(l.at(43), 20, 9)
	p.learn(branch)
	if n := w.fill(l.now, p); n != maxInFlight || p.window.flights[0].flight.node != branch.Ancestor(44) {
		t.Errorf("%d are asked for, from height %d on", n, p.window.flights[0].flight.node.Height)
	}
}
