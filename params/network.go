package params

import (
	"slices"
	"time"

	"github.com/holiman/uint256"

	"starling/wire"
)

// Network is one network and its rules. Treat it as read only once it is in
// use; it is then safe for concurrent use.
type Network struct {
	// Name is what people and the RPC interface call the network. It also
	// names directories, so it holds lower-case letters, digits and dashes.
	Name string
	// Magic opens every message of version 1 framing and every record of the
	// block files.
	Magic [4]byte
	// DefaultPort is where nodes listen unless told otherwise.
	DefaultPort uint16
	// RPCPort is where the RPC interface listens unless told otherwise.
	RPCPort uint16

	// Genesis is the block at height 0. It is part of the chain by definition
	// and never validated.
	Genesis *wire.Block
	// GenesisHash is the id of Genesis.
	GenesisHash wire.Hash

	// PowLimit is the easiest target that a block may have.
	PowLimit *uint256.Int
	// PowLimitBits is PowLimit in compact form.
	PowLimitBits uint32
	// TargetSpacing is the time that blocks should be apart.
	TargetSpacing time.Duration
	// TargetTimespan is the time that one difficulty period should take.
	TargetTimespan time.Duration
	// AllowMinDifficulty lets a block that comes more than two spacings after
	// its parent have the easiest target.
	AllowMinDifficulty bool
	// NoRetargeting keeps the difficulty as it is for ever.
	NoRetargeting bool
	// EnforceBIP94 switches on the rules of BIP94: no time warp between
	// difficulty periods, and retargeting from the period's first block.
	EnforceBIP94 bool
	// SignetChallenge is the script that each block must satisfy (BIP325); nil
	// where blocks are not signed.
	SignetChallenge []byte

	// SubsidyHalvingInterval is the number of blocks after which the subsidy
	// halves.
	SubsidyHalvingInterval int32
	// InitialSubsidy is what a block may create before the first halving, in
	// satoshi.
	InitialSubsidy int64
	// CoinbaseMaturity is how many blocks deep a coinbase must be to be spent.
	// It is [BitcoinMaturity] on Bitcoin's networks.
	CoinbaseMaturity int32
	// GenesisSpendable puts the outputs of the genesis block into the set of
	// unspent outputs, without waiting for maturity. It is false on Bitcoin's
	// networks, whose genesis outputs never entered the set.
	GenesisSpendable bool
	// MinRelayFee is the fee below which a node passes no transaction on and
	// mines none, in satoshi for 1,000 virtual bytes. It is policy, not a rule
	// about blocks.
	MinRelayFee int64

	// PingInterval and PingTimeout are how often peers are pinged unless told
	// otherwise, and how long they may take to answer.
	PingInterval, PingTimeout time.Duration
	// TxWait is how long a node waits for a better announcer of a transaction
	// before it asks for it. It costs an observer dear where there are some, and
	// only time where there are none.
	TxWait time.Duration

	// BIP34Height is the first block whose coinbase must state its height.
	BIP34Height int32
	// BIP34Hash is the block at BIP34Height; zero where there is only one
	// chain that could have it. On its chain BIP30 needs no checking after it.
	BIP34Hash wire.Hash
	// BIP65Height is the first block with OP_CHECKLOCKTIMEVERIFY.
	BIP65Height int32
	// BIP66Height is the first block with strict signature encoding.
	BIP66Height int32
	// CSVHeight is the first block with BIP68, BIP112 and BIP113.
	CSVHeight int32
	// SegwitHeight is the first block with BIP141, BIP143 and BIP147.
	SegwitHeight int32
	// TaprootHeight is the first block with BIP341 and BIP342. It is shown
	// only: those rules apply to all blocks but a known exception.
	TaprootHeight int32
	// BIP30Exceptions are the blocks, by height, whose coinbase repeats an
	// earlier one that was not spent yet.
	BIP30Exceptions map[int32]wire.Hash

	// AssumeValid is a block whose ancestors' scripts need not be checked;
	// zero to check all.
	AssumeValid wire.Hash
	// MinimumChainWork is the work that the best chain is known to have at
	// least. A node that knows of less is still catching up.
	MinimumChainWork *uint256.Int
	// TxStats lets progress be told in transactions rather than blocks.
	TxStats TxStats
	// MaxTipAge is how old the tip may be for a node to count as in step with
	// the network. It is zero where blocks are made when there is something to
	// put into them, so that their age tells nothing.
	MaxTipAge time.Duration

	// DNSSeeds are names that resolve to addresses of nodes.
	DNSSeeds []string
	// FixedSeeds are nodes, as host:port, for when nothing else is known.
	FixedSeeds []string

	// PubKeyHashPrefix, ScriptHashPrefix and WIFPrefix are the version bytes
	// of base58 addresses and private keys.
	PubKeyHashPrefix, ScriptHashPrefix, WIFPrefix byte
	// Bech32HRP is the human-readable part of segregated-witness addresses.
	Bech32HRP string
	// HDPrivate and HDPublic are the version bytes of extended keys (BIP32).
	HDPrivate, HDPublic [4]byte

	// Libp2pPrefix starts the name of each libp2p protocol of this network, so
	// that nodes of different networks never speak to each other.
	Libp2pPrefix string
	// DiscoveryKey tells this network's nodes apart in shared discovery.
	DiscoveryKey string
	// Transports are the names of the transports in use by default, best
	// first.
	Transports []string

	// PruneAfterHeight is the height below which nothing is pruned.
	PruneAfterHeight int32
	// MineOnDemand allows blocks to be made by command, which makes sense
	// where the difficulty is trivial.
	MineOnDemand bool
}

// TxStats describes the number of transactions in the chain at some moment, to
// estimate how many there are now.
type TxStats struct {
	Time  int64   // of the last block counted, in seconds since 1970
	Count int64   // transactions up to it
	Rate  float64 // transactions per second after it
}

// BitcoinMaturity is the coinbase maturity of Bitcoin's networks. A shallower
// coinbase could vanish in a reorganisation together with all that was built
// on it.
const BitcoinMaturity = 100

// BitcoinMinRelayFee is the default of Bitcoin Core since version 29.1, in
// satoshi for 1,000 virtual bytes.
const BitcoinMinRelayFee = 100

// How links are watched, and how long a better announcer of a transaction is waited
// for, on Bitcoin's networks: as in Bitcoin Core.
const (
	BitcoinPingInterval = 2 * time.Minute
	BitcoinPingTimeout  = 20 * time.Minute
	BitcoinTxWait       = 2 * time.Second
)

// BitcoinMaxTipAge is the age beyond which Bitcoin Core takes its tip for old.
const BitcoinMaxTipAge = 24 * time.Hour

// Coin is the number of satoshi in one bitcoin.
const Coin = 100_000_000

// DifficultyInterval returns how many blocks a difficulty period has.
func (n *Network) DifficultyInterval() int32 {
	return int32(n.TargetTimespan / n.TargetSpacing)
}

// IsSignet reports whether blocks must satisfy a challenge (BIP325).
func (n *Network) IsSignet() bool { return n.SignetChallenge != nil }

// Names returns the names of the built-in networks, the main one first.
func Names() []string { return []string{"main", "testnet4", "signet", "regtest"} }

// ByName returns a built-in network. The error is an [*UnknownNetworkError].
func ByName(name string) (*Network, error) {
	switch name {
	case "main":
		return Main(), nil
	case "testnet4":
		return Testnet4(), nil
	case "signet":
		return Signet(), nil
	case "regtest":
		return Regtest(), nil
	}
	return nil, &UnknownNetworkError{Name: name}
}

// BuiltIn reports whether name belongs to one of Bitcoin's networks.
func BuiltIn(name string) bool { return slices.Contains(Names(), name) }
