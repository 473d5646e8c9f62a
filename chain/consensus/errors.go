package consensus

import "fmt"

// Kind says what follows from a broken rule: whether the block or transaction
// is bad for good, and whether its header or only its bytes are to blame.
type Kind uint8

const (
	// Invalid is permanent: nothing can make this block, header or
	// transaction valid, nor any block built on it.
	Invalid Kind = iota
	// Mutated means that the bytes at hand are not proven to be the ones that
	// the header commits to. Another copy may be valid, so the header must not
	// be marked as failed.
	Mutated
	// Recent means that the header's time is too far in the future. It may
	// become valid as time passes.
	Recent
	// MissingParent means that the header before this one is not known.
	MissingParent
	// LowWork means that the chain has too little work to be worth storing.
	LowWork
)

// String returns the kind in words.
func (k Kind) String() string {
	switch k {
	case Invalid:
		return "invalid"
	case Mutated:
		return "mutated"
	case Recent:
		return "recent"
	case MissingParent:
		return "missing parent"
	case LowWork:
		return "low work"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// RuleError says which rule was broken. Find it with errors.As.
type RuleError struct {
	Kind   Kind
	Reason string // Bitcoin Core's reject reason, such as "bad-txns-vin-empty"
	Detail string // more for a person to read; may be empty
	// Err is what stands behind it; nil unless the bytes are no block at all.
	Err error
}

// Unwrap returns what stands behind the error.
func (e *RuleError) Unwrap() error { return e.Err }

// Error implements the error interface, in the form that Bitcoin Core logs.
func (e *RuleError) Error() string {
	if e.Detail == "" {
		return e.Reason
	}
	return e.Reason + ", " + e.Detail
}

// Is makes errors.Is match any two rule errors of the same reason.
func (e *RuleError) Is(target error) bool {
	t, ok := target.(*RuleError)
	return ok && t.Reason == e.Reason
}

// Reject makes a [RuleError]. The detail is formatted as by fmt.Sprintf.
func Reject(kind Kind, reason, format string, args ...any) *RuleError {
	e := &RuleError{Kind: kind, Reason: reason, Detail: format}
	if len(args) > 0 {
		e.Detail = fmt.Sprintf(format, args...)
	}
	return e
}
