package headertree

import (
	"fmt"
	"math"
	"time"

	"github.com/holiman/uint256"

	"starling/chain/consensus"
	"starling/params"
	"starling/wire"
)

const (
	// MaxFutureTime is how far ahead of our clock a header's time may be.
	MaxFutureTime = 2 * time.Hour
	// maxTimewarp is by how many seconds the first block of a difficulty
	// period may be earlier than the one before (BIP94).
	maxTimewarp = 600
)

// interval returns how many blocks a difficulty period has.
func interval(net *params.Network) int32 { return int32(net.TargetTimespan / net.TargetSpacing) }

// NextBits returns the compact target that the block after parent must have
// if its timestamp is t, in seconds since 1970.
func NextBits(parent *Node, t int64, net *params.Network) uint32 {
	period := interval(net)
	if (parent.Height+1)%period == 0 {
		return retarget(parent, net)
	}
	if !net.AllowMinDifficulty {
		return parent.Header.Bits
	}
	// Where blocks may be rare, one that comes after twice the spacing may be
	// as easy as can be. The next in time has the target of the last block
	// that did not make use of this.
	if t > parent.Time()+2*int64(net.TargetSpacing/time.Second) {
		return net.PowLimitBits
	}
	n := parent
	for n.Parent != nil && n.Height%period != 0 && n.Header.Bits == net.PowLimitBits {
		n = n.Parent
	}
	return n.Header.Bits
}

// retarget returns the compact target of the first block of a period, from
// the time that the period before took. last is the last block of that one.
func retarget(last *Node, net *params.Network) uint32 {
	if net.NoRetargeting {
		return last.Header.Bits
	}
	// From the first block of the period to the last are one fewer spacings
	// than blocks; that is how it has always been.
	first := last.Ancestor(last.Height - (interval(net) - 1))
	span := int64(net.TargetTimespan / time.Second)
	actual := min(max(last.Time()-first.Time(), span/4), span*4)

	// BIP94 starts from the first block of the period, which cannot have had
	// the easy target of late blocks.
	from := last
	if net.EnforceBIP94 {
		from = first
	}
	target, _, _ := consensus.CompactToTarget(from.Header.Bits)
	var times, by uint256.Int
	times.SetUint64(uint64(actual))
	by.SetUint64(uint64(span))
	// The product has up to 512 bits, so that even the easiest of targets
	// does not wrap around.
	if _, overflow := target.MulDivOverflow(&target, &times, &by); overflow || target.Gt(net.PowLimit) {
		target.Set(net.PowLimit)
	}
	return consensus.TargetToCompact(&target)
}

// checkHeader checks the rules that depend on the header's place in the tree,
// in the order in which Bitcoin Core does.
func checkHeader(h *wire.Header, parent *Node, net *params.Network, now time.Time) error {
	t := int64(h.Timestamp)
	if want := NextBits(parent, t, net); h.Bits != want {
		return consensus.Reject(consensus.Invalid, "bad-diffbits", "incorrect proof of work: target is %08x, want %08x", h.Bits, want)
	}
	if t <= parent.MedianTime() {
		return consensus.Reject(consensus.Invalid, "time-too-old", "block's timestamp is too early")
	}
	height := parent.Height + 1
	if net.EnforceBIP94 && height%interval(net) == 0 && t < parent.Time()-maxTimewarp {
		return consensus.Reject(consensus.Invalid, "time-timewarp-attack", "block's timestamp is too early on diff adjustment block")
	}
	if h.Time().After(now.Add(MaxFutureTime)) {
		return consensus.Reject(consensus.Recent, "time-too-new", "block timestamp too far in the future")
	}
	if h.Version < 2 && height >= net.BIP34Height ||
		h.Version < 3 && height >= net.BIP66Height ||
		h.Version < 4 && height >= net.BIP65Height {
		return consensus.Reject(consensus.Invalid, fmt.Sprintf("bad-version(0x%08x)", uint32(h.Version)),
			"rejected nVersion=0x%08x block", uint32(h.Version))
	}
	return nil
}

// BlockProofEquivalentTime returns how many seconds it would take, at tip's
// difficulty and the network's spacing, to do the work by which to is ahead of
// from. It is negative if to is behind, and at most the largest number.
func BlockProofEquivalentTime(to, from, tip *Node, net *params.Network) int64 {
	sign := int64(1)
	if to.Work.Lt(&from.Work) {
		to, from, sign = from, to, -1
	}
	var diff, spacing uint256.Int
	diff.Sub(&to.Work, &from.Work)
	spacing.SetUint64(uint64(net.TargetSpacing / time.Second))
	proof := consensus.BlockWork(tip.Header.Bits)
	if _, overflow := diff.MulDivOverflow(&diff, &spacing, &proof); overflow || diff.BitLen() > 63 {
		return sign * math.MaxInt64
	}
	return sign * int64(diff.Uint64())
}
