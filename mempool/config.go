package mempool

import (
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/chain/coins"
	"starling/chain/headertree"
	"starling/clock"
	"starling/mempool/policy"
	"starling/params"
	"starling/script"
	"starling/wire"
)

// FeeRate is a fee in satoshi for each 1,000 virtual bytes.
type FeeRate = policy.FeeRate

const (
	// DefaultMaxBytes is how much memory the pool takes at most, in bytes, as
	// Core has it: 300 MB.
	DefaultMaxBytes = 300_000_000
	// MinMaxBytes is the least that [Config.MaxBytes] may be: with less, the
	// largest cluster there can be would not fit, as Core has it.
	MinMaxBytes = 5_000_000
	// DefaultExpiry is how long a transaction may wait: two weeks.
	DefaultExpiry = 336 * time.Hour
	// DefaultMinRelayFee is the least that a transaction pays to be relayed.
	DefaultMinRelayFee FeeRate = 100
	// DefaultIncrementalFee is what a replacement pays for its own relay on top
	// of what it replaces, and by how much the floor rises with each eviction.
	DefaultIncrementalFee FeeRate = 100
	// DefaultDustFee is the rate by which an output counts as dust: worth less
	// than it costs to spend it.
	DefaultDustFee FeeRate = 3000
	// DefaultDataCarrier is how many bytes the scripts of all OP_RETURN outputs
	// of a transaction may have together: no limit of its own beside the
	// transaction's.
	DefaultDataCarrier = policy.MaxStandardWeight / wire.WitnessScale

	// MaxClusterCount and MaxClusterVSize bound a cluster: transactions that
	// hang together through unconfirmed outputs.
	MaxClusterCount = 64
	MaxClusterVSize = 101_000
)

// Chain is what the pool asks of the chain; [*starling/chain.Chain] is one.
type Chain interface {
	Network() *params.Network
	// Tip returns the block at the end of the best chain.
	Tip() *headertree.Node
	// Coin returns the unspent output at op, and the block that the answer
	// belongs to.
	Coin(op wire.OutPoint) (coin coins.Coin, ok bool, at *headertree.Node, err error)
}

// Config says what pool to keep. Chain is needed. Zero stands for the default
// of every number; where nothing at all is meant, a negative one says so.
type Config struct {
	Chain Chain
	// Verifier checks scripts. Share it with the chain, so that blocks find
	// their transactions checked. Nil for a new one.
	Verifier *script.Verifier
	Clock    clock.Clock
	Log      *slog.Logger
	Observer Observer

	MaxBytes       int64         // memory that the pool may take
	Expiry         time.Duration // how long a transaction may wait
	MinRelayFee    FeeRate
	IncrementalFee FeeRate
	DustFee        FeeRate
	DataCarrier    int // bytes of OP_RETURN scripts in a transaction

	// RequireStandard refuses transactions that Core would not relay, although
	// they are valid. Only test networks may go without.
	RequireStandard bool
	// RefuseBareMultiSig refuses outputs with bare multi-signature scripts.
	RefuseBareMultiSig bool

	// FS and File say where the pool is saved. Without File it is not.
	FS   vfs.FS
	File string
}

// orDefault returns the default for zero and zero for what is negative.
func orDefault[T int | int64 | FeeRate | time.Duration](v, d T) T {
	switch {
	case v == 0:
		return d
	case v < 0:
		return 0
	}
	return v
}

func (c *Config) fill() {
	if c.Verifier == nil {
		c.Verifier = script.NewVerifier(script.Options{})
	}
	if c.Clock == nil {
		c.Clock = clock.System()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Observer == nil {
		c.Observer = NopObserver{}
	}
	if c.FS == nil {
		c.FS = vfs.Default
	}
	c.MaxBytes = max(orDefault(c.MaxBytes, DefaultMaxBytes), MinMaxBytes)
	c.Expiry = orDefault(c.Expiry, DefaultExpiry)
	c.MinRelayFee = orDefault(c.MinRelayFee, DefaultMinRelayFee)
	c.IncrementalFee = orDefault(c.IncrementalFee, DefaultIncrementalFee)
	c.DustFee = orDefault(c.DustFee, DefaultDustFee)
	c.DataCarrier = orDefault(c.DataCarrier, DefaultDataCarrier)
}
