package netsync

import (
	"fmt"
	"testing"
	"time"

	"github.com/holiman/uint256"

	"starling/chain/headertree"
	"starling/wire"
)

// Every reason, offence and result has words of its own.
func TestWords(t *testing.T) {
	seen := map[string]bool{}
	say := func(s string) {
		t.Helper()
		if s == "" || seen[s] {
			t.Errorf("%q is said of two things", s)
		}
		seen[s] = true
	}
	for r := StalledWindow; r <= OnBadChain+1; r++ {
		say(r.Error())
	}
	for o := InvalidHeader; o <= InvalidCompactBlock+1; o++ {
		say(o.String())
	}
	for r := CompactComplete; r <= CompactInvalid+1; r++ {
		say(r.String())
	}
	if got := fmt.Sprint(OnBadChain + 1); got != "reason 7" {
		t.Error(got)
	}
}

// What is known of a peer's chain: the last of what has most work, without bad
// blocks, and what it was told of.
func TestKnownChain(t *testing.T) {
	l := newLab()
	var k known
	side := l.w.grow(l.at(39), 1, 5) // as high as 40
	other := l.w.grow(l.at(20), 3, 6)
	for _, c := range []struct {
		hears wire.Hash
		best  *headertree.Node
	}{
		{l.at(30).Hash, l.at(30)}, {other.Hash, l.at(30)}, {l.at(40).Hash, l.at(40)},
		{side.Hash, side}, {wire.Hash{1}, side}, {l.at(41).Hash, l.at(41)},
	} {
		if k.hear(l.chain.tree, c.hears); k.best != c.best {
			t.Errorf("after it announced %v: best is %v", c.hears, k.best.Height)
		}
	}
	if k.unknown != (wire.Hash{1}) {
		t.Error("the block without a header is forgotten")
	}
	k.sent = side
	for _, c := range []struct {
		n    *headertree.Node
		want bool
	}{{l.at(41), true}, {l.at(10), true}, {l.at(42), false}, {side, true}, {other, false}} {
		if got := k.has(c.n); got != c.want {
			t.Errorf("has %v: %v", c.n.Height, got)
		}
	}
	l.chain.tree.MarkFailed(l.at(35))
	if k.resolve(l.chain.tree); k.best != l.at(34) {
		t.Errorf("with 35 bad the best is %d", k.best.Height)
	}
}

// A peer that keeps only the last 288 blocks is asked for none that may be gone
// when it reads the request.
func TestLimitedPeerDepth(t *testing.T) {
	l := newLab()
	l.top = l.w.grow(l.top, 300, 0)
	for services, deepest := range map[wire.ServiceFlag]int32{wire.NodeNetworkLimited | wire.NodeWitness: 360 - 285, full: 1} {
		p := l.peer(PeerInfo{Outbound: true, Services: services}, 360)
		if p.cannot(l.at(deepest)) {
			t.Errorf("services %v: cannot give block %d", services, deepest)
		}
		if services != full && !p.cannot(l.at(deepest-1)) {
			t.Errorf("services %v: can give block %d", services, deepest-1)
		}
	}
}

// Blocks that a peer did not have are remembered for ten minutes, and when there
// are 128 of them it is asked for nothing.
func TestLacks(t *testing.T) {
	l := newLab()
	w := newWindow(l.env, 0)
	p := l.peer(outbound(), 60)
	for i := range maxLacks {
		if n := len(p.window.lacks); n != i {
			t.Fatalf("%d are remembered, want %d", n, i)
		}
		if i == maxLacks-1 {
			if w.fill(l.now, p) == 0 {
				t.Error("with one less it is asked for nothing")
			}
			w.leave(p)
		}
		p.window.mark(l.now.Add(lacksFor), wire.Hash{byte(i), 1})
	}
	p.window.mark(l.now, wire.Hash{1, 2})
	if n := len(p.window.lacks); n != maxLacks || w.fill(l.now, p) != 0 {
		t.Errorf("%d are remembered, or it is asked all the same", n)
	}
	if p.window.forgetLacks(l.now.Add(lacksFor - 1)); len(p.window.lacks) != maxLacks {
		t.Error("forgotten too early")
	}
	if p.window.forgetLacks(l.now.Add(lacksFor)); len(p.window.lacks) != 0 {
		t.Error("not forgotten")
	}
}

// The stall timeout doubles from two seconds to 64, and falls by a seventh with
// each block that is stored.
func TestStallTimeout(t *testing.T) {
	l := newLab()
	w := newWindow(l.env, 0)
	for _, want := range []time.Duration{4, 8, 16, 32, 64, 64} {
		if w.stalled(); w.stallTimeout != want*time.Second {
			t.Errorf("%v, want %ds", w.stallTimeout, want)
		}
	}
	if w.progress(); w.stallTimeout != 54_400*time.Millisecond {
		t.Errorf("after a block %v", w.stallTimeout)
	}
	for range 100 {
		w.progress()
	}
	if w.stallTimeout != 2*time.Second {
		t.Errorf("in the end %v", w.stallTimeout)
	}
}

// The oldest block of a peer may take ten minutes, and five more for each other
// peer that shares the link.
func TestBlockTimeLimits(t *testing.T) {
	l := newLab()
	for sharing, want := range map[int]time.Duration{1: 10 * time.Minute, 2: 15 * time.Minute, 5: 30 * time.Minute} {
		w := newWindow(l.env, 0)
		p := l.peer(outbound(), 60)
		if _, over := w.overdue(l.now.Add(time.Hour), p, sharing); over {
			t.Error("overdue without a request")
		}
		w.ask(l.now, p, l.at(41).Hash, l.at(41))
		w.ask(l.now.Add(time.Minute), p, l.at(42).Hash, l.at(42))
		for d, over := range map[time.Duration]bool{want - 1: false, want: true} {
			if why, got := w.overdue(l.now.Add(d), p, sharing); got != over || got && why != BlockTimeout {
				t.Errorf("%d sharing, after %v: %v, %v", sharing, d, got, why)
			}
		}
		// With the oldest block the time of the next begins.
		w.takeBack(l.now.Add(2*time.Minute), p, l.at(41).Hash)
		if _, over := w.overdue(l.now.Add(want+2*time.Minute-1), p, sharing); over {
			t.Errorf("%d sharing: the next block takes the time of the first", sharing)
		}
	}
	a, b, c := l.peer(outbound(), 60), l.peer(outbound(), 60), l.peer(outbound(), 60)
	w := newWindow(l.env, 0)
	w.ask(l.now, b, l.at(41).Hash, l.at(41))
	if n := downloading([]*peer{a, b, c}); n != 1 {
		t.Errorf("%d peers are downloading", n)
	}
	if !w.alone(l.at(41).Hash) || w.alone(l.at(42).Hash) {
		t.Error("41 is the only one on its way")
	}
}

// Peers that this node chose come before others for as long as they bring it on.
func TestPreferredBusy(t *testing.T) {
	l := newLab()
	for _, c := range []struct {
		name  string
		info  PeerInfo
		after time.Duration
		ask   bool
		want  bool
	}{
		{"chosen, asked just now", outbound(), 0, true, true},
		{"chosen, nothing for nearly half a minute", outbound(), hopeFor - 1, true, true},
		{"chosen, nothing for half a minute", outbound(), hopeFor, true, false},
		{"chosen, not asked", outbound(), 0, false, false},
		{"trusted", PeerInfo{Services: full, NoBan: true}, 0, true, true},
		{"inbound", inbound(), 0, true, false},
		{"chosen, without blocks", PeerInfo{Outbound: true}, 0, true, false},
	} {
		w := newWindow(l.env, 0)
		p := l.peer(c.info, 60)
		if c.ask {
			w.ask(l.now, p, l.at(41).Hash, l.at(41))
		}
		if got := w.preferredBusy(l.now.Add(c.after), []*peer{p}); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
		w.leave(p)
		if w.preferredBusy(l.now.Add(c.after), []*peer{p}) {
			t.Errorf("%s: busy with nothing", c.name)
		}
	}
}

// A block that nobody asked for may be 288 blocks ahead, and not one more.
func TestUnrequestedAhead(t *testing.T) {
	for ahead, want := range map[int32]bool{288: true, 289: false} {
		l := newLab()
		l.top = l.w.grow(l.top, 300, 0)
		w := newWindow(l.env, 0)
		if got := w.wants(l.peer(inbound(), 60), l.at(40+ahead), false); got != want {
			t.Errorf("%d ahead: %v", ahead, got)
		}
	}
}

// The last sixteen compact blocks of a peer are opened once.
func TestOpenedOnce(t *testing.T) {
	var c compactPeer
	for i := range byte(maxOpened + 1) {
		if !c.firstTime(wire.Hash{i + 1}) || c.firstTime(wire.Hash{i + 1}) {
			t.Errorf("block %d is not opened once", i)
		}
	}
	for i := range byte(maxOpened) {
		if c.firstTime(wire.Hash{i + 2}) {
			t.Errorf("block %d is forgotten", i+1)
		}
	}
	if !c.firstTime(wire.Hash{1}) {
		t.Error("the one before the last sixteen is remembered")
	}
}

// The last of three places for the transactions of a block is kept for a peer
// that this node chose.
func TestMayAskForTxs(t *testing.T) {
	l := newLab()
	p := l.peer(inbound(), 60)
	from := func(infos ...PeerInfo) *flight {
		var f flight
		for _, i := range infos {
			f.from = append(f.from, holder{peer: l.peer(i, 60)})
		}
		return &f
	}
	if mayAsk(p, from(outbound())) {
		t.Error("one that was not told to announce is asked")
	}
	p.compact.announces = true
	for _, c := range []struct {
		name string
		f    *flight
		want bool
	}{
		{"one before it", from(inbound()), true},
		{"two", from(inbound(), inbound()), true},
		{"three", from(inbound(), inbound(), inbound()), false},
		{"three, one of them chosen", from(inbound(), outbound(), inbound()), true},
	} {
		if got := mayAsk(p, c.f); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// A getheaders is on its way for two minutes at most, and who has not answered
// after ten seconds is silent.
func TestHeadersWait(t *testing.T) {
	now := time.Unix(1e9, 0)
	for _, c := range []struct {
		age             time.Duration // of the request; below zero for none
		waiting, silent bool
	}{
		{-1, false, false}, {0, true, false}, {10*time.Second - 1, true, false}, {10 * time.Second, true, true},
		{2*time.Minute - 1, true, true}, {2 * time.Minute, false, true},
	} {
		var p peer
		if c.age >= 0 {
			p.headers.askedAt = now.Add(-c.age)
		}
		if p.waiting(now) != c.waiting || p.silent(now) != c.silent {
			t.Errorf("asked %v ago: waiting %v, silent %v", c.age, p.waiting(now), p.silent(now))
		}
	}
	if !(&peer{headers: headersPeer{mute: true}}).silent(now) {
		t.Error("a mute peer is not silent")
	}
}

// Up to where a chain counts as connected: what waits for its validation, and
// would have more work than the tip, does not.
func TestConnected(t *testing.T) {
	l := newLab()
	tip := l.at(40)
	branch := l.w.grow(l.at(30), 20, 9) // up to height 50
	for _, c := range []struct {
		name   string
		common *headertree.Node
		want   *headertree.Node
	}{
		{"on the chain", l.at(25), l.at(25)},
		{"the tip", tip, tip},
		{"behind the tip", l.at(45), tip},
		{"a branch with less work", branch.Ancestor(39), branch.Ancestor(39)},
		{"a branch with the same work", branch.Ancestor(40), branch.Ancestor(40)},
		{"a branch with more", branch.Ancestor(41), branch.Ancestor(40)},
		{"a branch with much more", branch, branch.Ancestor(40)},
	} {
		if got := connected(c.common, tip); got != c.want {
			t.Errorf("%s: height %d, want %d", c.name, got.Height, c.want.Height)
		}
	}
}

// Blocks are announced up to nine at a time, so that more than eight can be told
// from eight, and not while the node is far behind.
func TestFreshBlocks(t *testing.T) {
	l := newLab()
	for _, c := range []struct {
		name     string
		old, tip *headertree.Node
		ibd      bool
		want     []int32
	}{
		{"the next block", l.at(40), l.at(41), false, []int32{41}},
		{"nothing new", l.at(40), l.at(40), false, nil},
		{"back to an ancestor", l.at(40), l.at(38), false, nil},
		{"eight", l.at(40), l.at(48), false, []int32{41, 42, 43, 44, 45, 46, 47, 48}},
		{"nine", l.at(40), l.at(49), false, []int32{41, 42, 43, 44, 45, 46, 47, 48, 49}},
		{"twelve", l.at(40), l.at(52), false, []int32{44, 45, 46, 47, 48, 49, 50, 51, 52}},
		{"far behind", l.at(40), l.at(41), true, nil},
		{"another branch", l.w.grow(l.at(38), 2, 3), l.at(41), false, []int32{39, 40, 41}},
	} {
		s := news{env: l.env, announced: c.old}
		l.chain.tip, l.chain.ibd = c.tip, c.ibd
		var got []int32
		for _, n := range s.fresh() {
			got = append(got, n.Height)
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) || s.announced != c.tip {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// A chain of headers is kept if it has the minimum work, and what the tip has
// but for a day of blocks.
func TestThreshold(t *testing.T) {
	l := newLab()
	l.top = l.w.grow(l.top, 300, 0)
	s := headerSync{env: l.env}
	for _, c := range []struct{ tip, minimum, want int32 }{
		// Of 144 blocks below the tip, counted with the genesis block.
		{40, 0, -1}, {143, 0, -1}, {144, 0, 0}, {200, 0, 56}, {200, 56, 56}, {200, 57, 57}, {200, 150, 150},
	} {
		l.chain.tip = l.at(c.tip)
		l.env.minWork.Clear()
		if c.minimum > 0 {
			l.env.minWork = l.at(c.minimum).Work
		}
		got := s.threshold()
		if c.want < 0 && !got.IsZero() || c.want >= 0 && got != l.at(c.want).Work {
			t.Errorf("%+v: %s", c, got.Hex())
		}
	}
}

// Up to eight blocks are told by their headers to who wants them so, up to eight
// by their hashes to others, and of more the last one.
func TestTellBounds(t *testing.T) {
	for _, c := range []struct {
		name    string
		headers bool
		knows   int32
		tip     int32
		want    string
	}{
		{"one", true, 40, 41, "1 headers"}, {"eight", true, 40, 48, "8 headers"}, {"nine", true, 40, 49, "1 hashes"},
		{"three of which it has one", true, 41, 43, "2 headers"}, {"what it can not connect", true, 20, 42, "2 hashes"},
		{"one by its hash", false, 40, 41, "1 hashes"}, {"eight by hash", false, 40, 48, "8 hashes"}, {"nine by hash", false, 40, 49, "1 hashes"},
		{"eight by hash, of which it has three", false, 43, 48, "5 hashes"}, {"all known", true, 48, 48, "nothing"},
	} {
		l := newLab()
		s := news{env: l.env, announced: l.at(40)}
		l.chain.tip = l.at(c.tip)
		p := l.peer(outbound(), c.knows)
		p.prefersHeaders = c.headers
		got := "nothing"
		for _, a := range s.tell(p, s.fresh()) {
			switch a := a.(type) {
			case SendHeaders:
				got = fmt.Sprint(len(a.Headers), " headers")
				if a.Headers[len(a.Headers)-1] != l.at(c.tip).Header {
					t.Errorf("%s: not up to the tip", c.name)
				}
			case SendInv:
				got = fmt.Sprint(len(a.Inv), " hashes")
				if a.Inv[len(a.Inv)-1].Hash != l.at(c.tip).Hash {
					t.Errorf("%s: not up to the tip", c.name)
				}
			}
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	// Of two blocks, the second as a compact block to who has the first.
	for knows, want := range map[int32]string{40: "netsync.SendHeaders", 41: "netsync.SendCmpctBlock"} {
		l := newLab()
		s := news{env: l.env}
		p := l.peer(outbound(), knows)
		p.compact.wants, p.prefersHeaders = true, true
		if a := s.tell(p, []*headertree.Node{l.at(41), l.at(42)}); len(a) != 1 || fmt.Sprintf("%T", a[0]) != want {
			t.Errorf("it has %d: %T, want %s", knows, a, want)
		}
	}
	// A compact block only where the one block is all that is new.
	for knows, want := range map[int32]string{40: "netsync.SendInv", 41: "netsync.SendCmpctBlock"} {
		l := newLab()
		s := news{env: l.env}
		p := l.peer(outbound(), knows)
		p.compact.wants = true
		fresh := []*headertree.Node{l.at(42)}
		if a := s.tell(p, fresh); len(a) != 1 || fmt.Sprintf("%T", a[0]) != want {
			t.Errorf("it has %d: %T, want %s", knows, a, want)
		}
	}
}

// The only peer that a compact block was asked of has ten seconds.
func TestCompactPatience(t *testing.T) {
	for _, c := range []struct {
		name  string
		after time.Duration
		spoil func(l *lab, w *window, p *peer)
		asked bool
	}{
		{"nearly ten seconds", 10*time.Second - 1, nil, false},
		{"ten seconds", 10 * time.Second, nil, true},
		{"another was asked too", compactPatience, func(l *lab, w *window, _ *peer) { w.ask(l.now, l.peer(outbound(), 60), l.at(41).Hash, l.at(41)) }, false},
		{"it leaves", compactPatience, func(_ *lab, _ *window, p *peer) { p.leaving = true }, false},
		{"the chain has blocks of it", compactPatience, func(_ *lab, _ *window, p *peer) { p.window.held = 1 }, false},
		{"the block is here", compactPatience, func(l *lab, w *window, p *peer) { w.held[l.at(41).Hash] = p }, false},
		{"asked for whole already", compactPatience, func(_ *lab, _ *window, p *peer) { p.window.flights[0].whole = true }, false},
	} {
		l := newLab()
		w := newWindow(l.env, 0)
		m := compact{env: l.env}
		p := l.peer(outbound(), 60)
		w.ask(l.now, p, l.at(41).Hash, l.at(41))
		p.window.flights[0].stage = stageAsked
		if c.spoil != nil {
			c.spoil(l, &w, p)
		}
		if got := len(m.check(l.now.Add(c.after), p, w.holds)) > 0; got != c.asked {
			t.Errorf("%s: asked for the whole block %v", c.name, got)
		}
	}
}

// A block that builds on the tip is passed on before it is connected once, from
// segregated witness on, and to no peer of an older version.
func TestPassedOnFast(t *testing.T) {
	for _, c := range []struct {
		name   string
		height int32
		spoil  func(l *lab, m *compact, p *peer)
		news   bool
		told   bool
	}{
		{"the next one", 41, nil, true, true},
		{"one further", 42, nil, false, false},
		{"a second of its height", 41, func(_ *lab, m *compact, _ *peer) { m.fastest = 41 }, false, false},
		{"the first with witnesses", 41, func(l *lab, _ *compact, _ *peer) { l.net.SegwitHeight = 41 }, true, true},
		{"before witnesses", 41, func(l *lab, _ *compact, _ *peer) { l.net.SegwitHeight = 42 }, false, false},
		{"far behind", 41, func(l *lab, _ *compact, _ *peer) { l.chain.ibd = true }, false, false},
		{"the oldest version", 41, func(_ *lab, _ *compact, p *peer) { p.info.Version = 70_015 }, true, true},
		{"an older version", 41, func(_ *lab, _ *compact, p *peer) { p.info.Version = 70_014 }, true, false},
		{"no compact blocks", 41, func(_ *lab, _ *compact, p *peer) { p.compact.wants = false }, true, false},
		{"it has it", 41, func(l *lab, _ *compact, p *peer) { p.best = l.at(41) }, true, false},
		{"it lacks the parent", 41, func(l *lab, _ *compact, p *peer) { p.best = l.at(39) }, true, false},
	} {
		l := newLab()
		l.net.SegwitHeight = 0
		m := compact{env: l.env}
		p := l.peer(outbound(), 40)
		p.info.Version, p.compact.wants = 70_016, true
		if c.spoil != nil {
			c.spoil(l, &m, p)
		}
		news, out := m.fast(l.at(c.height), []*peer{p})
		if news != c.news || (len(out) > 0) != c.told {
			t.Errorf("%s: news %v, told %v", c.name, news, len(out) > 0)
		}
	}
}

// The work of headers is summed one by one, whatever the target of each.
func TestAddWork(t *testing.T) {
	l := newLab()
	easy, hard := wire.Header{Bits: 0x207fffff}, wire.Header{Bits: 0x200fffff}
	for _, c := range []struct {
		headers []wire.Header
		want    uint64
	}{
		{nil, 0}, {[]wire.Header{easy}, 2}, {[]wire.Header{hard}, 16}, {[]wire.Header{easy, easy, hard, hard, easy}, 38},
		{[]wire.Header{hard, easy}, 18},
	} {
		got := addWork(l.at(0).Work, c.headers)
		want := l.at(0).Work
		want.AddUint64(&want, c.want)
		if got != want {
			t.Errorf("%d headers: %s, want %s", len(c.headers), got.Hex(), want.Hex())
		}
	}
}

// The minimum work is that of the network, unless another is set.
func TestMinimumWorkOf(t *testing.T) {
	l := newLab()
	for _, c := range []struct {
		name           string
		network, given *uint256.Int
		want           uint64
	}{
		{"none", nil, nil, 0}, {"the network's", uint256.NewInt(5), nil, 5},
		{"given", uint256.NewInt(5), uint256.NewInt(9), 9}, {"given as none", uint256.NewInt(5), uint256.NewInt(0), 0},
	} {
		net := *l.net
		net.MinimumChainWork = c.network
		m := New(Config{Network: &net, Chain: l.chain, MinimumWork: c.given})
		if m.minWork.Uint64() != c.want {
			t.Errorf("%s: %s", c.name, m.minWork.Hex())
		}
	}
}

// What is told of a peer: the heights of what it was asked for, -1 where the
// header is not known.
func TestStatusOfFlights(t *testing.T) {
	l := newLab()
	m := New(Config{Network: l.net, Chain: l.chain})
	p := l.peer(outbound(), 60)
	m.peers[p.id] = p
	m.window.ask(l.now, p, l.at(41).Hash, l.at(41))
	m.window.ask(l.now, p, wire.Hash{1}, nil)
	s, ok := m.Peer(p.id)
	if !ok || fmt.Sprint(s.InFlight) != "[41 -1]" || s.BestHeader != 60 || s.CommonBlock != -1 || s.PresyncHeight != -1 || s.ByGetBlocks {
		t.Errorf("%+v, %v", s, ok)
	}
	if _, ok := m.Peer(99); ok {
		t.Error("nobody has a status")
	}
	m.peers[99] = l.peer(outbound(), -1)
	if s, ok := m.Peer(99); !ok || s.BestHeader != -1 || len(s.InFlight) != 0 {
		t.Errorf("nothing is known of it: %+v, %v", s, ok)
	}
}
