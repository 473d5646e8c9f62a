package chain

import (
	"context"

	"starling/chain/coins"
	"starling/chain/headertree"
	"starling/wire"
)

// Event is one step of a [Follower]: a block joins the chain or leaves it.
type Event struct {
	Connect bool // false: the block is taken back
	Node    *headertree.Node
	Block   *wire.Block // with its ids hashed
	Undo    *coins.Undo // the coins that the block spent
}

// Follower reads how the chain moves, from any block on and at the reader's
// own pace. Its position is the block that the reader stands on; a reader that
// stores it with its own data goes on from there after a crash. Blocks come
// from disk, so that a slow reader costs nothing. It is for one goroutine.
type Follower struct {
	c  *Chain
	at *headertree.Node
}

// Follow returns a follower that stands on block from. It may be a block that
// is not in the best chain any more.
func (c *Chain) Follow(from *headertree.Node) *Follower { return &Follower{c: c, at: from} }

// At returns the block that the follower stands on.
func (f *Follower) At() *headertree.Node { return f.at }

// Next returns the next step towards the tip, and waits for one if the
// follower stands on it. Blocks that joined and left the chain meanwhile are
// skipped. The error is that of ctx, or of reading a block, which leaves the
// follower where it was.
func (f *Follower) Next(ctx context.Context) (Event, error) {
	for {
		changed := f.c.TipChanged()
		tip := f.c.Tip()
		if tip != f.at {
			return f.step(tip)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return Event{}, ctx.Err()
		}
	}
}

func (f *Follower) step(tip *headertree.Node) (Event, error) {
	e := Event{Node: f.at}
	to := f.at.Parent
	if f.at.IsAncestorOf(tip) {
		e.Connect = true
		e.Node = tip.Ancestor(f.at.Height + 1)
		to = e.Node
	}
	var err error
	if e.Block, err = f.c.ParsedBlock(e.Node); err != nil {
		return Event{}, err
	}
	if e.Undo, err = f.c.Undo(e.Node); err != nil {
		return Event{}, err
	}
	f.at = to
	return e, nil
}
