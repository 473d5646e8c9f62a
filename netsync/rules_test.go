package netsync

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/holiman/uint256"

	"starling/chain/headertree"
	"starling/wire"
)

// names lists what kinds of actions there are, with their targets.
func names(actions []Action) (out []string) {
	for _, a := range actions {
		out = append(out, fmt.Sprintf("%T %d", a, a.Target())[len("netsync."):])
	}
	return out
}

// bench is a Manager at the tip of a chain of 20 blocks, without peers.
type bench struct {
	t     *testing.T
	w     *world
	chain *testChain
	m     *Manager
	now   time.Time
	obs   *recorder
}

type recorder struct {
	NoObserver
	dropped  []string
	timeouts []time.Duration
}

func (r *recorder) Dropped(id PeerID, why Reason) {
	r.dropped = append(r.dropped, fmt.Sprintf("%d: %v", id, why))
}
func (r *recorder) StallTimeout(d time.Duration) { r.timeouts = append(r.timeouts, d) }

func newBench(t *testing.T) *bench {
	b := &bench{t: t, w: newWorld(), obs: &recorder{}}
	tip := b.w.grow(b.w.tree.Genesis(), 20, 0)
	b.now = tip.Header.Time().Add(time.Hour)
	b.chain = newTestChain(b.w.net, func() time.Time { return b.now })
	b.chain.give(tip)
	b.chain.ibd = false
	b.m = New(Config{Network: b.w.net, Chain: b.chain, MinimumWork: new(uint256.Int), Observer: b.obs})
	return b
}

// tip is the world's node of the chain's tip.
func (b *bench) tip() *headertree.Node { return b.w.tree.Lookup(b.chain.tip.Hash) }

// want compares actions with what is expected.
func (b *bench) want(step string, actions []Action, want ...string) {
	b.t.Helper()
	if d := cmp.Diff(want, names(actions), cmpopts.EquateEmpty()); d != "" {
		b.t.Errorf("%s (-want +got):\n%s", step, d)
	}
}

// up adds a peer and has it answer with the header of its tip.
func (b *bench) up(id PeerID, info PeerInfo, tip *headertree.Node) []Action {
	b.m.PeerUp(b.now, id, info)
	if tip == nil {
		return b.m.Headers(b.now, id, nil)
	}
	return b.m.Headers(b.now, id, []wire.Header{tip.Header})
}

// wait ticks for a while and returns all that is done meanwhile.
func (b *bench) wait(d time.Duration) (actions []Action) {
	for end := b.now.Add(d); b.now.Before(end); {
		next := b.m.NextDeadline(b.now)
		if next.IsZero() || next.After(end) {
			next = end
		}
		b.now = next
		actions = append(actions, b.m.Tick(b.now)...)
	}
	return actions
}

func TestBlockTimeout(t *testing.T) {
	b := newBench(t)
	next := b.w.grow(b.tip(), 1, 1)
	info := inbound()
	b.want("one peer", b.up(1, info, next), "SendGetData 1")
	b.want("within the time", b.wait(blockTimeoutBase-time.Second))
	b.want("when it is over", b.wait(2*time.Second), "Disconnect 1")
	if d := cmp.Diff([]string{"1: timeout downloading a block"}, b.obs.dropped); d != "" {
		t.Error(d)
	}
	b.want("what it sends then", b.m.Headers(b.now, 1, nil))

	// Two that download share our link, so each gets more time.
	b = newBench(t)
	next = b.w.grow(b.tip(), 1, 1)
	other := b.w.grow(b.tip(), 1, 2)
	b.want("first", b.up(1, info, next), "SendGetData 1")
	b.wait(6 * time.Minute)
	b.want("second", b.up(2, info, other), "SendGetData 2")
	b.want("within the time", b.wait(blockTimeoutBase+blockTimeoutPerPeer-6*time.Minute-time.Second))
	b.want("when it is over", b.wait(2*time.Second), "Disconnect 1")
}

func TestStallTimeoutDoublesAndFalls(t *testing.T) {
	w := newWorld()
	long := w.grow(w.tree.Genesis(), 3000, 0)
	s := newSim(t, w, new(uint256.Int))
	rec := &recorder{}
	s.m.obs = rec
	s.noBack = true
	for i := range 4 {
		s.connect(&remote{name: fmt.Sprint(i), info: outbound(), tip: long, delay: 10 * time.Millisecond, noBlocks: i < 3})
	}
	s.connect(&remote{name: "good", info: outbound(), tip: long, delay: 100 * time.Millisecond, block: time.Millisecond})
	s.run(10*time.Minute, s.synced(long))
	var up []time.Duration
	for i, d := range rec.timeouts {
		if i == 0 || d > rec.timeouts[i-1] {
			up = append(up, d)
		}
	}
	if len(rec.dropped) == 0 || len(up) == 0 || up[0] != 2*stallTimeoutMin {
		t.Errorf("dropped %v, raised to %v", rec.dropped, up)
	}
	if s.m.window.stallTimeout != stallTimeoutMin {
		t.Errorf("in the end %v", s.m.window.stallTimeout)
	}
	for _, d := range rec.timeouts {
		if d < stallTimeoutMin || d > stallTimeoutMax {
			t.Errorf("timeout %v", d)
		}
	}
}

func TestChainBehind(t *testing.T) {
	manual := outbound()
	manual.Manual = true
	tests := []struct {
		name string
		info PeerInfo
		good bool // shows our tip at first, and is protected by that
		want []string
	}{
		// It answers nothing any more, and is asked in both ways before it goes.
		{"an outbound peer", outbound(), false, []string{"SendGetHeaders 1", "SendGetBlocks 1", "SendGetHeaders 1", "Disconnect 1"}},
		{"a manual one", manual, false, nil},
		{"an inbound one", inbound(), false, nil},
		{"one that was good", outbound(), true, nil},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t)
			tip := b.tip()
			if tc.good {
				b.up(1, tc.info, tip)
			} else {
				b.up(1, tc.info, tip.Parent)
			}
			next := b.w.grow(tip, 1, 1)
			own, _, _ := b.chain.tree.Add(&next.Header, b.now)
			b.chain.store(own)
			b.m.TipChanged(b.now)
			b.want("waiting", b.wait(behindAfter+behindAnswer+2*tickIdle), tc.want...)
		})
	}
	t.Run("one that catches up", func(t *testing.T) {
		b := newBench(t)
		tip := b.tip()
		b.up(1, outbound(), tip.Parent)
		b.want("asked", b.wait(behindAfter+tickIdle), "SendGetHeaders 1")
		b.want("answer", b.m.Headers(b.now, 1, []wire.Header{tip.Header}))
		b.want("later", b.wait(7*time.Minute))
	})
}

func TestSilentPeers(t *testing.T) {
	b := newBench(t)
	b.want("outbound", b.m.PeerUp(b.now, 1, outbound()), "SendGetHeaders 1")
	b.want("inbound", b.m.PeerUp(b.now, 2, inbound()), "SendGetHeaders 2")
	b.want("for ten seconds", b.wait(silentAfter-time.Second))
	b.want("then", b.wait(2*time.Second), "SendGetBlocks 1")
	if st, _ := b.m.Peer(1); !st.ByGetBlocks {
		t.Errorf("%+v", st)
	}
	b.want("no answer", b.wait(feedPause-silentAfter))
	b.want("asked again", b.wait(3*silentAfter), "SendGetHeaders 1", "SendGetBlocks 1")
	// Headers bring it back.
	next := b.w.grow(b.tip(), 1, 1)
	b.want("headers", b.m.Headers(b.now, 1, []wire.Header{next.Header}), "SendGetData 1")
	if st, _ := b.m.Peer(1); st.ByGetBlocks || st.BestHeader != 21 || len(st.InFlight) != 1 {
		t.Errorf("%+v", st)
	}
}

func TestHeadersTimeout(t *testing.T) {
	w := newWorld()
	long := w.grow(w.tree.Genesis(), 100, 0)
	tests := []struct {
		name  string
		info  PeerInfo
		other bool
		want  bool
	}{
		{"another can be asked", inbound(), true, true},
		{"nobody else", inbound(), false, false},
		{"trusted", PeerInfo{Services: full, NoBan: true}, true, false},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			b := &bench{t: t, w: w, obs: &recorder{}, now: long.Header.Time().Add(1000 * time.Hour)}
			b.chain = newTestChain(w.net, func() time.Time { return b.now })
			b.m = New(Config{Network: w.net, Chain: b.chain, MinimumWork: new(uint256.Int).Lsh(uint256.NewInt(1), 90), Observer: b.obs})
			b.want("first", b.m.PeerUp(b.now, 1, tc.info), "SendGetHeaders 1")
			if tc.other {
				b.m.PeerUp(b.now, 2, PeerInfo{Services: full, Outbound: true, Manual: true})
			}
			b.wait(headersTimeoutBase + time.Minute + time.Second*60)
			if got := len(b.obs.dropped) > 0; got != tc.want {
				t.Errorf("dropped %v", b.obs.dropped)
			}
		})
	}
}

func TestHeadersRules(t *testing.T) {
	b := newBench(t)
	tip := b.tip()
	good := b.w.grow(tip, 10, 1)
	ten := headersOf(good, 21, 30)
	gap := append(append([]wire.Header(nil), ten[:2]...), ten[3:]...)
	noWork := append([]wire.Header(nil), ten...)
	for noWork[9].MerkleRoot[1] = 1; noWork[9].Hash()[31] < 0x80; noWork[9].Nonce++ {
	}
	early := ten[0]
	early.Timestamp = uint32(tip.MedianTime())
	for h := early.Hash(); h[31] >= 0x7f; h = early.Hash() {
		early.Nonce++
	}
	future := ten[0]
	future.Timestamp = uint32(b.now.Add(3 * time.Hour).Unix())
	for h := future.Hash(); h[31] >= 0x7f; h = future.Hash() {
		future.Nonce++
	}
	tests := []struct {
		name    string
		headers []wire.Header
		want    []string
		offence Offence
	}{
		{"good ones are fetched", ten, []string{"SendGetData 1"}, 0},
		{"a gap", gap, []string{"Misbehaved 1"}, BrokenSequence},
		{"one without work", noWork, []string{"Misbehaved 1"}, InvalidHeader},
		{"one with a bad time", []wire.Header{early}, []string{"Misbehaved 1"}, InvalidHeader},
		{"one from the future", []wire.Header{future}, nil, 0},
		{"a few that do not connect", ten[2:], []string{"SendGetHeaders 1"}, 0},
		{"many that do not connect", ten[1:], nil, 0},
		{"none", nil, nil, 0},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t)
			b.up(1, inbound(), tip)
			got := b.m.Headers(b.now, 1, tc.headers)
			b.t = t
			b.want("headers", got, tc.want...)
			for _, a := range got {
				if m, ok := a.(Misbehaved); ok && (m.Offence != tc.offence || m.Err == nil) {
					t.Errorf("blamed for %v: %v", m.Offence, m.Err)
				}
			}
		})
	}
}

func TestInv(t *testing.T) {
	b := newBench(t)
	tip := b.tip()
	next := b.w.grow(tip, 2, 1)
	b.up(1, inbound(), tip)
	b.want("an unknown block", b.m.Inv(b.now, 1, []wire.Hash{next.Parent.Hash, next.Hash}), "SendGetHeaders 1")
	b.want("the same again", b.m.Inv(b.now, 1, []wire.Hash{next.Hash}))
	b.want("a known block", b.m.Inv(b.now, 1, []wire.Hash{tip.Hash}))
	b.want("from nobody", b.m.Inv(b.now, 9, []wire.Hash{next.Hash}))
	b.want("the headers", b.m.Headers(b.now, 1, headersOf(next, 21, 22)), "SendGetData 1")

	// Another peer announces what is known by now, and need not be asked.
	b.up(2, inbound(), tip)
	b.want("known by then", b.m.Inv(b.now, 2, []wire.Hash{next.Hash}))
	if st, _ := b.m.Peer(2); st.BestHeader != 22 {
		t.Errorf("%+v", st)
	}
	b.m.PeerDown(b.now, 1)
	if st, _ := b.m.Peer(2); len(st.InFlight) != 2 {
		t.Errorf("the other peer's blocks did not go to it: %+v", st)
	}
}

func TestBlocksNobodyAskedFor(t *testing.T) {
	b := newBench(t)
	b.now = b.now.Add(100 * time.Hour)
	tip := b.tip()
	next := b.w.grow(tip, 1, 1)
	far := b.w.grow(tip, maxUnrequested+1, 2)
	side := b.w.grow(tip.Parent, 1, 3)
	less := b.w.grow(tip.Parent.Parent, 1, 3)
	deep := b.w.grow(tip, 3, 4)
	give := func(n *headertree.Node) Verdict {
		h := n.Header
		v, _ := b.m.Block(b.now, 1, n.Hash, &h)
		return v
	}
	b.up(1, inbound(), tip)
	if v := give(next); !v.Submit || v.Requested {
		t.Errorf("the next block: %+v", v)
	}
	if v := give(next); v.Submit {
		t.Errorf("a second copy: %+v", v)
	}
	if v := give(less); v.Submit {
		t.Errorf("one with less work than the tip: %+v", v)
	}
	if v := give(side); !v.Submit || v.Requested {
		t.Errorf("one with the tip's work: %+v", v)
	}
	if v := give(deep); v.Submit {
		t.Errorf("one without its parents: %+v", v)
	}
	b.chain.AcceptHeaders(headersOf(far, 21, far.Height))
	if v := give(far); v.Submit {
		t.Errorf("one far ahead: %+v", v)
	}
	if v := give(far.Parent); !v.Submit {
		t.Errorf("one within reach: %+v", v)
	}
	// A block with a bad header is told at once.
	bad := next.Header
	for bad.Nonce++; bad.Hash()[31] < 0x80; bad.Nonce++ {
	}
	v, actions := b.m.Block(b.now, 1, bad.Hash(), &bad)
	if v.Submit {
		t.Errorf("a block without work: %+v", v)
	}
	b.want("a block without work", actions, "Misbehaved 1")
}

// Blocks that nobody asked for do not reach a peer's list of what it lacks, and
// a peer that fails for everything is left alone for a while.
func TestNotFound(t *testing.T) {
	b := newBench(t)
	b.now = b.now.Add(100 * time.Hour)
	tip := b.w.grow(b.tip(), 300, 1)
	b.m.PeerUp(b.now, 1, inbound())
	b.m.NotFound(b.now, 1, []wire.Hash{{1}, {2}})
	if p := b.m.peers[1]; len(p.window.lacks) != 0 {
		t.Errorf("lacks what it was not asked for: %v", p.window.lacks)
	}
	actions := b.m.Headers(b.now, 1, headersOf(tip, 21, 320))
	asked := 0
	for len(actions) > 0 {
		var refuse []wire.Hash
		for _, a := range actions {
			for _, v := range a.(SendGetData).Inv {
				refuse = append(refuse, v.Hash)
				asked++
			}
		}
		actions = b.m.NotFound(b.now, 1, refuse)
	}
	if asked < maxLacks || asked > maxLacks+maxInFlight {
		t.Errorf("asked for %d blocks", asked)
	}
	b.wait(lacksFor + time.Minute)
	if st, _ := b.m.Peer(1); len(st.InFlight) != maxInFlight {
		t.Errorf("not asked again after a while: %+v", st)
	}
}

// A peer that gave up a chain which turned out bad is good for another one,
// even if that has less work.
func TestBestOfAPeerIsNotBad(t *testing.T) {
	b := newBench(t)
	tip := b.tip()
	bad := b.w.grow(tip, 3, 1)
	good := b.w.grow(tip, 2, 2)
	b.up(1, inbound(), tip)
	b.want("the bad chain", b.m.Headers(b.now, 1, headersOf(bad, 21, 23)), "SendGetData 1")
	first := bad.Ancestor(21)
	v, _ := b.m.Block(b.now, 1, first.Hash, &first.Header)
	if !v.Submit {
		t.Fatal("not wanted")
	}
	b.chain.tree.MarkFailed(b.chain.tree.Lookup(first.Hash))
	b.want("it is bad", b.m.BlockRejected(b.now, first.Hash))
	b.want("the good chain", b.m.Headers(b.now, 1, headersOf(good, 21, 22)), "SendGetData 1")
}

// The header of a bad block costs an outbound peer its place, and an inbound one
// nothing; whoever builds on it has broken a rule.
func TestHeadersOnABadBlock(t *testing.T) {
	manual := outbound()
	manual.Manual = true
	for name, tc := range map[string]struct {
		info PeerInfo
		want []string
	}{
		"inbound":  {inbound(), nil},
		"manual":   {manual, nil},
		"outbound": {outbound(), []string{"Disconnect 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			bad := b.w.grow(b.tip(), 2, 1)
			b.chain.AcceptHeaders(headersOf(bad, 21, 21))
			b.chain.tree.MarkFailed(b.chain.tree.Lookup(bad.Parent.Hash))
			b.up(1, tc.info, b.tip())
			b.want("the bad block", b.m.Headers(b.now, 1, headersOf(bad, 21, 21)), tc.want...)
			if tc.want == nil {
				b.want("one built on it", b.m.Headers(b.now, 1, headersOf(bad, 22, 22)), "Misbehaved 1")
			}
		})
	}
}

// Eight headers whose parents are missing are an announcement: once the parents
// are known the peer is known to have the last of them. More are none.
func TestHeadersWithoutParents(t *testing.T) {
	for count, want := range map[int32]int32{maxAnnounce: 30, maxAnnounce + 1: 20} {
		b := newBench(t)
		good := b.w.grow(b.tip(), 10, 1)
		b.up(1, inbound(), b.tip())
		b.up(2, inbound(), b.tip())
		b.m.Headers(b.now, 1, headersOf(good, 31-count, 30))
		b.m.Headers(b.now, 2, headersOf(good, 21, 30))
		if st, _ := b.m.Peer(1); st.BestHeader != want {
			t.Errorf("%d headers: it has %d, want %d", count, st.BestHeader, want)
		}
	}
}

// New headers may make others of use at once, which had announced them before.
// Headers that are known are no reason to look at all peers: that is left to
// the clock.
func TestHeadersOpenTheWindow(t *testing.T) {
	b := newBench(t)
	b.now = b.now.Add(100 * time.Hour) // no compact blocks
	next := b.w.grow(b.tip(), maxInFlight+1, 1)
	headers := headersOf(next, 21, next.Height)
	b.up(1, inbound(), b.tip())
	b.up(2, inbound(), b.tip())
	b.want("an unknown block", b.m.Inv(b.now, 2, []wire.Hash{next.Hash}), "SendGetHeaders 2")
	b.want("its headers", b.m.Headers(b.now, 1, headers), "SendGetData 1", "SendGetData 2")
	if st, _ := b.m.Peer(2); len(st.InFlight) != 1 {
		t.Errorf("%+v", st)
	}
	b.now = b.now.Add(lateAfter)
	b.want("the same again", b.m.Headers(b.now, 1, headers))
	b.want("the clock", b.m.Tick(b.now), "SendGetData 2")
}
