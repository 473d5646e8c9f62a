package coinselect

import (
	"cmp"
	"slices"

	"starling/wire"
)

// maxAncestors is how many unconfirmed ancestors a coin may have for a payment
// that finds enough elsewhere. The pool allows 64 transactions that hang
// together.
const maxAncestors = 10

// Offer is a coin that a payment may choose, with what decides whether it should.
type Offer struct {
	Candidate

	// Safe coins are confirmed, or made by the wallet itself.
	Safe bool
	// TRUC is set if the transaction that made it keeps its unconfirmed family
	// small (BIP431).
	TRUC bool
	// Ancestors and Descendants of that transaction in the pool, itself included;
	// 0 if the pool does not have it.
	Ancestors, Descendants int
}

// Lists returns the lists of coins that a payment may choose from, in the order
// in which to try them: confirmed ones, then also the wallet's own change, then
// also change with many ancestors, then also what came from others. The last one
// has all that may be taken; there is at least one.
//
// truc says that the payment keeps its unconfirmed family small itself. Then it
// may have one unconfirmed parent only, one of parents if there are any: those
// that it spends of already.
func Lists(offers []Offer, truc bool, parents []wire.Hash) [][]Candidate {
	var groups [4][]Candidate
	families := map[wire.Hash][]Candidate{} // by their parent
	for _, o := range offers {
		parent := o.OutPoint.Hash
		switch {
		case !o.Pending:
			groups[0] = append(groups[0], o.Candidate)
		case o.TRUC != truc:
		case truc && (o.Ancestors > 1 || o.Descendants > 1):
		case truc && len(parents) > 0 && !slices.Contains(parents, parent):
		case truc:
			families[parent] = append(families[parent], o.Candidate)
		case !o.Safe:
			groups[3] = append(groups[3], o.Candidate)
		case o.Ancestors > maxAncestors:
			groups[2] = append(groups[2], o.Candidate)
		default:
			groups[1] = append(groups[1], o.Candidate)
		}
	}
	groups[1] = append(groups[1], richest(families)...)
	var lists [][]Candidate
	var all []Candidate
	for _, g := range groups {
		if len(g) > 0 {
			all = append(all, g...)
			lists = append(lists, all[:len(all):len(all)])
		}
	}
	if lists == nil {
		return [][]Candidate{nil}
	}
	return lists
}

// richest returns the coins of the family that has most.
func richest(families map[wire.Hash][]Candidate) []Candidate {
	sum := func(list []Candidate) (n int64) {
		for i := range list {
			n += list[i].Value
		}
		return n
	}
	var best []Candidate
	for _, coins := range families {
		d := cmp.Compare(sum(coins), sum(best))
		if best == nil || d > 0 || d == 0 && compareOutPoints(coins[0].OutPoint, best[0].OutPoint) < 0 {
			best = coins
		}
	}
	return best
}
