package index

import (
	"context"

	"starling/chain"
	"starling/chain/headertree"
	"starling/params"
)

// Source is what an index needs of the chain. [Over] makes one of a chain.
type Source interface {
	Network() *params.Network
	Headers() *headertree.Tree
	Tip() *headertree.Node
	TipChanged() <-chan struct{}
	Block(n *headertree.Node) ([]byte, error)
	Follow(from *headertree.Node) Follower
	// HoldBlocks keeps the blocks above a height from being pruned.
	HoldBlocks(who string, height int32) *chain.Hold
}

// Follower reads how the chain moves; see [chain.Follower].
type Follower interface {
	Next(ctx context.Context) (chain.Event, error)
}

// Over returns c as a source.
func Over(c *chain.Chain) Source { return source{c} }

type source struct{ *chain.Chain }

// Follow implements Source.
func (s source) Follow(from *headertree.Node) Follower { return s.Chain.Follow(from) }
