package cluster

import (
	"cmp"
	"slices"
)

// Diagram is a list of chunks, best first: drawn as fee over size, the line
// that a miner with any given space to fill would want to be as high as
// possible. Behind its end the line goes on level.
type Diagram []FeeRate

// Order is how two diagrams compare. Since one line may be higher here and
// lower there, it is not always one of the usual three.
type Order int

// The results of comparing one diagram with another.
const (
	Incomparable Order = iota // higher in one place, lower in another
	Equal                     // the same line
	Better                    // nowhere lower, somewhere higher
	Worse                     // nowhere higher, somewhere lower
)

// String names the order.
func (o Order) String() string {
	return [...]string{"incomparable", "equal", "better", "worse"}[o]
}

// sort puts the pieces in order, best first.
func (d Diagram) sort() {
	slices.SortFunc(d, func(a, b FeeRate) int { return b.Compare(a) })
}

// Compare tells whether d is better or worse than o, exactly.
func (d Diagram) Compare(o Diagram) Order {
	var higher, lower bool
	note := func(c int) {
		higher = higher || c > 0
		lower = lower || c < 0
	}
	// Walk both lines from bend to bend. Between bends they are straight, so
	// that it is enough to compare them at the bends of either.
	var at, ot FeeRate // the bends that were reached
	i, j := 0, 0
	for i < len(d) || j < len(o) {
		var p, q FeeRate
		if i < len(d) {
			p = at.Plus(d[i])
		}
		if j < len(o) {
			q = ot.Plus(o[j])
		}
		switch {
		case j == len(o) && i < len(d): // o goes on level
			note(cmp.Compare(p.Fee, ot.Fee))
			at, i = p, i+1
		case i == len(d):
			note(cmp.Compare(at.Fee, q.Fee))
			ot, j = q, j+1
		case p.Size <= q.Size: // d bends first: is p above the line from ot to q?
			step := q.Minus(ot)
			note(compareProducts(p.Fee-ot.Fee, step.Size, step.Fee, p.Size-ot.Size))
			if p.Size == q.Size {
				ot, j = q, j+1
			}
			at, i = p, i+1
		default: // is q above the line from at to p?
			step := p.Minus(at)
			note(-compareProducts(q.Fee-at.Fee, step.Size, step.Fee, q.Size-at.Size))
			ot, j = q, j+1
		}
		if higher && lower {
			return Incomparable
		}
	}
	switch {
	case higher:
		return Better
	case lower:
		return Worse
	}
	return Equal
}
