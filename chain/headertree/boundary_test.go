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

// Each version is good enough from its own soft fork on until the next one.
func TestVersionBetweenForks(t *testing.T) {
	net := easy()
	tree := New(net)
	n := extend(t, tree, tree.Genesis(), 20, 600)
	net.BIP34Height, net.BIP66Height, net.BIP65Height = 5, 10, 22
	for v, reason := range map[int32]string{2: "bad-version(0x00000002)", 3: "", 4: ""} {
		h := wire.Header{Version: v, PrevBlock: n.Hash, Timestamp: uint32(n.Time() + 600)}
		h.Bits = NextBits(n, int64(h.Timestamp), net)
		mine(&h)
		_, _, err := tree.Add(&h, later())
		wantReject(t, err, consensus.Invalid, reason)
	}
}

// The longest time that can be counted, and the shortest that can not.
func TestEquivalentTimeLimits(t *testing.T) {
	net := params.Regtest()
	// A regtest block stands for two hashes and ten minutes.
	from, tip := &Node{}, &Node{Header: wire.Header{Bits: 0x207fffff}}
	for _, c := range []struct {
		name   string
		blocks uint64
		want   int64
	}{
		{"half of it", 1 << 62 / 600, 1 << 62 / 600 * 600},
		{"nearly all of it", math.MaxInt64 / 600, math.MaxInt64 / 600 * 600},
		{"a block more", math.MaxInt64/600 + 1, math.MaxInt64},
	} {
		to := &Node{Work: *uint256.NewInt(2 * c.blocks)}
		if got := BlockProofEquivalentTime(to, from, tip, net); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
		if got := BlockProofEquivalentTime(from, to, tip, net); got != -c.want {
			t.Errorf("%s, behind: %d, want %d", c.name, got, -c.want)
		}
	}
}

// A header that is yet to be worked for gets the place that it would have in
// the tree, by the same rules but proof of work, and is in no tree.
func TestPropose(t *testing.T) {
	net := easy()
	tree := New(net)
	parent := extend(t, tree, tree.Genesis(), 20, 600)
	h := wire.Header{Version: 4, PrevBlock: parent.Hash, Timestamp: uint32(parent.Time() + 600)}
	h.Bits = NextBits(parent, int64(h.Timestamp), net)
	for consensus.CheckProofOfWork(h.Hash(), h.Bits, net) == nil {
		h.Nonce++ // until there is no work in it
	}
	n, err := Propose(&h, parent, net, later())
	if err != nil {
		t.Fatal(err)
	}
	if n.Height != 21 || n.Hash != h.Hash() || n.Parent != parent || tree.Lookup(h.Hash()) != nil || tree.Best() != parent {
		t.Errorf("height %d, in the tree: %v", n.Height, tree.Lookup(h.Hash()) != nil)
	}
	good := h
	mine(&good)
	added, _, err := tree.Add(&good, later())
	if err != nil {
		t.Fatal(err)
	}
	if n.Work != added.Work || n.MedianTime() != added.MedianTime() {
		t.Errorf("work %s, want %s", n.Work.Hex(), added.Work.Hex())
	}
	for height := range int32(21) {
		if n.Ancestor(height) != parent.Ancestor(height) {
			t.Fatalf("another block at height %d", height)
		}
	}
	bad := h
	bad.Timestamp = uint32(parent.MedianTime())
	n, err = Propose(&bad, parent, net, later())
	if n != nil {
		t.Error("a header that is too old has a place")
	}
	wantReject(t, err, consensus.Invalid, "time-too-old")
	_, err = Propose(&h, parent, net, time.Unix(h.Time().Unix()-7201, 0))
	wantReject(t, err, consensus.Recent, "time-too-new")
}
