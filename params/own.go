package params

import (
	"regexp"
	"slices"
	"time"

	"github.com/holiman/uint256"
)

// Own returns the beginnings of a network of one's own: all that such networks
// have in common unless their makers decide otherwise. It has no genesis block
// yet, and no magic, ports and keys that tell it from others.
//
// It is mined on demand, has test-network prefixes, so that no address of it is
// taken for one that holds value, and all soft forks from the first block on.
func Own(name string) *Network {
	n := bitcoin(name)
	n.PowLimitBits = 0x207fffff
	n.PowLimit, _ = expand(n.PowLimitBits)
	n.TargetSpacing = 10 * time.Second
	n.TargetTimespan = 2016 * n.TargetSpacing
	n.NoRetargeting = true
	n.EnforceBIP94 = true
	n.GenesisSpendable = true
	n.MaxTipAge = 0
	// A node that went without a word is missed soon: after three pings' time.
	n.PingInterval, n.PingTimeout = 30*time.Second, 90*time.Second
	n.TxWait = 0
	n.TxStats = TxStats{Rate: 0.001}
	// With 21 million coins, as on the main network, nothing would be left
	// for the genesis block to pay.
	n.SubsidyHalvingInterval = 100_000
	n.MinimumChainWork = new(uint256.Int)
	n.activateFromStart()
	n.testPrefixes("bcrt")
	n.MineOnDemand = true
	return n
}

// bitcoinMagics are those of networks that speak Bitcoin's protocol in public.
// A network of one's own that used one would be mistaken for it, by its peers
// and by programs that read block files.
func bitcoinMagics() map[[4]byte]string {
	return map[[4]byte]string{
		{0xf9, 0xbe, 0xb4, 0xd9}: "main",
		{0x0b, 0x11, 0x09, 0x07}: "testnet3",
		{0x1c, 0x16, 0x3f, 0x28}: "testnet4",
		{0x0a, 0x03, 0xcf, 0x40}: "signet",
		{0xfa, 0xbf, 0xb5, 0xda}: "regtest",
		{0x16, 0x1c, 0x14, 0x12}: "simnet",
	}
}

// Reserved reports whether a network of one's own cannot have a name, because
// people use it for one of Bitcoin's networks or because a directory of that
// name holds something else.
func Reserved(name string) bool {
	return BuiltIn(name) || nodePattern.MatchString(name) || slices.Contains([]string{
		"bitcoin", "mainnet", "test", "testnet", "testnet3", "simnet",
		"blocks", "chainstate", "indexes", "networks", "wallets",
	}, name)
}

// nodePattern is what the directories of several nodes of one user are called.
var nodePattern = regexp.MustCompile(`^node-[0-9]+$`)

// validateApart checks that a network of one's own is not taken for one of
// Bitcoin's.
func (n *Network) validateApart(bad func(string, string, ...any) error) error {
	if BuiltIn(n.Name) {
		return nil
	}
	if Reserved(n.Name) {
		return bad("Name", "is taken")
	}
	if name := bitcoinMagics()[n.Magic]; name != "" {
		return bad("Magic", "is that of Bitcoin's network %s", name)
	}
	main := Main()
	if n.Bech32HRP == main.Bech32HRP || n.PubKeyHashPrefix == main.PubKeyHashPrefix && n.ScriptHashPrefix == main.ScriptHashPrefix {
		return bad("Bech32HRP", "addresses would be taken for those of Bitcoin's main network, where they hold value")
	}
	for _, name := range Names() {
		b, err := ByName(name)
		if err != nil {
			return err
		}
		if n.GenesisHash == b.GenesisHash {
			return bad("Genesis", "is that of Bitcoin's network %s", name)
		}
	}
	return nil
}
