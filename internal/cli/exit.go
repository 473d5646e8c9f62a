package cli

import "strings"

// The exit codes; docs/operating.md has them for users.
const (
	exitFailure = 1   // it could not be done
	exitUsage   = 2   // the command line or a setting is wrong
	exitSignal  = 128 // and the number of the signal that interrupted it
)

// usageError is an error in the command line or the settings.
type usageError struct{ error }

// Unwrap returns the error itself.
func (e usageError) Unwrap() error { return e.error }

// oneLine returns the text of an error without line breaks.
func oneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}
