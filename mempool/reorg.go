package mempool

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"starling/chain/consensus"
	"starling/mempool/cluster"
	"starling/wire"
)

// takeBack puts the transactions of disconnected blocks back, the oldest block
// first, and removes what hangs on those that are not valid any more. What
// stands above the floor or not is no matter: they were worth a block. The lock
// must be held for writing.
func (p *Pool) takeBack(l *backlog, now time.Time) {
	// All changes of the graph are made in one step, because clusters may be
	// too large until it is known what stays.
	s := p.graph.Stage()
	r := returning{p: p, stage: s, in: make(map[*item]*candidate)}
	for _, d := range l.dropped {
		r.dropSpenders(d)
	}
	for _, b := range slices.Backward(l.blocks) {
		for _, tx := range b.txs {
			// The block's bytes should not stay in memory for its sake.
			own, err := wire.ParseTx(slices.Clone(tx.Bytes()))
			if err != nil || !r.add(own, now) {
				r.dropSpenders(backTx{tx.TxID(), len(tx.Out)})
			}
		}
	}
	r.checkScripts()
	for _, t := range s.Trim() {
		r.drop(owner(t), RemovedSizeLimit)
	}
	if err := s.Commit(); err != nil {
		p.cfg.Log.Error("the pool lost its order and starts empty", "err", err)
		p.reset()
		return
	}
	for _, it := range r.order {
		if p.byTxID[it.e.TxID] == it {
			p.announce(it)
		}
	}
	for _, d := range r.gone {
		p.seq++
		p.saver.note(d.e.TxID)
		p.cfg.Observer.TxRemoved(d.e, d.why)
	}
}

// returning is a set of transactions on their way back into the pool.
type returning struct {
	p     *Pool
	stage *cluster.Stage
	order []*item // that came back, parents first
	in    map[*item]*candidate
	gone  []departed
}

// departed is an entry that left, and why.
type departed struct {
	e   *Entry
	why RemovalReason
}

// add puts a transaction into all tables of the pool and into the stage, if it
// is valid on the new tip and standard.
func (r *returning) add(tx *wire.Tx, now time.Time) bool {
	p := r.p
	c, rej := p.candidate(tx, now, mode{noLimits: true})
	if rej != nil {
		return false
	}
	if p.byTxID[c.txid] != nil {
		return true
	}
	c.tip, c.seq = p.tip, p.seq
	c.spent, c.heights = make([]wire.TxOut, len(tx.In)), make([]int32, len(tx.In))
	wanted, rej := p.look(c, nil)
	if rej != nil {
		return false
	}
	missing, moved, err := p.fetch(c, wanted)
	if err != nil || moved || len(missing) > 0 {
		return false
	}
	if p.checkInputs(c) != nil || p.weigh(c) != nil {
		return false
	}
	// The graph is between two states: only tables may be asked.
	c.modified = c.fee + p.deltas[c.txid]
	c.parents = p.parentsOf(tx)
	p.stage(r.stage, c)
	it := owner(c.node)
	p.fill(it, c)
	for _, child := range p.childrenOf(c.txid, len(tx.Out)) {
		r.stage.Depend(it.node, child.node)
	}
	p.add(it)
	r.order = append(r.order, it)
	r.in[it] = c
	return true
}

// checkScripts checks the scripts of all that came back, on all cores, and
// drops what does not pass by today's rules of relay.
func (r *returning) checkScripts() {
	bad := make([]bool, len(r.order))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(r.order)) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(r.order) {
					return
				}
				bad[i] = r.p.scripts(r.in[r.order[i]]) != nil
			}
		})
	}
	wg.Wait()
	for i, it := range r.order {
		if bad[i] {
			r.drop(it, RemovedReorg)
		}
	}
}

// dropSpenders drops all that spends outputs of a transaction.
func (r *returning) dropSpenders(t backTx) {
	for _, it := range r.p.childrenOf(t.id, t.outs) {
		r.drop(it, RemovedReorg)
	}
}

// drop takes an item and its descendants out of the tables and of the stage.
func (r *returning) drop(it *item, why RemovalReason) {
	p := r.p
	for todo := []*item{it}; len(todo) > 0; {
		it := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if p.byTxID[it.e.TxID] != it {
			continue
		}
		todo = append(todo, p.childrenOf(it.e.TxID, len(it.e.Tx.Out))...)
		p.forget(it)
		r.stage.Remove(it.node)
		if r.in[it] == nil { // others know of it
			r.gone = append(r.gone, departed{it.e, why})
		}
	}
}

// reset empties the pool.
func (p *Pool) reset() {
	for _, it := range p.byTxID {
		p.dismiss(it, RemovedReorg)
	}
	p.graph = cluster.New(p.graph.Limits())
}

// sweep removes what a reorganisation has made invalid: lock times and young
// coinbases count again from a lower block. The lock must be held for writing.
func (p *Pool) sweep() {
	var gone []*item
	for _, it := range p.byTxID {
		if (it.locks || it.e.SpendsCoinbase) && !p.stillValid(it) {
			gone = append(gone, it)
		}
	}
	// The order must not hang on that of the map.
	slices.SortFunc(gone, func(a, b *item) int { return compareIDs(a.e.TxID, b.e.TxID) })
	for _, it := range gone {
		if p.byTxID[it.e.TxID] == it {
			p.remove(p.withDescendants(it), RemovedReorg)
		}
	}
}

// stillValid reports whether a new tip lets an item into its next block.
func (p *Pool) stillValid(it *item) bool {
	tx, next := it.e.Tx, p.tip.Height+1
	if !consensus.IsFinal(tx, next, p.tip.MedianTime()) {
		return false
	}
	heights := make([]int32, len(tx.In))
	for i := range tx.In {
		op := tx.In[i].PrevOut
		if p.byTxID[op.Hash] != nil {
			heights[i] = next
			continue
		}
		coin, ok, _, err := p.cfg.Chain.Coin(op)
		if err != nil || !ok {
			return false
		}
		heights[i] = coin.Height
		free := coin.Height == 0 && p.net.GenesisSpendable
		if coin.Coinbase && !free && next-coin.Height < p.net.CoinbaseMaturity {
			return false
		}
	}
	return p.sequenceMet(tx, heights, p.tip)
}
