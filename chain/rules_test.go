package chain

import (
	"testing"

	"starling/chain/headertree"
	"starling/params"
	"starling/wire"
)

// Where the main network's blocks are looked through for transactions that
// overwrite unspent ones (BIP30), each limit at its own height.
func TestOverwriteCheckedMain(t *testing.T) {
	net := params.Main()
	c := &Chain{net: net}
	block34 := &headertree.Node{Height: 227_931, Hash: wire.MustHash("000000000000024b89b42a942fe0d9fea3bb44ab7bd1b19115dd6a759c0808b8")}
	other34 := &headertree.Node{Height: 227_931, Hash: wire.Hash{1}}
	before := func(height int32) *headertree.Node { return &headertree.Node{Height: height - 1} }
	repeat812 := wire.MustHash("00000000000a4d0a398161ffc163c503763b1f4360639393e0e4c8e300e0caec")
	repeat722 := wire.MustHash("00000000000743f190a18c5577a3c2d2a1f610ae9601ac046a38084ccb7cd721")
	for _, tc := range []struct {
		name   string
		height int32
		hash   wire.Hash
		parent *headertree.Node // of the block, or a block far before it
		want   bool
	}{
		{"block 1", 1, wire.Hash{2}, before(1), true},
		{"block that repeats the coinbase of 91,812", 91_842, repeat812, before(91_842), false},
		{"another block of that height", 91_842, wire.Hash{2}, before(91_842), true},
		{"block that repeats the coinbase of 91,722", 91_880, repeat722, before(91_880), false},
		{"another block of that height", 91_880, repeat812, before(91_880), true},
		{"that block one higher", 91_881, repeat722, before(91_881), true},
		{"block that brought BIP34", 227_931, block34.Hash, before(227_931), true},
		{"first block after it", 227_932, wire.Hash{2}, block34, false},
		{"first block after another of its height", 227_932, wire.Hash{2}, other34, true},
		{"last block that BIP34 speaks for", 1_983_701, wire.Hash{2}, block34, false},
		{"first coinbase that may repeat an early one's height", 1_983_702, wire.Hash{2}, block34, true},
		{"much later", 2_500_000, wire.Hash{2}, block34, true},
	} {
		n := &headertree.Node{Height: tc.height, Hash: tc.hash, Parent: tc.parent}
		if got := c.checksOverwrite(n); got != tc.want {
			t.Errorf("%s, height %d: checked %v, want %v", tc.name, tc.height, got, tc.want)
		}
	}
	// Networks that had BIP34 from the start have no block that stands for it.
	for _, net := range []*params.Network{params.Testnet4(), params.Signet(), params.Regtest()} {
		c := &Chain{net: net}
		if !c.checksOverwrite(&headertree.Node{Height: 2, Parent: &headertree.Node{Height: net.BIP34Height, Hash: wire.Hash{3}}}) {
			t.Errorf("%s: not checked", net.Name)
		}
	}
}

// A UTXO set that lacks a coinbase is taken for sound only behind a block that
// overwrote one. The distances are those of the main network, where 91,842
// repeats 91,812, and 91,880 repeats 91,722.
func TestOverwrittenCoinbases(t *testing.T) {
	net := params.Regtest()
	tree := headertree.New(net)
	at := map[int32]*headertree.Node{0: tree.Genesis()}
	for h := int32(1); h <= 600; h++ {
		n, err := tree.Restore(&wire.Header{PrevBlock: at[h-1].Hash, Nonce: uint32(h)}, 0)
		if err != nil {
			t.Fatal(err)
		}
		at[h] = n
	}
	c := &Chain{net: net, tree: tree}
	check := func(what string, height int32, want bool) {
		t.Helper()
		if got := c.wasOverwritten(at[height]); got != want {
			t.Errorf("%s, height %d: %v, want %v", what, height, got, want)
		}
	}
	check("no exceptions", 322, false)
	net.BIP30Exceptions = map[int32]wire.Hash{442: {9}, 480: {8}}
	check("exceptions of a chain that is not here", 322, false)
	net.BIP30Exceptions = map[int32]wire.Hash{442: at[442].Hash}
	check("overwritten 30 blocks later", 412, true)
	check("the block that overwrote it", 442, false)
	net.BIP30Exceptions = map[int32]wire.Hash{480: at[480].Hash}
	check("overwritten 158 blocks later", 322, true)
	check("the block that overwrote it", 480, false)
	check("later", 481, false)
	check("long before", 100, false)
}
