package ledger

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"starling/wire"
)

// maturity is that of the tests' network.
const maturity = 10

// newLedger makes a ledger whose scripts begin with 'm'.
func newLedger() *Ledger {
	return New(Rules{CoinbaseMaturity: maturity}, func(script []byte) bool { return script[0] == 'm' })
}

// out is an output of a transaction: to "m…" it is the wallet's.
type out struct {
	value int64
	to    string
}

// spend makes a transaction that spends outpoints; none makes a reward.
func spend(from []wire.OutPoint, outs ...out) *wire.Tx {
	in := []wire.TxIn{{PrevOut: wire.OutPoint{Index: wire.NullIndex}, Script: []byte{1, 1}}}
	if len(from) > 0 {
		in = nil
	}
	for _, op := range from {
		in = append(in, wire.TxIn{PrevOut: op, Sequence: 0xfffffffd})
	}
	var to []wire.TxOut
	for _, o := range outs {
		to = append(to, wire.TxOut{Value: o.value, Script: []byte(o.to)})
	}
	return wire.NewTx(2, in, to, 0)
}

// from names outputs of a transaction.
func from(tx *wire.Tx, index ...uint32) (ops []wire.OutPoint) {
	for _, i := range index {
		ops = append(ops, wire.OutPoint{Hash: tx.TxID(), Index: i})
	}
	return ops
}

// foreign names an output that the wallet never hears of.
func foreign(n byte) []wire.OutPoint { return []wire.OutPoint{{Hash: wire.Hash{0xff, n}}} }

// block returns the place of a transaction in the block at a height.
func block(height int32) Place {
	return Place{Block: wire.Hash{byte(height), 1}, Height: height, Index: 1, Time: 1000 + int64(height)}
}

func wantStatus(t *testing.T, l *Ledger, want map[*wire.Tx]Status) {
	t.Helper()
	for tx, s := range want {
		if r := l.Get(tx.TxID()); r == nil || r.Status != s {
			t.Errorf("%s: %+v, want status %d", tx.TxID(), r, s)
		}
	}
}

func wantBalance(t *testing.T, l *Ledger, tip int32, want Balance) {
	t.Helper()
	if got := l.Balance(tip); got != want {
		t.Errorf("balance %+v, want %+v", got, want)
	}
}

// TestPayment follows a payment to the wallet from the pool into a block, out of
// it, and what the wallet makes of it.
func TestPayment(t *testing.T) {
	l := newLedger()
	got := spend(foreign(1), out{50, "m1"}, out{7, "x"})
	if news, retry := l.PoolAdded(got, 5); !news || retry {
		t.Errorf("news %v, retry %v", news, retry)
	}
	if news, _ := l.PoolAdded(spend(foreign(2), out{1, "x"}), 5); news || l.Len() != 1 {
		t.Error("somebody else's transaction was taken in")
	}
	wantBalance(t, l, 9, Balance{Pending: 50})
	if !l.Connect(got, block(10), 2000) {
		t.Error("not ours in a block")
	}
	wantBalance(t, l, 10, Balance{Trusted: 50})
	r := l.Get(got.TxID())
	if r.InPool || r.Depth(12) != 3 || r.Time != 5 || l.Trusted(r) != true || l.Credit(r) != 50 {
		t.Errorf("%+v, at depth %d", r, r.Depth(12))
	}
	change := spend(from(got, 0), out{20, "x"}, out{29, "m2"})
	p := l.Pay(change, 6, Note{Comment: "rent"}, nil)
	if sum, all := l.Debit(p); sum != 50 || !all || !l.Spent(from(got, 0)[0]) || l.SpentBut(from(got, 0)[0], p) {
		t.Errorf("debit %d, all %v", sum, all)
	}
	wantBalance(t, l, 10, Balance{})
	l.PoolTaken(p)
	wantBalance(t, l, 10, Balance{Trusted: 29})
	l.Disconnect(block(10).Block)
	l.PoolAdded(got, 7)
	wantBalance(t, l, 9, Balance{Pending: 29}) // as it stands on what others made
	if u := l.Unspent(); len(u) != 1 || u[0].Value != 29 || u[0].OutPoint != from(change, 1)[0] {
		t.Errorf("unspent: %+v", u)
	}
}

// TestConflict has a block hold a transaction that takes what another of the
// wallet's spends.
func TestConflict(t *testing.T) {
	for name, rival := range map[string]*wire.Tx{
		"the wallet's": spend(foreign(1), out{40, "m3"}),
		"another's":    spend(foreign(1), out{40, "x"}),
	} {
		t.Run(name, func(t *testing.T) {
			l := newLedger()
			first := spend(foreign(1), out{50, "m1"})
			child := spend(from(first, 0), out{49, "m2"})
			for _, tx := range []*wire.Tx{first, child} {
				l.PoolAdded(tx, 1)
			}
			ours := rival.Out[0].Script[0] == 'm'
			if l.Connect(rival, block(10), 1) != ours {
				t.Error("whose it is")
			}
			wantStatus(t, l, map[*wire.Tx]Status{first: Conflicted, child: Conflicted})
			if d := l.Get(child.TxID()).Depth(11); d != -2 {
				t.Errorf("depth %d", d)
			}
			var want []wire.Hash
			if ours {
				want = []wire.Hash{rival.TxID()}
			}
			if got := l.Conflicts(l.Get(first.TxID())); !slices.Equal(got, want) {
				t.Errorf("conflicts: %v", got)
			}
			l.Disconnect(block(10).Block)
			wantStatus(t, l, map[*wire.Tx]Status{first: Unconfirmed, child: Unconfirmed})
		})
	}
}

// TestReward has the block of a reward leave the chain and come back.
func TestReward(t *testing.T) {
	l := newLedger()
	reward := spend(nil, out{50, "m1"})
	pay := spend(from(reward, 0), out{49, "m2"})
	l.Connect(reward, block(10), 1)
	r := l.Get(reward.TxID())
	for tip, missing := range map[int32]int32{10: maturity, 19: 1, 20: 0, 30: 0} {
		if got := l.Matures(r, tip); got != missing {
			t.Errorf("at %d: %d blocks missing, want %d", tip, got, missing)
		}
	}
	wantBalance(t, l, 19, Balance{Immature: 50})
	wantBalance(t, l, 20, Balance{Trusted: 50})
	l.Connect(pay, block(20), 1)
	l.Disconnect(block(20).Block)
	wantStatus(t, l, map[*wire.Tx]Status{reward: Confirmed, pay: Unconfirmed})
	l.Disconnect(block(10).Block)
	wantStatus(t, l, map[*wire.Tx]Status{reward: Orphaned, pay: Orphaned})
	wantBalance(t, l, 9, Balance{})
	l.Connect(reward, block(10), 1)
	wantStatus(t, l, map[*wire.Tx]Status{reward: Confirmed, pay: Unconfirmed})
}

// TestRebase starts on a chain that has left some blocks.
func TestRebase(t *testing.T) {
	l := newLedger()
	kept, lost := spend(foreign(1), out{1, "m1"}), spend(foreign(2), out{2, "m2"})
	l.Connect(kept, block(10), 1)
	l.Connect(lost, block(11), 1)
	l.Rebase(func(h wire.Hash) bool { return h == block(10).Block })
	wantStatus(t, l, map[*wire.Tx]Status{kept: Confirmed, lost: Unconfirmed})
}

// TestPool has payments wait for others, and stand behind others.
func TestPool(t *testing.T) {
	l := newLedger()
	parent := spend(foreign(1), out{50, "m1"})
	l.PoolAdded(parent, 1)
	child := l.Pay(spend(from(parent, 0), out{49, "x"}), 2, Note{}, nil)
	ids := func() (ids []wire.Hash) {
		for _, r := range l.Unsent() {
			ids = append(ids, r.ID)
		}
		return ids
	}
	if got := ids(); !slices.Equal(got, []wire.Hash{child.ID}) {
		t.Errorf("to be handed in: %v", got)
	}
	if l.PoolRemoved(parent) {
		t.Error("nothing else spends the same")
	}
	if _, retry := l.PoolAdded(parent, 3); !retry {
		t.Error("the child waits for its parent")
	}
	// Somebody else's takes the place of the parent.
	rival := spend(foreign(1), out{48, "x"})
	l.PoolRemoved(parent)
	l.PoolAdded(rival, 4)
	if got := ids(); got != nil {
		t.Errorf("to be handed in against a rival: %v", got)
	}
	if got := slices.Collect(l.PoolRivals(child)); !slices.Equal(got, []wire.Hash{rival.TxID()}) {
		t.Errorf("rivals: %v", got)
	}
	if !l.PoolRemoved(rival) {
		t.Error("the parent may be handed in again")
	}
	if got := ids(); !slices.Equal(got, []wire.Hash{l.Get(parent.TxID()).ID, child.ID}) {
		t.Errorf("to be handed in: %v", got)
	}
	l.PoolAdded(rival, 5)
	l.ForgetPool()
	if got := ids(); len(got) != 2 {
		t.Errorf("to be handed in when nothing is known of the pool: %v", got)
	}
}

// TestWithdraw has the node refuse the replacement of a payment: nothing of it
// may remain.
func TestWithdraw(t *testing.T) {
	l := newLedger()
	got := spend(foreign(1), out{50, "m1"}, out{60, "m2"})
	l.Connect(got, block(10), 1)
	old := l.Pay(spend(from(got, 0), out{40, "x"}, out{9, "m3"}), 2, Note{}, nil)
	for _, c := range []struct {
		op   wire.OutPoint
		keep bool
	}{{from(got, 1)[0], true}, {wire.OutPoint{Index: 7}, false}} {
		if l.Freeze(c.op, c.keep) != c.keep {
			t.Errorf("%v: something to write?", c)
		}
	}
	frozen := l.Frozen()
	l.Saved()
	p := l.Pay(spend(append(from(got, 0, 1), wire.OutPoint{Index: 7}), out{70, "x"}), 3, Note{}, old)
	if old.ReplacedBy != p.ID || p.Replaces != old.ID || len(l.Frozen()) != 0 {
		t.Errorf("replaced by %s, frozen %v", old.ReplacedBy, l.Frozen())
	}
	if c := l.Changes(); len(c.Records) != 2 || !slices.Equal(c.Thawed, from(got, 1)) {
		t.Errorf("to be written: %+v", c)
	}
	if !l.Withdraw(p) || l.Get(p.ID) != nil || (old.ReplacedBy != wire.Hash{}) || !slices.Equal(l.Frozen(), frozen) {
		t.Errorf("replaced by %s, frozen %v", old.ReplacedBy, l.Frozen())
	}
	if c := l.Changes(); !slices.Equal(c.Removed, []wire.Hash{p.ID}) || !slices.Equal(c.Frozen, from(got, 1)) || c.Thawed != nil {
		t.Errorf("to be written: %+v", c)
	}
	l.PoolAdded(p.Tx, 3) // others had it already
	if c := l.Changes(); c.Removed != nil || l.Get(p.ID) == nil {
		t.Errorf("to be written: %+v", c)
	}
	l.Withdraw(l.Get(p.ID))
	if l.SpentBut(from(got, 0)[0], old) || l.Spent(from(got, 1)[0]) {
		t.Error("it still spends")
	}
	if !l.Thaw(from(got, 1)[0]) || l.IsFrozen(from(got, 1)[0]) {
		t.Error("not thawed")
	}
	l.Connect(old.Tx, block(11), 4)
	if l.Withdraw(old) {
		t.Error("it is in a block")
	}
}

// TestAbandon gives payments up that the pool does not have.
func TestAbandon(t *testing.T) {
	l := newLedger()
	got := spend(foreign(1), out{50, "m1"})
	l.Connect(got, block(10), 1)
	p := l.Pay(spend(from(got, 0), out{49, "m2"}), 2, Note{}, nil)
	child := l.Pay(spend(from(p.Tx, 0), out{48, "x"}), 3, Note{}, nil)
	if !l.BuiltOn(p) || l.BuiltOn(child) {
		t.Error("what builds on what?")
	}
	l.PoolTaken(child)
	if l.Abandon(p) || l.Abandon(l.Get(got.TxID())) {
		t.Error("gave up what the node has")
	}
	l.PoolRemoved(child.Tx)
	if !l.Abandon(p) || l.BuiltOn(p) {
		t.Error("not given up")
	}
	wantStatus(t, l, map[*wire.Tx]Status{p.Tx: Abandoned, child.Tx: Abandoned})
	wantBalance(t, l, 10, Balance{Trusted: 50})
	l.PoolAdded(p.Tx, 4)
	wantStatus(t, l, map[*wire.Tx]Status{p.Tx: Unconfirmed, child.Tx: Abandoned})
}

// TestReclaim learns later that a script is the wallet's.
func TestReclaim(t *testing.T) {
	more := false
	l := New(Rules{}, func(script []byte) bool { return script[0] == 'm' || more })
	tx := spend(foreign(1), out{5, "m1"}, out{6, "later"})
	l.Connect(tx, block(1), 1)
	more = true
	l.Reclaim()
	wantBalance(t, l, 1, Balance{Trusted: 11})
	o, ok := l.Output(from(tx, 1)[0])
	if diff := cmp.Diff("later", string(o.Script)); !ok || diff != "" {
		t.Error(ok, diff)
	}
}
