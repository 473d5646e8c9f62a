package descriptor

import "fmt"

// Error says why a text is no descriptor. The reasons are Core's where it has
// one.
type Error struct{ Reason string }

// Error implements the error interface.
func (e *Error) Error() string { return e.Reason }

func errorf(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// NeedsPrivateError says that a script follows only from a private key that
// the descriptor does not hold, because its key is derived with a hardened
// step.
type NeedsPrivateError struct{ Key string }

// Error implements the error interface.
func (e *NeedsPrivateError) Error() string {
	return "Cannot derive script without private keys"
}
