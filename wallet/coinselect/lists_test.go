package coinselect

import (
	"slices"
	"testing"

	"starling/wire"
)

// TestLists names coins by their value, and the transactions that made them by a
// letter.
func TestLists(t *testing.T) {
	made := func(by byte, value int64, o Offer) Offer {
		o.OutPoint, o.Value = wire.OutPoint{Hash: wire.Hash{by}, Index: uint32(value)}, value
		return o
	}
	confirmed := Offer{Safe: true}
	pending := Offer{Candidate: Candidate{Pending: true}, Safe: true, Ancestors: 1, Descendants: 1}
	with := func(edit func(*Offer)) Offer {
		o := pending
		edit(&o)
		return o
	}
	far := with(func(o *Offer) { o.Ancestors = maxAncestors + 1 })
	others := with(func(o *Offer) { o.Safe = false })
	truc := with(func(o *Offer) { o.TRUC = true })
	child := with(func(o *Offer) { o.TRUC, o.Ancestors = true, 2 })
	parent := with(func(o *Offer) { o.TRUC, o.Descendants = true, 2 })
	for _, c := range []struct {
		name    string
		offers  []Offer
		truc    bool
		parents []wire.Hash
		want    [][]int64
	}{
		{"nothing", nil, false, nil, [][]int64{nil}},
		{"the surest first",
			[]Offer{made('a', 1, others), made('b', 2, far), made('c', 3, pending), made('d', 4, confirmed), made('e', 5, pending)},
			false, nil, [][]int64{{4}, {4, 3, 5}, {4, 3, 5, 2}, {4, 3, 5, 2, 1}}},
		{"empty groups make no list", []Offer{made('a', 1, others), made('d', 4, confirmed)}, false, nil, [][]int64{{4}, {4, 1}}},
		{"as many ancestors as may be", []Offer{made('a', 1, with(func(o *Offer) { o.Ancestors = maxAncestors })), made('b', 2, far)},
			false, nil, [][]int64{{1}, {1, 2}}},
		{"a small family is not for others", []Offer{made('a', 1, truc), made('d', 4, confirmed)}, false, nil, [][]int64{{4}}},
		{"nor others for it", []Offer{made('a', 1, pending), made('b', 2, others), made('d', 4, confirmed)}, true, nil, [][]int64{{4}}},
		{"one parent: the richest",
			[]Offer{made('a', 1, truc), made('a', 2, truc), made('b', 4, truc), made('c', 1, truc), made('d', 9, confirmed)},
			true, nil, [][]int64{{9}, {9, 4}}},
		{"of two that are as rich the first by id", []Offer{made('b', 3, truc), made('a', 1, truc), made('a', 2, truc)}, true, nil, [][]int64{{1, 2}}},
		{"the parent that it has already", []Offer{made('a', 1, truc), made('b', 4, truc)}, true, []wire.Hash{{'a'}}, [][]int64{{1}}},
		{"a parent with relatives", []Offer{made('a', 1, child), made('b', 4, parent)}, true, nil, [][]int64{nil}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got [][]int64
			for _, list := range Lists(c.offers, c.truc, c.parents) {
				var values []int64
				for _, o := range list {
					values = append(values, o.Value)
				}
				got = append(got, values)
			}
			if !slices.EqualFunc(got, c.want, slices.Equal[[]int64]) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

// TestRichest chooses among families of coins, of which two are worth nothing.
func TestRichest(t *testing.T) {
	var offers []Offer
	for i, value := range []int64{0, 0, 7, 7} {
		o := Offer{TRUC: true, Safe: true, Ancestors: 1, Descendants: 1}
		o.Pending, o.Value, o.OutPoint.Hash = true, value, wire.Hash{byte(i + 1)}
		offers = append(offers, o)
		want := wire.Hash{[]byte{1, 1, 3, 3}[i]}
		if got := Lists(offers, true, nil); len(got) != 1 || len(got[0]) != 1 || got[0][0].OutPoint.Hash != want {
			t.Errorf("of %d families: %v", i+1, got)
		}
	}
	if got := Lists(offers, true, []wire.Hash{{2}}); len(got) != 1 || len(got[0]) != 1 || got[0][0].OutPoint.Hash != (wire.Hash{2}) {
		t.Errorf("with a parent: %v", got)
	}
}
