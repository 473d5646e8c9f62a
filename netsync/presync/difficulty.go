package presync

import (
	"github.com/holiman/uint256"

	"starling/chain/consensus"
	"starling/params"
)

// permitted reports whether the difficulty may go from one compact target to
// the other at this height. It knows less than the real rule, which needs the
// times of a whole period, but bounds what a forged chain can do: without it,
// one header could claim the work of millions.
func permitted(net *params.Network, height int32, from, to uint32) bool {
	if net.AllowMinDifficulty {
		return true
	}
	if net.NoRetargeting || height%net.DifficultyInterval() != 0 {
		return from == to
	}
	old, _, _ := consensus.CompactToTarget(from)
	target, negative, overflow := consensus.CompactToTarget(to)
	if negative || overflow {
		return false
	}
	// Targets move by a factor of four at most, up to the limit, and what comes
	// out is rounded by the compact form. Four times a target may be more than a
	// number holds, a quarter of the limit is not.
	var easiest, hardest, quarter uint256.Int
	easiest.Set(net.PowLimit)
	if quarter.Rsh(net.PowLimit, 2); !old.Gt(&quarter) {
		easiest.Lsh(&old, 2)
	}
	hardest.Rsh(&old, 2)
	easiest, _, _ = consensus.CompactToTarget(consensus.TargetToCompact(&easiest))
	hardest, _, _ = consensus.CompactToTarget(consensus.TargetToCompact(&hardest))
	return !target.Gt(&easiest) && !target.Lt(&hardest)
}
