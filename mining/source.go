package mining

import (
	"context"

	"starling/chain"
	"starling/chain/headertree"
	"starling/mempool"
	"starling/params"
	"starling/wire"
)

// Chain is what a [Miner] needs of the chain; [*chain.Chain] is one.
type Chain interface {
	Network() *params.Network
	Tip() *headertree.Node
	// TipChanged returns a channel that is closed when the tip next changes.
	TipChanged() <-chan struct{}
	// Process waits until the block is connected or refused.
	Process(ctx context.Context, in chain.Incoming) chain.Outcome
	// Keep waits until the blocks that it has are sure to survive a crash.
	Keep(ctx context.Context) error
	// CheckProposal checks a block on the tip by all rules but proof of work.
	CheckProposal(ctx context.Context, b *wire.Block) error
}

// TxSource chooses transactions for blocks; [*mempool.Pool] is one. It changes
// together with the chain's tip: nobody sees one without the other.
type TxSource interface {
	// SelectAt returns transactions in an order in which a block may hold them,
	// so that they stay within both limits and each chunk pays minRate or more,
	// and the tip that they belong to.
	SelectAt(maxWeight int64, maxSigOps int, minRate mempool.FeeRate) ([]*mempool.Entry, *headertree.Node)
	// Len returns how many transactions there are.
	Len() int
	// Sequence returns a number that grows with each change.
	Sequence() uint64
	// Changed returns a channel that is closed at the next change; nil if the
	// source does not tell.
	Changed() <-chan struct{}
}

// noTxs is a source of nothing.
type noTxs struct{ chain Chain }

func (s noTxs) SelectAt(int64, int, mempool.FeeRate) ([]*mempool.Entry, *headertree.Node) {
	return nil, s.chain.Tip()
}
func (noTxs) Len() int                 { return 0 }
func (noTxs) Sequence() uint64         { return 0 }
func (noTxs) Changed() <-chan struct{} { return nil }
