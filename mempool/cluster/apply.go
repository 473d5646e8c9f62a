package cluster

import "slices"

// apply works out what the changes so far come to.
func (s *Stage) apply() {
	if s.fresh {
		return
	}
	s.fresh, s.circle = true, false
	s.made, s.oversized = s.made[:0], s.oversized[:0]
	b := s.gather()
	for _, group := range b.groups() {
		if s.tooLarge(group, b) {
			for _, t := range group {
				t.stage, t.scl = s, nil
			}
			s.oversized = append(s.oversized, group)
			continue
		}
		l := b.build(group)
		for i, t := range l.txs {
			t.stage, t.scl, t.spos = s, l, i
		}
		s.made = append(s.made, l)
	}
	s.circle = b.circle
}

// board is where the parts of old lists and new transactions are put together.
type board struct {
	s      *Stage
	txs    []*Tx // all that is left, in the order of their lists; Tx.node is the index
	rate   []FeeRate
	up     []int   // union-find: towards who stands for the group
	deps   [][]int // new parents of each; nil if there are none at all
	local  []int   // where each is in the list being made
	circle bool
}

// gather collects the transactions and joins those that depend on each other.
func (s *Stage) gather() *board {
	b := &board{s: s}
	for _, l := range s.touched {
		whole := true
		for _, t := range l.txs {
			if _, gone := s.gone[t]; gone {
				t.stage, t.scl, t.node = s, nil, -1
				whole = false
				continue
			}
			b.put(t, l.rates[t.pos])
		}
		// What stands in one list depends on each other, through what was
		// removed in the worst case.
		first := -1
		for i, t := range l.txs {
			switch {
			case t.node < 0:
			case whole && first < 0:
				first = t.node
			case whole:
				b.up[t.node] = first
			default:
				for a := l.anc[i] &^ bit(i); a != 0; a = a.rest() {
					if p := l.txs[a.first()]; p.node >= 0 {
						b.join(p.node, t.node)
					}
				}
			}
		}
	}
	for _, t := range s.added {
		if _, gone := s.gone[t]; gone {
			t.scl = nil
			continue
		}
		b.put(t, s.rates[t])
	}
	for _, d := range s.deps {
		if !s.knows(d[0]) || !s.knows(d[1]) {
			continue
		}
		if b.deps == nil {
			b.deps = make([][]int, len(b.txs))
		}
		p, c := d[0].node, d[1].node
		b.deps[c] = append(b.deps[c], p)
		b.join(p, c)
	}
	return b
}

func (b *board) put(t *Tx, r FeeRate) {
	if fee, ok := b.s.fees[t]; ok {
		r.Fee = fee
	}
	t.node = len(b.txs)
	b.txs = append(b.txs, t)
	b.rate = append(b.rate, r)
	b.up = append(b.up, t.node)
}

func (b *board) find(i int) int {
	for b.up[i] != i {
		b.up[i] = b.up[b.up[i]]
		i = b.up[i]
	}
	return i
}

// join makes one group of two; the first of its transactions stands for it.
func (b *board) join(i, j int) {
	i, j = b.find(i), b.find(j)
	b.up[max(i, j)] = min(i, j)
}

// groups returns the clusters to be, each in the order of the board.
func (b *board) groups() [][]*Tx {
	if len(b.txs) == 0 {
		return nil
	}
	size := make([]int, len(b.txs))
	for i := range b.txs {
		size[b.find(i)]++
	}
	all := make([]*Tx, 0, len(b.txs)) // one piece of memory for all groups
	var out [][]*Tx
	which := make([]int, len(b.txs))
	for i, t := range b.txs {
		r := b.find(i)
		if r == i {
			n := len(all)
			all = all[:n+size[r]]
			which[r] = len(out)
			out = append(out, all[n:n:n+size[r]])
		}
		out[which[r]] = append(out[which[r]], t)
	}
	return out
}

func (s *Stage) tooLarge(group []*Tx, b *board) bool {
	if len(group) > s.g.limits.Count {
		return true
	}
	var size int64
	for _, t := range group {
		size += b.rate[t.node].Size
	}
	return size > s.g.limits.Size
}

// build makes the list of a group.
func (b *board) build(group []*Tx) *list {
	n := len(group)
	start := b.mergeOrders(group)
	if n == 1 {
		t := start[0]
		if t.cl != nil && len(t.cl.txs) == 1 && t.cl.rates[0] == b.rate[t.node] {
			return t.cl
		}
		return finish(start, []FeeRate{b.rate[t.node]}, []set{1}, []set{1})
	}

	rates := make([]FeeRate, n)
	if b.local == nil {
		b.local = make([]int, len(b.txs))
	}
	local := b.local
	for i, t := range start {
		rates[i] = b.rate[t.node]
		local[t.node] = i
	}
	rel := newRelations(n)
	same := true // is it all as it was?
	for i, t := range start {
		if l := t.cl; l != nil {
			for a := l.anc[t.pos] &^ bit(t.pos); a != 0; a = a.rest() {
				if o := l.txs[a.first()].node; o >= 0 {
					p := local[o]
					rel.anc[i] |= bit(p)
					rel.desc[p] |= bit(i)
				}
			}
		}
		same = same && t.cl != nil && t.cl == start[0].cl && t.pos == i && t.cl.rates[i] == rates[i]
	}
	same = same && len(start[0].cl.txs) == n
	if b.deps != nil {
		for i, t := range start {
			for _, p := range b.deps[t.node] {
				added, ok := rel.depend(local[p], i)
				same = same && !added
				b.circle = b.circle || !ok
			}
		}
	}
	if same {
		return start[0].cl
	}

	order := linearise(rates, rel)
	txs := make([]*Tx, n)
	sorted := make([]FeeRate, n)
	to := make([]int, n)
	for i, o := range order {
		txs[i], sorted[i], to[o] = start[o], rates[o], i
	}
	move := func(old []set) []set {
		out := make([]set, n)
		for i := range old {
			var s set
			for o := old[i]; o != 0; o = o.rest() {
				s |= bit(to[o.first()])
			}
			out[to[i]] = s
		}
		return out
	}
	return finish(txs, sorted, move(rel.anc), move(rel.desc))
}

func finish(txs []*Tx, rates []FeeRate, anc, desc []set) *list {
	l := &list{txs: txs, rates: rates, anc: anc, desc: desc, seq: txs[0].seq}
	for i, t := range txs {
		l.seq = min(l.seq, t.seq)
		l.sum = l.sum.Plus(rates[i])
	}
	l.cut()
	return l
}

// mergeOrders returns the group in the order of its old lists, merged by what
// their chunks are worth. New dependencies may contradict it.
func (b *board) mergeOrders(group []*Tx) []*Tx {
	if len(group) == 1 {
		return group
	}
	type piece struct {
		rate FeeRate
		txs  []*Tx
	}
	pieces := make([]piece, 0, len(group))
	var from *list
	bottom := 0 // where the pieces of the present list begin
	for i, t := range group {
		if t.cl == nil || t.cl != from {
			from, bottom = t.cl, len(pieces)
		}
		c := piece{b.rate[t.node], group[i : i+1]}
		for n := len(pieces); n > bottom && c.rate.Compare(pieces[n-1].rate) > 0; n-- {
			p := pieces[n-1]
			k := len(p.txs) + len(c.txs)
			c = piece{c.rate.Plus(p.rate), group[i+1-k : i+1]}
			pieces = pieces[:n-1]
		}
		pieces = append(pieces, c)
	}
	slices.SortStableFunc(pieces, func(a, b piece) int { return b.rate.Compare(a.rate) })
	out := make([]*Tx, 0, len(group))
	for _, p := range pieces {
		out = append(out, p.txs...)
	}
	return out
}

// relations says who depends on whom, directly or not: each set includes the
// transaction itself.
type relations struct{ anc, desc []set }

// newRelations lets n transactions depend on nothing but themselves.
func newRelations(n int) *relations {
	memory := make([]set, 2*n)
	r := &relations{anc: memory[:n:n], desc: memory[n:]}
	for i := range n {
		r.anc[i], r.desc[i] = bit(i), bit(i)
	}
	return r
}

// depend makes child depend on parent. added is false if it did already, ok if
// the parent depends on the child.
func (r *relations) depend(parent, child int) (added, ok bool) {
	if r.anc[child].has(parent) {
		return false, true
	}
	if r.anc[parent].has(child) {
		return false, false
	}
	up, down := r.anc[parent], r.desc[child]
	for d := down; d != 0; d = d.rest() {
		r.anc[d.first()] |= up
	}
	for a := up; a != 0; a = a.rest() {
		r.desc[a.first()] |= down
	}
	return true, true
}

// parents returns whom i depends on directly: what is not reached through
// another.
func (r *relations) parents(i int) set {
	p := r.anc[i] &^ bit(i)
	for q := p; q != 0; {
		j := q.last()
		q &^= bit(j)
		p &^= r.anc[j] &^ bit(j)
	}
	return p
}
