package params

import (
	"fmt"
	"net"
	"regexp"
	"strconv"
	"time"

	"github.com/holiman/uint256"

	"starling/wire"
)

// UnknownNetworkError says that no built-in network has a name.
type UnknownNetworkError struct{ Name string }

// Error implements the error interface.
func (e *UnknownNetworkError) Error() string {
	return fmt.Sprintf("no network is called %q; known are main, testnet4, signet and regtest", e.Name)
}

// Error says what is wrong with a [Network].
type Error struct {
	Network string // name of the network
	Field   string // of [Network]
	Reason  string
}

// Error implements the error interface.
func (e *Error) Error() string {
	return fmt.Sprintf("network %q: %s: %s", e.Network, e.Field, e.Reason)
}

// GenesisWork is the field of the [*Error] about a genesis block that is right
// in all but its work.
const GenesisWork = "Genesis work"

// maxMoney is the largest amount that any rule of the protocol allows, in
// satoshi. It holds on every network, so no schedule may create more.
const maxMoney = 21_000_000 * Coin

// namePattern keeps names fit for directories, protocol names and commands.
var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

const (
	// minPeriod is the fewest blocks that a difficulty period may have if the
	// difficulty changes. A period is measured one spacing short; from ten
	// blocks on the error is below a tenth.
	minPeriod = 10
	// maxPing keeps a link from being held for longer than a peer's silence may
	// last, and maxTxWait a transaction from being forgotten before it is fetched.
	maxPing   = time.Hour
	maxTxWait = time.Minute
	// maxMinRelayFee is one coin for 1,000 virtual bytes; more is a slip of the
	// pen.
	maxMinRelayFee = Coin
)

// OnDemandBits is the fewest bits of the easiest target where blocks may be
// made by command: 2^24 hashes are some seconds of one core.
const OnDemandBits = 256 - 24

// hrpPattern is what a human-readable part may be: BIP173 without capitals and
// other signs, without the separator so that it reads well, and short enough
// for the longest witness program to fit into the 90 characters of an address.
var hrpPattern = regexp.MustCompile(`^[a-z02-9]{1,16}$`)

// Validate checks that the network makes sense: that a chain can be built on
// its rules and that the fields agree with each other. Networks that are not
// built in must pass it before use. The error is an [*Error].
func (n *Network) Validate() error {
	bad := func(field, format string, args ...any) error {
		return &Error{Network: n.Name, Field: field, Reason: fmt.Sprintf(format, args...)}
	}
	if !namePattern.MatchString(n.Name) {
		return bad("Name", "want lower-case letters, digits and dashes, at most 32")
	}
	if n.Magic == [4]byte{} {
		return bad("Magic", "must not be zero")
	}
	if n.DefaultPort == 0 || n.RPCPort == 0 || n.DefaultPort == n.RPCPort {
		return bad("DefaultPort", "want two different ports, have %d and %d", n.DefaultPort, n.RPCPort)
	}
	for _, check := range []func(func(string, string, ...any) error) error{
		n.validateWork, n.validateForks, n.validatePrefixes, n.validateSeeds, // without the genesis block
		n.validateGenesis, n.validateMoney, n.validateApart, n.validateGenesisWork,
	} {
		if err := check(bad); err != nil {
			return err
		}
	}
	return nil
}

func (n *Network) validateWork(bad func(string, string, ...any) error) error {
	if n.PowLimit == nil || n.PowLimit.IsZero() || n.PowLimit.Sign() < 0 {
		return bad("PowLimit", "want a number between 1 and 2^255 - 1")
	}
	if got := compact(n.PowLimit); got != n.PowLimitBits {
		return bad("PowLimitBits", "is %08x, PowLimit gives %08x", n.PowLimitBits, got)
	}
	if n.TargetSpacing < time.Second || n.TargetSpacing%time.Second != 0 {
		return bad("TargetSpacing", "want whole seconds, at least one")
	}
	if n.TargetTimespan < n.TargetSpacing || n.TargetTimespan%n.TargetSpacing != 0 {
		return bad("TargetTimespan", "want a multiple of TargetSpacing")
	}
	if n.TargetTimespan/n.TargetSpacing > 1_000_000 {
		return bad("TargetTimespan", "want at most 1,000,000 blocks in a period")
	}
	if n.MinimumChainWork == nil {
		return bad("MinimumChainWork", "must be set, to zero if nothing is known")
	}
	if !n.NoRetargeting && n.TargetTimespan/n.TargetSpacing < minPeriod {
		return bad("TargetTimespan", "want at least %d blocks in a period, or no retargeting: a period is timed from "+
			"its first block to its last, which is one spacing less than it should take", minPeriod)
	}
	if n.MineOnDemand && n.PowLimit.BitLen() < OnDemandBits {
		return bad("MineOnDemand", "a block takes more than 2^%d hashes, too many to be made by command", 256-OnDemandBits)
	}
	if n.MaxTipAge < 0 {
		return bad("MaxTipAge", "must not be negative")
	}
	return nil
}

func (n *Network) validateGenesis(bad func(string, string, ...any) error) error {
	if n.Genesis == nil {
		return bad("Genesis", "is missing")
	}
	if n.Genesis.Hash() != n.GenesisHash {
		return bad("GenesisHash", "the genesis block's id is %s", n.Genesis.Hash())
	}
	h := &n.Genesis.Header
	if h.PrevBlock != (wire.Hash{}) {
		return bad("Genesis", "names a block before it")
	}
	if len(n.Genesis.Txs) != 1 || !n.Genesis.Txs[0].IsCoinbase() {
		return bad("Genesis", "want one transaction, a coinbase")
	}
	if n.Genesis.Txs[0].TxID() != h.MerkleRoot {
		return bad("Genesis", "the merkle root is not that of its transaction")
	}
	target, ok := expand(h.Bits)
	if !ok || target.Gt(n.PowLimit) {
		return bad("Genesis", "target %08x is above the limit %08x", h.Bits, n.PowLimitBits)
	}
	var sum int64
	for _, out := range n.Genesis.Txs[0].Out {
		if out.Value < 0 || out.Value > maxMoney || sum > maxMoney-out.Value {
			return bad("Genesis", "pays more than the protocol allows")
		}
		sum += out.Value
	}
	return nil
}

// validateGenesisWork comes last, so that all else can be checked before
// somebody does the work.
func (n *Network) validateGenesisWork(bad func(string, string, ...any) error) error {
	if target, ok := expand(n.Genesis.Header.Bits); !ok || !Meets(n.GenesisHash, target) {
		return bad(GenesisWork, "has not the work that it claims")
	}
	return nil
}

func (n *Network) validateMoney(bad func(string, string, ...any) error) error {
	if n.SubsidyHalvingInterval < 1 {
		return bad("SubsidyHalvingInterval", "want at least 1")
	}
	if n.InitialSubsidy < 0 || n.InitialSubsidy > maxMoney {
		return bad("InitialSubsidy", "want between 0 and %d", int64(maxMoney))
	}
	// All halvings together create at most twice what the first period does.
	created := new(uint256.Int).Mul(uint256.NewInt(uint64(n.InitialSubsidy)),
		uint256.NewInt(2*uint64(n.SubsidyHalvingInterval)))
	if n.GenesisSpendable {
		for _, out := range n.Genesis.Txs[0].Out {
			created.AddUint64(created, uint64(out.Value))
		}
	}
	if created.GtUint64(maxMoney) {
		return bad("InitialSubsidy", "the subsidies and the genesis block come to %s satoshi, the protocol allows %d",
			created.Dec(), int64(maxMoney))
	}
	if n.CoinbaseMaturity < 0 {
		return bad("CoinbaseMaturity", "must not be negative")
	}
	if n.PingInterval < time.Second || n.PingInterval > maxPing {
		return bad("PingInterval", "want between 1s and %v", maxPing)
	}
	if n.PingTimeout < n.PingInterval || n.PingTimeout > maxPing {
		return bad("PingTimeout", "want at least the interval of pings, and at most %v", maxPing)
	}
	if n.TxWait < 0 || n.TxWait > maxTxWait {
		return bad("TxWait", "want between 0s and %v", maxTxWait)
	}
	if n.MinRelayFee < 0 || n.MinRelayFee > maxMinRelayFee {
		return bad("MinRelayFee", "want between 0 and %d", maxMinRelayFee)
	}
	if BuiltIn(n.Name) {
		if n.CoinbaseMaturity != BitcoinMaturity {
			return bad("CoinbaseMaturity", "is always %d on Bitcoin's networks", BitcoinMaturity)
		}
		if n.GenesisSpendable {
			return bad("GenesisSpendable", "the genesis outputs of Bitcoin's networks can never be spent")
		}
	}
	return nil
}

func (n *Network) validateForks(bad func(string, string, ...any) error) error {
	for _, f := range []struct {
		field  string
		height int32
	}{
		{"BIP34Height", n.BIP34Height}, {"BIP65Height", n.BIP65Height}, {"BIP66Height", n.BIP66Height},
		{"CSVHeight", n.CSVHeight}, {"SegwitHeight", n.SegwitHeight}, {"TaprootHeight", n.TaprootHeight},
		{"PruneAfterHeight", n.PruneAfterHeight},
	} {
		if f.height < 0 {
			return bad(f.field, "must not be negative")
		}
	}
	return nil
}

func (n *Network) validatePrefixes(bad func(string, string, ...any) error) error {
	if n.PubKeyHashPrefix == n.ScriptHashPrefix {
		return bad("ScriptHashPrefix", "is the same as PubKeyHashPrefix")
	}
	if !hrpPattern.MatchString(n.Bech32HRP) {
		return bad("Bech32HRP", "want lower-case letters and digits but 1, at most 16")
	}
	if n.HDPrivate == n.HDPublic {
		return bad("HDPublic", "is the same as HDPrivate")
	}
	if len(n.Transports) == 0 {
		return bad("Transports", "want at least one")
	}
	if len(n.Libp2pPrefix) < 2 || n.Libp2pPrefix[0] != '/' {
		return bad("Libp2pPrefix", "want a name that starts with a slash")
	}
	if n.DiscoveryKey == "" {
		return bad("DiscoveryKey", "is missing")
	}
	return nil
}

func (n *Network) validateSeeds(bad func(string, string, ...any) error) error {
	for _, s := range n.FixedSeeds {
		host, port, err := net.SplitHostPort(s)
		if p, perr := strconv.ParseUint(port, 10, 16); err != nil || host == "" || perr != nil || p == 0 {
			return bad("FixedSeeds", "%q is not host:port", s)
		}
	}
	for _, s := range n.DNSSeeds {
		if s == "" || len(s) > 253 {
			return bad("DNSSeeds", "%q is not a name", s)
		}
	}
	return nil
}

// Target returns the target that a compact form stands for; ok is false for a
// form that no target has.
func Target(bits uint32) (target *uint256.Int, ok bool) { return expand(bits) }

// Meets reports whether a block's hash is work enough for a target.
func Meets(hash wire.Hash, target *uint256.Int) bool { return !hashNumber(hash).Gt(target) }

// compact returns the compact form of a positive target below 2^255. The rules
// about targets belong to the packages above; this is only what it takes to
// tell whether two fields agree.
func compact(v *uint256.Int) uint32 {
	size := (v.BitLen() + 7) / 8
	var m uint32
	if size <= 3 {
		m = uint32(v.Uint64() << (8 * (3 - size)))
	} else {
		m = uint32(new(uint256.Int).Rsh(v, uint(8*(size-3))).Uint64())
	}
	if m&0x00800000 != 0 { // the sign bit must stay clear
		m >>= 8
		size++
	}
	return uint32(size)<<24 | m
}

// expand is the reverse of compact; ok is false for a form that no target has.
func expand(bits uint32) (v *uint256.Int, ok bool) {
	size, m := bits>>24, bits&0x007fffff
	if m == 0 || bits&0x00800000 != 0 || size > 32 {
		return nil, false
	}
	v = uint256.NewInt(uint64(m))
	if size <= 3 {
		v.Rsh(v, uint(8*(3-size)))
	} else {
		v.Lsh(v, uint(8*(size-3)))
	}
	return v, !v.IsZero()
}

// hashNumber reads a hash as the number that is compared with a target.
func hashNumber(h wire.Hash) *uint256.Int {
	var be [wire.HashSize]byte
	for i, b := range h {
		be[len(be)-1-i] = b
	}
	return new(uint256.Int).SetBytes32(be[:])
}
