package headertree

import (
	"math"
	"testing"
	"time"

	"github.com/holiman/uint256"

	"starling/chain/consensus"
	"starling/params"
	"starling/wire"
)

// TestRetargetMain checks the difficulty changes of the main network that
// each limit of the rule decided, with their real times.
func TestRetargetMain(t *testing.T) {
	tests := []struct {
		name        string
		first, last int64
		bits        uint32
		want        uint32
	}{
		{"height 32,256, the first change", 1261130161, 1262152739, 0x1d00ffff, 0x1d00d86a},
		{"height 2,016, stopped by the limit", 1231006505, 1233061996, 0x1d00ffff, 0x1d00ffff},
		{"height 68,544, at most four times as hard", 1279008237, 1279297671, 0x1c05a3f4, 0x1c0168fd},
		{"at most four times as easy", 1263163443, 1269211443, 0x1c387f6f, 0x1d00e1fd},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			net := params.Main()
			tree := New(net)
			// A period of 2,016 blocks that starts and ends at these times. It
			// takes the place of the second period.
			n := restore(t, tree, tree.Genesis(), 2015, 600, tt.bits)
			h := wire.Header{PrevBlock: n.Hash, Timestamp: uint32(tt.first), Bits: tt.bits}
			n, err := tree.Restore(&h, 0)
			if err != nil {
				t.Fatal(err)
			}
			n = restore(t, tree, n, 2014, 1, tt.bits)
			h = wire.Header{PrevBlock: n.Hash, Timestamp: uint32(tt.last), Bits: tt.bits}
			if n, err = tree.Restore(&h, 0); err != nil {
				t.Fatal(err)
			}
			if got := NextBits(n, tt.last+600, net); got != tt.want {
				t.Fatalf("got %08x, want %08x", got, tt.want)
			}
			if got := NextBits(n.Parent, tt.last, net); got != tt.bits {
				t.Fatalf("within the period: got %08x, want %08x", got, tt.bits)
			}
		})
	}
}

func TestNextBitsMinDifficulty(t *testing.T) {
	const hard = 0x1c0168fd
	for _, bip94 := range []bool{false, true} {
		net := params.Testnet4()
		net.EnforceBIP94 = bip94
		limit := net.PowLimitBits
		tree := New(net)
		// A period that is hard from its first block on.
		n := restore(t, tree, tree.Genesis(), 2015, 600, limit)
		n = restore(t, tree, n, 10, 600, hard)
		check := func(after int64, want uint32) {
			t.Helper()
			if got := NextBits(n, n.Time()+after, net); got != want {
				t.Errorf("BIP94 %v, height %d, %d s later: %08x, want %08x", bip94, n.Height+1, after, got, want)
			}
		}
		check(600, hard)
		check(1200, hard)
		check(1201, limit)
		// After easy blocks the last hard one counts.
		n = restore(t, tree, n, 20, 1201, limit)
		check(1200, hard)
		check(1201, limit)
		// To the end of the period, with times that make it take its time. The
		// last block is easy, which counts unless BIP94 looks at the first.
		n = restore(t, tree, n, 4031-int(n.Height), 560, limit)
		target, _, _ := consensus.CompactToTarget(hard)
		var times, by uint256.Int
		times.SetUint64(uint64(n.Time() - n.Ancestor(2016).Time()))
		by.SetUint64(14 * 24 * 3600)
		target.Mul(&target, &times)
		target.Div(&target, &by)
		want := consensus.TargetToCompact(&target)
		if !bip94 {
			// An easy block that took a little less time than it should.
			target, _, _ = consensus.CompactToTarget(limit)
			target.Mul(&target, &times)
			target.Div(&target, &by)
			want = consensus.TargetToCompact(&target)
		}
		check(600, want)
		check(100_000, want) // no easy first block, however late
		if want == limit || want == hard {
			t.Fatal("the test does not tell the rules apart")
		}
	}
}

// TestNextBitsFromPeriodStart checks that an easy block goes back no further
// than the first of its period, which may itself be easy.
func TestNextBitsFromPeriodStart(t *testing.T) {
	net := params.Testnet4()
	tree := New(net)
	n := restore(t, tree, tree.Genesis(), 2015, 600, 0x1c0168fd)
	n = restore(t, tree, n, 5, 1201, net.PowLimitBits)
	if got := NextBits(n, n.Time()+1, net); got != net.PowLimitBits {
		t.Fatalf("got %08x", got)
	}
}

func TestNextBitsRegtest(t *testing.T) {
	net := params.Regtest()
	tree := New(net)
	n := extend(t, tree, tree.Genesis(), 500, 1)
	if n.Header.Bits != 0x207fffff {
		t.Fatalf("regtest changed its target to %08x", n.Header.Bits)
	}
}

func TestRetargetNeverPastLimit(t *testing.T) {
	// The easiest target times any time does not fit into 256 bits.
	net := easy()
	tree := New(net)
	n := extend(t, tree, tree.Genesis(), 100, 100_000)
	if n.Header.Bits != net.PowLimitBits {
		t.Fatalf("got %08x", n.Header.Bits)
	}
	// Four times as hard, once.
	n = extend(t, tree, n, 15, 1)
	if n.Header.Bits != 0x201fffff {
		t.Fatalf("got %08x, want 201fffff", n.Header.Bits)
	}
}

func TestHeaderRules(t *testing.T) {
	const spacing = 600
	net := easy()
	tip := func(tree *Tree, n int) *Node { return extend(t, tree, tree.Genesis(), n, spacing) }

	tests := []struct {
		name   string
		net    func(*params.Network)
		height int // of the tip
		change func(h *wire.Header, tip *Node)
		now    func(tip *Node) int64 // nil: late enough
		kind   consensus.Kind
		reason string
	}{
		{name: "good", height: 20},
		{name: "after genesis", height: 0},
		{name: "wrong target", height: 20, change: func(h *wire.Header, _ *Node) { h.Bits = 0x2000ffff }, reason: "bad-diffbits"},
		{name: "target above the limit", height: 20, change: func(h *wire.Header, _ *Node) { h.Bits = 0x20ffffff }, reason: "high-hash"},
		{name: "too early by a second", height: 20, change: func(h *wire.Header, n *Node) { h.Timestamp = uint32(n.MedianTime()) }, reason: "time-too-old"},
		{name: "as early as can be", height: 20, change: func(h *wire.Header, n *Node) { h.Timestamp = uint32(n.MedianTime() + 1) }},
		{name: "two hours ahead", height: 20, now: func(n *Node) int64 { return n.Time() + spacing - 7200 }},
		{name: "a second more ahead", height: 20, now: func(n *Node) int64 { return n.Time() + spacing - 7201 }, kind: consensus.Recent, reason: "time-too-new"},
		{name: "unknown parent", height: 20, change: func(h *wire.Header, _ *Node) { h.PrevBlock[0]++ }, kind: consensus.MissingParent, reason: "prev-blk-not-found"},

		{name: "version 1 before BIP34", net: func(n *params.Network) { n.BIP34Height = 22 }, height: 20, change: version(1)},
		{name: "version 1", net: func(n *params.Network) { n.BIP34Height = 21 }, height: 20, change: version(1), reason: "bad-version(0x00000001)"},
		{name: "version 2 at BIP34", net: func(n *params.Network) { n.BIP34Height = 21 }, height: 20, change: version(2)},
		{name: "version 2 before BIP66", net: func(n *params.Network) { n.BIP66Height = 22 }, height: 20, change: version(2)},
		{name: "version 2", net: func(n *params.Network) { n.BIP66Height = 21 }, height: 20, change: version(2), reason: "bad-version(0x00000002)"},
		{name: "version 3 before BIP65", net: func(n *params.Network) { n.BIP65Height = 22 }, height: 20, change: version(3)},
		{name: "version 3", net: func(n *params.Network) { n.BIP65Height = 21 }, height: 20, change: version(3), reason: "bad-version(0x00000003)"},
		{name: "version 4 after all", net: func(n *params.Network) { n.BIP34Height, n.BIP65Height, n.BIP66Height = 1, 1, 1 }, height: 20, change: version(4)},
		{name: "negative version", net: func(n *params.Network) { n.BIP34Height = 21 }, height: 20, change: version(-1), reason: "bad-version(0xffffffff)"},

		{name: "time warp without BIP94", height: 19, change: back(601)},
		{name: "time warp", net: bip94, height: 19, change: back(601), reason: "time-timewarp-attack"},
		{name: "just no time warp", net: bip94, height: 19, change: back(600)},
		{name: "time warp inside a period", net: bip94, height: 18, change: back(601)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			net := *net
			tree := New(&net)
			n := tip(tree, tt.height)
			if tt.net != nil {
				tt.net(&net)
			}
			h := wire.Header{Version: 4, PrevBlock: n.Hash, Timestamp: uint32(n.Time() + spacing)}
			h.Bits = NextBits(n, int64(h.Timestamp), &net)
			if tt.change != nil {
				tt.change(&h, n)
			}
			if h.Bits <= 0x207fffff {
				mine(&h)
			}
			now := later()
			if tt.now != nil {
				now = time.Unix(tt.now(n), 0)
			}
			got, added, err := tree.Add(&h, now)
			wantReject(t, err, tt.kind, tt.reason)
			if ok := tt.reason == ""; added != ok || (got != nil) != ok || (tree.Lookup(h.Hash()) != nil) != ok {
				t.Fatalf("added %v, node %v", added, got)
			}
		})
	}
}

func version(v int32) func(*wire.Header, *Node) {
	return func(h *wire.Header, _ *Node) { h.Version = v }
}

// back makes a header so many seconds earlier than its parent.
func back(seconds int64) func(*wire.Header, *Node) {
	return func(h *wire.Header, n *Node) { h.Timestamp = uint32(n.Time() - seconds) }
}

func bip94(n *params.Network) { n.EnforceBIP94 = true }

func TestProofOfWorkIsChecked(t *testing.T) {
	tree := New(params.Main())
	// The real block 1, and the same with another nonce.
	h, err := wire.DecodeHeader([]byte("" +
		"\x01\x00\x00\x00\x6f\xe2\x8c\x0a\xb6\xf1\xb3\x72\xc1\xa6\xa2\x46\xae\x63\xf7\x4f\x93\x1e\x83\x65" +
		"\xe1\x5a\x08\x9c\x68\xd6\x19\x00\x00\x00\x00\x00\x98\x20\x51\xfd\x1e\x4b\xa7\x44\xbb\xbe\x68\x0e" +
		"\x1f\xee\x14\x67\x7b\xa1\xa3\xc3\x54\x0b\xf7\xb1\xcd\xb6\x06\xe8\x57\x23\x3e\x0e\x61\xbc\x66\x49" +
		"\xff\xff\x00\x1d\x01\xe3\x62\x99"))
	if err != nil {
		t.Fatal(err)
	}
	bad := h
	bad.Nonce++
	_, _, err = tree.Add(&bad, later())
	wantReject(t, err, consensus.Invalid, "high-hash")
	n, added, err := tree.Add(&h, later())
	if err != nil || !added || n.Height != 1 || n != tree.Best() {
		t.Fatalf("added %v, %v", added, err)
	}
	if n.Hash.String() != "00000000839a8e6886ab5951d76f411475428afc90947ee320161bbf18eb6048" {
		t.Fatalf("hash %v", n.Hash)
	}
	if n.Work.Uint64() != 2*0x100010001 {
		t.Fatalf("work %s", n.Work.Hex())
	}
}

func TestBlockProofEquivalentTime(t *testing.T) {
	net := easy()
	net.NoRetargeting = true
	tree := New(net)
	a := extend(t, tree, tree.Genesis(), 10, 600)
	b := extend(t, tree, tree.Genesis(), 4, 601)
	if got := BlockProofEquivalentTime(a, b, a, net); got != 6*600 {
		t.Errorf("ahead: %d", got)
	}
	if got := BlockProofEquivalentTime(b, a, a, net); got != -6*600 {
		t.Errorf("behind: %d", got)
	}
	if got := BlockProofEquivalentTime(a, a, a, net); got != 0 {
		t.Errorf("equal: %d", got)
	}
	// Work that would take more seconds than can be counted.
	hard := &Node{Header: wire.Header{Bits: 0x03000001}}
	hard.Work = consensus.BlockWork(0x03000001)
	if got := BlockProofEquivalentTime(hard, a, a, net); got != math.MaxInt64 {
		t.Errorf("far ahead: %d", got)
	}
	if got := BlockProofEquivalentTime(a, hard, a, net); got != -math.MaxInt64 {
		t.Errorf("far behind: %d", got)
	}
	// Twice as hard a tip does the work in half the time.
	twice := &Node{Header: wire.Header{Bits: 0x203fffff}}
	if got := BlockProofEquivalentTime(a, b, twice, net); got != 3*600 {
		t.Errorf("against a harder tip: %d", got)
	}
}
