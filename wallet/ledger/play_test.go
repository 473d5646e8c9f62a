package ledger

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"starling/wire"
)

// disk holds what a wallet's file would.
type disk struct {
	records map[wire.Hash][]byte
	frozen  map[wire.OutPoint]bool
}

func (d *disk) save(l *Ledger) {
	c := l.Changes()
	for _, r := range c.Records {
		d.records[r.ID] = r.Append(nil)
	}
	for _, id := range c.Removed {
		delete(d.records, id)
	}
	for _, op := range c.Frozen {
		d.frozen[op] = true
	}
	for _, op := range c.Thawed {
		delete(d.frozen, op)
	}
	l.Saved()
}

func (d *disk) load(t *rapid.T) *Ledger {
	l := newLedger()
	for id, b := range d.records {
		r, err := ParseRecord(bytes.Clone(b))
		if err != nil || r.ID != id {
			t.Fatal(err)
		}
		l.Insert(r)
	}
	for op := range d.frozen {
		l.InsertFrozen(op)
	}
	l.Reclaim()
	return l
}

// describe writes all that a ledger knows, but for what is in the pool.
func describe(l *Ledger) (s string) {
	for _, r := range l.Sorted() {
		s += fmt.Sprintf("%s %x\n", r.ID, r.Append(nil))
	}
	for _, o := range l.Unspent() {
		s += fmt.Sprintf("%v %d\n", o.OutPoint, o.Value)
	}
	return s
}

// TestPlay plays at random with payments, replacements, blocks and their undoing.
// What is written after each step must make the same ledger again, and no
// output may be spent twice in the chain.
func TestPlay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := &disk{records: map[wire.Hash][]byte{}, frozen: map[wire.OutPoint]bool{}}
		l := newLedger()
		txs := []*wire.Tx{spend(nil, out{1000, "m0"}, out{1000, "x"}), spend(foreign(1), out{500, "m1"})}
		in := map[wire.Hash]Place{} // blocks of transactions
		height := int32(0)
		pick := func() *wire.Tx { return rapid.SampledFrom(txs).Draw(t, "tx") }
		t.Repeat(map[string]func(*rapid.T){
			"make": func(t *rapid.T) {
				p := pick()
				o := from(p, uint32(rapid.IntRange(0, len(p.Out)-1).Draw(t, "output")))
				to := rapid.SampledFrom([]string{"m", "x"}).Draw(t, "to")
				tx := spend(o, out{10, to}, out{int64(len(txs)), "m2"})
				txs = append(txs, tx)
				l.Pay(tx, int64(len(txs)), Note{}, nil)
			},
			"pool": func(t *rapid.T) { l.PoolAdded(pick(), 7) },
			"drop": func(t *rapid.T) { l.PoolRemoved(pick()) },
			"give up": func(t *rapid.T) {
				if r := l.Get(pick().TxID()); r != nil {
					l.Abandon(r)
				}
			},
			"withdraw": func(t *rapid.T) {
				if r := l.Get(pick().TxID()); r != nil && !l.BuiltOn(r) {
					l.Withdraw(r)
				}
			},
			"freeze": func(t *rapid.T) { l.Freeze(from(pick(), 0)[0], rapid.Bool().Draw(t, "keep")) },
			"thaw":   func(t *rapid.T) { l.Thaw(from(pick(), 0)[0]) },
			"connect": func(t *rapid.T) {
				tx := pick()
				for i := range tx.In {
					if r := l.Get(tx.In[i].PrevOut.Hash); r != nil && r.Status != Confirmed {
						return // a block would not be valid
					}
					for _, other := range l.spenders[tx.In[i].PrevOut] {
						if other.Status == Confirmed {
							return
						}
					}
				}
				if _, ok := in[tx.TxID()]; ok {
					return
				}
				height++
				in[tx.TxID()] = block(height)
				l.Connect(tx, block(height), 9)
			},
			"disconnect": func(t *rapid.T) {
				if height == 0 {
					return
				}
				l.Disconnect(block(height).Block)
				for id, p := range in {
					if p.Height == height {
						delete(in, id)
					}
				}
				height--
			},
			"": func(t *rapid.T) {
				d.save(l)
				again := d.load(t)
				for _, r := range l.Sorted() {
					if r.InPool {
						again.Get(r.ID).InPool = true
					}
				}
				for op, id := range l.taken {
					again.taken[op] = id
				}
				if a, b := describe(l), describe(again); a != b {
					t.Fatalf("after a restart:\n%swas:\n%s", b, a)
				}
				for op := range l.spenders {
					confirmed := func(r *Record) bool { return r.Status == Confirmed }
					if n := len(slices.DeleteFunc(slices.Clone(l.spenders[op]), func(r *Record) bool { return !confirmed(r) })); n > 1 {
						t.Fatalf("%v is spent %d times", op, n)
					}
				}
				for id := range in {
					if r := l.Get(id); r != nil && r.Status != Confirmed {
						t.Fatalf("%s is in a block, and has status %d", id, r.Status)
					}
				}
			},
		})
	})
}

// FuzzRecord reads arbitrary bytes as a record: no panic, and what decodes
// encodes to the same bytes.
func FuzzRecord(f *testing.F) {
	tx := spend(foreign(1), out{5, "m1"})
	r := &Record{Tx: tx, ID: tx.TxID(), Order: 3, Status: Confirmed, Height: 9, Index: 1, Time: 4, Comment: "rent", To: "bob"}
	f.Add(r.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := ParseRecord(bytes.Clone(b)); err == nil && !bytes.Equal(r.Append(nil), b) {
			t.Errorf("%x becomes %x", b, r.Append(nil))
		}
	})
}
