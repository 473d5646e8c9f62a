package chain

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"starling/chain/coins"
	"starling/chain/consensus"
	"starling/chain/headertree"
	"starling/internal/cputime"
	"starling/script"
	"starling/store"
	"starling/wire"
)

// bip34ImpliesBIP30Limit is the first height at which a coinbase could repeat
// an earlier one again although it holds its height (BIP34): some blocks from
// before then start with numbers that look like later heights.
const bip34ImpliesBIP30Limit = 1_983_702

// readAhead is a block that is being read, with the coins that it spends,
// while the one before it is connected.
type readAhead struct {
	node *headertree.Node
	done chan struct{}

	block *wire.Block
	coins *coins.Prefetched
	err   error
}

// startAhead begins to read n.
func (w *writer) startAhead(n *headertree.Node) {
	if w.ahead != nil && w.ahead.node == n {
		return
	}
	w.dropAhead()
	r := &readAhead{node: n, done: make(chan struct{}), block: w.c.bodies.take(n)}
	w.ahead = r
	go func() {
		defer close(r.done)
		if r.block == nil {
			r.block, r.err = w.c.ParsedBlock(n)
		}
		if r.err == nil {
			r.coins = w.c.coins.Prefetch(r.block)
		}
	}()
}

// dropAhead waits for what is being read, if anything, and lets go of it.
func (w *writer) dropAhead() {
	if w.ahead != nil {
		<-w.ahead.done
		w.ahead = nil
	}
}

// lostBlockError says that a stored block is damaged on disk, or was deleted.
type lostBlockError struct{ err error }

// Error implements the error interface.
func (e *lostBlockError) Error() string { return e.err.Error() }

// connect validates block n, the child of the UTXO set's block, and applies
// it. best is where the chain is heading. A *consensus.RuleError means that n
// is invalid, a *lostBlockError that it can not be read; the UTXO set is
// unchanged then.
func (w *writer) connect(ctx context.Context, n, best *headertree.Node) error {
	c := w.c
	watch := cputime.Start()
	var stats ConnectStats

	w.startAhead(n)
	r := w.ahead
	<-r.done
	w.ahead = nil
	var corrupt *store.CorruptError
	if errors.As(r.err, &corrupt) || errors.Is(r.err, ErrPruned) || errors.Is(r.err, ErrNoBlock) {
		return &lostBlockError{r.err}
	}
	if r.err != nil {
		return r.err
	}
	b := r.block
	stats.Load = watch.Lap()

	ch, err := w.validate(ctx, n, b, r.coins, &stats, &watch, func() {
		if n != best {
			w.startAhead(best.Ancestor(n.Height + 1))
		}
	})
	if err != nil {
		return err
	}

	if err := c.storeUndo(n, ch.Undo()); err != nil {
		return err
	}
	stats.Undo = watch.Lap()
	if !n.Has(headertree.Connected) {
		n.SetStatus(headertree.Connected)
		c.index.touch(n)
	}
	c.coins.Apply(ch, func() { w.at, w.moved = n, true })
	stats.Apply = watch.Lap()
	c.obs.BlockConnected(n, stats)
	if c.pool != nil {
		c.pool.BlockConnected(n, b)
	}
	return nil
}

// validate checks all that depends on the coins that b spends, as block n on
// top of the UTXO set's block, and returns what it does to the UTXO set. idle
// is called when the coins are known and the cores are about to be busy.
func (w *writer) validate(ctx context.Context, n *headertree.Node, b *wire.Block, pre *coins.Prefetched,
	stats *ConnectStats, watch *cputime.Stopwatch, idle func(),
) (*coins.Changes, error) {
	c := w.c
	ch, err := c.coins.Resolve(b, n.Height, c.checksOverwrite(n), pre)
	if err != nil {
		return nil, asRule(err)
	}
	stats.Lookup = watch.Lap()
	stats.Txs, stats.Inputs, stats.Bytes = len(b.Txs), len(ch.Coins), b.Size()
	stats.ScriptsChecked = c.mustCheckScripts(n)
	idle()

	flags := script.BlockFlags(c.net, n.Height, n.Hash)
	scripts := c.startScripts(ctx, ch, flags, stats.ScriptsChecked)
	err = c.checkSpends(n, ch, flags)
	if serr := scripts.wait(err != nil); err == nil {
		err = serr
	}
	if err == nil {
		err = ctx.Err()
	}
	stats.Scripts = watch.Lap()
	return ch, err
}

// disconnect takes the UTXO set's block back and tells of it.
func (w *writer) disconnect() error {
	n := w.at
	w.dropAhead()
	b, err := w.uncoin()
	if err != nil {
		return err
	}
	w.offer(n)
	w.c.obs.BlockDisconnected(n)
	if w.c.pool != nil {
		w.c.pool.BlockDisconnected(n, b)
	}
	return nil
}

// uncoin takes the UTXO set's block back and returns it.
func (w *writer) uncoin() (*wire.Block, error) {
	n := w.at
	b, u, err := w.c.blockAndUndo(n)
	if err != nil {
		return nil, fmt.Errorf("can not take block %d back: %w", n.Height, err)
	}
	err = w.c.coins.Disconnect(b, u, n.Height, w.c.wasOverwritten(n), func() { w.at, w.moved = n.Parent, true })
	if err != nil {
		return nil, fmt.Errorf("can not take block %d back: %w; rebuild the UTXO set with --reindex", n.Height, err)
	}
	return b, nil
}

// asRule turns what the UTXO set says of a block into the broken rule.
func asRule(err error) error {
	var missing *coins.MissingError
	var over *coins.OverwriteError
	switch {
	case errors.As(err, &missing):
		return consensus.Reject(consensus.Invalid, "bad-txns-inputs-missingorspent", "%v", missing)
	case errors.As(err, &over):
		return consensus.Reject(consensus.Invalid, "bad-txns-BIP30", "%v", over)
	}
	return err
}

// checksOverwrite reports whether the transactions of n are checked not to
// overwrite unspent ones (BIP30). Where coinbases hold their heights (BIP34)
// that can not happen, and the look-ups are saved.
func (c *Chain) checksOverwrite(n *headertree.Node) bool {
	if hash, ok := c.net.BIP30Exceptions[n.Height]; ok && hash == n.Hash {
		return false
	}
	if n.Height >= bip34ImpliesBIP30Limit {
		return true
	}
	at34 := n.Parent.Ancestor(c.net.BIP34Height)
	return at34 == nil || at34.Hash != c.net.BIP34Hash
}

// wasOverwritten reports whether a later block overwrote the coinbase of n:
// the main network has two such blocks from before BIP30.
func (c *Chain) wasOverwritten(n *headertree.Node) bool {
	for _, hash := range c.net.BIP30Exceptions {
		if over := c.tree.Lookup(hash); over != nil && n.Height < over.Height && over.Height < n.Height+bip30Reach {
			return true
		}
	}
	return false
}

// bip30Reach is how far behind a coinbase the block was that overwrote it, at
// most: 91,722 was repeated by 91,880, and 91,812 by 91,842.
const bip30Reach = 200

// checkSpends checks the rules about amounts, lock times and signature
// operations of a whole block.
func (c *Chain) checkSpends(n *headertree.Node, ch *coins.Changes, flags script.Flags) error {
	b := ch.Block
	parentMTP := n.Parent.MedianTime()
	mtpAt := func(height int32) int64 { return n.Ancestor(height).MedianTime() }
	csv := n.Height >= c.net.CSVHeight
	var fees int64
	var heights []int32
	sigops := 0
	for i := range b.Txs {
		tx := &b.Txs[i]
		if i == 0 {
			sigops += script.SigOpCost(tx, nil, flags)
			continue
		}
		spent := ch.Spent(i)
		fee, err := consensus.CheckInputs(tx, func(j int) consensus.Spent {
			s := consensus.Spent{Value: spent[j].Value, Height: spent[j].Height, Coinbase: spent[j].Coinbase}
			if s.Height == 0 && c.net.GenesisSpendable {
				s.Coinbase = false // the genesis outputs may be spent at once
			}
			return s
		}, n.Height, c.net.CoinbaseMaturity)
		if err != nil {
			return err
		}
		if fees += fee; !consensus.ValidMoney(fees) {
			return consensus.Reject(consensus.Invalid, "bad-txns-accumulated-fee-outofrange", "accumulated fee in the block out of range")
		}
		if csv && uint32(tx.Version) >= 2 {
			heights = heights[:0]
			for j := range spent {
				heights = append(heights, spent[j].Height)
			}
			minHeight, minTime := consensus.SequenceLocks(tx, heights, mtpAt, true)
			if !consensus.SequenceLocksMet(minHeight, minTime, n.Height, parentMTP) {
				return consensus.Reject(consensus.Invalid, "bad-txns-nonfinal", "contains a non-BIP68-final transaction %v", tx.TxID())
			}
		}
		sigops += script.SigOpCost(tx, ch.SpentOuts(i), flags)
		if sigops > consensus.MaxSigOpsCost {
			return consensus.Reject(consensus.Invalid, "bad-blk-sigops", "too many sigops")
		}
	}
	if sigops > consensus.MaxSigOpsCost {
		return consensus.Reject(consensus.Invalid, "bad-blk-sigops", "too many sigops")
	}
	allowed := fees + consensus.Subsidy(n.Height, c.net)
	if paid := consensus.OutputValue(&b.Txs[0]); paid > allowed {
		return consensus.Reject(consensus.Invalid, "bad-cb-amount", "coinbase pays too much (actual=%d vs limit=%d)", paid, allowed)
	}
	return nil
}

// mustCheckScripts applies Bitcoin Core's rule for the assume-valid block:
// scripts of its ancestors are taken to be valid if it is an ancestor of the
// best header, that has the minimum work, and n is buried under two weeks'
// worth of it. The last condition keeps an attacker from getting an invalid
// block in by naming it: two weeks of the network's work must stand on it.
func (c *Chain) mustCheckScripts(n *headertree.Node) bool {
	if c.net.AssumeValid == (wire.Hash{}) {
		return true
	}
	assumed := c.tree.Lookup(c.net.AssumeValid)
	if assumed == nil || assumed.Ancestor(n.Height) != n {
		return true
	}
	best := c.tree.Best()
	if best.Ancestor(n.Height) != n || best.Work.Lt(c.net.MinimumChainWork) {
		return true
	}
	const twoWeeks = 60 * 60 * 24 * 7 * 2
	return headertree.BlockProofEquivalentTime(best, n, best, c.net) <= twoWeeks
}

// inputsPerJob is how many inputs of a large transaction one goroutine checks
// at a time; smaller transactions are one job each.
const inputsPerJob = 16

// scriptRun checks the scripts of one block on all cores.
type scriptRun struct {
	wg   sync.WaitGroup
	stop atomic.Bool

	mu    sync.Mutex
	err   error
	errTx int // the first transaction, in block order, that failed
}

// startScripts begins to check the scripts of a block, or nothing if check is
// false.
func (c *Chain) startScripts(ctx context.Context, ch *coins.Changes, flags script.Flags, check bool) *scriptRun {
	s := &scriptRun{}
	if !check || len(ch.Coins) == 0 {
		return s
	}
	type job struct{ tx, from, to int }
	jobs := make([]job, 0, len(ch.Block.Txs))
	for i := 1; i < len(ch.Block.Txs); i++ {
		n := len(ch.Block.Txs[i].In)
		for from := 0; from < n; from += inputsPerJob {
			jobs = append(jobs, job{i, from, min(from+inputsPerJob, n)})
		}
	}
	// Inputs of one transaction share what is hashed once for all of them.
	checks := make([]struct {
		once sync.Once
		tx   *script.TxCheck
	}, len(ch.Block.Txs))
	var next atomic.Int64
	for range min(c.cfg.Workers, len(jobs)) {
		s.wg.Go(func() {
			for !s.stop.Load() && ctx.Err() == nil {
				k := int(next.Add(1)) - 1
				if k >= len(jobs) {
					return
				}
				j := jobs[k]
				ck := &checks[j.tx]
				ck.once.Do(func() { ck.tx = c.verifier.Tx(&ch.Block.Txs[j.tx], ch.SpentOuts(j.tx), flags) })
				for i := j.from; i < j.to; i++ {
					if err := ck.tx.Input(i); err != nil {
						s.failed(j.tx, i, &ch.Block.Txs[j.tx], err)
						return
					}
				}
			}
		})
	}
	return s
}

func (s *scriptRun) failed(tx, input int, t *wire.Tx, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil || tx < s.errTx {
		s.errTx = tx
		s.err = consensus.Reject(consensus.Invalid, "block-script-verify-flag-failed ("+err.Error()+")",
			"input %d of %v", input, t.TxID())
	}
	s.stop.Store(true)
}

// wait returns once nothing is being checked any more, with the first
// failure. With cancel it does not wait for scripts that nobody has begun.
func (s *scriptRun) wait(cancel bool) error {
	if cancel {
		s.stop.Store(true)
	}
	s.wg.Wait()
	return s.err
}
