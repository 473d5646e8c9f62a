package mempool

import (
	"time"

	"starling/mempool/policy"
	"starling/wire"
)

// Entry is a transaction of the pool. It never changes: when its modified fee
// does ([Pool.Prioritise]), the pool holds another Entry from then on.
type Entry struct {
	Tx    *wire.Tx
	TxID  wire.Hash
	WTxID wire.Hash

	Fee         int64     // in satoshi
	ModifiedFee int64     // Fee with what prioritisation adds; what the pool goes by
	VSize       int64     // virtual bytes; more than those of Weight if it has many signature operations
	Weight      int64     // in weight units
	SigOps      int       // cost of its signature operations, as blocks count them
	Time        time.Time // when it came
	Height      int32     // of the tip when it came
	Sequence    uint64    // numbers entries in the order in which they came; 0 for those of a disconnected block

	// SpendsCoinbase says that it spends an output of a coinbase.
	SpendsCoinbase bool
	// Orphanless says that it spent nothing unconfirmed when it came, and
	// Packaged that it came in a package that pays for it.
	Orphanless, Packaged bool
}

// FeeRate returns the rate of the modified fee.
func (e *Entry) FeeRate() FeeRate { return policy.Rate(e.ModifiedFee, e.VSize) }

// AdjustedWeight returns the weight that the pool goes by, in weight units: that
// of the transaction, or what its signature operations stand for if that is
// more. VSize is a quarter of it, rounded up.
func (e *Entry) AdjustedWeight() int64 { return policy.AdjustedWeight(e.Weight, e.SigOps) }

// Chunk is a group of transactions that miners take together: none of its
// leading parts has a higher fee rate than the whole.
type Chunk struct {
	Entries []*Entry // parents before children
	Fee     int64    // sum of the modified fees
	Weight  int64    // sum of the adjusted weights
}

// Details says how an entry stands among the others.
type Details struct {
	Entry *Entry

	// Counts and sums include the entry itself; fees are modified ones.
	AncestorCount, DescendantCount int
	AncestorSize, DescendantSize   int64
	AncestorFees, DescendantFees   int64

	Parents, Children     []wire.Hash // ids of those in the pool, in the order of inputs and of ids
	ChunkFee, ChunkWeight int64       // of the chunk that the entry is in, see [Chunk]
	Unbroadcast           bool        // no peer has asked for it yet
}

// Info describes the pool, with the figures of Core's getmempoolinfo.
type Info struct {
	Loaded      bool  // whether the saved pool has been read, if there is any
	Count       int   // transactions
	VSize       int64 // sum of their virtual sizes
	Usage       int64 // memory that the pool takes, in bytes
	MaxBytes    int64
	TotalFee    int64   // in satoshi, without prioritisation
	MinFee      FeeRate // what a transaction must pay now: the greater of the floor and MinRelayFee
	MinRelayFee FeeRate
	Incremental FeeRate
	Unbroadcast int

	PermitBareMultiSig bool
	DataCarrier        int
	MaxClusterCount    int
	MaxClusterVSize    int64
	Sequence           uint64
}

// Delta is what prioritisation adds to the fee of a transaction, which may not
// have come yet.
type Delta struct {
	TxID  wire.Hash
	Delta int64
	Entry *Entry // nil if it is not in the pool
}
