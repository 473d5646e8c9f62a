package consensus

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"starling/params"
	"starling/wire"
)

// Each soft fork of CheckBlockContext holds from its own height on, not from
// the block before, and none waits for another.
func TestContextHeights(t *testing.T) {
	const own = 1_500_000_000 // the blocks' own time
	early := wire.NewTx(1, []wire.TxIn{{PrevOut: wire.OutPoint{Hash: testID(1)}}}, []wire.TxOut{{}}, own-1)
	for _, tt := range []struct {
		name   string
		set    func(net *params.Network, height int32)
		block  func(height int32) *wire.Block
		reason string
	}{
		{"BIP34", func(n *params.Network, h int32) { n.BIP34Height = h },
			func(h int32) *wire.Block { return makeBlock(coinbase(h + 1)) }, "bad-cb-height"},
		{"BIP113, with the relative lock times", func(n *params.Network, h int32) { n.CSVHeight = h },
			func(h int32) *wire.Block { return makeBlock(coinbase(h), early) }, "bad-txns-nonfinal"},
	} {
		const starts = 700
		net := params.Regtest()
		net.BIP34Height, net.CSVHeight, net.SegwitHeight = 5000, 5000, 5000
		tt.set(net, starts)
		t.Run(tt.name, func(t *testing.T) {
			wantReject(t, CheckBlockContext(tt.block(starts-1), net, starts-1, own-1000), Invalid, "")
			wantReject(t, CheckBlockContext(tt.block(starts), net, starts, own-1000), Invalid, tt.reason)
		})
	}
	t.Run("segregated witness", func(t *testing.T) {
		net := params.Regtest()
		net.SegwitHeight = 700
		block := func(h int32) *wire.Block { return segwitBlock(h, withWitness(payment(1), []byte{1})) }
		wantReject(t, CheckBlockContext(block(699), net, 699, own-1000), Mutated, "unexpected-witness")
		wantReject(t, CheckBlockContext(block(700), net, 700, own-1000), Mutated, "")
	})
}

// The commitment may be the first output of the coinbase, or its only one.
func TestCommitmentInFirstOutput(t *testing.T) {
	reserved := make([]byte, 32)
	build := func(script []byte) *wire.Block {
		cb := coinbase(1)
		return makeBlock(withWitness(wire.NewTx(1, cb.In, []wire.TxOut{{Script: script}}, 0), reserved), withWitness(payment(1), []byte{1}))
	}
	// Witness ids do not depend on the coinbase, which counts as zero.
	root := WitnessMerkleRoot(build(nil))
	b := build(WitnessCommitmentScript(WitnessCommitment(root, reserved)))
	if at := FindWitnessCommitment(b); at != 0 {
		t.Fatalf("found in output %d", at)
	}
	if IsMutated(b, true) {
		t.Error("the commitment does not count")
	}
	other := build(WitnessCommitmentScript(WitnessCommitment(testID(1), reserved)))
	if !IsMutated(other, true) {
		t.Error("a wrong commitment passes")
	}
	// The solution of a signet block is looked for in the same place.
	if err := CheckBlock(b, params.SignetWith([]byte{0x51})); err != nil {
		t.Errorf("a signet that everybody may sign: %v", err)
	}
}

// The root of BIP141 is over witness ids, with zero for the coinbase.
func TestWitnessMerkleRoot(t *testing.T) {
	txs := []*wire.Tx{coinbase(1)}
	ids := []wire.Hash{{}}
	for n := 1; n <= 5; n++ {
		b := makeBlock(txs...)
		if want, _ := naiveRoot(append([]wire.Hash(nil), ids...)); WitnessMerkleRoot(b) != want {
			t.Errorf("%d transactions: %v, want %v", n, WitnessMerkleRoot(b), want)
		}
		tx := withWitness(payment(n), []byte{byte(n)})
		txs, ids = append(txs, tx), append(ids, tx.WTxID())
		if tx.WTxID() == tx.TxID() {
			t.Fatal("the witness id is no other")
		}
	}
	if WitnessMerkleRoot(makeBlock()) != (wire.Hash{}) {
		t.Error("no transactions have a root")
	}
}

// A signature of BIP325 covers version, parent, merkle root and time, and the
// root is the block's own where there is no solution to take out of it.
func TestSignetSignedData(t *testing.T) {
	for n := range 4 {
		var txs []*wire.Tx
		for i := range n {
			txs = append(txs, payment(i+1))
		}
		b := segwitBlock(1, txs...)
		_, toSpend, why := signetTxs(b, []byte{0x51})
		if why != "" {
			t.Fatal(why)
		}
		raw := b.Header.Append(nil)
		want := append([]byte{0x00, 72}, raw[:72]...)
		if got := toSpend.In[0].Script; !bytes.Equal(got, want) {
			t.Errorf("%d payments: signed is %x, want %x", n, got, want)
		}
	}
}

// Pushes of the solution are measured by the shortest form of each length.
func TestShortestPush(t *testing.T) {
	for n, want := range map[int]string{
		1: "01", 75: "4b", 76: "4c4c", 255: "4cff", 256: "4d0001", 65_535: "4dffff", 65_536: "4e00000100",
	} {
		s := appendPush(nil, make([]byte, n))
		if got := hex.EncodeToString(s[:len(s)-n]); got != want {
			t.Errorf("%d bytes are pushed by %s, want %s", n, got, want)
		}
	}
	// A long push of nothing ends a script whole.
	cleared, _, found := cutSignetSolution(unhex(t, "05ecc7daa2074c00"))
	if !found || hex.EncodeToString(cleared) != "04ecc7daa24c" {
		t.Errorf("%x, %v", cleared, found)
	}
}

// On a network whose subsidy never halves it stays what it is.
func TestSubsidyWithoutHalving(t *testing.T) {
	net := params.Regtest()
	net.SubsidyHalvingInterval = 0
	for _, height := range []int32{0, 1, 150, 1<<31 - 1} {
		if got := Subsidy(height, net); got != 50*Coin {
			t.Errorf("height %d: %d", height, got)
		}
	}
	if got := Subsidy(-1, params.Main()); got != 0 {
		t.Errorf("before the first block: %d", got)
	}
}

// A block of four million weight units holds at most 16,666 transactions of 60
// bytes, and a proof speaks of no more.
func TestPartialMerkleTreeLimits(t *testing.T) {
	a := testID(1)
	most := PartialMerkleTree{16_666, []wire.Hash{a}, []byte{0}}
	if root, m, err := most.Extract(); err != nil || root != a || len(m) != 0 {
		t.Errorf("the most transactions: %v, %v", m, err)
	}
	over := PartialMerkleTree{16_667, []wire.Hash{a}, []byte{0}}
	if _, _, err := over.Extract(); !errors.Is(err, ErrBadPartialMerkleTree) {
		t.Errorf("one more: %v", err)
	}
	// Eight flags are used up in the left half of a tree of eight leaves.
	short := PartialMerkleTree{8, testIDs(8), []byte{0xff}}
	if _, _, err := short.Extract(); !errors.Is(err, ErrBadPartialMerkleTree) {
		t.Errorf("flags that run out: %v", err)
	}
}
