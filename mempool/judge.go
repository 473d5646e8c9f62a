package mempool

import (
	"fmt"

	"starling/mempool/cluster"
	"starling/mempool/policy"
	"starling/wire"
)

// judge decides by policy whether a candidate may enter the pool as it is now,
// all but its scripts. If so it returns the change of the graph that it comes
// to, and the items that leave for it. The lock must be held for writing.
func (p *Pool) judge(c *candidate) (*cluster.Stage, []*item, *Rejection) {
	if rej := p.relate(c); rej != nil {
		return nil, nil, rej
	}
	s := p.graph.Stage()
	var out []*item
	if len(c.conflicts) > 0 {
		var rej *Rejection
		if out, rej = p.replace(s, c); rej != nil {
			return nil, nil, rej
		}
	} else {
		p.stage(s, c)
		if s.Oversized() {
			return nil, nil, tooLarge()
		}
	}
	if rej := c.checkMaxFee(); rej != nil {
		return nil, nil, rej
	}
	if p.cfg.RequireStandard && len(c.parents) > 0 {
		if err := policy.CheckEphemeralSpends(c.tx, p.cfg.DustFee, p.unconfirmed(nil)); err != nil {
			return nil, nil, fromPolicy(Policy, err)
		}
	}
	return s, out, nil
}

// unconfirmed returns a function that finds unconfirmed transactions by id, in
// the pool or in a package.
func (p *Pool) unconfirmed(pkg []*candidate) func(wire.Hash) *wire.Tx {
	return func(id wire.Hash) *wire.Tx {
		if tx := find(pkg, id); tx != nil {
			return tx
		}
		return p.byTxID[id].tx()
	}
}

func tooLarge() *Rejection { return reject(Policy, "too-large-cluster", "") }

// relate finds a candidate's parents and conflicts, and checks its fee and the
// rules about its family.
func (p *Pool) relate(c *candidate) *Rejection {
	if rej := p.known(c); rej != nil {
		return rej
	}
	c.modified = c.fee + p.deltas[c.txid]
	c.parents, c.conflicts, c.sibling = p.parentsOf(c.tx), p.conflictsOf(c.tx), false
	if len(c.conflicts) > 0 && !c.mode.replace {
		return reject(Policy, "bip125-replacement-disallowed", "")
	}
	if p.cfg.RequireStandard {
		if err := policy.CheckEphemeral(c.tx, p.cfg.DustFee, c.fee, c.modified); err != nil {
			return fromPolicy(NotStandard, err)
		}
	}
	if c.mode.noLimits {
		return nil
	}
	if !c.mode.packageFees {
		if rej := p.checkFee(c.vsize, c.modified); rej != nil {
			rej.Rated = []wire.Hash{c.wtxid}
			return rej
		}
	}
	sibling, err := policy.CheckTRUC(c.tx, c.vsize, p.relatives(c), func(id wire.Hash) bool {
		return contains(c.conflicts, p.byTxID[id])
	})
	if err != nil {
		if sibling == nil || !c.mode.sibling {
			return fromPolicy(Policy, err)
		}
		c.conflicts = append(c.conflicts, p.byTxID[sibling.TxID()])
		c.sibling = true
	}
	return nil
}

// checkFee checks that a fee reaches the floor and the least rate of relay.
func (p *Pool) checkFee(vsize, fee int64) *Rejection {
	rate := policy.Rate(fee, vsize)
	if least := p.floor.at(p.cfg.Clock.Now(), p.sum.usage, p.cfg.MaxBytes, p.cfg.IncrementalFee).Fee(vsize); fee < least {
		r := reject(Reconsiderable, "mempool min fee not met", "%d < %d", fee, least)
		r.Rate = rate
		return r
	}
	if least := p.cfg.MinRelayFee.Fee(vsize); fee < least {
		r := reject(Reconsiderable, "min relay fee not met", "%d < %d", fee, least)
		r.Rate = rate
		return r
	}
	return nil
}

// checkMaxFee refuses a fee that is greater than who sends it allows.
func (c *candidate) checkMaxFee() *Rejection {
	if m := c.mode.maxRate; m > 0 && c.fee > m.Fee(c.vsize) {
		return reject(Policy, "max feerate exceeded", "%d > %d", c.fee, m.Fee(c.vsize))
	}
	return nil
}

// relatives returns what the rules for version 3 ask about a candidate's
// parents.
func (p *Pool) relatives(c *candidate) []policy.Parent {
	if len(c.parents) == 0 {
		return nil
	}
	all := make([]policy.Parent, len(c.parents))
	for i, it := range c.parents {
		all[i].Tx = it.e.Tx
		if c.tx.Version != policy.TRUCVersion {
			continue // nothing but the parents' version counts
		}
		all[i].Relative = p.relative(it)
		for _, child := range p.childrenOf(it.e.TxID, len(it.e.Tx.Out)) {
			all[i].Children = append(all[i].Children, p.relative(child))
		}
	}
	return all
}

func (p *Pool) relative(it *item) policy.Relative {
	return policy.Relative{
		Tx:          it.e.Tx,
		Ancestors:   len(p.graph.Ancestors(it.node)),
		Descendants: len(p.graph.Descendants(it.node)),
	}
}

// stage adds a candidate to a change of the graph.
func (p *Pool) stage(s *cluster.Stage, c *candidate) {
	it := &item{}
	c.node = s.Add(it, cluster.FeeRate{Fee: c.modified, Size: c.adjusted})
	it.node = c.node
	for _, parent := range c.parents {
		s.Depend(parent.node, c.node)
	}
}

// replace judges a candidate that conflicts, by Core's rules: it must conflict
// with few clusters, pay no less than all that leaves for it, and its own relay
// on top, and it must make the pool worth more to miners, however much of it
// they take. It returns all that leaves.
func (p *Pool) replace(s *cluster.Stage, c *candidate) ([]*item, *Rejection) {
	note := ""
	if c.sibling {
		note = " (including sibling eviction)"
	}
	if rej := p.spendsConflict(c); rej != nil {
		return nil, rej
	}
	if n := p.clustersOf(c.conflicts); n > policy.MaxReplacedClusters {
		return nil, reject(Policy, "too many potential replacements"+note,
			"rejecting replacement %v; too many conflicting clusters (%d > %d)", c.txid, n, policy.MaxReplacedClusters)
	}
	out := p.withDescendants(c.conflicts...)
	if err := policy.PaysForReplacement(feesOf(out), c.modified, c.vsize, p.cfg.IncrementalFee, c.tx); err != nil {
		return nil, c.tooCheap(err.Reason+note, err.Detail)
	}
	for _, it := range out {
		s.Remove(it.node)
	}
	p.stage(s, c)
	if s.Oversized() {
		return nil, tooLarge()
	}
	if s.Compare() != cluster.Better {
		return nil, c.tooCheap("replacement-failed", "insufficient feerate: does not improve feerate diagram")
	}
	return out, nil
}

// tooCheap refuses a candidate whose fee is too low alone.
func (c *candidate) tooCheap(reason, detail string) *Rejection {
	return &Rejection{
		Kind: Reconsiderable, Reason: reason, Detail: detail,
		Rate: policy.Rate(c.modified, c.vsize), Rated: []wire.Hash{c.wtxid},
	}
}

// spendsConflict refuses a candidate that depends on what it conflicts with.
func (p *Pool) spendsConflict(c *candidate) *Rejection {
	for _, parent := range c.parents {
		for _, t := range p.graph.Ancestors(parent.node) {
			if contains(c.conflicts, owner(t)) {
				return reject(Consensus, "bad-txns-spends-conflicting-tx", "%s",
					fmt.Sprintf("%v spends conflicting transaction %v", c.txid, owner(t).e.TxID))
			}
		}
	}
	return nil
}

// clustersOf returns in how many clusters items are.
func (p *Pool) clustersOf(its []*item) int {
	nodes := make([]*cluster.Tx, len(its))
	for i, it := range its {
		nodes[i] = it.node
	}
	return p.graph.CountClusters(nodes...)
}

// feesOf returns the sum of the modified fees of items.
func feesOf(its []*item) int64 {
	var sum int64
	for _, it := range its {
		sum += it.e.ModifiedFee
	}
	return sum
}

// enter carries out what judge has decided for one candidate or for those of a
// package, parents first. It returns the new entries and those that left. The
// lock must be held for writing.
func (p *Pool) enter(s *cluster.Stage, out []*item, o AddOptions, cs ...*candidate) (in, left []*Entry, err error) {
	if err := s.Commit(); err != nil {
		return nil, nil, fmt.Errorf("mempool: %w", err) // a mistake of ours: judge has asked
	}
	for _, it := range out {
		left = append(left, it.e)
		p.dismiss(it, RemovedReplaced)
	}
	for _, c := range cs {
		it := owner(c.node)
		p.fill(it, c)
		it.e.Packaged = len(cs) > 1
		p.add(it)
		if o.Local {
			p.unbroadcast[c.txid] = struct{}{}
			p.saver.hurry()
		}
		p.announce(it)
		in = append(in, it.e)
	}
	p.changed()
	return in, left, nil
}

// fill makes the entry of a new item.
func (p *Pool) fill(it *item, c *candidate) {
	it.usage = usageOf(c.tx)
	it.locks = c.locks
	it.e = &Entry{
		Tx: c.tx, TxID: c.txid, WTxID: c.wtxid,
		Fee: c.fee, ModifiedFee: c.modified, VSize: c.vsize, Weight: int64(c.tx.Weight()), SigOps: c.sigOps,
		Time: c.when, Height: c.tip.Height, Sequence: p.seq, SpendsCoinbase: c.coinbase,
		Orphanless: len(c.parents) == 0,
	}
	if c.mode.noLimits {
		it.e.Sequence = 0
	}
}
