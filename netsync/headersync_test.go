package netsync

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/holiman/uint256"

	"starling/wire"
)

func (l *lab) headerSync() headerSync {
	return headerSync{env: l.env, rng: rand.New(rand.NewPCG(1, 2))}
}

// Of whom headers are asked: of one peer while the best header is old and nobody
// has given all, then of all.
func TestHeadersStart(t *testing.T) {
	old := PeerInfo{} // has no blocks
	for name, tc := range map[string]struct {
		infos  []PeerInfo
		recent bool // the best header
		change func(l *lab, s *headerSync, peers []*peer)
		want   []string
	}{
		"one of two":                         {infos: []PeerInfo{outbound(), outbound()}, want: []string{"SendGetHeaders 1"}},
		"one that we chose":                  {infos: []PeerInfo{inbound(), outbound()}, want: []string{"SendGetHeaders 2"}},
		"any if we chose none":               {infos: []PeerInfo{inbound(), inbound()}, want: []string{"SendGetHeaders 1"}},
		"not one without blocks":             {infos: []PeerInfo{old, inbound()}, want: []string{"SendGetHeaders 2"}},
		"all when the best header is recent": {infos: []PeerInfo{inbound(), outbound(), old}, recent: true, want: []string{"SendGetHeaders 1", "SendGetHeaders 2"}},
		"all when somebody has given all": {infos: []PeerInfo{inbound(), outbound()}, want: []string{"SendGetHeaders 1", "SendGetHeaders 2"},
			change: func(_ *lab, s *headerSync, _ []*peer) { s.exhausted() }},
		"nobody while one is at it": {infos: []PeerInfo{outbound(), outbound()},
			change: func(_ *lab, _ *headerSync, peers []*peer) { peers[1].headers.syncing = true }},
		"the next if that one is silent": {infos: []PeerInfo{outbound(), outbound()}, want: []string{"SendGetHeaders 1"},
			change: func(l *lab, _ *headerSync, peers []*peer) {
				peers[1].headers = headersPeer{syncing: true, askedAt: l.now.Add(-silentAfter)}
			}},
		"the next if that one is mute": {infos: []PeerInfo{outbound(), inbound()}, want: []string{"SendGetHeaders 2"},
			change: func(_ *lab, _ *headerSync, peers []*peer) {
				peers[0].headers = headersPeer{syncing: true, mute: true}
			}},
		"not one that leaves": {infos: []PeerInfo{outbound(), outbound()}, want: []string{"SendGetHeaders 2"},
			change: func(_ *lab, _ *headerSync, peers []*peer) { peers[0].leaving = true }},
		"not one that is to answer": {infos: []PeerInfo{outbound(), outbound()}, want: []string{"SendGetHeaders 2"},
			change: func(l *lab, _ *headerSync, peers []*peer) { peers[0].headers.askedAt = l.now }},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab()
			s := l.headerSync()
			if l.now = l.top.Header.Time().Add(recentTip); tc.recent {
				l.now = l.now.Add(-time.Second)
			}
			var peers []*peer
			for _, info := range tc.infos {
				peers = append(peers, l.peer(info, -1))
			}
			if tc.change != nil {
				tc.change(l, &s, peers)
			}
			if d := cmp.Diff(tc.want, names(s.start(l.now, peers)), cmpopts.EquateEmpty()); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if again := s.start(l.now, peers); len(again) > 0 {
				t.Errorf("and again: %v", names(again))
			}
		})
	}
}

func TestHeadersCheck(t *testing.T) {
	type result struct {
		Mute, Dropped bool
	}
	trusted := inbound()
	trusted.NoBan = true
	past := -time.Second
	for name, tc := range map[string]struct {
		info     PeerInfo
		asked    time.Duration // so long ago; 0 for never
		deadline time.Duration // from now; 0 for none
		alone    bool
		recent   bool
		want     result
		cleared  bool // there is no time limit afterwards
	}{
		"in time":                           {info: inbound(), deadline: time.Second},
		"too late":                          {info: inbound(), deadline: past, want: result{Dropped: true}},
		"too late, with nobody else to ask": {info: inbound(), deadline: past, alone: true},
		"too late, with a recent header":    {info: inbound(), deadline: past, recent: true, cleared: true},
		"too late, but trusted":             {info: trusted, deadline: past, cleared: true},
		"a slow answer":                     {info: outbound(), asked: silentAfter - 1, deadline: time.Hour},
		"no answer":                         {info: outbound(), asked: silentAfter, deadline: past, want: result{Mute: true}, cleared: true},
		"no answer from one that chose us":  {info: inbound(), asked: silentAfter, deadline: time.Hour},
		"no answer from one without blocks": {info: PeerInfo{Outbound: true}, asked: silentAfter, cleared: true},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab()
			s := l.headerSync()
			if l.now = l.top.Header.Time().Add(recentTip); tc.recent {
				l.now = l.now.Add(-time.Second)
			}
			p := l.peer(tc.info, -1)
			p.headers.syncing = true
			if tc.asked > 0 {
				p.headers.askedAt = l.now.Add(-tc.asked)
			}
			if tc.deadline != 0 {
				p.headers.deadline = l.now.Add(tc.deadline)
			}
			s.begin(l.now, p, l.at(0))
			peers := []*peer{p}
			if !tc.alone {
				peers = append(peers, l.peer(outbound(), -1))
			}
			mute, out := s.check(l.now, p, peers)
			if got := (result{mute, len(out) > 0}); got != tc.want {
				t.Errorf("%+v, want %+v", got, tc.want)
			}
			if p.headers.deadline.IsZero() != tc.cleared {
				t.Errorf("time limit %v", p.headers.deadline)
			}
			if mute && (p.headers.gate != nil || !p.silent(l.now.Add(-time.Hour))) {
				t.Errorf("mute, and yet %+v", p.headers)
			}
			if again, _ := s.check(l.now, p, peers); again {
				t.Error("it falls silent a second time")
			}
		})
	}
}

// Announcements of what nobody knows make the node ask one peer that is not
// being synced with, and each peer only once.
func TestHeadersHeard(t *testing.T) {
	l := newLab()
	s := l.headerSync()
	a, b, c := l.peer(inbound(), -1), l.peer(inbound(), -1), l.peer(outbound(), -1)
	x, y := wire.Hash{1}, wire.Hash{2}
	c.headers.syncing = true
	for i, tc := range []struct {
		p    *peer
		h    wire.Hash
		want bool
	}{
		{a, x, true}, {b, x, false}, {a, y, false}, {b, y, true}, {b, x, false},
		{c, x, true}, {c, y, false}, // not answered yet
	} {
		if got := len(s.heard(l.now, tc.p, tc.h)) > 0; got != tc.want {
			t.Errorf("announcement %d: asked: %v", i, got)
		}
	}
	if len(s.heard(l.now.Add(headersResponseTime), c, x)) == 0 {
		t.Error("not asked again after a time")
	}
}

// What of a headers message may enter the tree, and what is done beside.
func TestOffer(t *testing.T) {
	l := newLab()
	fresh := l.w.grow(l.at(40), 30, 3) // of another tree, as far as ours goes
	own := newTestChain(l.net, nil)
	own.give(l.top)
	own.tip = own.tree.Lookup(l.at(40).Hash)
	own.ibd = true
	known := headersOf(l.top, 1, 60)
	next := headersOf(fresh, 41, 70)
	trusted := inbound()
	trusted.NoBan = true
	for name, tc := range map[string]struct {
		info    PeerInfo
		need    uint256.Int
		headers []wire.Header
		ok      int
		want    []string
	}{
		"new ones":                      {info: inbound(), headers: next, ok: 30},
		"known ones":                    {info: inbound(), headers: known[:10], ok: 10},
		"none":                          {info: inbound()},
		"a few without a parent":        {info: inbound(), headers: next[22:], want: []string{"SendGetHeaders"}},
		"many without a parent":         {info: inbound(), headers: next[21:]},
		"below the minimum":             {info: inbound(), need: fresh.Work, headers: next[:29]},
		"as much as the minimum":        {info: inbound(), need: fresh.Work, headers: next, ok: 30},
		"below it, from one we trust":   {info: trusted, need: fresh.Work, headers: next[:29], ok: 29},
		"below it, from one we chose":   {info: outbound(), need: fresh.Work, headers: next[:29], want: []string{"Disconnect"}},
		"below it, but on a good chain": {info: outbound(), need: fresh.Work, headers: known[:10], ok: 10},
	} {
		t.Run(name, func(t *testing.T) {
			e := &env{net: l.net, chain: own, obs: NoObserver{}, minWork: tc.need}
			s := headerSync{env: e, rng: rand.New(rand.NewPCG(1, 2))}
			p := &peer{id: 1, info: tc.info}
			b, bad := inspect(l.net, tc.headers)
			if bad != nil {
				t.Fatal(bad.err)
			}
			ok, out := s.offer(l.now, p, b)
			var kinds []string
			for _, n := range names(out) {
				kinds = append(kinds, n[:len(n)-len(" 1")])
			}
			if d := cmp.Diff(tc.want, kinds, cmpopts.EquateEmpty()); d != "" || ok.len() != tc.ok {
				t.Errorf("%d may enter, want %d (-want +got):\n%s", ok.len(), tc.ok, d)
			}
		})
	}
}

// A peer has a quarter of an hour for all headers, and a millisecond for each
// that the chain should have by now.
func TestHeadersTimeLimit(t *testing.T) {
	for _, c := range []struct {
		old  time.Duration // the best header
		want time.Duration
	}{
		{recentTip, 15*time.Minute + 144*time.Millisecond},
		{30*recentTip - time.Second, 15*time.Minute + 4319*time.Millisecond},
		{30 * recentTip, 15*time.Minute + 4320*time.Millisecond},
	} {
		for over, want := range map[time.Duration]bool{-1: false, 0: true} {
			l := newLab()
			s := l.headerSync()
			l.now = l.top.Header.Time().Add(c.old)
			p, other := l.peer(inbound(), -1), l.peer(outbound(), -1)
			if len(s.start(l.now, []*peer{p})) == 0 {
				t.Fatal("it is asked for nothing")
			}
			if _, out := s.check(l.now.Add(c.want+over), p, []*peer{p, other}); (len(out) > 0) != want {
				t.Errorf("%v old, after %v%+d: %v", c.old, c.want, over, names(out))
			}
		}
	}
}

// Half an hour without a new header all peers are asked, and again half an hour
// later, but nobody twice.
func TestHeadersStale(t *testing.T) {
	l := newLab()
	s := l.headerSync()
	walks, leaves, poor := l.peer(inbound(), -1), l.peer(inbound(), -1), l.peer(PeerInfo{}, -1)
	s.begin(l.now, walks, l.at(0))
	leaves.leaving = true
	peers := []*peer{walks, leaves, poor, l.peer(inbound(), -1), l.peer(outbound(), -1)}
	asked := []string{"SendGetHeaders 4", "SendGetHeaders 5"}
	for _, c := range []struct {
		after time.Duration
		grows bool
		want  []string
	}{
		{0, false, nil}, {staleTip - 1, false, nil}, {staleTip, false, asked},
		{staleTip + 1, false, nil}, {2*staleTip - 1, false, nil}, {2 * staleTip, false, asked},
		{3*staleTip - 1, true, nil}, {3 * staleTip, false, nil}, {4*staleTip - 2, false, nil}, {4*staleTip - 1, false, asked},
	} {
		if c.grows {
			l.w.grow(l.top, 1, 0)
		}
		if d := cmp.Diff(c.want, names(s.checkStale(l.now.Add(c.after), peers)), cmpopts.EquateEmpty()); d != "" {
			t.Errorf("after %v (-want +got):\n%s", c.after, d)
		}
	}
}
