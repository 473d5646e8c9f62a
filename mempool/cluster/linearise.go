package cluster

// linearise returns an order of the transactions, by index.
func linearise(rates []FeeRate, rel *relations) []int {
	n := len(rates)
	var order []int
	for done := set(0); done != below(n); {
		best, bestSum := -1, FeeRate{}
		for i := range n {
			if done.has(i) {
				continue
			}
			var sum FeeRate
			for a := rel.anc[i] &^ done; a != 0; a = a.rest() {
				sum = sum.Plus(rates[a.first()])
			}
			if best < 0 || sum.Compare(bestSum) > 0 {
				best, bestSum = i, sum
			}
		}
		order = appendTopological(order, rel.anc[best]&^done, rel)
		done |= rel.anc[best]
	}
	return order
}

// appendTopological appends what is in s, parents first.
func appendTopological(order []int, s set, rel *relations) []int {
	for s != 0 {
		for i := s; i != 0; i = i.rest() {
			if p := i.first(); rel.anc[p]&s == bit(p) {
				order = append(order, p)
				s &^= bit(p)
				break
			}
		}
	}
	return order
}
