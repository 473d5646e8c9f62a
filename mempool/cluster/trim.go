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
	board := s.gather()
	k := board.kinOf(group)
	joined := newUnion(len(group), func(i int) int64 { return board.rate[group[i].node].Size })
	q := &queue{worth: k.worth}
	for i := range group {
		if k.waits[i] == 0 {
			heap.Push(q, i)
		}
	}
	kept := make([]bool, len(group))
	for q.Len() > 0 {
		i := heap.Pop(q).(int)
		if !joined.join(i, k.parents[i], s.g.limits) {
			continue // its children never stop waiting, and go too
		}
		kept[i] = true
		for _, ch := range k.children[i] {
			if k.waits[ch]--; k.waits[ch] == 0 {
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

// kin says how the transactions of a group, named by their places in it, hang
// together, and what each is worth: the rate of the chunk that it was in, or its
// own.
type kin struct {
	worth             []FeeRate
	parents, children [][]int
	waits             []int // for how many parents of the group each waits
}

func (b *board) kinOf(group []*Tx) *kin {
	n := len(group)
	local := make(map[*Tx]int, n)
	for i, t := range group {
		local[t] = i
	}
	k := &kin{make([]FeeRate, n), make([][]int, n), make([][]int, n), make([]int, n)}
	for i, t := range group {
		k.worth[i] = b.rate[t.node]
		add := func(p *Tx) {
			if j, ok := local[p]; ok {
				k.parents[i] = append(k.parents[i], j)
				k.children[j] = append(k.children[j], i)
				k.waits[i]++
			}
		}
		if t.cl != nil {
			k.worth[i] = t.cl.piece(t.pos).rate
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
	return k
}

// union holds the clusters that what stays makes up, as a forest: each member
// points up, and the roots know the sums.
type union struct {
	up, count []int
	size      []int64
}

// newUnion returns n clusters of one.
func newUnion(n int, size func(i int) int64) *union {
	u := &union{make([]int, n), make([]int, n), make([]int64, n)}
	for i := range n {
		u.up[i], u.count[i], u.size[i] = i, 1, size(i)
	}
	return u
}

func (u *union) find(i int) int {
	for u.up[i] != i {
		u.up[i] = u.up[u.up[i]]
		i = u.up[i]
	}
	return i
}

// join makes one cluster of i, which is alone, and those of its parents, unless
// that would exceed the limits.
func (u *union) join(i int, parents []int, most Limits) bool {
	roots := map[int]struct{}{}
	count, size := 1, u.size[i]
	for _, p := range parents {
		r := u.find(p)
		if _, ok := roots[r]; !ok {
			roots[r] = struct{}{}
			count += u.count[r]
			size += u.size[r]
		}
	}
	if count > most.Count || size > most.Size {
		return false
	}
	for r := range roots {
		u.up[r] = i
	}
	u.count[i], u.size[i] = count, size
	return true
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
