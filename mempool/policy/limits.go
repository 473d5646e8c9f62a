package policy

const (
	// MaxStandardWeight is the greatest weight of a transaction that is
	// relayed. Checking one takes time that grows faster than its size.
	MaxStandardWeight = 400_000
	// MinNonWitnessSize is the least size of a transaction without its witness,
	// in bytes: one of 64 could pass for an inner node of a merkle tree
	// (CVE-2017-12842).
	MinNonWitnessSize = 65
	// MinVersion and MaxVersion are the transaction versions with a meaning.
	MinVersion, MaxVersion = 1, 3

	// MaxScriptSig is the longest signature script, in bytes: that of 15
	// signatures out of 15 keys behind a script hash.
	MaxScriptSig = 1650
	// MaxBareMultiSigKeys is the most keys of a bare multi-signature output.
	MaxBareMultiSigKeys = 3
	// MaxP2SHSigOps is the most signature operations of a script behind a
	// script hash.
	MaxP2SHSigOps = 15
	// MaxLegacySigOps is the most signature operations outside of witnesses
	// that the inputs of a transaction may run (BIP54).
	MaxLegacySigOps = 2_500
	// MaxSigOpsCost is the greatest cost of the signature operations of a
	// transaction: a fifth of what a block may have.
	MaxSigOpsCost = 16_000
	// BytesPerSigOp is how many weight units a signature operation's cost
	// counts as at least, so that they can not fill a block unpaid.
	BytesPerSigOp = 20

	// The limits of version 0 witness scripts: the script, the number of items
	// beside it, and the length of each in bytes.
	maxP2WSHScript = 3_600
	maxP2WSHItems  = 100
	maxP2WSHItem   = 80
	// maxTapscriptItem is the length of each item that a tapscript is given.
	maxTapscriptItem = 80

	// MaxDustOutputs is how many outputs worth less than it costs to spend them
	// a transaction may have, if it pays no fee and its child spends them.
	MaxDustOutputs = 1
)

// AdjustedWeight returns what a transaction weighs for relay and mining: its
// weight, or what the cost of its signature operations stands for if that is
// more.
func AdjustedWeight(weight int64, sigOps int) int64 {
	return max(weight, int64(sigOps)*BytesPerSigOp)
}

// VSize returns an adjusted weight in virtual bytes, rounded up.
func VSize(adjusted int64) int64 { return (adjusted + 3) / 4 }
