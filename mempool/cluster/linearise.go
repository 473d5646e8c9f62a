package cluster

// effort bounds the search for the best order of one cluster, in steps of some
// nanoseconds. Clusters that people make need a few thousand at most; this is
// for those that somebody made hard on purpose. What was found so far is used
// then.
const effort = 100_000

// linearise returns the order of the transactions, by index, in which the
// diagram is best; or one at least as good as the order of the indexes, should
// the search take too long.
func linearise(rates []FeeRate, rel *relations) []int {
	f := newForest(rates, rel)
	f.load()
	if f.improve(effort) {
		f.loosen()
	}
	return f.order()
}

// order writes the chunks down: the best that waits for no other one first,
// and among equals the one that came first in the order so far.
func (f *forest) order() []int {
	out := make([]int, 0, f.n)
	todo := below(f.n)
	for todo != 0 {
		best := -1
		for left := todo; left != 0; {
			c := int(f.chunk[left.first()])
			left &^= f.sets[c]
			if best >= 0 && f.sums[c].Compare(f.sums[best]) <= 0 {
				continue
			}
			if f.parents(f.sets[c])&todo&^f.sets[c] == 0 {
				best = c
			}
		}
		s := f.sets[best]
		todo &^= s
		for s != 0 {
			i := f.ready(s)
			out = append(out, i)
			s &^= bit(i)
		}
	}
	return out
}

// parents returns all parents of the transactions in s.
func (f *forest) parents(s set) set {
	var out set
	for ; s != 0; s = s.rest() {
		out |= f.above[s.first()]
	}
	return out
}

// ready returns the best of those in s whose parents are not in it.
func (f *forest) ready(s set) int {
	best := -1
	for t := s; t != 0; t = t.rest() {
		i := t.first()
		if f.above[i]&s == 0 && (best < 0 || f.rates[i].Compare(f.rates[best]) > 0) {
			best = i
		}
	}
	return best
}
