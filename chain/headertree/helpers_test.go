package headertree

import (
	"errors"
	"testing"
	"time"

	"starling/chain/consensus"
	"starling/params"
	"starling/wire"
)

// easy returns a network whose proof of work takes a handful of hashes, with
// difficulty periods of ten blocks, and no version floors.
func easy() *params.Network {
	n := params.Regtest()
	n.NoRetargeting, n.AllowMinDifficulty = false, false
	n.TargetSpacing, n.TargetTimespan = 10*time.Minute, 100*time.Minute
	const never = 1 << 30
	n.BIP34Height, n.BIP65Height, n.BIP66Height = never, never, never
	return n
}

// later returns a time that no header of a test is too far ahead of.
func later() time.Time { return time.Unix(1<<32, 0) }

// mine changes the nonce until the header's hash meets its own target.
func mine(h *wire.Header) {
	target, _, _ := consensus.CompactToTarget(h.Bits)
	anything := params.Network{PowLimit: &target}
	for consensus.CheckProofOfWork(h.Hash(), h.Bits, &anything) != nil {
		h.Nonce++
	}
}

// child returns a header after parent, with the target that it must have.
func child(parent *Node, t int64, net *params.Network) wire.Header {
	h := wire.Header{Version: 4, PrevBlock: parent.Hash, Timestamp: uint32(t), Bits: NextBits(parent, t, net)}
	mine(&h)
	return h
}

// extend adds n headers after parent, the given number of seconds apart.
func extend(t testing.TB, tree *Tree, parent *Node, n int, spacing int64) *Node {
	t.Helper()
	for range n {
		h := child(parent, parent.Time()+spacing, tree.net)
		next, added, err := tree.Add(&h, later())
		if err != nil || !added {
			t.Fatalf("height %d: added %v, %v", parent.Height+1, added, err)
		}
		parent = next
	}
	return parent
}

// restore puts n headers after parent without any check, the given number of
// seconds apart.
func restore(t testing.TB, tree *Tree, parent *Node, n int, spacing int64, bits uint32) *Node {
	t.Helper()
	for range n {
		h := wire.Header{Version: 4, PrevBlock: parent.Hash, Timestamp: uint32(parent.Time() + spacing), Bits: bits}
		next, err := tree.Restore(&h, 0)
		if err != nil {
			t.Fatal(err)
		}
		parent = next
	}
	return parent
}

// wantReject checks that err is a rule error of the kind and reason, or nil if
// the reason is empty.
func wantReject(t testing.TB, err error, kind consensus.Kind, reason string) {
	t.Helper()
	if reason == "" {
		if err != nil {
			t.Fatalf("rejected: %v", err)
		}
		return
	}
	var rule *consensus.RuleError
	if !errors.As(err, &rule) {
		t.Fatalf("got %v, want %s", err, reason)
	}
	if rule.Reason != reason || rule.Kind != kind {
		t.Fatalf("got %s (%v), want %s (%v)", rule.Reason, rule.Kind, reason, kind)
	}
}
