package chain

import (
	"container/heap"
	"context"
	"errors"

	"starling/chain/consensus"
	"starling/chain/headertree"
	"starling/clock"
	"starling/internal/cputime"
)

// writer is the state of the goroutine that alone changes the UTXO set and
// the tip.
type writer struct {
	c *Chain

	// at is the block that the UTXO set stands for. It trails or leads the
	// published tip only in the middle of a reorganisation.
	at *headertree.Node
	// moved says that at has changed since the tip was last published.
	moved bool
	// precious is where an operator wants the UTXO set to go although another
	// block with as much work came first; nil for nowhere.
	precious *headertree.Node

	// unlinked holds the stored blocks, by parent, whose ancestors are not
	// all stored yet.
	unlinked   map[*headertree.Node][]*headertree.Node
	candidates candidates
	sequence   uint64 // numbers candidates in the order of arrival

	waiting map[*headertree.Node]*arrival // whose outcome is not known yet
	aside   []*headertree.Node            // those of waiting on side branches, the oldest first

	unwritable error // why index or UTXO set could not be written, which ends the writer

	heldBack bool // whether the log has said that pruning is held back
	queue    queue
	ahead    *readAhead
}

func (w *writer) init(c *Chain) {
	w.c = c
	w.unlinked = make(map[*headertree.Node][]*headertree.Node)
	w.waiting = make(map[*headertree.Node]*arrival)
	w.queue.init(c.budget)
}

// candidate is a block with all its ancestors stored, which may become the
// tip.
type candidate struct {
	node *headertree.Node
	seq  uint64
}

// candidates is a heap: most work first, then first come.
type candidates []candidate

func (h candidates) Len() int { return len(h) }
func (h candidates) Less(i, j int) bool {
	if cmp := h[i].node.Work.Cmp(&h[j].node.Work); cmp != 0 {
		return cmp > 0
	}
	return h[i].seq < h[j].seq
}
func (h candidates) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *candidates) Push(x any)   { *h = append(*h, x.(candidate)) }
func (h *candidates) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

// run connects what can be connected until ctx ends.
func (w *writer) run(ctx context.Context) error {
	timer := w.c.clk.NewTimer(coinsEvery)
	defer timer.Stop()
	defer w.dropAhead()
	for {
		if err := w.activate(ctx, timer); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case a := <-w.c.stored:
			w.accept(a)
		case fn := <-w.c.commands:
			fn()
			if w.unwritable != nil {
				return w.unwritable
			}
		case <-timer.C:
			if err := w.flushCoins(false); err != nil {
				return err
			}
			timer.Reset(coinsEvery)
		}
	}
}

// activate moves the UTXO set, block by block, to the best candidate, and
// publishes the tip. Between blocks it takes on what has arrived meanwhile.
func (w *writer) activate(ctx context.Context, timer *clock.Timer) error {
	for ctx.Err() == nil {
		best := w.best()
		if best == nil {
			break
		}
		if err := w.step(ctx, best); err != nil {
			return err
		}
		if err := w.poll(timer); err != nil {
			return err
		}
	}
	if ctx.Err() == nil {
		// No candidate has more work, so this is the tip even where it has
		// less work than before (invalidateblock).
		w.c.publish(w.at)
		w.settleAll(Outcome{})
		w.queue.clear()
	}
	return nil
}

// poll takes on, without waiting, what has arrived during a step.
func (w *writer) poll(timer *clock.Timer) error {
	for {
		select {
		case a := <-w.c.stored:
			w.accept(a)
		case fn := <-w.c.commands:
			fn()
			if w.unwritable != nil {
				return w.unwritable
			}
		case <-timer.C:
			if err := w.flushCoins(false); err != nil {
				return err
			}
			timer.Reset(coinsEvery)
		default:
			return nil
		}
	}
}

// best returns the best candidate with more work than the UTXO set's block,
// or nil.
func (w *writer) best() *headertree.Node {
	if p := w.precious; p != nil {
		if p != w.at && p.Data() != nil && !p.Failed() && p.ChainTx() != 0 && !p.Work.Lt(&w.at.Work) {
			return p
		}
		w.precious = nil
	}
	var best *headertree.Node
	for len(w.candidates) > 0 {
		n := w.candidates[0].node
		if n.Failed() || n.Data() == nil || n.Work.Cmp(&w.at.Work) <= 0 {
			heap.Pop(&w.candidates)
			w.c.bodies.take(n)
			continue
		}
		best = n
		break
	}
	// A branch that failed half way may leave the UTXO set on a block that has
	// no more work than the tip, which was first: go back to the tip then.
	tip := w.c.tip.Load()
	if tip != w.at && !tip.Failed() && tip.Data() != nil && !tip.Work.Lt(&w.at.Work) && (best == nil || !best.Work.Gt(&tip.Work)) {
		return tip
	}
	return best
}

// step disconnects or connects one block on the way to best.
func (w *writer) step(ctx context.Context, best *headertree.Node) error {
	if best.Ancestor(w.at.Height) != w.at {
		return w.disconnect()
	}
	next := best.Ancestor(w.at.Height + 1)
	err := w.connect(ctx, next, best)
	var rule *consensus.RuleError
	var lost *lostBlockError
	switch {
	case err == nil:
		w.queue.leave(next.Height)
		// Readers see the tip before anyone is told of it.
		if w.at == w.precious || w.at.Work.Gt(&w.c.tip.Load().Work) {
			w.c.publish(w.at)
		}
		if a := w.waiting[next]; a != nil {
			delete(w.waiting, next)
			a.done(Outcome{Connected: true})
		}
		return w.makeRoom()
	case ctx.Err() != nil:
		return nil
	case errors.As(err, &rule):
		w.fail(next, err)
		return nil
	case errors.As(err, &lost):
		// It is not connected yet, so nothing rests on it: forget it, and it
		// will be fetched again.
		w.c.log.Error("a stored block can not be read and will be fetched again", "height", next.Height, "err", err)
		w.forget(next)
		return nil
	default:
		return err
	}
}

// fail marks a block that broke a rule, and tells everyone who waits for it or
// for one of its descendants.
func (w *writer) fail(n *headertree.Node, err error) {
	w.c.markFailed(n)
	a := w.waiting[n]
	if a == nil {
		a = &arrival{node: n}
	}
	w.c.reject(a, err)
	for m, a := range w.waiting {
		if m == n || m.Failed() {
			delete(w.waiting, m)
			a.done(Outcome{Err: err})
		}
	}
}

// accept takes on a block that a worker has checked and stored.
func (w *writer) accept(a *arrival) {
	n := a.node
	if a.Done != nil || a.Origin != nil {
		w.waiting[n] = a
	}
	w.link(n)
	if n.ChainTx() != 0 && w.awaits(n) {
		w.queue.enter(n.Height, a.size)
	} else {
		// It waits for others to arrive, and its bytes must not keep them out.
		w.c.budget.Release(a.size)
	}
	if n.ChainTx() == 0 || n.Work.Cmp(&w.at.Work) <= 0 {
		w.settle(n, Outcome{})
	}
}

// settle answers whoever waits for the outcome of n.
func (w *writer) settle(n *headertree.Node, o Outcome) {
	if a := w.waiting[n]; a != nil {
		// The origin is kept until the block is connected or fails.
		a.done(o)
		if !a.aside && n.ChainTx() != 0 && n.Work.Cmp(&w.at.Work) <= 0 {
			w.setAside(n, a)
		}
	}
}

// maxAside is of how many blocks that were not connected, as they have no more
// work than the tip, it is remembered who gave them, should they be connected
// later and turn out bad. Each has cost its giver a proof of work.
const maxAside = 1000

// setAside remembers who gave a block on a side branch.
func (w *writer) setAside(n *headertree.Node, a *arrival) {
	if a.Origin == nil || n.Failed() {
		delete(w.waiting, n)
		return
	}
	a.aside = true
	if w.aside = append(w.aside, n); len(w.aside) > maxAside {
		if old := w.waiting[w.aside[0]]; old != nil && old.aside {
			delete(w.waiting, w.aside[0])
		}
		w.aside[0] = nil
		w.aside = w.aside[1:]
	}
}

// settleAll answers whoever still waits when there is nothing left to do.
func (w *writer) settleAll(o Outcome) {
	for n := range w.waiting {
		w.settle(n, o)
	}
}

// link makes n, and all stored blocks that waited for it, candidates if their
// ancestors are stored.
func (w *writer) link(n *headertree.Node) {
	if n.Parent.ChainTx() == 0 {
		w.unlinked[n.Parent] = append(w.unlinked[n.Parent], n)
		return
	}
	queue := []*headertree.Node{n}
	for len(queue) > 0 {
		m := queue[0]
		queue = queue[1:]
		m.SetChainTx(m.Parent.ChainTx() + uint64(m.Txs()))
		w.offer(m)
		if m != n && w.awaits(m) {
			w.queue.enterUnpaid(m.Height, int64(m.Data().Size))
		}
		queue = append(queue, w.unlinked[m]...)
		delete(w.unlinked, m)
	}
}

// awaits reports whether n, whose ancestors are all there, is going to be
// connected.
func (w *writer) awaits(n *headertree.Node) bool {
	return n.Height > w.at.Height && n.Work.Gt(&w.at.Work) && !n.Failed()
}

// offer makes n a candidate if it has more work than the tip. Otherwise its
// block need not stay in memory.
func (w *writer) offer(n *headertree.Node) {
	if n.Work.Cmp(&w.at.Work) <= 0 || n.Failed() {
		w.c.bodies.take(n)
		return
	}
	w.sequence++
	heap.Push(&w.candidates, candidate{n, w.sequence})
}

// forget drops the stored copy of a block that turned out damaged, and
// unlinks what builds on it until it has been fetched again.
func (w *writer) forget(n *headertree.Node) {
	w.c.bodies.take(n)
	for _, m := range w.c.tree.Descendants(n) {
		m.SetChainTx(0)
		if m != n && m.Data() != nil {
			w.unlinked[m.Parent] = append(w.unlinked[m.Parent], m)
		}
	}
	n.SetData(nil)
	n.SetTxs(0)
	w.c.index.touch(n)
	w.rebuildCandidates()
}

// makeRoom writes the UTXO set if its cache is full, or if files can be pruned
// once it is written.
func (w *writer) makeRoom() error {
	if w.c.coins.Bytes() > w.c.cfg.DBCache*3/4 {
		return w.flushCoins(true)
	}
	if w.mayPrune() {
		return w.flushCoins(false)
	}
	return nil
}

// flushCoins writes the UTXO set, and before it all that it rests on. With
// drop the cache starts empty afterwards. If it fails the writer ends, whoever
// asked for it: the UTXO set can not be written any more.
func (w *writer) flushCoins(drop bool) error {
	watch := cputime.Start()
	if err := w.c.writeIndex(); err != nil {
		w.unwritable = err
		return err
	}
	n, err := w.c.coins.Flush(drop, func() { w.c.log.Debug("writing the UTXO set", "height", w.at.Height) })
	if err != nil {
		w.unwritable = err
		return err
	}
	took := watch.Lap()
	w.c.obs.Flushed(n, took)
	w.c.log.Debug("the UTXO set is written", "height", w.at.Height, "changes", n, "took", took)
	return w.prune()
}
