package netsync

import (
	"time"

	"github.com/holiman/uint256"

	"starling/chain/headertree"
	"starling/params"
)

// view is the part of [Chain] that the machines look at. None of them changes
// the chain: headers are given to it by the Manager.
type view interface {
	Tip() *headertree.Node
	Headers() *headertree.Tree
	IsInitialDownload() bool
}

// env is what all machines look at and none of them changes.
type env struct {
	net     *params.Network
	chain   view
	minWork uint256.Int // that a chain of headers must show
	pruned  bool        // this node has only the last blocks
	obs     Observer
}

// nearTip reports whether the tip is recent enough for compact blocks.
func (e *env) nearTip(now time.Time) bool {
	return !e.chain.IsInitialDownload() && e.chain.Tip().Header.Time().After(now.Add(-directFetch*e.net.TargetSpacing))
}
