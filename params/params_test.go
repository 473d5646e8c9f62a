package params_test

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/holiman/uint256"

	"starling/params"
	"starling/wire"
)

const (
	satoshiRoot  = "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"
	testnet4Root = "7aa0a7ae1e223414cb807e40cd57e667b718e42aaf9306db9102fe28912b7b4e"
)

func TestGenesisBlocks(t *testing.T) {
	for _, tc := range []struct {
		net        *params.Network
		hash, root string
		size       int
	}{
		{params.Main(), "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f", satoshiRoot, 285},
		{params.Testnet4(), "00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043", testnet4Root, 261},
		{params.Signet(), "00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6", satoshiRoot, 285},
		{params.Regtest(), "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206", satoshiRoot, 285},
	} {
		t.Run(tc.net.Name, func(t *testing.T) {
			g := tc.net.Genesis
			if g.Hash() != wire.MustHash(tc.hash) || tc.net.GenesisHash != wire.MustHash(tc.hash) {
				t.Errorf("hash is %s", g.Hash())
			}
			if g.Header.Hash() != tc.net.GenesisHash {
				t.Error("the header has another hash than the block")
			}
			if got := g.Txs[0].TxID(); got != wire.MustHash(tc.root) || g.Header.MerkleRoot != got {
				t.Errorf("coinbase is %s", got)
			}
			if g.Size() != tc.size {
				t.Errorf("size is %d, want %d", g.Size(), tc.size)
			}
		})
	}
}

func TestNetworksAreValid(t *testing.T) {
	for _, name := range params.Names() {
		n, err := params.ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		if n.Name != name {
			t.Errorf("%s is called %s", name, n.Name)
		}
		if err := n.Validate(); err != nil {
			t.Error(err)
		}
		if n.CoinbaseMaturity != 100 || n.GenesisSpendable {
			t.Errorf("%s: not Bitcoin's rules", name)
		}
		if !params.BuiltIn(name) {
			t.Errorf("%s is built in", name)
		}
	}
	var unknown *params.UnknownNetworkError
	if _, err := params.ByName("testnet3"); !errors.As(err, &unknown) || unknown.Name != "testnet3" {
		t.Errorf("unknown network gave %v", err)
	}
}

// TestNetworksAreFresh makes sure that a caller who changes a network changes
// nobody else's.
func TestNetworksAreFresh(t *testing.T) {
	a := params.Main()
	a.PowLimit.Clear()
	a.DNSSeeds[0] = ""
	clear(a.BIP30Exceptions)
	if err := params.Main().Validate(); err != nil {
		t.Error(err)
	}
	b := params.Main()
	if b.DNSSeeds[0] == "" || len(b.BIP30Exceptions) != 2 {
		t.Error("two networks share memory")
	}
}

// TestTogether checks what must differ for networks to stay apart.
func TestTogether(t *testing.T) {
	seen := map[any]string{}
	for _, name := range params.Names() {
		n, _ := params.ByName(name)
		for _, v := range []any{n.Magic, n.DefaultPort, n.RPCPort, n.GenesisHash, n.Libp2pPrefix, "key:" + n.DiscoveryKey} {
			if other, ok := seen[v]; ok {
				t.Errorf("%s and %s both have %v", name, other, v)
			}
			seen[v] = name
		}
	}
}

func TestRules(t *testing.T) {
	type rules struct {
		Interval                       int32
		MinDifficulty, NoRetarget, B94 bool
		Halving                        int32
		B34, B65, B66, CSV, Segwit     int32
		Prefixes                       [3]byte
		HRP                            string
		Signet, Mine                   bool
	}
	test := [3]byte{111, 196, 239}
	for _, tc := range []struct {
		name string
		want rules
	}{
		{"main", rules{2016, false, false, false, 210000, 227931, 388381, 363725, 419328, 481824,
			[3]byte{0, 5, 128}, "bc", false, false}},
		{"testnet4", rules{2016, true, false, true, 210000, 1, 1, 1, 1, 1, test, "tb", false, false}},
		{"signet", rules{2016, false, false, false, 210000, 1, 1, 1, 1, 1, test, "tb", true, false}},
		{"regtest", rules{144, true, true, false, 150, 1, 1, 1, 1, 0, test, "bcrt", false, true}},
	} {
		n, err := params.ByName(tc.name)
		if err != nil {
			t.Fatal(err)
		}
		got := rules{n.DifficultyInterval(), n.AllowMinDifficulty, n.NoRetargeting, n.EnforceBIP94,
			n.SubsidyHalvingInterval, n.BIP34Height, n.BIP65Height, n.BIP66Height, n.CSVHeight, n.SegwitHeight,
			[3]byte{n.PubKeyHashPrefix, n.ScriptHashPrefix, n.WIFPrefix}, n.Bech32HRP, n.IsSignet(), n.MineOnDemand}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s:\n%s", tc.name, diff)
		}
	}
}

// TestKnownWork pins what the built-in networks are known to have reached, as
// Bitcoin Core 31 has it.
func TestKnownWork(t *testing.T) {
	none := "0000000000000000000000000000000000000000000000000000000000000000"
	for _, tc := range []struct {
		name, work, assumed string
		txs                 int64
	}{
		{"main", "0x1128750f82f4c366153a3a030", "00000000000000000000ccebd6d74d9194d8dcdc1d177c478e094bfad51ba5ac", 1_315_805_869},
		{"testnet4", "0x9a0fe15d0177d086304", "0000000002368b1e4ee27e2e85676ae6f9f9e69579b29093e9a82c170bf7cf8a", 14_191_421},
		{"signet", "0xb463ea0a4b8", "00000008414aab61092ef93f1aacc54cf9e9f16af29ddad493b908a01ff5c329", 28_676_833},
		{"regtest", "0x0", none, 0},
	} {
		n, err := params.ByName(tc.name)
		if err != nil {
			t.Fatal(err)
		}
		if n.MinimumChainWork.Hex() != tc.work || n.AssumeValid.String() != tc.assumed || n.TxStats.Count != tc.txs {
			t.Errorf("%s: %s, %s, %d", tc.name, n.MinimumChainWork.Hex(), n.AssumeValid, n.TxStats.Count)
		}
	}
}

// TestHistory pins the blocks by which the main network's early history is told
// from any other.
func TestHistory(t *testing.T) {
	main := params.Main()
	if got := main.BIP34Hash.String(); got != "000000000000024b89b42a942fe0d9fea3bb44ab7bd1b19115dd6a759c0808b8" {
		t.Errorf("the block that brought BIP34 is %s", got)
	}
	for height, want := range map[int32]string{
		91_842: "00000000000a4d0a398161ffc163c503763b1f4360639393e0e4c8e300e0caec",
		91_880: "00000000000743f190a18c5577a3c2d2a1f610ae9601ac046a38084ccb7cd721",
	} {
		if got := main.BIP30Exceptions[height].String(); got != want {
			t.Errorf("the coinbase repeated at %d is in %s", height, got)
		}
	}
	for _, name := range params.Names() {
		n, _ := params.ByName(name)
		if name != "main" && (len(n.BIP30Exceptions) != 0 || n.BIP34Hash != wire.Hash{}) {
			t.Errorf("%s has no blocks from before BIP30 and BIP34", name)
		}
	}
}

func TestSignetMagic(t *testing.T) {
	if got, want := params.Signet().Magic, [4]byte{0x0a, 0x03, 0xcf, 0x40}; got != want {
		t.Errorf("the public signet's magic is %x, want %x", got, want)
	}
	own := params.SignetWith([]byte{0x51})
	if err := own.Validate(); err != nil {
		t.Error(err)
	}
	pub := params.Signet()
	if own.Magic == pub.Magic || own.Libp2pPrefix == pub.Libp2pPrefix || own.DiscoveryKey == pub.DiscoveryKey {
		t.Error("two signets would meet")
	}
	if own.GenesisHash != pub.GenesisHash {
		t.Error("all signets have one genesis block")
	}
	if !own.AssumeValid.IsEqual(&wire.Hash{}) || !own.MinimumChainWork.IsZero() || len(own.DNSSeeds) != 0 {
		t.Error("a signet of one's own knows nothing of the public one's chain")
	}
	if !params.SignetWith(nil).IsSignet() {
		t.Error("the empty challenge is a challenge")
	}
}

// own returns a valid network that is not built in.
func own() *params.Network {
	n := params.Own("murmur")
	n.Magic = [4]byte{1, 2, 3, 4}
	n.DefaultPort, n.RPCPort = 4000, 4001
	n.CoinbaseMaturity = 0
	n.SubsidyHalvingInterval = 150
	n.Genesis = params.Regtest().Genesis
	h := n.Genesis.Header
	h.Timestamp++
	mine(n, h)
	return n
}

func TestValidate(t *testing.T) {
	if err := own().Validate(); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		field string
		spoil func(n *params.Network)
	}{
		{"Name", func(n *params.Network) { n.Name = "../x" }},
		{"Name", func(n *params.Network) { n.Name = "" }},
		{"Magic", func(n *params.Network) { n.Magic = [4]byte{} }},
		{"DefaultPort", func(n *params.Network) { n.RPCPort = n.DefaultPort }},
		{"Name", func(n *params.Network) { n.Name = "mainnet" }},
		{"Name", func(n *params.Network) { n.Name = "node-8000" }},
		{"Name", func(n *params.Network) { n.Name = "wallets" }},
		{"Magic", func(n *params.Network) { n.Magic = params.Regtest().Magic }},
		{"Magic", func(n *params.Network) { n.Magic = [4]byte{0x0b, 0x11, 0x09, 0x07} }}, // testnet3
		{"Genesis", func(n *params.Network) {
			n.Genesis, n.GenesisHash = params.Regtest().Genesis, params.Regtest().GenesisHash
		}},
		{"TargetTimespan", func(n *params.Network) { n.NoRetargeting, n.TargetTimespan = false, 9*n.TargetSpacing }},
		{"MineOnDemand", func(n *params.Network) {
			*n = *params.Main()
			n.Name, n.Magic, n.MineOnDemand = "murmur", [4]byte{1}, true
		}},
		{"MaxTipAge", func(n *params.Network) { n.MaxTipAge = -1 }},
		{"MinRelayFee", func(n *params.Network) { n.MinRelayFee = -1 }},
		{"MinRelayFee", func(n *params.Network) { n.MinRelayFee = params.Coin + 1 }},
		{"Bech32HRP", func(n *params.Network) { n.Bech32HRP = "bc" }},
		{"Bech32HRP", func(n *params.Network) { n.PubKeyHashPrefix, n.ScriptHashPrefix = 0, 5 }},
		{"Genesis", func(n *params.Network) { n.Genesis = nil }},
		{"GenesisHash", func(n *params.Network) { n.GenesisHash[0]++ }},
		{"Genesis", func(n *params.Network) {
			// Testnet4's block claims more work than this limit asks, so only
			// its transaction is in question.
			h := n.Genesis.Header
			h.MerkleRoot[0]++
			mine(n, h)
		}},
		{"Genesis", func(n *params.Network) {
			h := n.Genesis.Header
			h.PrevBlock[0]++
			mine(n, h)
		}},
		{params.GenesisWork, func(n *params.Network) {
			h := n.Genesis.Header
			h.Nonce++
			for wire.NewBlock(h, []*wire.Tx{&n.Genesis.Txs[0]}).Hash()[31] < 0x80 {
				h.Nonce++
			}
			n.Genesis = wire.NewBlock(h, []*wire.Tx{&n.Genesis.Txs[0]})
			n.GenesisHash = n.Genesis.Hash()
		}},
		{"Genesis", func(n *params.Network) {
			n.PowLimit = new(uint256.Int).Rsh(n.PowLimit, 8)
			n.PowLimitBits = 0x1f7fffff
		}},
		{"PowLimit", func(n *params.Network) { n.PowLimit = nil }},
		{"PowLimit", func(n *params.Network) { n.PowLimit = new(uint256.Int) }},
		{"PowLimitBits", func(n *params.Network) { n.PowLimitBits-- }},
		{"TargetSpacing", func(n *params.Network) { n.TargetSpacing = time.Millisecond }},
		{"TargetTimespan", func(n *params.Network) { n.TargetTimespan += time.Second }},
		{"MinimumChainWork", func(n *params.Network) { n.MinimumChainWork = nil }},
		{"SubsidyHalvingInterval", func(n *params.Network) { n.SubsidyHalvingInterval = 0 }},
		{"InitialSubsidy", func(n *params.Network) { n.InitialSubsidy = -1 }},
		{"InitialSubsidy", func(n *params.Network) { n.SubsidyHalvingInterval = 210_000 }}, // plus the genesis output
		{"CoinbaseMaturity", func(n *params.Network) { n.CoinbaseMaturity = -1 }},
		{"CoinbaseMaturity", func(n *params.Network) { n.Name = "regtest" }},
		{"GenesisSpendable", func(n *params.Network) { n.Name = "main"; n.CoinbaseMaturity = 100 }},
		{"SegwitHeight", func(n *params.Network) { n.SegwitHeight = -1 }},
		{"ScriptHashPrefix", func(n *params.Network) { n.ScriptHashPrefix = n.PubKeyHashPrefix }},
		{"Bech32HRP", func(n *params.Network) { n.Bech32HRP = "BC" }},
		{"HDPublic", func(n *params.Network) { n.HDPublic = n.HDPrivate }},
		{"Transports", func(n *params.Network) { n.Transports = nil }},
		{"Libp2pPrefix", func(n *params.Network) { n.Libp2pPrefix = "x" }},
		{"DiscoveryKey", func(n *params.Network) { n.DiscoveryKey = "" }},
		{"FixedSeeds", func(n *params.Network) { n.FixedSeeds = []string{"192.0.2.1"} }},
		{"DNSSeeds", func(n *params.Network) { n.DNSSeeds = []string{""} }},
	} {
		n := own()
		tc.spoil(n)
		err := n.Validate()
		var perr *params.Error
		if !errors.As(err, &perr) || perr.Field != tc.field {
			t.Errorf("want an error about %s, got %v", tc.field, err)
		}
	}
}

// mine gives n a genesis block with header h and enough work.
func mine(n *params.Network, h wire.Header) {
	for {
		n.Genesis = wire.NewBlock(h, []*wire.Tx{&n.Genesis.Txs[0]})
		n.GenesisHash = n.Genesis.Hash()
		if n.GenesisHash[31] < 0x7f {
			return
		}
		h.Nonce++
	}
}

func TestFixedSeeds(t *testing.T) {
	for _, name := range params.Names() {
		n, _ := params.ByName(name)
		seen := map[string]bool{}
		for _, s := range n.FixedSeeds {
			host, _, err := net.SplitHostPort(s)
			if err != nil || net.ParseIP(host) == nil {
				t.Errorf("%s: %q is not an address and port", name, s)
			}
			if seen[host] {
				t.Errorf("%s: %s is there twice", name, host)
			}
			seen[host] = true
			if ip := net.ParseIP(host).To4(); ip != nil {
				group := ip.Mask(net.CIDRMask(16, 32)).String()
				if seen[group] {
					t.Errorf("%s: two addresses in the group %s", name, group)
				}
				seen[group] = true
			}
		}
	}
}
