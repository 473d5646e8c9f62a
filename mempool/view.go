package mempool

import (
	"starling/mempool/cluster"
	"starling/wire"
)

// Entries returns all entries in the order in which miners want them: best
// chunk first, parents before children.
func (p *Pool) Entries() []*Entry {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.entries()
}

func (p *Pool) entries() []*Entry {
	all := make([]*Entry, 0, len(p.byTxID))
	for c := range p.graph.Best() {
		for _, t := range c.Txs {
			all = append(all, owner(t).e)
		}
	}
	return all
}

func entriesOf(ts []*cluster.Tx) []*Entry {
	es := make([]*Entry, len(ts))
	for i, t := range ts {
		es[i] = owner(t).e
	}
	return es
}

// Ancestors returns the entries that the one with txid depends on, parents
// before children and without itself. ok is false if it is not in the pool.
func (p *Pool) Ancestors(txid wire.Hash) (all []*Entry, ok bool) {
	return p.relatedTo(txid, (*cluster.Graph).Ancestors)
}

// Descendants returns the entries that depend on the one with txid, parents
// before children and without itself. ok is false if it is not in the pool.
func (p *Pool) Descendants(txid wire.Hash) (all []*Entry, ok bool) {
	return p.relatedTo(txid, (*cluster.Graph).Descendants)
}

func (p *Pool) relatedTo(txid wire.Hash, find func(*cluster.Graph, *cluster.Tx) []*cluster.Tx) ([]*Entry, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	it := p.byTxID[txid]
	if it == nil {
		return nil, false
	}
	var es []*Entry
	for _, t := range find(p.graph, it.node) {
		if t != it.node {
			es = append(es, owner(t).e)
		}
	}
	return es, true
}

// Cluster returns the chunks of the cluster that an entry is in, best first, or
// nil if it is not in the pool.
func (p *Pool) Cluster(txid wire.Hash) []Chunk {
	p.mu.RLock()
	defer p.mu.RUnlock()
	it := p.byTxID[txid]
	if it == nil {
		return nil
	}
	var out []Chunk
	for _, c := range p.graph.Chunks(it.node) {
		out = append(out, Chunk{Entries: entriesOf(c.Txs), Fee: c.Rate.Fee, Weight: c.Rate.Size})
	}
	return out
}

// Details says how an entry stands among the others.
func (p *Pool) Details(txid wire.Hash) (d Details, ok bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	it := p.byTxID[txid]
	if it == nil {
		return Details{}, false
	}
	return p.details(it), true
}

// Each calls fn with every entry, in the order of [Pool.Entries], until it
// returns false. The pool is locked meanwhile: fn must not call it.
func (p *Pool) Each(fn func(d Details) bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for c := range p.graph.Best() {
		for _, t := range c.Txs {
			if !fn(p.details(owner(t))) {
				return
			}
		}
	}
}

func (p *Pool) details(it *item) Details {
	d := Details{Entry: it.e, Unbroadcast: has(p.unbroadcast, it.e.TxID)}
	for _, t := range p.graph.Ancestors(it.node) {
		e := owner(t).e
		d.AncestorCount++
		d.AncestorSize += e.VSize
		d.AncestorFees += e.ModifiedFee
	}
	for _, t := range p.graph.Descendants(it.node) {
		e := owner(t).e
		d.DescendantCount++
		d.DescendantSize += e.VSize
		d.DescendantFees += e.ModifiedFee
	}
	for _, parent := range p.parentsOf(it.e.Tx) {
		d.Parents = append(d.Parents, parent.e.TxID)
	}
	for _, child := range p.childrenOf(it.e.TxID, len(it.e.Tx.Out)) {
		d.Children = append(d.Children, child.e.TxID)
	}
	r := p.graph.ChunkRate(it.node)
	d.ChunkFee, d.ChunkWeight = r.Fee, r.Size
	return d
}
