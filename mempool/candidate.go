package mempool

import (
	"context"
	"errors"
	"time"

	"starling/chain/consensus"
	"starling/chain/headertree"
	"starling/mempool/cluster"
	"starling/mempool/policy"
	"starling/script"
	"starling/wire"
)

// mode says how a transaction is judged.
type mode struct {
	replace     bool    // it may replace others
	sibling     bool    // it may replace the other child of its parent (BIP431)
	packageFees bool    // fees count over the whole package
	noLimits    bool    // it comes back from a block: no fees, no limits but those of the cluster
	trim        bool    // room is made for it at once
	maxRate     FeeRate // 0 for no limit
}

// candidate is a transaction on its way into the pool.
type candidate struct {
	tx          *wire.Tx
	txid, wtxid wire.Hash
	when        time.Time
	mode        mode

	// What gather finds, for the pool as it is at seq, on top of tip.
	tip      *headertree.Node
	seq      uint64
	spent    []wire.TxOut
	heights  []int32 // of the blocks of the spent outputs; that of the next for unconfirmed ones
	fee      int64
	locks    bool  // whether its lock times hang on the tip
	coinbase bool  // whether it spends a coinbase
	youngest int32 // height of the youngest of these

	// What weigh finds, once: it hangs on the transaction and what it spends.
	weighed  bool
	sigOps   int
	adjusted int64
	vsize    int64

	check   *script.PoolCheck
	relayed bool         // whether its scripts passed the rules of relay,
	flags   script.Flags // and these of the next block

	// What judge finds.
	modified  int64
	parents   []*item // in the pool
	conflicts []*item // that spend the same
	sibling   bool    // whether one of them is a sibling instead
	node      *cluster.Tx
}

// candidate checks all that a transaction shows by itself.
func (p *Pool) candidate(tx *wire.Tx, when time.Time, m mode) (*candidate, *Rejection) {
	c := &candidate{tx: tx, txid: tx.TxID(), wtxid: tx.WTxID(), when: when, mode: m}
	if err := consensus.CheckTx(tx); err != nil {
		return c, fromRule(err)
	}
	if tx.IsCoinbase() {
		return c, reject(Consensus, "coinbase", "")
	}
	if p.cfg.RequireStandard {
		if err := p.rules.CheckStandard(tx); err != nil {
			return c, fromPolicy(NotStandard, err)
		}
	}
	if err := policy.CheckSize(tx); err != nil {
		return c, fromPolicy(NotStandard, err)
	}
	return c, nil
}

// fromRule turns a broken rule of consensus into a rejection.
func fromRule(err error) *Rejection {
	var rule *consensus.RuleError
	if !errors.As(err, &rule) {
		return reject(Consensus, err.Error(), "")
	}
	kind := Consensus
	if rule.Reason == "bad-txns-premature-spend-of-coinbase" {
		kind = Premature
	}
	return &Rejection{Kind: kind, Reason: rule.Reason, Detail: rule.Detail}
}

func fromPolicy(kind Kind, err *policy.Error) *Rejection {
	return &Rejection{Kind: kind, Reason: err.Reason, Detail: err.Detail}
}

// gather finds what a candidate spends: in the pool, among the transactions of
// its package, or in the chain; and checks all that hangs on that and on the
// tip but no policy. It takes no lock while it reads coins, and waits while the
// chain moves. The error is a *Rejection, or that of ctx or of the disk.
func (p *Pool) gather(ctx context.Context, c *candidate, pkg []*candidate) error {
	if c.spent == nil {
		c.spent = make([]wire.TxOut, len(c.tx.In))
		c.heights = make([]int32, len(c.tx.In))
	}
	for {
		p.mu.RLock()
		if p.moves.active {
			settle := p.settle
			p.mu.RUnlock()
			if err := await(ctx, settle); err != nil {
				return err
			}
			continue
		}
		settle := p.settle
		c.tip, c.seq = p.tip, p.seq
		wanted, rej := p.look(c, pkg)
		p.mu.RUnlock()
		if rej != nil {
			return rej
		}
		missing, moved, err := p.fetch(c, wanted)
		if err != nil {
			return err
		}
		if moved {
			// The chain is between two tips; the pool will follow.
			if err := await(ctx, settle); err != nil {
				return err
			}
			continue
		}
		if len(missing) > 0 {
			if p.came(c, missing) {
				continue
			}
			return p.missing(c, missing)
		}
		if rej := p.checkInputs(c); rej != nil {
			return rej
		}
		return nil
	}
}

// await waits until done is closed.
func await(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// look checks a candidate against the pool and finds what it spends there or
// in its package. It returns the inputs that only the chain may know. The lock
// must be held.
func (p *Pool) look(c *candidate, pkg []*candidate) (wanted []int, rej *Rejection) {
	next := c.tip.Height + 1
	if !consensus.IsFinal(c.tx, next, c.tip.MedianTime()) {
		return nil, reject(Premature, "non-final", "")
	}
	if rej := p.known(c); rej != nil {
		return nil, rej
	}
	for i := range c.tx.In {
		op := c.tx.In[i].PrevOut
		if !c.mode.replace && p.spends[op] != nil {
			return nil, reject(Policy, "bip125-replacement-disallowed", "")
		}
		parent := p.byTxID[op.Hash].tx()
		if parent == nil {
			parent = find(pkg, op.Hash)
		}
		switch {
		case parent == nil:
			wanted = append(wanted, i)
		case int(op.Index) < len(parent.Out):
			c.spent[i] = parent.Out[op.Index]
			c.heights[i] = next
		default:
			// The chain can not know it either.
			return nil, missing([]wire.OutPoint{op})
		}
	}
	return wanted, nil
}

// tx returns the transaction of an item that may be nil.
func (it *item) tx() *wire.Tx {
	if it == nil {
		return nil
	}
	return it.e.Tx
}

// find returns the transaction of a package with an id, or nil.
func find(pkg []*candidate, txid wire.Hash) *wire.Tx {
	for _, c := range pkg {
		if c.txid == txid {
			return c.tx
		}
	}
	return nil
}

// known refuses what the pool holds. The lock must be held.
func (p *Pool) known(c *candidate) *Rejection {
	it := p.byTxID[c.txid]
	switch {
	case it == nil:
		return nil
	case it.e.WTxID == c.wtxid:
		return reject(Known, "txn-already-in-mempool", "")
	}
	return reject(Conflict, "txn-same-nonwitness-data-in-mempool", "")
}

// fetch asks the chain for what a candidate spends. moved says that it does not
// stand on the candidate's tip.
func (p *Pool) fetch(c *candidate, wanted []int) (missing []wire.OutPoint, moved bool, err error) {
	c.coinbase, c.youngest = false, 0
	for _, i := range wanted {
		coin, ok, at, err := p.cfg.Chain.Coin(c.tx.In[i].PrevOut)
		switch {
		case err != nil:
			return nil, false, err
		case at != c.tip:
			return nil, true, nil
		case !ok:
			missing = append(missing, c.tx.In[i].PrevOut)
			continue
		}
		c.spent[i] = wire.TxOut{Value: coin.Value, Script: coin.Script}
		c.heights[i] = coin.Height
		if coin.Coinbase && !(coin.Height == 0 && p.net.GenesisSpendable) {
			c.coinbase = true
			c.youngest = max(c.youngest, coin.Height)
		}
	}
	return missing, false, nil
}

// came reports whether a parent of a candidate has come since look.
func (p *Pool) came(c *candidate, missing []wire.OutPoint) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.seq == c.seq && p.tip == c.tip {
		return false
	}
	for _, op := range missing {
		if p.byTxID[op.Hash] != nil {
			return true
		}
	}
	return p.tip != c.tip
}

// maxOwnOutputs is how many outputs of a transaction whose inputs are missing
// are looked for in the chain, to tell one that is in a block from an orphan.
const maxOwnOutputs = 8

// missing refuses a candidate whose inputs are missing: because it is in the
// chain itself, or for want of its parents.
func (p *Pool) missing(c *candidate, ops []wire.OutPoint) error {
	for i := range min(len(c.tx.Out), maxOwnOutputs) {
		_, ok, _, err := p.cfg.Chain.Coin(wire.OutPoint{Hash: c.txid, Index: uint32(i)})
		if err != nil {
			return err
		}
		if ok {
			return reject(Known, "txn-already-known", "")
		}
	}
	return missing(ops)
}

func missing(ops []wire.OutPoint) *Rejection {
	r := reject(InputsMissing, "bad-txns-inputs-missingorspent", "")
	r.Missing = ops
	return r
}

// checkInputs checks relative lock times and amounts.
func (p *Pool) checkInputs(c *candidate) *Rejection {
	next := c.tip.Height + 1
	if !p.sequenceMet(c.tx, c.heights, c.tip) {
		return reject(Premature, "non-BIP68-final", "")
	}
	fee, err := consensus.CheckInputs(c.tx, func(i int) consensus.Spent {
		return consensus.Spent{Value: c.spent[i].Value, Height: c.youngest, Coinbase: c.coinbase}
	}, next, p.net.CoinbaseMaturity)
	if err != nil {
		return fromRule(err)
	}
	c.fee = fee
	c.locks = hasLocks(c.tx)
	return nil
}

// sequenceMet reports whether the relative lock times of tx (BIP68) let it into
// the block after tip. heights are those of what it spends.
func (p *Pool) sequenceMet(tx *wire.Tx, heights []int32, tip *headertree.Node) bool {
	minHeight, minTime := consensus.SequenceLocks(tx, heights, func(h int32) int64 { return tip.Ancestor(h).MedianTime() }, true)
	return consensus.SequenceLocksMet(minHeight, minTime, tip.Height+1, tip.MedianTime())
}

// hasLocks reports whether lock times of tx hang on the tip, so that a
// reorganisation may bring them back.
func hasLocks(tx *wire.Tx) bool {
	for i := range tx.In {
		s := tx.In[i].Sequence
		if tx.LockTime != 0 && s != wire.SequenceFinal {
			return true
		}
		if uint32(tx.Version) >= 2 && s&consensus.SequenceDisable == 0 {
			return true
		}
	}
	return false
}

// weigh checks the form of what a candidate spends, and counts its signature
// operations.
func (p *Pool) weigh(c *candidate) *Rejection {
	if c.weighed {
		return nil
	}
	if p.cfg.RequireStandard {
		if err := policy.CheckInputs(c.tx, c.spent); err != nil {
			return fromPolicy(InputsNotStandard, err)
		}
		if c.tx.HasWitness() {
			if err := policy.CheckWitness(c.tx, c.spent); err != nil {
				return fromPolicy(WitnessMutated, err)
			}
		}
	}
	c.sigOps = script.SigOpCost(c.tx, c.spent, script.StandardFlags)
	c.adjusted = policy.AdjustedWeight(int64(c.tx.Weight()), c.sigOps)
	c.vsize = policy.VSize(c.adjusted)
	if c.sigOps > policy.MaxSigOpsCost {
		return reject(NotStandard, "bad-txns-too-many-sigops", "%d", c.sigOps)
	}
	c.weighed = true
	return nil
}

// scripts runs the scripts of a candidate, by the rules of relay and by those of
// the next block. A second call does nothing unless the latter have changed.
func (p *Pool) scripts(c *candidate) *Rejection {
	flags := script.BlockFlags(p.net, c.tip.Height+1, wire.Hash{})
	if c.relayed && flags == c.flags {
		return nil
	}
	if c.check == nil {
		c.check = p.cfg.Verifier.Pool(c.tx, c.spent)
	}
	if !c.relayed {
		if err := c.check.Relay(script.StandardFlags); err != nil {
			return scriptRejection(c, NotStandard, "mempool-script-verify-flag-failed", err)
		}
	}
	if err := c.check.Block(flags); err != nil {
		return scriptRejection(c, Consensus, "block-script-verify-flag-failed", err)
	}
	c.relayed, c.flags = true, flags
	return nil
}

func scriptRejection(c *candidate, kind Kind, reason string, err error) *Rejection {
	if !c.tx.HasWitness() && policy.SpendsWitness(c.tx, c.spent) {
		kind = WitnessStripped
	}
	var fail *script.Error
	if !errors.As(err, &fail) {
		return reject(kind, reason, "%v", err)
	}
	op := c.tx.In[fail.Input].PrevOut
	return reject(kind, reason+" ("+fail.Reason()+")", "input %d of %v (wtxid %v), spending %v:%d", fail.Input, c.txid, c.wtxid, op.Hash, op.Index)
}
