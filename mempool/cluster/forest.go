package cluster

import "math/bits"

// forest is the state of the search for the best order of one cluster.
//
// Think of each transaction as a ball on a string for each dependency. Some of
// the dependencies are active; they join the transactions into trees, and the
// transactions of one tree are a chunk. The chunks are always such that each
// pays more than those that depend on it, so that putting them in order of
// their rates is a valid order of the cluster. It is the best one there is as
// soon as no chunk can be cut at an active dependency so that the upper part
// pays more than the lower. As long as one can, it is cut there, and the parts
// join with what they now may not stand before or behind. This is the simplex
// method for the linear programme "which set pays most per size", for all
// chunks at the same time. It was found by Pieter Wuille, who calls it
// spanning-forest linearisation.
//
// Each step makes the diagram better or leaves it as it is, never worse. So
// the search may stop at any time.
type forest struct {
	n     int
	rates []FeeRate
	below []set // direct dependencies: the children of each
	above []set // the parents of each
	act   []set // active ones: children of each
	at    []int // where the cuts of each parent's children begin in cuts

	cuts  []cut     // for each dependency, used while it is active
	chunk []uint8   // which chunk each transaction is in
	sets  []set     // the transactions of each chunk
	sums  []FeeRate // and their sums

	cost int
	dice uint64
}

// cut is what an active dependency separates: the transactions on its
// parent's side.
type cut struct {
	top set
	sum FeeRate
}

func newForest(rates []FeeRate, rel *relations) *forest {
	n := len(rates)
	memory := make([]set, 4*n)
	f := &forest{
		n: n, rates: rates, dice: 0x9e3779b97f4a7c15,
		below: memory[:n:n], above: memory[n : 2*n : 2*n], act: memory[2*n : 3*n : 3*n], sets: memory[3*n:],
		at: make([]int, n), chunk: make([]uint8, n), sums: make([]FeeRate, n),
	}
	total := 0
	for i := range n {
		f.above[i] = rel.parents(i)
		for p := f.above[i]; p != 0; p = p.rest() {
			f.below[p.first()] |= bit(i)
		}
		total += f.above[i].len()
		f.chunk[i], f.sets[i], f.sums[i] = uint8(i), bit(i), rates[i]
	}
	f.cuts = make([]cut, total)
	total = 0
	for i := range n {
		f.at[i] = total
		total += f.below[i].len()
	}
	return f
}

// cut returns where the cut of a dependency is kept.
func (f *forest) cut(parent, child int) *cut {
	return &f.cuts[f.at[parent]+(f.below[parent]&below(child)).len()]
}

// roll returns a number below n that looks random, the same in every run.
func (f *forest) roll(n int) int {
	f.dice ^= f.dice << 13
	f.dice ^= f.dice >> 7
	f.dice ^= f.dice << 17
	hi, _ := bits.Mul64(f.dice, uint64(n))
	return int(hi)
}

// join makes a dependency between two chunks active, and them one, which is
// returned.
func (f *forest) join(parent, child int) int {
	up, down := int(f.chunk[parent]), int(f.chunk[child])
	f.spread(up, parent, f.sets[down], f.sums[down], false)
	f.spread(down, child, f.sets[up], f.sums[up], false)
	*f.cut(parent, child) = cut{f.sets[up], f.sums[up]}
	f.act[parent] |= bit(child)
	for s := f.sets[down]; s != 0; s = s.rest() {
		f.chunk[s.first()] = uint8(up)
	}
	f.sets[up] |= f.sets[down]
	f.sums[up] = f.sums[up].Plus(f.sums[down])
	f.sets[down] = 0
	return up
}

// split makes an active dependency inactive, and two chunks of one.
func (f *forest) split(parent, child int) (up, down int) {
	c := *f.cut(parent, child)
	f.act[parent] &^= bit(child)
	from := int(f.chunk[parent])
	whole, sum := f.sets[from], f.sums[from]
	// A chunk goes by the name of one of its own.
	if c.top.has(from) {
		up, down = from, child
	} else {
		up, down = parent, from
	}
	f.sets[up], f.sums[up] = c.top, c.sum
	f.sets[down], f.sums[down] = whole&^c.top, sum.Minus(c.sum)
	for s := f.sets[up]; s != 0; s = s.rest() {
		f.chunk[s.first()] = uint8(up)
	}
	for s := f.sets[down]; s != 0; s = s.rest() {
		f.chunk[s.first()] = uint8(down)
	}
	f.spread(up, parent, f.sets[down], f.sums[down], true)
	f.spread(down, child, f.sets[up], f.sums[up], true)
	return up, down
}

// spread tells the cuts of a chunk that what hangs on its transaction i came
// or went.
func (f *forest) spread(chunk, i int, s set, sum FeeRate, gone bool) {
	for t := f.sets[chunk]; t != 0; t = t.rest() {
		p := t.first()
		for a := f.act[p]; a != 0; a = a.rest() {
			f.cost++
			c := f.cut(p, a.first())
			switch {
			case !c.top.has(i):
			case gone:
				c.top &^= s
				c.sum = c.sum.Minus(sum)
			default:
				c.top |= s
				c.sum = c.sum.Plus(sum)
			}
		}
	}
}

// mergeUp joins a chunk with those that it depends on but pays no less than,
// worst first. It returns what becomes of it.
func (f *forest) mergeUp(c int) int {
	for {
		var parents set
		for s := f.sets[c]; s != 0; s = s.rest() {
			parents |= f.above[s.first()]
		}
		best := -1
		for p := parents &^ f.sets[c]; p != 0; {
			f.cost++
			o := int(f.chunk[p.first()])
			p &^= f.sets[o]
			if f.sums[o].Compare(f.sums[c]) <= 0 && (best < 0 || f.sums[o].Compare(f.sums[best]) < 0) {
				best = o
			}
		}
		if best < 0 {
			return c
		}
		c = f.join(f.between(best, c))
	}
}

// mergeDown joins a chunk with those that depend on it but pay no less, best
// first.
func (f *forest) mergeDown(c int) int {
	for {
		var children set
		for s := f.sets[c]; s != 0; s = s.rest() {
			children |= f.below[s.first()]
		}
		best := -1
		for p := children &^ f.sets[c]; p != 0; {
			f.cost++
			o := int(f.chunk[p.first()])
			p &^= f.sets[o]
			if f.sums[o].Compare(f.sums[c]) >= 0 && (best < 0 || f.sums[o].Compare(f.sums[best]) > 0) {
				best = o
			}
		}
		if best < 0 {
			return c
		}
		c = f.join(f.between(c, best))
	}
}

// between picks a dependency of the lower chunk on the upper one. Any would
// do; always taking the same could go round in circles.
func (f *forest) between(up, down int) (parent, child int) {
	n := 0
	for s := f.sets[up]; s != 0; s = s.rest() {
		n += (f.below[s.first()] & f.sets[down]).len()
		f.cost++
	}
	k := f.roll(n)
	for s := f.sets[up]; ; s = s.rest() {
		p := s.first()
		kids := f.below[p] & f.sets[down]
		if n := kids.len(); k >= n {
			k -= n
			continue
		}
		for ; k > 0; k-- {
			kids = kids.rest()
		}
		return p, kids.first()
	}
}

// load starts from the order of the indexes. If it is a valid one, no worse
// comes out.
func (f *forest) load() {
	valid := true
	for i := range f.n {
		valid = valid && f.above[i]&^below(i) == 0
		f.mergeUp(int(f.chunk[i]))
	}
	for !valid { // some were joined before their parents' turn came
		valid = true
		for i := range f.n {
			if f.chunk[i] != uint8(i) || f.sets[i] == 0 {
				continue
			}
			before := f.sets[i]
			c := f.mergeDown(f.mergeUp(i))
			valid = valid && f.sets[c] == before
		}
	}
}

// improve searches until the order is the best one, or has cost too much. It
// reports which.
func (f *forest) improve(budget int) bool {
	queue := make([]int, 0, 2*f.n)
	for i := range f.n {
		if int(f.chunk[i]) == i {
			queue = append(queue, i)
		}
	}
	for len(queue) > 0 {
		if f.cost > budget {
			return false
		}
		c := queue[0]
		queue = queue[1:]
		if f.sets[c] == 0 || int(f.chunk[c]) != c {
			continue // it has become part of another
		}
		parent, child, ok := f.worst(c)
		if !ok {
			continue
		}
		up, down := f.split(parent, child)
		up = f.mergeUp(up)
		down = f.mergeDown(int(f.chunk[down]))
		up = int(f.chunk[up])
		queue = append(queue, up)
		if down != up {
			queue = append(queue, down)
		}
	}
	return true
}

// worst returns the active dependency of a chunk that is most in the way:
// where cutting gains most. False if it is best to leave them all.
func (f *forest) worst(c int) (parent, child int, ok bool) {
	sum := f.sums[c]
	var most wide
	for s := f.sets[c]; s != 0; s = s.rest() {
		p := s.first()
		for a := f.act[p]; a != 0; a = a.rest() {
			f.cost++
			top := f.cut(p, a.first()).sum
			if g := product(top.Fee, sum.Size).minus(product(sum.Fee, top.Size)); g.more(most) {
				most, parent, child, ok = g, p, a.first(), true
			}
		}
	}
	return parent, child, ok
}

// loosen cuts chunks where both parts pay the same and either may go first, so
// that blocks take as little at a time as they may.
func (f *forest) loosen() {
	for i := 0; i < f.n; {
		c := int(f.chunk[i])
		parent, child, ok := f.even(c)
		if !ok {
			i++
			continue
		}
		up, down := f.split(parent, child)
		i = min(f.sets[up].first(), f.sets[down].first()) // either may come apart further
	}
}

// even returns an active dependency whose upper part pays what the lower does
// and does not depend on it.
func (f *forest) even(c int) (parent, child int, ok bool) {
	for s := f.sets[c]; s != 0; s = s.rest() {
		p := s.first()
		for a := f.act[p]; a != 0; a = a.rest() {
			k := f.cut(p, a.first())
			if k.sum.Compare(f.sums[c]) != 0 {
				continue
			}
			var above set
			for t := k.top; t != 0; t = t.rest() {
				above |= f.above[t.first()]
			}
			if above&f.sets[c]&^k.top == 0 {
				return p, a.first(), true
			}
		}
	}
	return 0, 0, false
}
