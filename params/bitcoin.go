package params

import (
	"encoding/hex"
	"time"

	"github.com/holiman/uint256"

	"starling/wire"
)

// The figures below are those of Bitcoin Core 31, whose minimum work,
// assume-valid blocks and transaction counts date from February 2026. The
// soft-fork heights are history and do not change.

// Main returns the Bitcoin network that carries value.
func Main() *Network {
	n := bitcoin("main")
	n.Magic = [4]byte{0xf9, 0xbe, 0xb4, 0xd9}
	n.DefaultPort, n.RPCPort = 8333, 8332
	n.setGenesis(genesisSpec{
		message: genesisMessage, key: genesisKey,
		time: 1231006505, bits: 0x1d00ffff, nonce: 2083236893,
	})
	n.PowLimit = number("00000000ffffffffffffffffffffffffffffffffffffffffffffffffffffffff")
	n.PowLimitBits = 0x1d00ffff

	n.BIP34Height = 227931
	n.BIP34Hash = wire.MustHash("000000000000024b89b42a942fe0d9fea3bb44ab7bd1b19115dd6a759c0808b8")
	n.BIP65Height = 388381
	n.BIP66Height = 363725
	n.CSVHeight = 419328
	n.SegwitHeight = 481824
	n.TaprootHeight = 709632
	n.BIP30Exceptions = map[int32]wire.Hash{
		91842: wire.MustHash("00000000000a4d0a398161ffc163c503763b1f4360639393e0e4c8e300e0caec"),
		91880: wire.MustHash("00000000000743f190a18c5577a3c2d2a1f610ae9601ac046a38084ccb7cd721"),
	}

	n.AssumeValid = wire.MustHash("00000000000000000000ccebd6d74d9194d8dcdc1d177c478e094bfad51ba5ac") // 938,343
	n.MinimumChainWork = number("0000000000000000000000000000000000000001128750f82f4c366153a3a030")
	n.TxStats = TxStats{Time: 1772055173, Count: 1315805869, Rate: 5.40111006496122}
	n.DNSSeeds = []string{
		"seed.bitcoin.sipa.be",
		"dnsseed.bluematt.me",
		"seed.bitcoin.jonasschnelli.ch",
		"seed.btc.petertodd.net",
		"seed.bitcoin.sprovoost.nl",
		"dnsseed.emzy.de",
		"seed.bitcoin.wiz.biz",
		"seed.mainnet.achownodes.xyz",
	}
	n.FixedSeeds = seeds(mainSeeds, n.DefaultPort)

	n.PubKeyHashPrefix, n.ScriptHashPrefix, n.WIFPrefix = 0, 5, 128
	n.Bech32HRP = "bc"
	n.HDPrivate = [4]byte{0x04, 0x88, 0xad, 0xe4}
	n.HDPublic = [4]byte{0x04, 0x88, 0xb2, 0x1e}
	n.PruneAfterHeight = 100_000
	return n
}

// Testnet4 returns the public test network of BIP94.
func Testnet4() *Network {
	n := bitcoin("testnet4")
	n.Magic = [4]byte{0x1c, 0x16, 0x3f, 0x28}
	n.DefaultPort, n.RPCPort = 48333, 48332
	n.setGenesis(genesisSpec{
		message: "03/May/2024 000000000000000000001ebd58c244970b3aa9d783bb001011fbe8ea8e98e00e",
		key:     "000000000000000000000000000000000000000000000000000000000000000000",
		time:    1714777860, bits: 0x1d00ffff, nonce: 393743547,
	})
	n.PowLimit = number("00000000ffffffffffffffffffffffffffffffffffffffffffffffffffffffff")
	n.PowLimitBits = 0x1d00ffff
	n.AllowMinDifficulty = true
	n.EnforceBIP94 = true
	n.activateFromStart()

	n.AssumeValid = wire.MustHash("0000000002368b1e4ee27e2e85676ae6f9f9e69579b29093e9a82c170bf7cf8a") // 123,613
	n.MinimumChainWork = number("0000000000000000000000000000000000000000000009a0fe15d0177d086304")
	n.TxStats = TxStats{Time: 1772013387, Count: 14191421, Rate: 0.01848579579528412}
	n.DNSSeeds = []string{
		"seed.testnet4.bitcoin.sprovoost.nl",
		"seed.testnet4.wiz.biz",
	}
	n.FixedSeeds = seeds(testnet4Seeds, n.DefaultPort)
	n.testPrefixes("tb")
	return n
}

// signetChallenge is the challenge of the public signet, a 1-of-2 multisig.
const signetChallenge = "512103ad5e0edad18cb1f0fc0d28a3d4f1f3e445640337489abb10404f2d1e086be430" +
	"210359ef5021964fe22d6f8e05b2463c9540ce96883fe3b278760f048f5189f2e6c452ae"

// Signet returns the public signet (BIP325).
func Signet() *Network {
	n := SignetWith(mustHex(signetChallenge))
	n.AssumeValid = wire.MustHash("00000008414aab61092ef93f1aacc54cf9e9f16af29ddad493b908a01ff5c329") // 293,175
	n.MinimumChainWork = number("00000000000000000000000000000000000000000000000000000b463ea0a4b8")
	n.TxStats = TxStats{Time: 1772055248, Count: 28676833, Rate: 0.06736623436338929}
	n.DNSSeeds = []string{
		"seed.signet.bitcoin.sprovoost.nl",
		"seed.signet.achownodes.xyz",
	}
	n.FixedSeeds = seeds(signetSeeds, n.DefaultPort)
	return n
}

// SignetWith returns the signet whose blocks must satisfy challenge, a script.
// All signets share a genesis block; the magic is taken from the challenge, so
// that they do not meet. Nothing is known of such a network's work or seeds.
func SignetWith(challenge []byte) *Network {
	n := bitcoin("signet")
	// A nil challenge would mean a network without one.
	n.SignetChallenge = append([]byte{}, challenge...)
	id := wire.DoubleHash(wire.AppendVarBytes(nil, challenge))
	n.Magic = [4]byte(id[:4])
	n.Libp2pPrefix += "-" + hex.EncodeToString(n.Magic[:])
	n.DiscoveryKey += "-" + hex.EncodeToString(n.Magic[:])
	n.DefaultPort, n.RPCPort = 38333, 38332
	n.setGenesis(genesisSpec{
		message: genesisMessage, key: genesisKey,
		time: 1598918400, bits: 0x1e0377ae, nonce: 52613770,
	})
	n.PowLimit = number("00000377ae000000000000000000000000000000000000000000000000000000")
	n.PowLimitBits = 0x1e0377ae
	n.activateFromStart()
	n.testPrefixes("tb")
	return n
}

// Regtest returns the network for tests on one's own machine, where every
// second hash is work enough for a block.
func Regtest() *Network {
	n := bitcoin("regtest")
	n.Magic = [4]byte{0xfa, 0xbf, 0xb5, 0xda}
	n.DefaultPort, n.RPCPort = 18444, 18443
	n.setGenesis(genesisSpec{
		message: genesisMessage, key: genesisKey,
		time: 1296688602, bits: 0x207fffff, nonce: 2,
	})
	n.PowLimit = number("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")
	n.PowLimitBits = 0x207fffff
	n.TargetTimespan = 24 * time.Hour
	n.AllowMinDifficulty = true
	n.NoRetargeting = true
	n.SubsidyHalvingInterval = 150
	n.activateFromStart()
	n.SegwitHeight = 0
	n.TxStats = TxStats{Rate: 0.001}
	n.testPrefixes("bcrt")
	n.MineOnDemand = true
	return n
}

// bitcoin returns what all of Bitcoin's networks have in common.
func bitcoin(name string) *Network {
	return &Network{
		Name:                   name,
		TargetSpacing:          10 * time.Minute,
		TargetTimespan:         14 * 24 * time.Hour,
		SubsidyHalvingInterval: 210_000,
		InitialSubsidy:         50 * Coin,
		CoinbaseMaturity:       BitcoinMaturity,
		MinRelayFee:            BitcoinMinRelayFee,
		PingInterval:           BitcoinPingInterval,
		PingTimeout:            BitcoinPingTimeout,
		TxWait:                 BitcoinTxWait,
		MaxTipAge:              BitcoinMaxTipAge,
		MinimumChainWork:       new(uint256.Int),
		Libp2pPrefix:           "/starling/" + name,
		DiscoveryKey:           "starling/" + name,
		Transports:             []string{"tcp"},
	}
}

func (n *Network) setGenesis(g genesisSpec) {
	n.Genesis = g.block()
	n.GenesisHash = n.Genesis.Hash()
}

// activateFromStart sets the heights of the networks that were born with all
// soft forks. They begin at 1 because the genesis block obeys none of them.
func (n *Network) activateFromStart() {
	n.BIP34Height, n.BIP65Height, n.BIP66Height = 1, 1, 1
	n.CSVHeight, n.SegwitHeight = 1, 1
}

// testPrefixes sets the prefixes that all test networks share, and how soon
// their short chains may be pruned.
func (n *Network) testPrefixes(hrp string) {
	n.PubKeyHashPrefix, n.ScriptHashPrefix, n.WIFPrefix = 111, 196, 239
	n.Bech32HRP = hrp
	n.HDPrivate = [4]byte{0x04, 0x35, 0x83, 0x94}
	n.HDPublic = [4]byte{0x04, 0x35, 0x87, 0xcf}
	n.PruneAfterHeight = 1000
}
