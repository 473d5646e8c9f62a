package chain

import (
	"context"
	"errors"
	"sync"

	"starling/chain/consensus"
	"starling/chain/headertree"
	"starling/internal/cputime"
	"starling/wire"
)

// ErrStopped is returned for work that the chain no longer takes on.
var ErrStopped = errors.New("chain: stopped")

// Incoming is a block that has arrived.
type Incoming struct {
	Raw    []byte // the block as it travels; it must not be changed afterwards
	Origin any    // who gave it, for Config.OnInvalid; may be nil

	// Block is Raw parsed, with its ids hashed, from who has that at hand, as
	// after rebuilding it from a compact block; nil otherwise.
	Block *wire.Block

	// Requested says that the block was asked for. Others are kept only if
	// they are on a chain with at least the tip's work, not far ahead of it,
	// and with the network's minimum work.
	Requested bool

	// Done, if not nil, is called once when the outcome is known. It must not
	// block.
	Done func(Outcome)
}

// Outcome is what became of a submitted block.
type Outcome struct {
	Node      *headertree.Node // nil if its header was not accepted
	Duplicate bool             // it was known already
	Connected bool             // it is, or was for a moment, in the best chain
	Err       error            // a *consensus.RuleError if it breaks a rule
}

// arrival is a block on its way from Submit to the writer.
type arrival struct {
	Incoming
	node *headertree.Node
	size int64 // what it takes of the bytes that may wait

	aside bool // it is on a side branch, and only its origin is remembered
}

func (a *arrival) done(o Outcome) {
	if a.Done != nil {
		o.Node = a.node
		a.Done(o)
		a.Done = nil
	}
}

// arrivals is the set of blocks that are being checked, so that two copies of
// a block are not worked on at once.
type arrivals struct {
	mu  sync.Mutex
	set map[wire.Hash]struct{}
}

func (a *arrivals) init() { a.set = make(map[wire.Hash]struct{}) }

func (a *arrivals) begin(h wire.Hash) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, busy := a.set[h]; busy {
		return false
	}
	a.set[h] = struct{}{}
	return true
}

func (a *arrivals) end(h wire.Hash) {
	a.mu.Lock()
	delete(a.set, h)
	a.mu.Unlock()
}

// Submit hands a block over. It waits while too many bytes of blocks wait to be
// connected already, and returns an error only if ctx ends or the chain stops;
// what becomes of the block is told through in.Done and Config.OnInvalid.
func (c *Chain) Submit(ctx context.Context, in Incoming) error {
	a := &arrival{Incoming: in, size: min(int64(len(in.Raw)), c.cfg.Waiting)}
	if err := c.budget.Acquire(ctx, a.size); err != nil {
		return err
	}
	select {
	case c.incoming <- a:
		return nil
	case <-ctx.Done():
		c.budget.Release(a.size)
		return ctx.Err()
	case <-c.stopped:
		c.budget.Release(a.size)
		return ErrStopped
	}
}

// Process submits a block and waits for its outcome.
func (c *Chain) Process(ctx context.Context, in Incoming) Outcome {
	done := make(chan Outcome, 1)
	in.Done = func(o Outcome) { done <- o }
	if err := c.Submit(ctx, in); err != nil {
		return Outcome{Err: err}
	}
	select {
	case o := <-done:
		return o
	case <-ctx.Done():
		return Outcome{Err: ctx.Err()}
	case <-c.stopped:
		return Outcome{Err: ErrStopped}
	}
}

// rejectWaiting answers for the blocks that nobody will look at any more.
func (c *Chain) rejectWaiting() {
	for {
		select {
		case a := <-c.incoming:
			c.budget.Release(a.size)
			a.done(Outcome{Err: ErrStopped})
		case a := <-c.stored:
			c.budget.Release(a.size)
			a.done(Outcome{Err: ErrStopped})
		default:
			c.w.queue.clear()
			c.w.settleAll(Outcome{Err: ErrStopped})
			return
		}
	}
}

// checkArrivals is the life of a checking worker.
func (c *Chain) checkArrivals(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case a := <-c.incoming:
			o, store, err := c.checkArrival(a)
			a.Raw, a.Block = nil, nil
			if err != nil {
				c.budget.Release(a.size)
				a.done(Outcome{Err: err})
				return err
			}
			if !store {
				c.budget.Release(a.size)
				if o.Err != nil {
					c.reject(a, o.Err)
				}
				a.done(o)
				continue
			}
			select {
			case c.stored <- a:
			case <-ctx.Done():
				c.budget.Release(a.size)
				a.done(Outcome{Err: ErrStopped})
				return nil
			}
		}
	}
}

// reject tells of a block that breaks a rule.
func (c *Chain) reject(a *arrival, err error) {
	var hash wire.Hash
	if a.node != nil {
		hash = a.node.Hash
	}
	c.obs.BlockRejected(hash, err)
	c.log.Warn("block rejected", "hash", hash, "err", err)
	if c.cfg.OnInvalid != nil {
		c.cfg.OnInvalid(a.Origin, hash, err)
	}
}

// checkArrival checks all of a block that needs no other block, and stores
// it. It reports whether the block is new and stored; otherwise the outcome
// says why not. The error is for a failing disk.
func (c *Chain) checkArrival(a *arrival) (o Outcome, stored bool, err error) {
	header, herr := wire.DecodeHeader(a.Raw)
	if herr != nil {
		return Outcome{Err: unreadable(herr)}, false, nil
	}
	hash := header.Hash()
	if !c.arriving.begin(hash) {
		return Outcome{Duplicate: true}, false, nil
	}
	defer c.arriving.end(hash)

	if a.node = c.tree.Lookup(hash); a.node == nil {
		if !a.Requested {
			if err := c.worthStoring(&header); err != nil {
				return Outcome{Err: err}, false, nil
			}
		}
		n, isNew, err := c.addHeader(hash, &header, c.clk.Now())
		if err != nil {
			return Outcome{Err: err}, false, nil
		}
		if a.node = n; isNew {
			c.obs.HeadersAccepted(1, c.tree.Best())
		}
	}
	n := a.node
	if n.Data() != nil || n == c.tree.Genesis() {
		return Outcome{Duplicate: true}, false, nil
	}
	if n.Status()&(headertree.Failed|headertree.FailedParent) != 0 {
		return Outcome{Duplicate: true, Err: consensus.Reject(consensus.Invalid, "duplicate-invalid", "")}, false, nil
	}
	if !a.Requested && !c.wanted(n) {
		return Outcome{}, false, nil
	}

	watch := cputime.Start()
	var took CheckTimes
	b := a.Block
	if b == nil {
		var perr error
		if b, perr = wire.ParseBlock(a.Raw); perr != nil {
			return Outcome{Err: unreadable(perr)}, false, nil
		}
		b.HashTxs()
	}
	took.Parse = watch.Lap()
	if err := c.checkBody(n, b); err != nil {
		var rule *consensus.RuleError
		if errors.As(err, &rule) && rule.Kind == consensus.Invalid {
			c.markFailed(n)
		}
		return Outcome{Err: err}, false, nil
	}
	took.Check = watch.Lap()
	c.obs.BlockChecked(n, b, took)
	if err := c.storeBlock(n, b); err != nil {
		return Outcome{}, false, err
	}
	c.bodies.put(n, b, n.Parent.ChainTx() == 0)
	return Outcome{}, true, nil
}

// unreadable returns what is wrong with bytes that are no block.
func unreadable(err error) error {
	rule := consensus.Reject(consensus.Mutated, "bad-blk-length", "%v", err)
	rule.Err = err
	return rule
}

// checkBody checks the rules that need the block and its header's ancestors
// only.
func (c *Chain) checkBody(n *headertree.Node, b *wire.Block) error {
	if err := consensus.CheckBlock(b, c.net); err != nil {
		return err
	}
	return consensus.CheckBlockContext(b, c.net, n.Height, n.Parent.MedianTime())
}

// worthStoring refuses an unasked-for header whose chain has less than the
// network's minimum work: keeping such headers would let anyone fill memory.
func (c *Chain) worthStoring(h *wire.Header) error {
	parent := c.tree.Lookup(h.PrevBlock)
	if parent == nil {
		return consensus.Reject(consensus.MissingParent, "prev-blk-not-found", "")
	}
	work := consensus.BlockWork(h.Bits)
	work.Add(&work, &parent.Work)
	if work.Lt(c.net.MinimumChainWork) {
		return consensus.Reject(consensus.LowWork, "too-little-chainwork", "")
	}
	return nil
}

// wanted reports whether a block that was not asked for is worth keeping.
func (c *Chain) wanted(n *headertree.Node) bool {
	tip := c.Tip()
	return !n.Work.Lt(&tip.Work) && n.Height <= tip.Height+KeepBlocks && !n.Work.Lt(c.net.MinimumChainWork)
}

// markFailed remembers that n breaks a rule, and with it all that builds on
// it.
func (c *Chain) markFailed(n *headertree.Node) {
	for _, d := range c.tree.MarkFailed(n) {
		c.index.touch(d)
	}
	c.index.touch(n)
}
