package mempool

import (
	"fmt"

	"starling/wire"
)

// Kind says what follows from a refusal: what a node may remember of the
// transaction, and whether trying again makes sense.
type Kind uint8

const (
	// Consensus: no block may ever hold it.
	Consensus Kind = iota
	// NotStandard: valid perhaps, but not by the rules of relay.
	NotStandard
	// InputsNotStandard: NotStandard for what it spends, whatever its witness,
	// so that its txid may be remembered as well.
	InputsNotStandard
	// InputsMissing: it spends what is not known, or is spent. It may be an
	// orphan; Rejection.Missing lists the outputs.
	InputsMissing
	// Premature: its lock times or a young coinbase keep it out of the next
	// block.
	Premature
	// WitnessStripped: it has no witness but needs one. Nothing may be
	// remembered by its txid, which the complete transaction shares.
	WitnessStripped
	// WitnessMutated: its witness breaks a rule of relay; another copy may
	// not.
	WitnessMutated
	// Known: it is in the pool or in the chain already.
	Known
	// Conflict: the pool holds the same transaction with another witness.
	Conflict
	// Policy: it breaks a limit that hangs on what is in the pool now, such as
	// the size of clusters or the rules of replacement.
	Policy
	// Reconsiderable: it pays too little, alone; a child may pay for it, in a
	// package.
	Reconsiderable
	// Unchecked: it was not looked at, since its package fails for other
	// reasons.
	Unchecked
)

// String returns the kind in words.
func (k Kind) String() string {
	names := [...]string{
		"consensus", "not standard", "inputs not standard", "inputs missing", "premature", "witness stripped",
		"witness mutated", "known", "conflict", "policy", "reconsiderable", "unchecked",
	}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Rejection says why a transaction is not taken. Find it with errors.As.
type Rejection struct {
	Kind   Kind
	Reason string // Core's words, such as "txn-mempool-conflict"
	Detail string // more for a person to read; may be empty

	// Missing holds the outputs that were not found, for InputsMissing.
	Missing []wire.OutPoint
	// Rate is the fee rate that was too low, for Reconsiderable; Rated are the
	// wtxids of the transactions that it was computed over.
	Rate  FeeRate
	Rated []wire.Hash
}

// Error implements the error interface, in the form that Core logs.
func (r *Rejection) Error() string {
	if r.Detail == "" {
		return r.Reason
	}
	return r.Reason + ", " + r.Detail
}

// Is makes errors.Is match any two rejections of the same reason.
func (r *Rejection) Is(target error) bool {
	t, ok := target.(*Rejection)
	return ok && t.Reason == r.Reason
}

// reject makes a [Rejection]. The detail is formatted as by fmt.Sprintf.
func reject(kind Kind, reason, format string, args ...any) *Rejection {
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	return &Rejection{Kind: kind, Reason: reason, Detail: format}
}
