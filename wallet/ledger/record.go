package ledger

import (
	"starling/wire"
)

// Status says where a transaction stands.
type Status uint8

const (
	// Unconfirmed is a transaction that may still get into a block.
	Unconfirmed Status = iota
	// Confirmed is one in a block of the best chain.
	Confirmed
	// Conflicted is one that cannot confirm any more, as a block holds another
	// that spends the same.
	Conflicted
	// Abandoned is one that the user gave up.
	Abandoned
	// Orphaned is a reward whose block has left the chain, or one that builds
	// on such a reward: it cannot confirm unless that block comes back.
	Orphaned
)

// Record is a transaction of the wallet. All fields but the last two are on disk.
// Only the ledger changes them.
type Record struct {
	Tx    *wire.Tx
	ID    wire.Hash
	Order uint64 // rises with the order in which the wallet saw them

	Status Status
	// Block is the one that holds the transaction or, if conflicted, the one
	// that holds the other.
	Block     wire.Hash
	Height    int32 // of block
	Index     int32 // place in block
	BlockTime int64

	Time       int64 // when the wallet first saw it, in seconds since 1970
	ReplacedBy wire.Hash
	Replaces   wire.Hash
	Comment    string
	To         string

	InPool bool // the node has it among its unconfirmed transactions
	// thawed are the outputs that it spends and that were frozen before, true if
	// that was to outlast a restart.
	thawed map[wire.OutPoint]bool
}

// Depth returns how many confirmations r has at the given height of the tip,
// below zero if it conflicts with a block.
func (r *Record) Depth(tip int32) int32 {
	switch r.Status {
	case Confirmed:
		return max(1, tip-r.Height+1)
	case Conflicted:
		return -max(1, tip-r.Height+1)
	default:
		return 0
	}
}
