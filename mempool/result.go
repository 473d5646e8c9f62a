package mempool

import (
	"time"

	"starling/wire"
)

// AddOptions says how to take a transaction. The zero value is for those of
// peers.
type AddOptions struct {
	// MaxFeeRate refuses a transaction that pays more, as a guard against
	// mistakes; 0 for no limit.
	MaxFeeRate FeeRate
	// Local marks a transaction of this node's own users: it counts as not yet
	// passed on ([Pool.Unbroadcast]) and the pool is saved soon.
	Local bool
	// Time is when the transaction came; zero for now.
	Time time.Time
}

// Accepted is a transaction that has entered the pool.
type Accepted struct {
	Entry    *Entry
	Replaced []*Entry // what left for it
}

// Status says what became of a transaction of a package.
type Status uint8

const (
	StatusRejected         Status = iota // TxResult.Err says why
	StatusAccepted                       // it entered the pool
	StatusInPool                         // it had been there
	StatusDifferentWitness               // the pool holds it with another witness
)

// TxResult is what became of one transaction of a package.
type TxResult struct {
	Tx     *wire.Tx
	Status Status
	Err    *Rejection // for StatusRejected
	Entry  *Entry     // in the pool, for all other statuses

	// EffectiveRate is the fee rate that it was judged by, over the
	// transactions with the wtxids EffectiveWith, for StatusAccepted.
	EffectiveRate FeeRate
	EffectiveWith []wire.Hash
}

// PackageResult is what became of a package.
type PackageResult struct {
	// Err says why the package as a whole is refused; nil if all of its
	// transactions are in the pool. "transaction failed" refers to Txs, any
	// other reason means that some or all of Txs were not looked at.
	Err      *Rejection
	Txs      []TxResult // in the order of the package
	Replaced []*Entry   // what left for them
}

// TestResult is whether a transaction would be accepted.
type TestResult struct {
	Tx *wire.Tx
	// PackageErr says why the transactions can not be tested together; the
	// rest is empty then.
	PackageErr *Rejection
	Err        *Rejection // nil if it would be accepted

	VSize         int64
	Fee           int64
	EffectiveRate FeeRate
	EffectiveWith []wire.Hash
}
