package wallet

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"starling/wire"
)

// candidate is an output that a payment may spend.
type candidate struct {
	op     wire.OutPoint
	value  int64
	weight int64 // of the input that spends it, in weight units
	// bump is what the payment has to add for the coin's unconfirmed ancestors,
	// which pay too little themselves, in satoshi.
	bump int64
	// pending is set for outputs of unconfirmed transactions.
	pending bool
}

// effective returns what a coin adds to a payment at a fee rate.
func (c *candidate) effective(rate int64) int64 { return c.value - feeFor(c.weight, rate) - c.bump }

// feeFor returns the fee of weight units at a rate in satoshi for 1,000
// virtual bytes, rounded up.
func feeFor(weight, rate int64) int64 {
	const perK = 1000 * wire.WitnessScale
	return (weight*rate + perK - 1) / perK
}

// txFee returns the fee of a whole transaction, whose size counts in whole
// virtual bytes.
func txFee(weight, rate int64) int64 {
	const scale = wire.WitnessScale
	return feeFor((weight+scale-1)/scale*scale, rate)
}

// goal says what a selection must reach.
type goal struct {
	target int64 // payments, and the fee of all but inputs and change
	rate   int64 // satoshi for 1,000 virtual bytes
	// whole makes coins count with their full value, for payments whose fee
	// is taken from what they pay.
	whole bool
	// changeCost is what making change and spending it later costs; a
	// selection without change may exceed the target by as much.
	changeCost int64
	// changeMin is what must remain for change that is worth making, its own
	// fee included.
	changeMin   int64
	otherWeight int64 // of the transaction without its inputs
	maxWeight   int64 // of all inputs
}

func (g *goal) value(c *candidate) int64 {
	if g.whole {
		return c.value
	}
	return c.effective(g.rate)
}

// selectCoins chooses coins that reach the goal: a set that needs no change if
// one can be found, else coins drawn by chance, so that what a payment spends
// says little about what else there is, else the largest. fixed coins are
// always part of it. It returns nil if there is not enough.
func selectCoins(g goal, fixed, all []candidate, dice *rand.Rand) []candidate {
	for i := range fixed {
		g.target -= g.value(&fixed[i])
		g.maxWeight -= fixed[i].weight
	}
	if g.target <= 0 && len(fixed) > 0 {
		return fixed
	}
	var useful []candidate
	for _, c := range all {
		if g.value(&c) > 0 {
			useful = append(useful, c)
		}
	}
	// The largest first; equal ones in an order that does not hang on maps.
	slices.SortFunc(useful, func(a, b candidate) int {
		if d := cmp.Compare(g.value(&b), g.value(&a)); d != 0 {
			return d
		}
		return compareOutPoints(a.op, b.op)
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
func exactly(g goal, sorted []candidate) []candidate {
	left := make([]int64, len(sorted)+1) // what the coins from here on add up to
	for i := len(sorted) - 1; i >= 0; i-- {
		left[i] = left[i+1] + g.value(&sorted[i])
	}
	if left[0] < g.target {
		return nil
	}
	var taken, best []int
	var sum, weight int64
	bestOver := int64(-1)
	at := 0
	for range exactTries {
		over := sum - g.target
		back := false
		switch {
		case sum+left[at] < g.target || over > g.changeCost || weight > g.maxWeight:
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
			if at > 0 && (len(taken) == 0 || taken[len(taken)-1] != at-1) && g.value(&sorted[at]) == g.value(&sorted[at-1]) && sorted[at].weight == sorted[at-1].weight {
				at++
				continue
			}
			taken = append(taken, at)
			sum += g.value(&sorted[at])
			weight += sorted[at].weight
			at++
			continue
		}
		if len(taken) == 0 {
			break
		}
		last := taken[len(taken)-1]
		taken = taken[:len(taken)-1]
		sum -= g.value(&sorted[last])
		weight -= sorted[last].weight
		at = last + 1
	}
	if best == nil {
		return nil
	}
	chosen := make([]candidate, len(best))
	for i, j := range best {
		chosen[i] = sorted[j]
	}
	return chosen
}

// byChance draws coins until the target and worthwhile change are reached. If
// all coins together only reach the target, it returns all.
func byChance(g goal, coins []candidate, dice *rand.Rand) []candidate {
	order := dice.Perm(len(coins))
	var chosen []candidate
	var sum, weight int64
	for _, i := range order {
		chosen = append(chosen, coins[i])
		sum += g.value(&coins[i])
		weight += coins[i].weight
		if weight > g.maxWeight {
			return nil
		}
		if sum >= g.target+g.changeMin {
			return chosen
		}
	}
	if sum >= g.target {
		return chosen
	}
	return nil
}

// largest takes the largest coins until the target is reached.
func largest(g goal, sorted []candidate) []candidate {
	var sum, weight int64
	for i := range sorted {
		sum += g.value(&sorted[i])
		weight += sorted[i].weight
		if weight > g.maxWeight {
			return nil
		}
		if sum >= g.target {
			return slices.Clone(sorted[:i+1])
		}
	}
	return nil
}
