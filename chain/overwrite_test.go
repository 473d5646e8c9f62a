package chain_test

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/chain"
	"starling/chain/chaintest"
	"starling/chain/consensus"
	"starling/params"
	"starling/script"
	"starling/wire"
)

// withCoinbase returns the block after parent that holds only the given
// coinbase.
func withCoinbase(parent chaintest.Block, coinbase *wire.Tx, net *params.Network) chaintest.Block {
	h := wire.Header{
		Version: 0x20000000, PrevBlock: parent.Hash(), MerkleRoot: coinbase.TxID(),
		Timestamp: parent.Header.Timestamp + 600, Bits: parent.Header.Bits,
	}
	for consensus.CheckProofOfWork(h.Hash(), h.Bits, net) != nil {
		h.Nonce++
	}
	return chaintest.Block{Block: wire.NewBlock(h, []*wire.Tx{coinbase}), Height: parent.Height + 1}
}

// A coinbase that repeats an earlier one takes the place of its outputs if they
// are unspent, which BIP30 forbids outside two blocks of the main network, and
// which is not looked for where BIP34 rules it out.
func TestRepeatedCoinbase(t *testing.T) {
	regtest := func() *params.Network {
		net := params.Regtest()
		net.CoinbaseMaturity, net.BIP34Height = 1, 1000
		return net
	}
	m := chaintest.New(regtest())
	// A coinbase of two outputs that also is right at height 3, as some of the
	// main network's early ones name heights to come.
	half := consensus.Subsidy(1, m.Net) / 2
	coinbase := wire.NewTx(1,
		[]wire.TxIn{{PrevOut: wire.OutPoint{Index: wire.NullIndex}, Script: append(script.AppendInt(nil, 3), 1, 7)}},
		[]wire.TxOut{{Value: half, Script: chaintest.AnyoneCanSpend}, {Value: half, Script: chaintest.AnyoneCanSpend}}, 0)
	first := withCoinbase(m.Genesis(), coinbase, m.Net)
	spend := func(index uint32) *wire.Tx {
		return chaintest.Spend(wire.OutPoint{Hash: coinbase.TxID(), Index: index}, half, 0, 1)
	}
	plain := m.Next(first, 0)
	spendsOne := m.Next(first, 0, spend(1))
	spendsBoth := m.Next(first, 0, spend(0), spend(1))
	again := func(second chaintest.Block) chaintest.Block { return withCoinbase(second, coinbase, m.Net) }
	at := func(height int32, b chaintest.Block) map[int32]wire.Hash {
		return map[int32]wire.Hash{height: b.Hash()}
	}

	for _, c := range []struct {
		name     string
		second   chaintest.Block
		edit     func(net *params.Network)
		accepted bool
	}{
		{"unspent", plain, func(*params.Network) {}, false},
		{"half of it spent", spendsOne, func(*params.Network) {}, false},
		{"all of it spent", spendsBoth, func(*params.Network) {}, true},
		{"one of the exceptions", plain, func(n *params.Network) { n.BIP30Exceptions = at(3, again(plain)) }, true},
		{"an exception of another height", plain, func(n *params.Network) { n.BIP30Exceptions = at(2, again(plain)) }, false},
		{"another block of an exception's height", plain, func(n *params.Network) { n.BIP30Exceptions = at(3, plain) }, false},
		{"after BIP34's block", plain, func(n *params.Network) { n.BIP34Height, n.BIP34Hash = 2, plain.Hash() }, true},
		{"after another block of BIP34's height", plain, func(n *params.Network) { n.BIP34Height, n.BIP34Hash = 2, first.Hash() }, false},
		{"after BIP34 where no block stands for it", plain, func(n *params.Network) { n.BIP34Height = 2 }, false},
		{"BIP34's block itself", plain, func(n *params.Network) { n.BIP34Height, n.BIP34Hash = 3, again(plain).Hash() }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			net := regtest()
			c.edit(net)
			r := start(t, vfs.NewMem(), func(cfg *chain.Config) { cfg.Network = net })
			r.give(first, c.second)
			third := again(c.second)
			o := r.Process(t.Context(), chain.Incoming{Raw: third.Bytes(), Requested: true})
			if !c.accepted {
				if !errors.Is(o.Err, consensus.Reject(consensus.Invalid, "bad-txns-BIP30", "")) {
					t.Fatalf("outcome: %v", o.Err)
				}
				r.wantTip(c.second)
				return
			}
			if o.Err != nil {
				t.Fatal(o.Err)
			}
			r.wantTip(third)
			op, _ := third.Coinbase()
			if coin, ok, _, err := r.Coin(op); err != nil || !ok || coin.Height != 3 || !coin.Coinbase {
				t.Errorf("the coin is %+v (%v, %v), want the later one", coin, ok, err)
			}
			if err := r.Verify(t.Context(), 3, 1); err != nil {
				t.Error(err)
			}
		})
	}
}

// Where an excepted block has overwritten a coinbase, both blocks can be taken
// back: the coin goes with the later one and is not missed in the earlier.
func TestRepeatedCoinbaseTakenBack(t *testing.T) {
	net := params.Regtest()
	net.BIP34Height = 1000
	m := chaintest.New(net)
	base := m.Chain(m.Genesis(), 3)
	over := withCoinbase(base[2], &base[0].Txs[0], net)
	net.BIP30Exceptions = map[int32]wire.Hash{over.Height: over.Hash()}
	r := start(t, vfs.NewMem(), func(cfg *chain.Config) { cfg.Network = net })
	r.give(base...)
	r.give(over)
	r.wantTip(over)
	other := m.Chain(m.Genesis(), 5)
	r.give(other...)
	r.wantTip(other[4])
	sum, count := r.coinSet()

	straight := start(t, vfs.NewMem(), func(cfg *chain.Config) { cfg.Network = net })
	straight.give(other...)
	straight.wantTip(other[4])
	if want, n := straight.coinSet(); sum != want {
		t.Errorf("%d coins, or other ones than the %d of a node that never saw the repetition", count, n)
	}
	if err := r.Verify(t.Context(), 3, 1); err != nil {
		t.Error(err)
	}
}
