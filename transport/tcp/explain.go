package tcp

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

// ErrHidden means that a name of Tor or I2P cannot be dialled, as there is no
// proxy for it.
var ErrHidden = errors.New("no proxy for names of Tor and I2P")

// DialError says in a few words why nobody was reached. It is the same text for
// the same cause, so that whoever repeats a dial can tell that nothing has
// changed.
type DialError struct {
	Reason string
	Err    error // as the system gave it
}

// Error returns the reason.
func (e *DialError) Error() string { return e.Reason }

// Unwrap returns the error behind it.
func (e *DialError) Unwrap() error { return e.Err }

// dialError finds the reason of a failed dial that was given so much time.
func dialError(err error, patience time.Duration) error {
	var dns *net.DNSError
	var timeout net.Error
	reason := ""
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		reason = "there is no such name"
	case errors.As(err, &dns):
		reason = "the name could not be looked up: " + dns.Err
	case errors.Is(err, syscall.ECONNREFUSED):
		reason = "connection refused: nobody listens there"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		reason = fmt.Sprintf("no answer within %v", patience)
	default:
		reason = bare(err).Error()
	}
	return &DialError{Reason: reason, Err: err}
}

// bare returns what went wrong without the addresses and calls around it, which
// differ from one time to the next.
func bare(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	var call *os.SyscallError
	if errors.As(err, &call) {
		err = call.Err
	}
	return err
}
