package cluster

import "container/heap"

// Trim removes transactions until no cluster exceeds the limits, and returns
// them: those worth least by the chunks that they were in, and all that
// depends on them. A reorganisation needs this, when what it puts back joins
// clusters that were apart.
func (s *Stage) Trim() []*Tx {
	var out []*Tx
	for s.Oversized() {
		var gone []*Tx
		for _, group := range s.oversized {
			gone = append(gone, s.trim(group)...)
		}
		if len(gone) == 0 {
			break // can not be: a group that fits is not oversized
		}
		s.Remove(gone...)
		out = append(out, gone...)
	}
	return out
}

// trim chooses what of a group stays: the best first, each behind its
// parents, if its cluster has room for it. It returns the rest.
func (s *Stage) trim(group []*Tx) []*Tx {
	b := s.gather()
	n := len(group)
	local := make(map[*Tx]int, n)
	for i, t := range group {
		local[t] = i
	}
	worth := make([]FeeRate, n)
	children := make([][]int, n)
	parents := make([][]int, n)
	waits := make([]int, n)
	for i, t := range group {
		worth[i] = b.rate[t.node]
		add := func(p *Tx) {
			if j, ok := local[p]; ok {
				parents[i] = append(parents[i], j)
				children[j] = append(children[j], i)
				waits[i]++
			}
		}
		if t.cl != nil {
			worth[i] = t.cl.piece(t.pos).rate
			for a := t.cl.anc[t.pos] &^ bit(t.pos); a != 0; a = a.rest() {
				add(t.cl.txs[a.first()])
			}
		}
		if b.deps != nil {
			for _, p := range b.deps[t.node] {
				add(b.txs[p])
			}
		}
	}

	q := &queue{worth: worth}
	for i := range group {
		if waits[i] == 0 {
			heap.Push(q, i)
		}
	}
	kept := make([]bool, n)
	up := make([]int, n)
	count := make([]int, n)
	size := make([]int64, n)
	for i := range group {
		up[i], count[i], size[i] = i, 1, b.rate[group[i].node].Size
	}
	find := func(i int) int {
		for up[i] != i {
			up[i] = up[up[i]]
			i = up[i]
		}
		return i
	}
	for q.Len() > 0 {
		i := heap.Pop(q).(int)
		roots := map[int]struct{}{}
		c, z := 1, size[i]
		for _, p := range parents[i] {
			r := find(p)
			if _, ok := roots[r]; !ok {
				roots[r] = struct{}{}
				c += count[r]
				z += size[r]
			}
		}
		if c > s.g.limits.Count || z > s.g.limits.Size {
			continue // its children never stop waiting, and go too
		}
		kept[i] = true
		for r := range roots {
			up[r] = i
		}
		count[i], size[i] = c, z
		for _, ch := range children[i] {
			if waits[ch]--; waits[ch] == 0 {
				heap.Push(q, ch)
			}
		}
	}
	var gone []*Tx
	for i, t := range group {
		if !kept[i] {
			gone = append(gone, t)
		}
	}
	return gone
}

// queue is a heap of indexes: those worth most first, then in order.
type queue struct {
	worth []FeeRate
	is    []int
}

func (q *queue) Len() int { return len(q.is) }
func (q *queue) Less(a, b int) bool {
	if c := q.worth[q.is[a]].Compare(q.worth[q.is[b]]); c != 0 {
		return c > 0
	}
	return q.is[a] < q.is[b]
}
func (q *queue) Swap(a, b int) { q.is[a], q.is[b] = q.is[b], q.is[a] }
func (q *queue) Push(x any)    { q.is = append(q.is, x.(int)) }
func (q *queue) Pop() any {
	x := q.is[len(q.is)-1]
	q.is = q.is[:len(q.is)-1]
	return x
}
