package chain

import (
	"context"

	"starling/chain/consensus"
	"starling/chain/headertree"
	"starling/internal/cputime"
	"starling/wire"
)

// CheckProposal checks a block that nobody has worked for yet by all rules but
// proof of work (BIP23). It must build on the tip. The error is a
// *consensus.RuleError if it breaks a rule.
func (c *Chain) CheckProposal(ctx context.Context, b *wire.Block) error {
	return c.do(ctx, func() error {
		parent := c.w.at
		if b.Header.PrevBlock != parent.Hash {
			return consensus.Reject(consensus.MissingParent, "inconclusive-not-best-prevblk", "the block does not build on the tip")
		}
		n, err := headertree.Propose(&b.Header, parent, c.net, c.clk.Now())
		if err != nil {
			return err
		}
		if err := c.checkBody(n, b); err != nil {
			return err
		}
		watch := cputime.Start()
		_, err = c.w.validate(ctx, n, b, c.coins.Prefetch(b), new(ConnectStats), &watch, func() {})
		return err
	})
}
