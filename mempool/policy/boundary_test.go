package policy

import (
	"math"
	"strings"
	"testing"

	"starling/wire"
)

// The bounds of the arithmetic of fee rates: products that just do and just do
// not fit, and what has no sign.
func TestFeeRateBounds(t *testing.T) {
	for _, c := range []struct {
		name       string
		fee, vsize int64
		want       FeeRate
	}{
		{"nothing paid", 0, 100, 0},
		{"negative size", 100, -5, 0},
		// 2^63-1 satoshi times 1,000 are 499 times 2^64 and something.
		{"quotient of more than 64 bits", math.MaxInt64, 499, math.MaxInt64},
		{"negative quotient of more than 64 bits", -math.MaxInt64, 499, math.MinInt64},
		{"quotient of 64 bits", math.MaxInt64, 500, math.MaxInt64},
		{"the largest that fits", math.MaxInt64, 1000, math.MaxInt64},
		{"just below it", math.MaxInt64, 1001, 9_214_157_878_975_800_006},
		{"the most negative fee", math.MinInt64, 2000, -4_611_686_018_427_387_904},
	} {
		if got := Rate(c.fee, c.vsize); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	for _, c := range []struct {
		name        string
		rate        FeeRate
		vsize, want int64
	}{
		{"negative rate", -5, 1000, 0},
		{"negative size", 5, -1000, 0},
		{"a satoshi for the first byte", 1, 1, 1},
		{"quotient of more than 64 bits", math.MaxInt64, 2001, math.MaxInt64},
		{"quotient of 64 bits", math.MaxInt64, 1999, math.MaxInt64},
		{"the largest that fits", math.MaxInt64, 1000, math.MaxInt64},
	} {
		if got := c.rate.Fee(c.vsize); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	for rate, want := range map[FeeRate]string{
		0: "0.00000000 BTC/kvB", 1: "0.00000001 BTC/kvB", -1: "-0.00000001 BTC/kvB",
		-250_000_000: "-2.50000000 BTC/kvB",
	} {
		if got := rate.String(); got != want {
			t.Errorf("%d: %s", rate, got)
		}
	}
}

func TestMoneyInDetails(t *testing.T) {
	for v, want := range map[int64]string{
		0: "0.00", 1: "0.00000001", 1000: "0.00001", 100_000_000: "1.00", 123_000_000: "1.23",
		-1: "-0.00000001", -150_000_000: "-1.50",
	} {
		if got := money(v); got != want {
			t.Errorf("%d: %s, want %s", v, got, want)
		}
	}
	if got := reject("dust", "").Error(); got != "dust" {
		t.Error(got)
	}
	if got := reject("dust", "output %d", 3).Error(); got != "dust, output 3" {
		t.Error(got)
	}
}

// A child of several parents must spend the dust of each, wherever it stands.
func TestEphemeralOfSecondParent(t *testing.T) {
	plain := chained(3, 10_000)
	dusty := newDraft()
	dusty.out = []wire.TxOut{{Value: 1000, Script: p2pkh}, {Value: 1, Script: p2a}}
	parents := map[wire.Hash]*wire.Tx{plain.TxID(): plain, dusty.tx().TxID(): dusty.tx()}
	lookup := func(id wire.Hash) *wire.Tx { return parents[id] }
	for name, tx := range map[string]*wire.Tx{
		"plain first": chained(3, 5000, plain, dusty.tx()),
		"dusty first": chained(3, 5000, dusty.tx(), plain),
	} {
		if got := reasonOf(CheckEphemeralSpends(tx, 3000, lookup)); got != "missing-ephemeral-spends" {
			t.Errorf("%s: %q", name, got)
		}
		in := append([]wire.TxIn{{PrevOut: wire.OutPoint{Hash: dusty.tx().TxID(), Index: 1}}}, tx.In...)
		if got := reasonOf(CheckEphemeralSpends(wire.NewTx(3, in, tx.Out, 0), 3000, lookup)); got != "" {
			t.Errorf("%s, dust spent: %q", name, got)
		}
	}
}

// The weight of a package has its limit at 404,000 units; a single transaction
// is no package in this.
func TestPackageWeight(t *testing.T) {
	weighing := func(weight int, index uint32) *wire.Tx {
		d := newDraft()
		d.in[0].PrevOut = wire.OutPoint{Index: index}
		fill(&d, weight)
		return d.tx()
	}
	first := weighing(200_000, 1)
	for _, c := range []struct {
		name   string
		txs    []*wire.Tx
		reason string
	}{
		{"as heavy as can be", []*wire.Tx{first, weighing(204_000, 2)}, ""},
		{"a byte more", []*wire.Tx{first, weighing(204_004, 2)}, "package-too-large"},
		{"one alone that is heavier", []*wire.Tx{weighing(404_004, 3)}, ""},
	} {
		if got := reasonOf(CheckPackage(c.txs)); got != c.reason {
			t.Errorf("%s: %q, want %q", c.name, got, c.reason)
		}
	}
	parent := chained(2, 1000)
	if !IsChildWithParents([]*wire.Tx{parent, chained(2, 500, parent)}) {
		t.Error("one parent and its child are a child with its parents")
	}
	if IsChildWithParents(nil) {
		t.Error("nothing is a child with its parents")
	}
}

// A replacement that pays as much as what it replaces lacks only the fee of its
// own relay.
func TestReplacementOfEqualFee(t *testing.T) {
	tx := chained(2, 1000)
	if err := PaysForReplacement(1000, 1000, 200, 0, tx); err != nil {
		t.Errorf("where relay is free: %v", err)
	}
	err := PaysForReplacement(1000, 1000, 200, 100, tx)
	if err == nil || !strings.HasSuffix(err.Detail, "not enough additional fees to relay; 0.00 < 0.0000002") {
		t.Errorf("%v", err)
	}
}

// Of a package's version 3 transactions with a parent in the pool: the parent
// may have neither a parent nor another child there.
func TestPackageTRUCParentInPool(t *testing.T) {
	p3 := chained(3, 1000)
	child := chained(3, 500, p3)
	for _, c := range []struct {
		name   string
		parent Relative
		detail string // what the refusal ends with
	}{
		{"alone", Relative{p3, 1, 1}, ""},
		{"with a parent", Relative{p3, 2, 1}, "would have too many ancestors"},
		{"with a child", Relative{p3, 1, 2}, "would exceed descendant count limit"},
	} {
		err := CheckPackageTRUC(child, 500, []*wire.Tx{child}, []Parent{{Relative: c.parent}})
		if (err == nil) != (c.detail == "") || err != nil && !strings.HasSuffix(err.Detail, c.detail) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
