package mempool

import (
	"strings"
	"testing"

	"starling/wire"
)

func TestReplace(t *testing.T) {
	w := newWorld(t, 20, nil)
	c := w.coin()
	first := spec{from: []coin{c}, fee: 1000, outs: 2}.tx()
	child := spec{from: []coin{out(first, 0)}, fee: 500}.tx()
	w.add(first)
	w.add(child)
	w.log.take()
	at := func(fee int64) *wire.Tx { return spec{from: []coin{c}, fee: fee}.tx() }
	w.refuse(at(1000), Reconsiderable, "insufficient fee") // less than both together
	w.refuse(at(1500), Reconsiderable, "insufficient fee") // nothing for its own relay
	w.refuse(at(1508), Reconsiderable, "insufficient fee") // 85 virtual bytes cost 9 satoshi
	w.holds(first, child)
	better := at(1509)
	a := w.add(better)
	if len(a.Replaced) != 2 || a.Replaced[0].TxID != first.TxID() || a.Replaced[1].TxID != child.TxID() {
		t.Errorf("replaced %v", a.Replaced)
	}
	if got := strings.Join(w.log.take(), " "); got != "replaced replaced add" {
		t.Error(got)
	}
	w.holds(better)
	w.refuse(first, Reconsiderable, "insufficient fee")
}

// TestReplaceByDiagram refuses a replacement that pays more but at a lower
// rate, so that miners would lose.
func TestReplaceByDiagram(t *testing.T) {
	w := newWorld(t, 5, nil)
	c := w.coin()
	small := spec{from: []coin{c}, fee: 5_000}.tx()
	w.add(small)
	large := spec{from: []coin{c}, fee: 20_000, pad: 10_000}.tx()
	rej := w.refuse(large, Reconsiderable, "replacement-failed")
	if rej.Detail != "insufficient feerate: does not improve feerate diagram" {
		t.Error(rej.Detail)
	}
	// The same fee at the same rate improves nothing either.
	w.pool.Prioritise(small.TxID(), 0)
	w.holds(small)
	w.add(spec{from: []coin{c}, fee: 700_000, pad: 10_000}.tx())
	w.check()
}

func TestReplaceSpendsConflict(t *testing.T) {
	w := newWorld(t, 5, nil)
	c := w.coin()
	first := spec{from: []coin{c}, fee: 1000}.tx()
	child := spec{from: []coin{out(first, 0)}, fee: 1000}.tx()
	w.add(first)
	w.add(child)
	w.refuse(spec{from: []coin{c, out(child, 0)}, fee: 50_000}.tx(), Consensus, "bad-txns-spends-conflicting-tx")
	w.holds(first, child)
}

func TestReplaceManyClusters(t *testing.T) {
	w := newWorld(t, 101, nil)
	var from []coin
	var all []*wire.Tx
	for range 101 {
		c := w.coin()
		from = append(from, c)
		tx := spec{from: []coin{c}, fee: 100}.tx()
		w.add(tx)
		all = append(all, tx)
	}
	w.refuse(spec{from: from, fee: 1_000_000}.tx(), Policy, "too many potential replacements")
	w.holds(all...)
	w.add(spec{from: from[:100], fee: 1_000_000}.tx())
	if w.pool.Len() != 2 {
		t.Error(w.pool.Len())
	}
	w.check()
}

// TestReplaceIgnoresSignals replaces a transaction that says it is final.
func TestReplaceIgnoresSignals(t *testing.T) {
	w := newWorld(t, 1, nil)
	c := w.coin()
	w.add(spec{from: []coin{c}, fee: 100, sequence: wire.SequenceFinal}.tx())
	tx := spec{from: []coin{c}, fee: 200, sequence: wire.SequenceFinal}.tx()
	w.add(tx)
	w.holds(tx)
}

func TestTestDoesNotReplaceInLists(t *testing.T) {
	w := newWorld(t, 2, nil)
	c := w.coin()
	w.add(spec{from: []coin{c}, fee: 100}.tx())
	better := spec{from: []coin{c}, fee: 1000}.tx()
	r, err := w.pool.Test(t.Context(), []*wire.Tx{better}, 0)
	if err != nil || r[0].Err != nil || r[0].Fee != 1000 {
		t.Errorf("%+v %v", r, err)
	}
	r, err = w.pool.Test(t.Context(), []*wire.Tx{better, w.pay(100)}, 0)
	if err != nil || r[0].Err == nil || r[0].Err.Reason != "bip125-replacement-disallowed" || r[1].Err != nil || r[1].Fee != 100 {
		t.Errorf("%+v %v", r, err)
	}
	if w.pool.Len() != 1 {
		t.Error("testing changed the pool")
	}
	w.check()
}

func TestClusterLimits(t *testing.T) {
	w := newWorld(t, 70, nil)
	var chain []*wire.Tx
	c := w.coin()
	for range MaxClusterCount {
		tx := spec{from: []coin{c}, fee: 1000}.tx()
		w.add(tx)
		chain = append(chain, tx)
		c = out(tx, 0)
	}
	w.refuse(spec{from: []coin{c}, fee: 1000}.tx(), Policy, "too-large-cluster")
	w.refuse(spec{from: []coin{c, w.coin()}, fee: 1_000}.tx(), Policy, "too-large-cluster")
	w.holds(chain...)

	// By size: two of 60,000 virtual bytes do not fit into one cluster.
	a := spec{from: []coin{w.coin()}, fee: 10_000, pad: 60_000}.tx()
	w.add(a)
	w.refuse(spec{from: []coin{out(a, 0)}, fee: 10_000, pad: 60_000}.tx(), Policy, "too-large-cluster")
	w.add(spec{from: []coin{out(a, 0)}, fee: 10_000, pad: 30_000}.tx())

	// A replacement makes room for itself.
	last := chain[len(chain)-1]
	swap := spec{from: []coin{out(chain[len(chain)-2], 0)}, fee: 5000}.tx()
	w.add(swap)
	if w.pool.Get(last.TxID()) != nil {
		t.Error("not replaced")
	}
	w.check()
	d, ok := w.pool.Details(swap.TxID())
	if !ok || d.AncestorCount != 64 || d.DescendantCount != 1 || d.AncestorFees != 63*1000+5000 || len(d.Parents) != 1 || len(d.Children) != 0 {
		t.Errorf("%+v", d)
	}
	if d, _ := w.pool.Details(chain[0].TxID()); d.DescendantCount != 64 || d.ChunkFee != 63*1000+5000 {
		t.Errorf("%+v", d)
	}
	if cs := w.pool.Cluster(swap.TxID()); len(cs) != 1 || len(cs[0].Entries) != 64 || cs[0].Fee != 68_000 {
		t.Errorf("%d chunks", len(cs))
	}
	if up, ok := w.pool.Ancestors(swap.TxID()); !ok || len(up) != 63 || up[0].TxID != chain[0].TxID() {
		t.Error(len(up))
	}
	if down, ok := w.pool.Descendants(chain[60].TxID()); !ok || len(down) != 3 || down[2].TxID != swap.TxID() {
		t.Error(len(down))
	}
}
