package netsync

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"starling/wire"
)

// fedPeer is a peer that has its turn and was asked just now.
func (l *lab) fedPeer(f *feeder) *peer {
	p := l.peer(outbound(), -1)
	f.join(l.now, p)
	f.elect(l.now, []*peer{p})
	f.ask(l.now, p, nil)
	return p
}

func TestFeederTurns(t *testing.T) {
	l := newLab()
	f := feeder{env: l.env}
	a, b, c := l.peer(outbound(), -1), l.peer(outbound(), -1), l.peer(outbound(), -1)
	peers := []*peer{a, b, c}
	if p := f.elect(l.now, peers); p != nil {
		t.Fatalf("peer %d has its turn and no feed", p.id)
	}
	f.join(l.now, b)
	f.join(l.now.Add(time.Second), c)
	if p := f.elect(l.now, peers); p != b {
		t.Fatalf("%v has its turn", p)
	}
	if p := f.elect(l.now.Add(time.Minute), peers); p != nil {
		t.Fatalf("peer %d has its turn while another has", p.id)
	}
	if f.pause(l.now, b, false) {
		t.Error("the peer gave nothing, and all that it has")
	}
	if p := f.elect(l.now, peers); p != nil {
		t.Errorf("peer %d has its turn before it is due", p.id)
	}
	if p := f.elect(l.now.Add(time.Second), peers); p != c {
		t.Errorf("%v has its turn", p)
	}
	f.leave(c)
	if f.turn != nil || c.feed != nil {
		t.Error("it is gone and keeps its turn")
	}
	for d, want := range map[time.Duration]*peer{feedPause - 1: nil, feedPause: b} {
		if f.turn = nil; f.elect(l.now.Add(d), peers) != want {
			t.Errorf("after %v: %v", d, f.turn)
		}
	}
	// A weak chain is looked at once in an hour, and nothing that the peer
	// announces makes that earlier.
	f.pause(l.now, b, true)
	f.heard(l.now, b, []wire.Hash{{1}})
	if p := f.elect(l.now.Add(feedWeakPause-1), peers); p != nil {
		t.Errorf("peer %d has its turn with a weak chain", p.id)
	}
	if p := f.elect(l.now.Add(feedWeakPause), peers); p != b {
		t.Errorf("%v has its turn", p)
	}
	f.pause(l.now, b, false)
	b.feed.weak = time.Time{}
	f.heard(l.now, b, []wire.Hash{{1}})
	if p := f.elect(l.now, peers); p != b {
		t.Errorf("%v has its turn after news", p)
	}
}

// Where a request starts.
func TestFeederAsk(t *testing.T) {
	l := newLab()
	f := feeder{env: l.env}
	p := l.fedPeer(&f)
	at := func(walk []wire.Hash) wire.Hash { return f.ask(l.now, p, walk).(SendGetBlocks).Locator[0] }
	if got := at(nil); got != l.at(40).Hash {
		t.Error("at first not from the tip on")
	}
	f.heard(l.now, p, []wire.Hash{l.at(41).Hash, l.at(42).Hash})
	if got := at(nil); got != l.at(42).Hash {
		t.Error("not from the last known block on")
	}
	if got := at([]wire.Hash{{7}}); got != (wire.Hash{7}) {
		t.Error("not where the walk is")
	}
}

// What is asked of a peer of what it has announced.
func TestFeederPull(t *testing.T) {
	x, y, z := wire.Hash{1}, wire.Hash{2}, wire.Hash{3}
	for name, tc := range map[string]struct {
		queue []wire.Hash // l.at(41) for the zero hash
		count int
		spoil func(l *lab, w *window, p, other *peer)
		want  []wire.Hash
		left  int
		known bool
	}{
		"all that is unknown":       {queue: []wire.Hash{x, y, z}, count: 16, want: []wire.Hash{x, y, z}},
		"as much as there is place": {queue: []wire.Hash{x, y, z}, count: 2, want: []wire.Hash{x, y}, left: 1},
		"nothing without a place":   {queue: []wire.Hash{x}, left: 1},
		"nothing that is known":     {queue: []wire.Hash{x, {}, y}, count: 16, want: []wire.Hash{x, y}, known: true},
		"nothing twice":             {queue: []wire.Hash{x, x, y}, count: 16, want: []wire.Hash{x, y}},
		"what another was just asked for holds up the rest": {queue: []wire.Hash{x, y, z}, count: 16, want: []wire.Hash{x}, left: 2,
			spoil: func(l *lab, w *window, _, other *peer) { w.ask(l.now.Add(-lateAfter+1), other, y, nil) }},
		"what another is late with": {queue: []wire.Hash{x, y, z}, count: 16, want: []wire.Hash{x, y, z},
			spoil: func(l *lab, w *window, _, other *peer) { w.ask(l.now.Add(-lateAfter), other, y, nil) }},
		"what it is to give already": {queue: []wire.Hash{x, y, z}, count: 16, want: []wire.Hash{x, z},
			spoil: func(l *lab, w *window, p, _ *peer) { w.ask(l.now, p, y, nil) }},
		"what comes from the first pass holds up the rest": {queue: []wire.Hash{x, y, z}, count: 16, want: []wire.Hash{x}, left: 2,
			spoil: func(l *lab, w *window, p, _ *peer) { w.ask(l.now.Add(-time.Hour), p, y, nil); p.window.void() }},
		"what another's first pass left does not": {queue: []wire.Hash{x, y}, count: 16, want: []wire.Hash{x, y},
			spoil: func(l *lab, w *window, _, other *peer) {
				w.ask(l.now.Add(-time.Hour), other, y, nil)
				other.window.void()
			}},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab()
			w, f := newWindow(l.env, 0), feeder{env: l.env}
			p := l.fedPeer(&f)
			for _, h := range tc.queue {
				if h == (wire.Hash{}) {
					h = l.at(41).Hash
				}
				p.feed.queue = append(p.feed.queue, h)
			}
			if tc.spoil != nil {
				tc.spoil(l, &w, p, l.peer(outbound(), -1))
			}
			got, known := f.pull(l.now, p, tc.count, w.flights)
			if d := cmp.Diff(tc.want, got); d != "" || known != tc.known || len(p.feed.queue) != tc.left {
				t.Errorf("known %v, %d left (-want +got):\n%s", known, len(p.feed.queue), d)
			}
			if tc.known && p.best != l.at(41) {
				t.Error("the peer is not known to have the block")
			}
		})
	}
}

// How it goes on when all that was announced has come.
func TestFeederStep(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(l *lab, d *feed)
		blind  bool
		want   feedStep
	}{
		"something is queued":        {change: func(_ *lab, d *feed) { d.queue = []wire.Hash{{1}} }},
		"something is on its way":    {blind: true},
		"no answer yet":              {change: func(l *lab, d *feed) { d.asked = l.now }},
		"nothing new":                {want: feedOver},
		"a full answer, nothing new": {change: func(_ *lab, d *feed) { d.full = true }, want: feedOver},
		"something new":              {change: func(_ *lab, d *feed) { d.grew = true }, want: feedAsk},
		"a full answer":              {change: func(_ *lab, d *feed) { d.grew, d.full = true, true }},
		"a full answer and the hint": {change: func(_ *lab, d *feed) { d.grew, d.full, d.hinted = true, true, true }, want: feedAsk},
		"a full answer, nearly in vain": {change: func(l *lab, d *feed) {
			d.grew, d.full, d.emptied = true, true, l.now.Add(-feedHint+1)
		}},
		"a full answer, and no hint": {change: func(l *lab, d *feed) {
			d.grew, d.full, d.emptied = true, true, l.now.Add(-feedHint)
		}, want: feedAsk},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab()
			f := feeder{env: l.env}
			p := l.fedPeer(&f)
			p.feed.asked = time.Time{}
			if tc.change != nil {
				tc.change(l, p.feed)
			}
			if got := f.step(l.now, p, tc.blind); got != tc.want {
				t.Errorf("step %d, want %d", got, tc.want)
			}
		})
	}
}

// An answer of 500 known blocks is a reason to ask on behind them, but not if it
// ends where the one before has ended: a peer must not make the node ask for
// ever.
func TestFeederFullOfKnownBlocks(t *testing.T) {
	l := newLab()
	top := l.w.grow(l.top, 1000, 0)
	f := feeder{env: l.env}
	p := l.fedPeer(&f)
	answer := func(from int32) feedStep {
		var blocks []wire.Hash
		for _, n := range path(nil, top, from+wire.MaxGetBlocks-1, wire.MaxGetBlocks) {
			blocks = append(blocks, n.Hash)
		}
		if !f.heard(l.now, p, blocks) {
			t.Error("nothing of it was known")
		}
		step := f.step(l.now, p, false)
		f.ask(l.now, p, nil)
		return step
	}
	for i, want := range []feedStep{feedAsk, feedAsk, feedOver} {
		if got := answer([]int32{41, 541, 541}[i]); got != want {
			t.Errorf("answer %d: step %d, want %d", i, got, want)
		}
	}
}

func TestFeederCheck(t *testing.T) {
	type result struct{ Over, Stalled bool }
	for name, tc := range map[string]struct {
		asked, moved time.Duration // so long ago; asked 0 for never
		blind, held  bool
		want         result
	}{
		"a late answer":              {asked: feedAnswer - 1},
		"no answer":                  {asked: feedAnswer, want: result{Over: true}},
		"slow blocks":                {moved: feedStall - 1, blind: true},
		"no blocks":                  {moved: feedStall, blind: true, want: result{Stalled: true}},
		"none that would be missing": {moved: time.Hour},
		"we do not read on":          {moved: time.Hour, blind: true, held: true},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab()
			f := feeder{env: l.env}
			p := l.fedPeer(&f)
			p.feed.asked, p.feed.moved = time.Time{}, l.now.Add(-tc.moved)
			if tc.asked > 0 {
				p.feed.asked = l.now.Add(-tc.asked)
			}
			over, stalled := f.check(l.now, tc.blind, tc.held)
			if got := (result{over, stalled}); got != tc.want {
				t.Errorf("%+v, want %+v", got, tc.want)
			}
		})
	}
}

// However long the turns of others are, each peer has its own: the one that has
// waited longest comes next.
func TestFeederTurnsAreFair(t *testing.T) {
	l := newLab()
	f := feeder{env: l.env}
	var peers []*peer
	for range 5 {
		p := l.peer(outbound(), -1)
		f.join(l.now, p)
		peers = append(peers, p)
	}
	var got []PeerID
	for range 10 {
		p := f.elect(l.now, peers)
		if p == nil {
			l.now = l.now.Add(feedPause)
			p = f.elect(l.now, peers)
		}
		got = append(got, p.id)
		l.now = l.now.Add(feedPause / 2)
		f.pause(l.now, p, false)
	}
	if d := cmp.Diff([]PeerID{1, 2, 3, 4, 5, 1, 2, 3, 4, 5}, got); d != "" {
		t.Errorf("turns (-want +got):\n%s", d)
	}
}

// Of an answer that names more blocks than one can, the rest is left out.
func TestFeederLongAnswer(t *testing.T) {
	for _, count := range []int{wire.MaxGetBlocks - 1, wire.MaxGetBlocks, wire.MaxGetBlocks + 1} {
		l := newLab()
		f := feeder{env: l.env}
		p := l.fedPeer(&f)
		var blocks []wire.Hash
		for i := range count {
			blocks = append(blocks, wire.Hash{byte(i), byte(i >> 8), 1})
		}
		f.heard(l.now, p, blocks)
		ask, _ := f.pull(l.now, p, 2*count, nil)
		if d := cmp.Diff(blocks[:min(count, wire.MaxGetBlocks)], ask); d != "" || p.feed.full != (count >= wire.MaxGetBlocks) {
			t.Errorf("of %d, a full answer: %v (-want +got):\n%s", count, p.feed.full, d)
		}
	}
}

// Every block that comes as announced starts the time anew, whether its header
// waits at the gate, or others are released there.
func TestFeederMoves(t *testing.T) {
	h := wire.Header{}
	for name, tc := range map[string]struct {
		e       entry
		stalled bool
	}{
		"its header waits at the gate":    {entry{walked: true}, false},
		"others are released at the gate": {entry{walked: true, ok: single(h.Hash(), &h)}, false},
		"its header was refused":          {entry{}, true},
	} {
		l := newLab()
		f := feeder{env: l.env}
		p := l.fedPeer(&f)
		f.heard(l.now, p, []wire.Hash{{1}, {2}})
		f.entered(l.now.Add(feedStall-1), p, tc.e)
		if _, stalled := f.check(l.now.Add(feedStall), true, false); stalled != tc.stalled {
			t.Errorf("%s: stalled %v", name, stalled)
		}
	}
}

// A peer that lacks what it has announced has its turn no longer; what one lacks
// out of its turn changes nothing.
func TestFeederLacks(t *testing.T) {
	l := newLab()
	f := feeder{env: l.env}
	p, other, none := l.fedPeer(&f), l.peer(outbound(), -1), l.peer(outbound(), 60)
	f.join(l.now, other)
	f.heard(l.now, p, []wire.Hash{{1}, {2}})
	if f.lacks(other) || f.lacks(none) {
		t.Error("it ends another's turn")
	}
	if !f.lacks(p) {
		t.Error("it keeps its turn")
	}
	if ask, _ := f.pull(l.now, p, 16, nil); len(ask) > 0 {
		t.Errorf("%d more are asked of it", len(ask))
	}
}
