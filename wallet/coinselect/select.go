package coinselect

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"starling/wire"
)

// Candidate is an output that a payment may spend.
type Candidate struct {
	OutPoint wire.OutPoint
	Value    int64
	Weight   int64 // of the input that spends it, in weight units
	// Bump is what the payment has to add for the coin's unconfirmed ancestors,
	// which pay too little themselves, in satoshi.
	Bump int64
	// Pending is set for outputs of unconfirmed transactions.
	Pending bool
}

// Effective returns what a coin adds to a payment at a fee rate.
func (c *Candidate) Effective(rate int64) int64 { return c.Value - Fee(c.Weight, rate) - c.Bump }

// Fee returns the fee of weight units at a rate in satoshi for 1,000
// virtual bytes, rounded up.
func Fee(weight, rate int64) int64 {
	const perK = 1000 * wire.WitnessScale
	return (weight*rate + perK - 1) / perK
}

// TxFee returns the fee of a whole transaction, whose size counts in whole
// virtual bytes.
func TxFee(weight, rate int64) int64 {
	const scale = wire.WitnessScale
	return Fee((weight+scale-1)/scale*scale, rate)
}

// Goal says what a selection must reach.
type Goal struct {
	Target int64 // payments, and the fee of all but inputs and change
	Rate   int64 // satoshi for 1,000 virtual bytes
	// Whole makes coins count with their full value, for payments whose fee
	// is taken from what they pay.
	Whole bool
	// ChangeCost is what making change and spending it later costs; a
	// selection without change may exceed the target by as much.
	ChangeCost int64
	// ChangeMin is what must remain for change that is worth making, its own
	// fee included.
	ChangeMin   int64
	OtherWeight int64 // of the transaction without its inputs
	MaxWeight   int64 // of all inputs
}

// Worth returns what a coin counts for.
func (g *Goal) Worth(c *Candidate) int64 {
	if g.Whole {
		return c.Value
	}
	return c.Effective(g.Rate)
}

// Select chooses coins that reach the goal: a set that needs no change if
// one can be found, else coins drawn by chance, so that what a payment spends
// says little about what else there is, else the largest. fixed coins are
// always part of it. It returns nil if there is not enough.
func Select(g Goal, fixed, all []Candidate, dice *rand.Rand) []Candidate {
	for i := range fixed {
		g.Target -= g.Worth(&fixed[i])
		g.MaxWeight -= fixed[i].Weight
	}
	if g.Target <= 0 && len(fixed) > 0 {
		return fixed
	}
	var useful []Candidate
	for _, c := range all {
		if g.Worth(&c) > 0 {
			useful = append(useful, c)
		}
	}
	// The largest first; equal ones in an order that does not hang on maps.
	slices.SortFunc(useful, func(a, b Candidate) int {
		if d := cmp.Compare(g.Worth(&b), g.Worth(&a)); d != 0 {
			return d
		}
		return compareOutPoints(a.OutPoint, b.OutPoint)
	})
	chosen := exactly(g, useful)
	if chosen == nil {
		chosen = byChance(g, useful, dice)
	}
	if chosen == nil {
		chosen = largest(g, useful)
	}
	if chosen == nil {
		return nil
	}
	return append(slices.Clone(fixed), chosen...)
}

// compareOutPoints orders outpoints by id, then by index.
func compareOutPoints(a, b wire.OutPoint) int {
	if d := slices.Compare(a.Hash[:], b.Hash[:]); d != 0 {
		return d
	}
	return cmp.Compare(a.Index, b.Index)
}

// exactTries bounds the search for a set without change; it takes some
// milliseconds.
const exactTries = 100_000

// exactly looks for coins that reach the target and exceed it by at most the
// cost of change, by branch and bound: at each coin, the largest first, take
// it or leave it, and turn back when the goal is out of reach or exceeded. Of
// all sets found within the tries it returns the one that exceeds least.
func exactly(g Goal, sorted []Candidate) []Candidate {
	left := make([]int64, len(sorted)+1) // what the coins from here on add up to
	for i := len(sorted) - 1; i >= 0; i-- {
		left[i] = left[i+1] + g.Worth(&sorted[i])
	}
	if left[0] < g.Target {
		return nil
	}
	var taken, best []int
	var sum, weight int64
	bestOver := int64(-1)
	at := 0
	for range exactTries {
		over := sum - g.Target
		back := false
		switch {
		case sum+left[at] < g.Target || over > g.ChangeCost || weight > g.MaxWeight:
			back = true
		case over >= 0:
			if bestOver < 0 || over < bestOver {
				best, bestOver = slices.Clone(taken), over
			}
			back = true
		case at == len(sorted):
			back = true
		}
		if bestOver == 0 {
			break
		}
		if !back {
			// A coin like the one before that was left out is left out too.
			if at > 0 && (len(taken) == 0 || taken[len(taken)-1] != at-1) && g.Worth(&sorted[at]) == g.Worth(&sorted[at-1]) && sorted[at].Weight == sorted[at-1].Weight {
				at++
				continue
			}
			taken = append(taken, at)
			sum += g.Worth(&sorted[at])
			weight += sorted[at].Weight
			at++
			continue
		}
		if len(taken) == 0 {
			break
		}
		last := taken[len(taken)-1]
		taken = taken[:len(taken)-1]
		sum -= g.Worth(&sorted[last])
		weight -= sorted[last].Weight
		at = last + 1
	}
	if best == nil {
		return nil
	}
	chosen := make([]Candidate, len(best))
	for i, j := range best {
		chosen[i] = sorted[j]
	}
	return chosen
}

// byChance draws coins until the target and worthwhile change are reached. If
// all coins together only reach the target, it returns all.
func byChance(g Goal, coins []Candidate, dice *rand.Rand) []Candidate {
	order := dice.Perm(len(coins))
	var chosen []Candidate
	var sum, weight int64
	for _, i := range order {
		chosen = append(chosen, coins[i])
		sum += g.Worth(&coins[i])
		weight += coins[i].Weight
		if weight > g.MaxWeight {
			return nil
		}
		if sum >= g.Target+g.ChangeMin {
			return chosen
		}
	}
	if sum >= g.Target {
		return chosen
	}
	return nil
}

// largest takes the largest coins until the target is reached.
func largest(g Goal, sorted []Candidate) []Candidate {
	var sum, weight int64
	for i := range sorted {
		sum += g.Worth(&sorted[i])
		weight += sorted[i].Weight
		if weight > g.MaxWeight {
			return nil
		}
		if sum >= g.Target {
			return slices.Clone(sorted[:i+1])
		}
	}
	return nil
}
