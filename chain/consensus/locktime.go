package consensus

import "starling/wire"

const (
	// LockTimeThreshold divides lock times: smaller ones are heights, others
	// seconds since 1970.
	LockTimeThreshold = 500_000_000

	// SequenceDisable switches the relative lock time of an input off.
	SequenceDisable = 1 << 31
	// SequenceTime makes the relative lock time count units of 512 seconds
	// rather than blocks.
	SequenceTime = 1 << 22
	// SequenceMask picks the relative lock time out of a sequence number.
	SequenceMask = 0x0000ffff
	// sequenceGranularity is the unit of time-based locks as a power of two:
	// 512 seconds.
	sequenceGranularity = 9
)

// IsFinal reports whether a transaction's lock time lets it into a block at
// the given height. cutoff is the time, in seconds, that time-based lock times
// are compared with: the median time of the block before since BIP113, the
// block's own time earlier.
func IsFinal(tx *wire.Tx, height int32, cutoff int64) bool {
	if tx.LockTime == 0 {
		return true
	}
	limit := cutoff
	if tx.LockTime < LockTimeThreshold {
		limit = int64(height)
	}
	if int64(tx.LockTime) < limit {
		return true
	}
	for i := range tx.In {
		if tx.In[i].Sequence != wire.SequenceFinal {
			return false
		}
	}
	return true
}

// SequenceLocks returns the last height and the last median time at which the
// relative lock times of tx (BIP68) still forbid it; -1 where nothing does.
// prevHeights holds the height of the block of each spent output, or the
// height of the next block for outputs that are not in a block yet.
// medianTimeAt returns the median time ([BIP113]) that ends with the block at
// a height of the chain in question; it is asked for the block before the
// spent output's. With enforce false (before BIP68) nothing is locked.
//
// [BIP113]: https://github.com/bitcoin/bips/blob/master/bip-0113.mediawiki
func SequenceLocks(tx *wire.Tx, prevHeights []int32, medianTimeAt func(height int32) int64, enforce bool) (minHeight int32, minTime int64) {
	minHeight, minTime = -1, -1
	// The version counts as unsigned here: negative ones opt in.
	if !enforce || uint32(tx.Version) < 2 {
		return minHeight, minTime
	}
	for i := range tx.In {
		seq := tx.In[i].Sequence
		if seq&SequenceDisable != 0 {
			continue
		}
		lock := seq & SequenceMask
		if seq&SequenceTime != 0 {
			// The lock counts from the median time that the output's block
			// was held against.
			since := medianTimeAt(max(prevHeights[i]-1, 0))
			minTime = max(minTime, since+int64(lock)<<sequenceGranularity-1)
		} else {
			minHeight = max(minHeight, prevHeights[i]+int32(lock)-1)
		}
	}
	return minHeight, minTime
}

// SequenceLocksMet reports whether locks from [SequenceLocks] let the
// transaction into a block at the given height whose parent's median time is
// parentMedianTime.
func SequenceLocksMet(minHeight int32, minTime int64, height int32, parentMedianTime int64) bool {
	return minHeight < height && minTime < parentMedianTime
}
