package mining

import (
	"math/big"

	"github.com/holiman/uint256"

	"starling/chain/headertree"
	"starling/params"
)

// NetworkHashRate estimates how many hashes a second the whole network
// computed over the n blocks that end with tip, from their work and their
// times. With n below 1 these are the blocks since the difficulty last
// changed.
func NetworkHashRate(tip *headertree.Node, n int32, net *params.Network) float64 {
	if n < 1 {
		n = tip.Height%net.DifficultyInterval() + 1
	}
	n = min(n, tip.Height)
	if n == 0 {
		return 0
	}
	// Times may go back a little from block to block, so the first and the
	// last block need not be the earliest and the latest.
	first, lo, hi := tip, tip.Time(), tip.Time()
	for range n {
		first = first.Parent
		lo, hi = min(lo, first.Time()), max(hi, first.Time())
	}
	if lo == hi {
		return 0
	}
	work := new(uint256.Int).Sub(&tip.Work, &first.Work)
	f, _ := new(big.Float).SetInt(work.ToBig()).Float64()
	return f / float64(hi-lo)
}
