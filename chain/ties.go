package chain

import (
	"cmp"
	"slices"

	"starling/chain/headertree"
)

// Of branches with as much work the one that was complete first is the chain.
// While blocks arrive the writer numbers them. When an operator has changed what
// is valid, the order is found again in the block files, where blocks lie as they
// arrived.

// arrivedAt is where a block lies among all that have arrived; zero for one that
// is not stored.
func arrivedAt(n *headertree.Node) uint64 {
	d := n.Data()
	if d == nil {
		return 0
	}
	return uint64(d.File)<<32 | uint64(d.Offset) + 1
}

// complete returns when the branch from the chain with the tip at, up to n, was
// complete: where the last of its blocks to arrive lies. Known keeps what has
// been worked out.
func complete(n, at *headertree.Node, known map[*headertree.Node]uint64) (last uint64) {
	var way []*headertree.Node
	for ; n != nil && at.Ancestor(n.Height) != n; n = n.Parent {
		if v, ok := known[n]; ok {
			last = v
			break
		}
		way = append(way, n)
	}
	for _, m := range slices.Backward(way) {
		last = max(last, arrivedAt(m))
		known[m] = last
	}
	return last
}

// rebuildCandidates finds the candidates anew among all blocks.
func (w *writer) rebuildCandidates() {
	w.candidates = w.candidates[:0]
	var all []*headertree.Node
	for _, n := range w.c.tree.All() {
		switch {
		case n.ChainTx() == 0 || n.Data() == nil:
		case n.Work.Gt(&w.at.Work):
			all = append(all, n)
		default:
			w.c.bodies.take(n)
		}
	}
	known := make(map[*headertree.Node]uint64, len(all))
	slices.SortStableFunc(all, func(a, b *headertree.Node) int {
		return cmp.Compare(complete(a, w.at, known), complete(b, w.at, known))
	})
	for _, n := range all {
		w.offer(n)
	}
}

// preferFirst has the UTXO set move to a block with as much work as its own, if
// that was complete first and no other has more work.
func (w *writer) preferFirst(among []*headertree.Node) {
	if w.best() != nil {
		return
	}
	first := w.at
	for _, n := range among {
		if n.ChainTx() == 0 || n.Data() == nil || n.Failed() || n.Work != w.at.Work || n == first {
			continue
		}
		known := make(map[*headertree.Node]uint64)
		if complete(n, first, known) < complete(first, n, known) {
			first = n
		}
	}
	if first != w.at {
		w.precious = first
	}
}
