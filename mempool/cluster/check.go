package cluster

import "fmt"

// Check goes through the whole graph and returns what is wrong with it: nil,
// unless this package has a mistake. For tests and for debugging.
func (g *Graph) Check() error {
	var last *chunk
	seen := map[*list]int{}
	count := 0
	next := g.order.walk()
	for c := next(); c != nil; c = next() {
		if last != nil && last.compare(c) >= 0 {
			return fmt.Errorf("chunk %v is not before %v", last.rate, c.rate)
		}
		last = c
		if seen[c.cl] != c.from {
			return fmt.Errorf("a chunk begins at %d instead of %d", c.from, seen[c.cl])
		}
		seen[c.cl] = c.to
		count += c.to - c.from
	}
	if count != g.count {
		return fmt.Errorf("%d transactions, counted as %d", count, g.count)
	}
	for l, to := range seen {
		if to != len(l.txs) {
			return fmt.Errorf("the chunks of a cluster end at %d of %d", to, len(l.txs))
		}
		if err := l.check(g.limits); err != nil {
			return err
		}
	}
	return nil
}

func (l *list) check(limits Limits) error {
	n := len(l.txs)
	if n == 0 || n > limits.Count || l.sum.Size > limits.Size {
		return fmt.Errorf("a cluster of %d transactions and size %d", n, l.sum.Size)
	}
	var sum FeeRate
	together := set(1) // whom the first is joined with
	for range n {
		for i := range n {
			if together&(l.anc[i]|l.desc[i]) != 0 {
				together |= l.anc[i] | l.desc[i]
			}
		}
	}
	if together != below(n) {
		return fmt.Errorf("a cluster of %d falls apart", n)
	}
	for i, t := range l.txs {
		if t.cl != l || t.pos != i {
			return fmt.Errorf("a transaction does not know its place")
		}
		sum = sum.Plus(l.rates[i])
		if l.anc[i]&^below(i+1) != 0 || !l.anc[i].has(i) {
			return fmt.Errorf("a transaction stands before an ancestor")
		}
		for a := l.anc[i]; a != 0; a = a.rest() {
			p := a.first()
			if !l.desc[p].has(i) || l.anc[p]&^l.anc[i] != 0 {
				return fmt.Errorf("ancestors and descendants contradict each other")
			}
		}
	}
	if sum != l.sum {
		return fmt.Errorf("the sum is %v instead of %v", l.sum, sum)
	}
	for i := 1; i < len(l.chunks); i++ {
		if l.chunks[i].rate.Compare(l.chunks[i-1].rate) > 0 {
			return fmt.Errorf("chunk %v stands behind %v", l.chunks[i].rate, l.chunks[i-1].rate)
		}
	}
	return nil
}
