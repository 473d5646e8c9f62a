package mempool

import (
	"container/heap"

	"starling/mempool/cluster"
	"starling/wire"
)

// item is an entry's place in the pool.
type item struct {
	e     *Entry
	node  *cluster.Tx // whose owner is the item
	usage int64
	age   int  // its place in the heap of ages
	locks bool // whether its lock times hang on the tip
}

// entry returns the entry of an item that may be nil.
func (it *item) entry() *Entry {
	if it == nil {
		return nil
	}
	return it.e
}

// owner returns the item that a node of the graph stands for.
func owner(t *cluster.Tx) *item { return t.Owner().(*item) }

// owners returns the items behind nodes.
func owners(ts []*cluster.Tx) []*item {
	its := make([]*item, len(ts))
	for i, t := range ts {
		its[i] = owner(t)
	}
	return its
}

// What an entry takes in memory, in bytes, beside its own bytes: measured by
// filling pools (see the tests), with the share of maps and of the graph.
const (
	usageTx  = 1100
	usageIn  = 192
	usageOut = 48
)

// usageOf estimates the memory that a transaction takes in the pool.
func usageOf(tx *wire.Tx) int64 {
	n := usageTx + tx.Size() + usageIn*len(tx.In) + usageOut*len(tx.Out)
	for i := range tx.In {
		n += 4 * tx.In[i].Witness.Len()
	}
	return int64(n)
}

// add puts an item into all tables but the graph, whose node it has already.
func (p *Pool) add(it *item) {
	e := it.e
	p.byTxID[e.TxID] = it
	p.byWTxID[e.WTxID] = it
	for i := range e.Tx.In {
		p.spends[e.Tx.In[i].PrevOut] = it
	}
	heap.Push(&p.byAge, it)
	p.sum.vsize += e.VSize
	p.sum.fee += e.Fee
	p.sum.usage += it.usage
}

// announce tells of an item that was added.
func (p *Pool) announce(it *item) {
	p.seq++
	p.saver.note(it.e.TxID)
	p.cfg.Observer.TxAdded(it.e)
}

// forget takes an item out of all tables but the graph, which it has left
// already.
func (p *Pool) forget(it *item) {
	e := it.e
	delete(p.byTxID, e.TxID)
	delete(p.byWTxID, e.WTxID)
	for i := range e.Tx.In {
		delete(p.spends, e.Tx.In[i].PrevOut)
	}
	delete(p.unbroadcast, e.TxID)
	heap.Remove(&p.byAge, it.age)
	p.sum.vsize -= e.VSize
	p.sum.fee -= e.Fee
	p.sum.usage -= it.usage
}

// dismiss takes an item out of all tables but the graph, and tells of it.
func (p *Pool) dismiss(it *item, why RemovalReason) {
	p.forget(it)
	p.seq++
	p.saver.note(it.e.TxID)
	p.cfg.Observer.TxRemoved(it.e, why)
}

// remove takes items out of the pool.
func (p *Pool) remove(its []*item, why RemovalReason) {
	if len(its) == 0 {
		return
	}
	nodes := make([]*cluster.Tx, len(its))
	for i, it := range its {
		nodes[i] = it.node
	}
	p.graph.Remove(nodes...)
	for _, it := range its {
		p.dismiss(it, why)
	}
}

// withDescendants returns the items and all that depends on them, each once,
// by the graph.
func (p *Pool) withDescendants(its ...*item) []*item {
	if len(its) == 1 {
		return owners(p.graph.Descendants(its[0].node))
	}
	var all []*item
	seen := make(map[*item]struct{})
	for _, it := range its {
		for _, t := range p.graph.Descendants(it.node) {
			if d := owner(t); !has(seen, d) {
				seen[d] = struct{}{}
				all = append(all, d)
			}
		}
	}
	return all
}

func has[K comparable](m map[K]struct{}, k K) bool {
	_, ok := m[k]
	return ok
}

// fewParents is up to how many parents comparing is cheaper than a map.
const fewParents = 8

// parentsOf returns the items whose outputs tx spends, each once, in the order
// of the inputs.
func (p *Pool) parentsOf(tx *wire.Tx) []*item {
	return collect(tx, func(in *wire.TxIn) *item { return p.byTxID[in.PrevOut.Hash] })
}

// conflictsOf returns the items that spend what tx spends, each once, in the
// order of the inputs.
func (p *Pool) conflictsOf(tx *wire.Tx) []*item {
	return collect(tx, func(in *wire.TxIn) *item { return p.spends[in.PrevOut] })
}

func collect(tx *wire.Tx, find func(in *wire.TxIn) *item) []*item {
	var all []*item
	var seen map[*item]struct{}
	for i := range tx.In {
		it := find(&tx.In[i])
		if it == nil {
			continue
		}
		if seen == nil {
			if contains(all, it) {
				continue
			}
		} else if has(seen, it) {
			continue
		}
		all = append(all, it)
		switch {
		case seen != nil:
			seen[it] = struct{}{}
		case len(all) > fewParents:
			seen = make(map[*item]struct{}, 2*len(all))
			for _, it := range all {
				seen[it] = struct{}{}
			}
		}
	}
	return all
}

func contains(its []*item, it *item) bool {
	for _, o := range its {
		if o == it {
			return true
		}
	}
	return false
}

// childrenOf returns the items that spend outputs of tx, each once, in the
// order of the outputs.
func (p *Pool) childrenOf(txid wire.Hash, outs int) []*item {
	var all []*item
	seen := make(map[*item]struct{})
	for i := range outs {
		it := p.spends[wire.OutPoint{Hash: txid, Index: uint32(i)}]
		if it != nil && !has(seen, it) {
			seen[it] = struct{}{}
			all = append(all, it)
		}
	}
	return all
}

// ageHeap holds all items, the oldest first.
type ageHeap []*item

func (h ageHeap) Len() int           { return len(h) }
func (h ageHeap) Less(i, j int) bool { return h[i].e.Time.Before(h[j].e.Time) }
func (h ageHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].age, h[j].age = i, j
}

func (h *ageHeap) Push(x any) {
	it := x.(*item)
	it.age = len(*h)
	*h = append(*h, it)
}

func (h *ageHeap) Pop() any {
	old := *h
	it := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return it
}
