package cmdkit

import "strings"

// The exit codes; docs/operating.md has them for users.
const (
	ExitFailure = 1   // it could not be done
	ExitUsage   = 2   // the command line or a setting is wrong
	exitSignal  = 128 // and the number of the signal that interrupted it
)

// UsageError is an error in the command line or the settings.
type UsageError struct{ Err error }

// Error implements the error interface.
func (e UsageError) Error() string { return e.Err.Error() }

// Unwrap returns the error itself.
func (e UsageError) Unwrap() error { return e.Err }

// OneLine returns the text of an error without line breaks.
func OneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}
