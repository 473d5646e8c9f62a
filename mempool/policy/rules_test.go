package policy

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"starling/script"
	"starling/wire"
)

func TestDustThreshold(t *testing.T) {
	// The figures are Core's, at 3,000 satoshi for 1,000 virtual bytes.
	for _, c := range []struct {
		name   string
		script []byte
		want   int64
	}{
		{"key hash", p2pkh, 546},
		{"script hash", p2sh, 540},
		{"witness key hash", script.PayToWitness(0, make([]byte, 20)), 294},
		{"witness script hash", p2wsh, 330},
		{"taproot", p2tr, 330},
		{"anchor", p2a, 240},
		{"data", script.NullDataScript([]byte("x")), 0},
		{"too long to spend", make([]byte, 10_001), 0},
	} {
		if got := DustThreshold(c.script, 3000); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
		if c.want > 0 {
			if !IsDust(&wire.TxOut{Value: c.want - 1, Script: c.script}, 3000) || IsDust(&wire.TxOut{Value: c.want, Script: c.script}, 3000) {
				t.Errorf("%s: the threshold is elsewhere", c.name)
			}
		}
	}
}

func TestFeeRate(t *testing.T) {
	for _, c := range []struct {
		rate      FeeRate
		size, fee int64
	}{{100, 1000, 100}, {100, 1, 1}, {100, 10, 1}, {100, 11, 2}, {1, 1_000_000, 1000}, {0, 5, 0}, {5, 0, 0}, {math.MaxInt64, 2000, math.MaxInt64}} {
		if got := c.rate.Fee(c.size); got != c.fee {
			t.Errorf("%d for %d: %d, want %d", c.rate, c.size, got, c.fee)
		}
	}
	for _, c := range []struct {
		fee, size int64
		rate      FeeRate
	}{{100, 1000, 100}, {1, 3, 333}, {-1, 3, -333}, {5, 0, 0}, {math.MaxInt64, 1, math.MaxInt64}, {2_100_000_000_000_000, 60, 35_000_000_000_000_000}} {
		if got := Rate(c.fee, c.size); got != c.rate {
			t.Errorf("%d over %d: %d, want %d", c.fee, c.size, got, c.rate)
		}
	}
	if got := FeeRate(123_456).String(); got != "0.00123456 BTC/kvB" {
		t.Error(got)
	}
}

func TestCompareRates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fee, size := rapid.Int64Range(-21e14, 21e14), rapid.Int64Range(1, 1<<40)
		a, b, c, d := fee.Draw(t, "a"), size.Draw(t, "b"), fee.Draw(t, "c"), size.Draw(t, "d")
		if rapid.Bool().Draw(t, "same") {
			c, d = a, b
		}
		want := big.NewRat(a, b).Cmp(big.NewRat(c, d))
		if got := CompareRates(a, b, c, d); got != want {
			t.Fatalf("%d/%d and %d/%d: %d", a, b, c, d, got)
		}
	})
}

func TestSizes(t *testing.T) {
	if got := VSize(AdjustedWeight(400, 10)); got != 100 {
		t.Error(got)
	}
	if got := VSize(AdjustedWeight(401, 80)); got != 400 {
		t.Error(got)
	}
}

// chained makes a transaction that spends the first output of each parent.
func chained(version int32, value int64, parents ...*wire.Tx) *wire.Tx {
	d := newDraft()
	d.version = version
	d.out[0].Value = value
	if len(parents) > 0 {
		d.in = nil
	}
	for _, p := range parents {
		d.in = append(d.in, wire.TxIn{PrevOut: wire.OutPoint{Hash: p.TxID()}})
	}
	return d.tx()
}

func TestEphemeral(t *testing.T) {
	dust := chained(3, 100)
	if CheckEphemeral(dust, 3000, 0, 0) != nil {
		t.Error("dust without fee is refused")
	}
	if CheckEphemeral(dust, 3000, 1, 1) == nil || CheckEphemeral(dust, 3000, 0, 1) == nil || CheckEphemeral(dust, 3000, 1, 0) == nil {
		t.Error("dust with a fee passes")
	}
	if CheckEphemeral(chained(3, 10_000), 3000, 5, 5) != nil {
		t.Error("no dust, and refused")
	}

	plain := chained(3, 10_001)
	parents := map[wire.Hash]*wire.Tx{dust.TxID(): dust, plain.TxID(): plain}
	check := func(tx *wire.Tx) string {
		return reasonOf(CheckEphemeralSpends(tx, 3000, func(id wire.Hash) *wire.Tx { return parents[id] }))
	}
	if got := check(chained(3, 5000, dust, plain)); got != "" {
		t.Error(got)
	}
	if got := check(chained(3, 5000, plain)); got != "" {
		t.Error(got)
	}
	two := newDraft()
	two.out = []wire.TxOut{{Value: 1000, Script: p2pkh}, {Value: 1, Script: p2a}}
	tx := two.tx()
	parents[tx.TxID()] = tx
	if got := check(chained(3, 5000, tx)); got != "missing-ephemeral-spends" {
		t.Errorf("%q", got)
	}
}

func TestCheckPackage(t *testing.T) {
	a, b := chained(2, 1000), chained(2, 2000)
	b = wire.NewTx(2, []wire.TxIn{{PrevOut: wire.OutPoint{Hash: wire.Hash{9}}}}, b.Out, 0)
	child := chained(2, 3000, a, b)
	both := chained(2, 4000, a)
	var many []*wire.Tx
	for i := range 26 {
		many = append(many, wire.NewTx(2, []wire.TxIn{{PrevOut: wire.OutPoint{Index: uint32(i)}}}, a.Out, 0))
	}
	big := newDraft()
	fill(&big, MaxStandardWeight)
	for _, c := range []struct {
		name   string
		txs    []*wire.Tx
		reason string
	}{
		{"parents and child", []*wire.Tx{a, b, child}, ""},
		{"one", []*wire.Tx{a}, ""},
		{"25", many[:25], ""},
		{"26", many, "package-too-many-transactions"},
		{"one that is large", []*wire.Tx{big.tx()}, ""},
		{"too large", append(many[:20:20], big.tx()), "package-too-large"},
		{"twice the same", []*wire.Tx{a, a}, "package-contains-duplicates"},
		{"child first", []*wire.Tx{child, a, b}, "package-not-sorted"},
		{"two spend the same", []*wire.Tx{a, b, child, both}, "conflict-in-package"},
	} {
		if got := reasonOf(CheckPackage(c.txs)); got != c.reason {
			t.Errorf("%s: %q, want %q", c.name, got, c.reason)
		}
	}
	if !IsChildWithParents([]*wire.Tx{a, b, child}) || IsChildWithParents([]*wire.Tx{a}) || IsChildWithParents([]*wire.Tx{a, b}) {
		t.Error("child with parents")
	}
	both = chained(2, 4000, a)
	last := chained(2, 5000, a, both)
	if !IsChildWithParents([]*wire.Tx{a, both, last}) || IsChildWithParentsTree([]*wire.Tx{a, both, last}) || !IsChildWithParentsTree([]*wire.Tx{a, b, child}) {
		t.Error("tree")
	}
}

func TestPaysForReplacement(t *testing.T) {
	tx := chained(2, 1000)
	for _, c := range []struct {
		original, replacement, vsize int64
		ok                           bool
	}{{1000, 1020, 200, true}, {1000, 1019, 200, false}, {1000, 999, 200, false}, {1000, 1000, 200, false}} {
		if err := PaysForReplacement(c.original, c.replacement, c.vsize, 100, tx); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c, err)
		}
	}
	err := PaysForReplacement(150_000_000, 1000, 200, 100, tx)
	if want := "rejecting replacement " + tx.TxID().String() + ", less fees than conflicting txs; 0.00001 < 1.50"; err.Detail != want {
		t.Errorf("%q", err.Detail)
	}
}

func TestTRUC(t *testing.T) {
	p3, p2 := chained(3, 1000), chained(2, 1000)
	alone := Relative{p3, 1, 1}
	sibling := chained(3, 400, p3)
	withChild := Parent{Relative{p3, 1, 2}, []Relative{{sibling, 2, 1}}}
	child := chained(3, 500, p3)
	for _, c := range []struct {
		name    string
		tx      *wire.Tx
		vsize   int64
		parents []Parent
		replace bool
		ok      bool
		evict   bool
	}{
		{"alone", p3, 10_000, nil, false, true, false},
		{"alone, too big", p3, 10_001, nil, false, false, false},
		{"version 2 may be big", p2, 50_000, nil, false, true, false},
		{"child", child, 1000, []Parent{{Relative: alone}}, false, true, false},
		{"child, too big", child, 1001, []Parent{{Relative: alone}}, false, false, false},
		{"two parents", child, 500, []Parent{{Relative: alone}, {Relative: alone}}, false, false, false},
		{"grandchild", child, 500, []Parent{{Relative: Relative{p3, 2, 1}}}, false, false, false},
		{"second child", child, 500, []Parent{withChild}, false, false, true},
		{"second child in place of the first", child, 500, []Parent{withChild}, true, true, false},
		{"third child after a reorganisation", child, 500, []Parent{{Relative{p3, 1, 3}, []Relative{{sibling, 2, 1}, {sibling, 2, 1}}}}, false, false, false},
		{"child of version 2 of a parent of 3", chained(2, 500, p3), 500, []Parent{{Relative: alone}}, false, false, false},
		{"child of version 3 of a parent of 2", chained(3, 500, p2), 500, []Parent{{Relative: Relative{p2, 1, 1}}}, false, false, false},
	} {
		s, err := CheckTRUC(c.tx, c.vsize, c.parents, func(id wire.Hash) bool { return c.replace && id == sibling.TxID() })
		if (err == nil) != c.ok || err != nil && err.Reason != "TRUC-violation" || (s != nil) != c.evict {
			t.Errorf("%s: %v, sibling %v", c.name, err, s != nil)
		}
	}

	grand := chained(3, 300, child)
	other := chained(3, 600, p3)
	for _, c := range []struct {
		name    string
		tx      *wire.Tx
		vsize   int64
		pkg     []*wire.Tx
		parents []Parent
		ok      bool
	}{
		{"parent and child", child, 1000, []*wire.Tx{p3, child}, nil, true},
		{"child too big", child, 1001, []*wire.Tx{p3, child}, nil, false},
		{"two children", child, 500, []*wire.Tx{p3, child, other}, nil, false},
		{"three generations", child, 500, []*wire.Tx{p3, child, grand}, nil, false},
		{"parent in the pool has a child", child, 500, []*wire.Tx{child}, []Parent{withChild}, false},
		{"child and grandchild", child, 500, []*wire.Tx{child, grand}, []Parent{{Relative: alone}}, false},
		{"version 2 child", chained(2, 500, p3), 500, []*wire.Tx{p3}, nil, false},
		{"version 3 child of version 2", chained(3, 500, p2), 500, []*wire.Tx{p2}, nil, false},
		{"the parent itself", p3, 9000, []*wire.Tx{p3, child}, nil, true},
		{"two parents", chained(3, 500, p3, chained(3, 999)), 500, []*wire.Tx{p3, chained(3, 999)}, nil, false},
	} {
		if err := CheckPackageTRUC(c.tx, c.vsize, c.pkg, c.parents); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
