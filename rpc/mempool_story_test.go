package rpc

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"starling/mempool"
	"starling/rpc/jsonrpc"
	"starling/wire"
)

// packaged is the answer of submitpackage.
type packaged struct {
	Message string `json:"package_msg"`
	Txs     map[string]struct {
		TxID  string
		VSize int
		Other string `json:"other-wtxid"`
		Fees  struct {
			Base      float64
			Effective float64  `json:"effective-feerate"`
			Includes  []string `json:"effective-includes"`
		}
		Error string
	} `json:"tx-results"`
	Replaced []string `json:"replaced-transactions"`
}

func (w *walletNode) submit(txs ...*wire.Tx) packaged {
	w.t.Helper()
	var raw []string
	for _, tx := range txs {
		raw = append(raw, hexOf(tx))
	}
	r := get[packaged](w.testNode, "submitpackage", raw)
	for _, tx := range txs {
		if r.Txs[tx.WTxID().String()].TxID != tx.TxID().String() {
			w.t.Errorf("no result for %v: %+v", tx.TxID(), r)
		}
	}
	return r
}

// refused checks what sendrawtransaction says to a transaction.
func (w *walletNode) refused(tx *wire.Tx, reason string) {
	w.t.Helper()
	_, err := w.call("sendrawtransaction", hexOf(tx), 0)
	if err == nil || !strings.Contains(err.Error(), reason) {
		w.t.Errorf("%v, want %q", err, reason)
	}
}

// TestStoryReplacement bumps the fee of a payment whose receiver has spent it
// already, cancels it, and fails where it would make the mempool worth less.
func TestStoryReplacement(t *testing.T) {
	w := newWalletNode(t, 2, mempool.Config{})
	a, b := w.take(), w.take()
	first := pay(a, 1000)
	child := pay(coinOf(first, 0), 3000)
	w.send(first)
	w.send(child)

	w.refused(pay(a, 1500), "insufficient fee") // more per size, but less than both
	w.refused(pay(a, 4005), "insufficient fee") // does not pay for its own relay
	bumped := pay(a, 5000)
	if got := get[[]accepted](w.testNode, "testmempoolaccept", []string{hexOf(bumped)})[0]; got.verdict() != "allowed" {
		t.Errorf("%+v", got)
	}
	w.send(bumped)
	w.pool(bumped)
	w.refused(child, "bad-txns-inputs-missingorspent")

	// A large one that pays more in all, but less for its size, helps no miner.
	outs := make([]int64, 40)
	for i := range outs {
		outs[i] = (a.value - 9000) / 40
	}
	w.refused(spend(2, []coin{a}, outs...), "insufficient feerate: does not improve feerate diagram")

	// Together with another coin it goes back to its owner.
	cancel := spend(2, []coin{a, b}, a.value+b.value-12_000)
	w.send(cancel)
	w.pool(cancel)
	w.want(`[{"txid":"`+a.op.Hash.String()+`","vout":0,"spendingtxid":"`+cancel.TxID().String()+`"}]`,
		"gettxspendingprevout", []any{map[string]any{"txid": a.op.Hash.String(), "vout": 0}})
	w.mine(1)
	w.pool()
	w.refused(bumped, "bad-txns-inputs-missingorspent")
}

// TestStoryPackage lets children pay for parents that pay nothing.
func TestStoryPackage(t *testing.T) {
	w := newWalletNode(t, 5, mempool.Config{})

	// Version 3, with an output that anyone can spend to add a fee.
	c := w.take()
	parent := spendTo(3, []coin{c}, wire.TxOut{Value: c.value, Script: anyone}, wire.TxOut{Value: 0, Script: anchor})
	w.refused(parent, "min relay fee not met")
	fee := w.take()
	child := func(pays int64) *wire.Tx {
		tx := spend(3, []coin{coinOf(parent, 1), fee}, fee.value-pays)
		ins := tx.In
		ins[0].Witness = wire.NewWitness() // the anchor takes none
		return wire.NewTx(3, ins, tx.Out, 0)
	}
	if r := w.submit(parent, child(1)); r.Message != "transaction failed" {
		t.Errorf("a child that pays too little: %+v", r)
	}
	w.pool()
	first := child(2000)
	r := w.submit(parent, first)
	p := r.Txs[parent.WTxID().String()]
	if r.Message != "success" || len(p.Fees.Includes) != 2 || p.Fees.Base != 0 || p.Fees.Effective <= 0 {
		t.Errorf("%+v", r)
	}
	w.pool(parent, first)

	// Again, with a better child; the parent is there.
	second := child(9000)
	r = w.submit(parent, second)
	if r.Message != "success" || len(r.Replaced) != 1 || r.Replaced[0] != first.TxID().String() {
		t.Errorf("replaced: %+v", r)
	}
	w.pool(parent, second)

	// The same child with another witness is the same child.
	if r := w.submit(parent, second); r.Message != "success" || r.Txs[second.WTxID().String()].Fees.Base != 0.00009 {
		t.Errorf("again: %+v", r)
	}

	// Version 2 works as well; a grandchild does not belong.
	d := w.take()
	free := spend(2, []coin{d}, d.value)
	pays := spend(2, []coin{coinOf(free, 0), w.take()}, d.value)
	grandchild := pay(coinOf(pays, 0), 1000)
	w.fails(jsonrpc.CodeVerify, "package topology disallowed. not child-with-parents or parents depend on each other.",
		"submitpackage", []string{hexOf(free), hexOf(pays), hexOf(grandchild)})
	if r := w.submit(free, pays); r.Message != "success" {
		t.Errorf("%+v", r)
	}
	w.pool(parent, second, free, pays)
	w.fails(jsonrpc.CodeVerify, "Unspendable output exceeds maximum configured by user (maxburnamount)", "submitpackage",
		[]string{hexOf(spendTo(2, []coin{w.take()}, wire.TxOut{Value: 5000, Script: []byte{0x6a}}))})
	w.mine(1)
	w.pool()
	w.want("null", "gettxout", fee.op.Hash.String(), fee.op.Index)
}

// TestStoryEviction fills the mempool: those that pay least leave, the floor
// rises, and falls again.
func TestStoryEviction(t *testing.T) {
	const limit = 5_000_000
	w := newWalletNode(t, 70, mempool.Config{MaxBytes: limit})
	data := append([]byte{0x6a, 0x4e, 0x80, 0x38, 0x01, 0}, make([]byte, 80_000)...) // OP_RETURN with 80,000 bytes
	large := func(fee int64) *wire.Tx {
		c := w.take()
		return spendTo(2, []coin{c}, wire.TxOut{Value: c.value - fee, Script: anyone}, wire.TxOut{Script: data})
	}
	info := func() (r struct {
		Size, Usage, MaxMempool int
		MinFee                  float64 `json:"mempoolminfee"`
	}) {
		r = get[struct {
			Size, Usage, MaxMempool int
			MinFee                  float64 `json:"mempoolminfee"`
		}](w.testNode, "getmempoolinfo")
		return r
	}
	cheap := pay(w.take(), 10) // just above the least fee
	w.send(cheap)
	var sent []*wire.Tx
	for fee := int64(10_000); info().MinFee == 0.000001; fee += 1000 {
		tx := large(fee)
		w.send(tx)
		sent = append(sent, tx)
	}
	i := info()
	if i.Usage > limit || i.MaxMempool != limit || i.Size > len(sent) || i.Size < len(sent)-3 {
		t.Errorf("after %d transactions: %+v", len(sent), i)
	}
	w.fails(jsonrpc.CodeInvalidAddress, "Transaction not in mempool", "getmempoolentry", cheap.TxID().String())
	w.fails(jsonrpc.CodeInvalidAddress, "Transaction not in mempool", "getmempoolentry", sent[0].TxID().String())
	w.refused(cheap, "mempool min fee not met")
	w.refused(large(9000), "mempool min fee not met")
	w.send(pay(w.take(), 1000))

	// The floor falls by half in each of half-lives once a block has made room.
	w.mine(1)
	w.clk.Set(time.Unix(2_000_000_000, 0).Add(7 * 24 * time.Hour))
	if i := info(); i.MinFee != 0.000001 {
		t.Errorf("a week later: %+v", i)
	}
	w.send(cheap)
}

// TestStoryExpiry lets a transaction wait too long.
func TestStoryExpiry(t *testing.T) {
	w := newWalletNode(t, 2, mempool.Config{Expiry: 3 * time.Hour})
	old := pay(w.take(), 1000)
	child := pay(coinOf(old, 0), 1000)
	w.send(old)
	get[any](w.testNode, "setmocktime", 2_000_000_000+7000)
	w.send(child)
	young := pay(w.take(), 1000)
	w.send(young)
	get[any](w.testNode, "setmocktime", 2_000_000_000+3*3600-1)
	w.pool(old, child, young)
	get[any](w.testNode, "setmocktime", 2_000_000_000+3*3600+60*60)
	w.await(func(p *mempool.Pool) bool { return p.Len() == 1 })
	w.pool(young) // what depended on the old one is gone as well
}

// TestStoryReorganisation takes blocks back: their transactions wait again,
// behind each other as before, until another block confirms them or something
// that they contradict.
func TestStoryReorganisation(t *testing.T) {
	w := newWalletNode(t, 3, mempool.Config{})
	a, b := w.take(), w.take()
	first := pay(a, 1000)
	w.send(first)
	block1 := w.mine(1)[0]
	second := pay(coinOf(first, 0), 1000)
	w.send(second)
	block2 := w.mine(1)[0]
	third := pay(coinOf(second, 0), 1000)
	other := pay(b, 1000)
	w.send(third)
	w.send(other)
	w.pool(third, other)

	get[any](w.testNode, "invalidateblock", block2)
	w.pool(second, third, other)
	get[any](w.testNode, "invalidateblock", block1)
	w.pool(first, second, third, other)
	w.want(`["`+first.TxID().String()+`","`+second.TxID().String()+`"]`, "getmempoolancestors", third.TxID().String())
	if tx := get[map[string]any](w.testNode, "getrawtransaction", first.TxID().String(), 1); tx["blockhash"] != nil {
		t.Errorf("still confirmed: %v", tx)
	}

	// They are confirmed anew.
	get[any](w.testNode, "reconsiderblock", block2)
	w.pool(third, other)
	w.want(`"`+block2+`"`, "getbestblockhash")

	// A branch with a contradiction wins: whatever depends on it is gone.
	get[any](w.testNode, "invalidateblock", block1)
	double := pay(a, 50_000)
	r := get[map[string]string](w.testNode, "generateblock", "raw(51)", []string{hexOf(double)})
	w.want(`"`+r["hash"]+`"`, "getbestblockhash")
	w.pool(other)
	w.refused(first, "bad-txns-inputs-missingorspent")
	w.mine(2) // one more than the other branch has, which was first
	w.pool()
	if out := get[json.RawMessage](w.testNode, "gettxout", double.TxID().String(), 0); string(out) == "null" {
		t.Error("the winner is not there")
	}

	// What was built on a coinbase that is gone can not wait again.
	get[any](w.testNode, "reconsiderblock", block1)
	w.pool()
}
