package mempool

import (
	"starling/chain/headertree"
	"starling/mempool/policy"
)

const (
	// maxMisses is after how many chunks in a row that do not fit a nearly full
	// block counts as full, and nearlyFull how many weight units are left in
	// one. Core's figures.
	maxMisses  = 1000
	nearlyFull = 4000
)

// SelectAt returns the entries that a block on top of the tip should hold, in
// the order of the block: whole chunks by fee rate as long as they fit into
// maxWeight weight units and maxSigOps of signature operation cost, and pay
// minRate. Nothing that is not final is in the pool. With them it returns that
// tip.
func (p *Pool) SelectAt(maxWeight int64, maxSigOps int, minRate FeeRate) ([]*Entry, *headertree.Node) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	var chosen []*Entry
	misses := 0
	b := p.graph.Builder()
	for {
		c, ok := b.Next()
		if !ok || c.Rate.Fee < minRate.Fee(policy.VSize(c.Rate.Size)) {
			return chosen, p.tip
		}
		var weight int64
		sigOps := 0
		for _, t := range c.Txs {
			e := owner(t).e
			weight += e.Weight
			sigOps += e.SigOps
		}
		if weight > maxWeight || sigOps > maxSigOps {
			b.Skip()
			if misses++; misses > maxMisses && maxWeight < nearlyFull {
				return chosen, p.tip
			}
			continue
		}
		misses = 0
		maxWeight -= weight
		maxSigOps -= sigOps
		for _, t := range c.Txs {
			chosen = append(chosen, owner(t).e)
		}
	}
}
