package mempool

import (
	"context"
	"testing"

	"starling/chain/chaintest"
	"starling/params"
	"starling/script"
	"starling/wire"
)

func TestAddAndMine(t *testing.T) {
	w := newWorld(t, 3, nil)
	a := w.pay(1000)
	child := spec{from: []coin{out(a, 0)}, fee: 500}.tx()
	other := w.pay(300)
	w.add(a)
	w.add(child)
	w.add(other)
	w.holds(a, child, other)
	w.refuse(a, Known, "txn-already-in-mempool")
	e := w.pool.Get(a.TxID())
	if e.Fee != 1000 || e.VSize != int64(a.VSize()) || e.Height != w.tip.Height || !e.Orphanless {
		t.Errorf("entry %+v", e)
	}
	if s, ok := w.pool.Spender(a.In[0].PrevOut); !ok || s != e {
		t.Error("the spender is not known")
	}
	if got := w.pool.Select(1e6, 1e5, 0); len(got) != 3 || got[0].TxID != a.TxID() || got[2].TxID != other.TxID() {
		t.Errorf("selected %d", len(got))
	}
	w.mine(a)
	w.holds(child, other)
	w.mine(child, other)
	w.holds()
	w.refuse(a, InputsMissing, "bad-txns-inputs-missingorspent") // it is spent: nothing tells it from an orphan
	last := w.pay(1000)
	w.mine(last)
	w.refuse(last, Known, "txn-already-known")
}

func TestMissing(t *testing.T) {
	w := newWorld(t, 2, nil)
	parent := w.pay(1000)
	nowhere := coin{wire.OutPoint{Hash: wire.Hash{1}}, 5000}
	tx := spec{from: []coin{w.coin(), out(parent, 0), nowhere}, fee: 1000}.tx()
	rej := w.refuse(tx, InputsMissing, "bad-txns-inputs-missingorspent")
	if len(rej.Missing) != 2 || rej.Missing[0] != out(parent, 0).op || rej.Missing[1] != nowhere.op {
		t.Errorf("missing %v", rej.Missing)
	}
	w.holds()
}

func TestCancelled(t *testing.T) {
	w := newWorld(t, 1, nil)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := w.pool.Add(ctx, w.pay(1000), AddOptions{}); err != context.Canceled {
		t.Errorf("err %v", err)
	}
}

// TestGenesisSpendable spends an output of the genesis block at once, where a
// network allows that.
func TestGenesisSpendable(t *testing.T) {
	net := params.Own("aviary")
	net.CoinbaseMaturity = 2
	gen := chaintest.New(net)
	coinbase := wire.NewTx(1, []wire.TxIn{{PrevOut: wire.OutPoint{Index: wire.NullIndex}, Script: []byte{1, 1}, Sequence: wire.SequenceFinal}},
		[]wire.TxOut{{Value: 1_000_000, Script: anyone}}, 0)
	genesis := wire.NewBlock(wire.Header{Version: 1, MerkleRoot: coinbase.TxID(), Timestamp: 1_700_000_000, Bits: net.PowLimitBits}, []*wire.Tx{coinbase})
	net.Genesis, net.GenesisHash = genesis, genesis.Hash()
	net.Magic, gen.Net = [4]byte{1, 2, 3, 4}, net
	w := newWorldOn(t, net, 0, nil)
	tx := spec{from: []coin{out(coinbase, 0)}, fee: 1000}.tx()
	w.add(tx)
	w.holds(tx)
	if w.pool.Get(tx.TxID()).SpendsCoinbase {
		t.Error("taken for a spend of a young coinbase")
	}
	w.mine(tx)
	w.holds()
	w.fork(w.gen.Genesis(), int(w.tip.Height)+1)
	w.holds(tx)
}

// TestBlocksFindScriptsChecked asks the verifier that chain and pool share
// whether it knows what the pool has taken, by the rules of the next block.
func TestBlocksFindScriptsChecked(t *testing.T) {
	w := newWorld(t, 2, nil)
	known := func(tx *wire.Tx) bool {
		flags := script.BlockFlags(w.chain.Network(), w.tip.Height+1, wire.Hash{})
		return w.pool.cfg.Verifier.Tx(tx, []wire.TxOut{{Value: fundValue, Script: anyone}}, flags).Known()
	}
	tx, refused := w.pay(1000), w.pay(0)
	w.refuse(refused, Reconsiderable, "min relay fee not met")
	if known(tx) || known(refused) {
		t.Error("known before it was checked")
	}
	if r, err := w.pool.Test(t.Context(), []*wire.Tx{tx}, 0); err != nil || r[0].Err != nil {
		t.Fatal(r, err)
	}
	w.add(tx)
	if !known(tx) || known(refused) {
		t.Error("the block would check its scripts again")
	}
}
