package policy

import "fmt"

// Error says which rule of relay a transaction or package does not follow.
// Find it with errors.As.
type Error struct {
	Reason string // Core's words, such as "dust"
	Detail string // more for a person to read; may be empty
}

// Error implements the error interface, in the form that Core logs.
func (e *Error) Error() string {
	if e.Detail == "" {
		return e.Reason
	}
	return e.Reason + ", " + e.Detail
}

// reject makes an [Error]. The detail is formatted as by fmt.Sprintf.
func reject(reason, format string, args ...any) *Error {
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	return &Error{Reason: reason, Detail: format}
}

// money writes an amount in bitcoins with at least two decimals, as Core does
// in details.
func money(v int64) string {
	sign, u := "", uint64(v)
	if v < 0 {
		sign, u = "-", -u
	}
	s := fmt.Sprintf("%s%d.%08d", sign, u/1e8, u%1e8)
	for s[len(s)-1] == '0' && s[len(s)-3] != '.' {
		s = s[:len(s)-1]
	}
	return s
}
