package mempool

import (
	"context"
	"testing"

	"starling/script"
	"starling/wire"
)

// submit has the pool take a package and checks what is said of it as a whole.
func (w *world) submit(reason string, txs ...*wire.Tx) *PackageResult {
	w.t.Helper()
	r, err := w.pool.AddPackage(context.Background(), txs, AddOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	got := ""
	if r.Err != nil {
		got = r.Err.Reason
	}
	if got != reason {
		w.t.Errorf("package: %q (%v), want %q; %v", got, r.Err, reason, r.reasons())
	}
	for i := range r.Txs {
		t := &r.Txs[i]
		if t.Tx != txs[i] || (t.Err == nil) != (t.Status != StatusRejected) || (t.Err == nil) != (t.Entry != nil) {
			w.t.Errorf("result %d: %+v", i, t)
		}
	}
	return r
}

// reasons returns why each transaction was refused.
func (r *PackageResult) reasons() []string {
	var all []string
	for i := range r.Txs {
		s := ""
		if r.Txs[i].Err != nil {
			s = r.Txs[i].Err.Reason
		}
		all = append(all, s)
	}
	return all
}

func (w *world) reasons(r *PackageResult, want ...string) {
	w.t.Helper()
	for i, got := range r.reasons() {
		if got != want[i] {
			w.t.Errorf("transaction %d: %q, want %q", i, got, want[i])
		}
	}
}

func TestPackagePaysForParent(t *testing.T) {
	w := newWorld(t, 10, nil)
	parent := w.pay(0)
	child := spec{from: []coin{out(parent, 0)}, fee: 1000}.tx()
	w.refuse(parent, Reconsiderable, "min relay fee not met")
	w.refuse(child, InputsMissing, "bad-txns-inputs-missingorspent")
	r := w.submit("", parent, child)
	w.holds(parent, child)
	for i := range r.Txs {
		x := &r.Txs[i]
		if x.Status != StatusAccepted || len(x.EffectiveWith) != 2 || x.EffectiveRate != FeeRate(1000*1000/(parent.VSize()+child.VSize())) {
			t.Errorf("%+v", x)
		}
	}
	if !w.pool.Get(child.TxID()).Packaged {
		t.Error("not marked")
	}
	r = w.submit("", parent, child)
	if r.Txs[0].Status != StatusInPool || r.Txs[1].Status != StatusInPool {
		t.Errorf("%+v", r.Txs)
	}
	if cs := w.pool.Cluster(child.TxID()); len(cs) != 1 || len(cs[0].Entries) != 2 {
		t.Errorf("chunks %v", cs)
	}
}

func TestPackageParts(t *testing.T) {
	w := newWorld(t, 20, nil)
	// A parent that can pay for itself comes alone, and its fee is used once.
	rich, poor := w.pay(100_000), w.pay(0)
	child := spec{from: []coin{out(rich, 0), out(poor, 0)}, fee: 5}.tx()
	r := w.submit("transaction failed", rich, poor, child)
	w.reasons(r, "", "min relay fee not met", "min relay fee not met")
	w.holds(rich)

	// A transaction that is bad for another reason stops the package.
	bad := spec{from: []coin{w.coin()}, fee: 1000, lock: 1 << 20}.tx()
	child = spec{from: []coin{out(poor, 0), out(bad, 0)}, fee: 5000}.tx()
	r = w.submit("transaction failed", poor, bad, child)
	w.reasons(r, "min relay fee not met", "non-final", "bad-txns-inputs-missingorspent")
	w.holds(rich)
}

// TestPackageChildAlone has a parent pay for itself and a child that does not.
func TestPackageChildAlone(t *testing.T) {
	w := newWorld(t, 5, nil)
	parent := w.pay(1000)
	child := spec{from: []coin{out(parent, 0)}}.tx()
	r := w.submit("transaction failed", parent, child)
	w.reasons(r, "", "min relay fee not met")
	w.holds(parent)
	// The parent is there already when its child comes again, with a fee.
	r = w.submit("", parent, spec{from: []coin{out(parent, 0)}, fee: 500}.tx())
	if r.Txs[0].Status != StatusInPool || r.Txs[1].Status != StatusAccepted {
		t.Errorf("%+v", r.Txs)
	}
}

// TestPackageFull has a package come into a pool that is full of better ones.
func TestPackageFull(t *testing.T) {
	const pad = 45_000
	w := newWorld(t, 150, func(c *Config) { c.MaxBytes = MinMaxBytes })
	for w.pool.Info().Usage+2*pad < MinMaxBytes {
		w.add(spec{from: []coin{w.coin()}, fee: 500_000, pad: pad}.tx())
	}
	parent := spec{from: []coin{w.coin()}, pad: pad}.tx()
	child := spec{from: []coin{out(parent, 0)}, fee: 100_000, pad: pad}.tx()
	r := w.submit("transaction failed", parent, child)
	w.reasons(r, "mempool full", "mempool full")
	w.check()
	if floor := w.pool.MinFee(); floor < 1100 || floor > 1300 {
		t.Errorf("floor %d", floor)
	}
	r = w.submit("transaction failed", parent, child)
	w.reasons(r, "mempool min fee not met", "mempool min fee not met")
}

func TestPackageForms(t *testing.T) {
	w := newWorld(t, 10, nil)
	a, b := w.pay(0), w.pay(0)
	child := spec{from: []coin{out(a, 0)}, fee: 1000}.tx()
	r := w.submit("package-not-child-with-parents", a, b, child)
	w.reasons(r, "package-not-validated", "package-not-validated", "package-not-validated")
	w.submit("package-not-sorted", child, a)
	w.submit("package-contains-duplicates", a, a)
	w.holds()
	single := w.pay(500)
	w.submit("", single)
	w.holds(single)
	w.submit("transaction failed", w.pay(0))
	// Parents that depend on each other are Core's RPC to refuse; the pool can
	// take them.
	mid := spec{from: []coin{out(a, 0)}, outs: 2}.tx()
	last := spec{from: []coin{out(mid, 0), out(b, 0)}, fee: 2000}.tx()
	w.submit("package-not-child-with-parents", a, mid, last)
}

func TestPackageReplaces(t *testing.T) {
	w := newWorld(t, 20, nil)
	c := w.coin()
	old := spec{version: 3, from: []coin{c}, fee: 1000}.tx()
	w.add(old)
	parent := spec{version: 3, from: []coin{c}}.tx()
	cheap := spec{version: 3, from: []coin{out(parent, 0)}, fee: 900}.tx()
	r := w.submit("package RBF failed: insufficient anti-DoS fees", parent, cheap)
	w.reasons(r, "min relay fee not met", "bad-txns-inputs-missingorspent")
	w.holds(old)
	child := spec{version: 3, from: []coin{out(parent, 0)}, fee: 5000}.tx()
	r = w.submit("", parent, child)
	if len(r.Replaced) != 1 || r.Replaced[0].TxID != old.TxID() {
		t.Errorf("replaced %v", r.Replaced)
	}
	w.holds(parent, child)

	// The package must be alone.
	other := w.pay(1000)
	w.add(other)
	p2 := spec{from: []coin{c}}.tx()
	c2 := spec{from: []coin{out(p2, 0), out(other, 0)}, fee: 90_000}.tx()
	w.submit("package RBF failed: new transaction cannot have mempool ancestors", p2, c2)
	p3 := w.pay(0)
	c3 := spec{from: []coin{out(p2, 0), out(p3, 0)}, fee: 90_000}.tx()
	w.submit("package RBF failed: package must be 1-parent-1-child", p2, p3, c3)
	w.holds(parent, child, other)

	// The child must pay for the parent, not only for what leaves.
	mid := spec{from: []coin{c}, fee: 100}.tx()
	w.submit("package RBF failed: package feerate is less than or equal to parent feerate",
		mid, spec{from: []coin{out(mid, 0)}, fee: 20_000, pad: 40_000}.tx())
	mid = spec{from: []coin{c}}.tx()
	w.submit("package RBF failed: insufficient feerate: does not improve feerate diagram",
		mid, spec{from: []coin{out(mid, 0)}, fee: 20_000, pad: 40_000}.tx())
	w.holds(parent, child, other)
}

var anchor = script.PayToWitness(1, []byte{0x4e, 0x73})

// TestEphemeralDust has a parent without fee leave one dust output, which its
// child must spend.
func TestEphemeralDust(t *testing.T) {
	w := newWorld(t, 10, nil)
	parent := spec{version: 3, from: []coin{w.coin()}, extra: []wire.TxOut{{Script: anchor}}}.tx()
	spendBoth := func(fee int64) *wire.Tx {
		return wire.NewTx(3, []wire.TxIn{{PrevOut: out(parent, 0).op, Script: push(redeem)}, {PrevOut: out(parent, 1).op}},
			[]wire.TxOut{{Value: fundValue - fee, Script: anyone}}, 0)
	}
	leave := spec{version: 3, from: []coin{out(parent, 0)}, fee: 1000}.tx()
	r := w.submit("unspent-dust", parent, leave)
	w.reasons(r, "min relay fee not met", "missing-ephemeral-spends")
	w.holds()
	child := spendBoth(1000)
	w.submit("", parent, child)
	w.holds(parent, child)
	// A child in place of the first must spend the dust as well.
	w.refuse(spec{version: 3, from: []coin{out(parent, 0)}, fee: 5000}.tx(), Policy, "missing-ephemeral-spends")
	better := spendBoth(5000)
	w.add(better)
	w.holds(parent, better)
	// Dust keeps a parent from paying, even by prioritisation.
	p2 := spec{version: 3, from: []coin{w.coin()}, extra: []wire.TxOut{{Script: anchor}}}.tx()
	w.pool.Prioritise(p2.TxID(), 5000)
	w.refuse(p2, NotStandard, "dust")
}

func TestTRUC(t *testing.T) {
	w := newWorld(t, 20, nil)
	parent := spec{version: 3, from: []coin{w.coin()}, fee: 500, outs: 3}.tx()
	w.add(parent)
	w.refuse(spec{version: 2, from: []coin{out(parent, 0)}, fee: 1000}.tx(), Policy, "TRUC-violation")
	w.refuse(spec{version: 3, from: []coin{out(parent, 0)}, fee: 5000, pad: 1000}.tx(), Policy, "TRUC-violation")
	child := spec{version: 3, from: []coin{out(parent, 0)}, fee: 1000}.tx()
	w.add(child)
	w.refuse(spec{version: 3, from: []coin{out(child, 0)}, fee: 1000}.tx(), Policy, "TRUC-violation")
	// The other child's place can be bought.
	w.refuse(spec{version: 3, from: []coin{out(parent, 1)}, fee: 1005}.tx(), Reconsiderable, "insufficient fee (including sibling eviction)")
	sibling := spec{version: 3, from: []coin{out(parent, 1)}, fee: 1100}.tx()
	a := w.add(sibling)
	if len(a.Replaced) != 1 || a.Replaced[0].TxID != child.TxID() {
		t.Error("the sibling stayed")
	}
	w.holds(parent, sibling)
	// But not in a list that is tested, nor in a package.
	r, err := w.pool.Test(t.Context(), []*wire.Tx{spec{version: 3, from: []coin{out(parent, 0)}, fee: 9000}.tx(), w.pay(100)}, 0)
	if err != nil || r[0].Err == nil || r[0].Err.Reason != "TRUC-violation" {
		t.Errorf("%+v %v", r[0], err)
	}
	v2 := w.pay(1000)
	w.add(v2)
	w.refuse(spec{version: 3, from: []coin{out(v2, 0)}, fee: 1000}.tx(), Policy, "TRUC-violation")
	w.refuse(spec{version: 3, from: []coin{w.coin()}, fee: 50_000, pad: 10_000}.tx(), Policy, "TRUC-violation")

	p0 := spec{version: 3, from: []coin{w.coin()}, outs: 2}.tx()
	big := spec{version: 3, from: []coin{out(p0, 0)}, fee: 5000, pad: 1000}.tx()
	res := w.submit("TRUC-violation", p0, big)
	w.reasons(res, "min relay fee not met", "bad-txns-inputs-missingorspent")
}

// noInputs is said of what spends an output that nobody knows.
const noInputs = "bad-txns-inputs-missingorspent"

func TestTestLists(t *testing.T) {
	w := newWorld(t, 10, nil)
	a := w.pay(1000)
	b := spec{from: []coin{out(a, 0)}, fee: 1000}.tx()
	c := spec{from: []coin{out(b, 0)}, fee: 0}.tx()
	r, err := w.pool.Test(t.Context(), []*wire.Tx{a, b}, 0)
	if err != nil || r[0].Err != nil || r[1].Err != nil || r[1].Fee != 1000 || r[1].VSize != int64(b.VSize()) {
		t.Errorf("%+v %v", r, err)
	}
	// Each pays for itself here, and has an answer of its own.
	cheap := spec{from: []coin{w.coin()}, fee: 1}.tx()
	child := spec{from: []coin{out(cheap, 0)}, fee: 1000}.tx()
	nowhere := spec{from: []coin{{wire.OutPoint{Hash: wire.Hash{1}}, 5000}}, fee: 1000}.tx()
	r, err = w.pool.Test(t.Context(), []*wire.Tx{cheap, a, nowhere, b, child, c}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"min relay fee not met", "", noInputs, "", noInputs, "min relay fee not met"} {
		got := ""
		if r[i].Err != nil {
			got = r[i].Err.Reason
		}
		if got != want || (r[i].Fee == 1000) != (want == "") {
			t.Errorf("%d: %q, fee %d; want %q", i, got, r[i].Fee, want)
		}
	}
	r, err = w.pool.Test(t.Context(), []*wire.Tx{b, a}, 0)
	if err != nil || r[0].PackageErr == nil || r[0].PackageErr.Reason != "package-not-sorted" || r[1].PackageErr == nil {
		t.Errorf("%+v %v", r, err)
	}
	w.holds()
}
