package connmgr

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"

	"starling/peer"
	"starling/transport"
	"starling/transport/socks5"
)

// DialOutcome names in a few words what became of a dial, so that like is counted
// with like: "connected" if a link came of it. The text of an error may hold names
// that others chose, so only its kind counts.
func DialOutcome(wasUp bool, err error) string {
	var session *peer.Disconnect
	var proxy *socks5.Error
	var dns *net.DNSError
	var late net.Error
	switch {
	case wasUp:
		return "connected"
	case errors.As(err, &session): // reached, and not up before it ended
		return string(session.Reason)
	case errors.As(err, &proxy):
		return "proxy"
	case errors.Is(err, context.Canceled):
		return "called off"
	case errors.As(err, &dns):
		return "name not found"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &late) && late.Timeout():
		return "no answer"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "unreachable"
	case errors.Is(err, transport.ErrAddress):
		return "no transport"
	}
	return otherOutcome
}

// otherOutcome is what has no name of its own.
const otherOutcome = "other"

// refusals are the errors with which newcomers are turned away, in few words.
var refusals = []struct {
	err  error
	name string
}{
	{ErrHostBanned, "banned"},
	{ErrDiscouraged, "discouraged"},
	{ErrFull, "full"},
	{ErrInactive, "networking is off"},
	{ErrHostFull, "too many of the host"},
	{ErrGroupFull, "too many of the network group"},
	{ErrTooFast, "too fast"},
	{ErrNoPlace, "no place in time"},
	{context.Canceled, "stopping"},
}

// Refusal names in a few words why a newcomer was turned away.
func Refusal(why error) string {
	for _, r := range refusals {
		if errors.Is(why, r.err) {
			return r.name
		}
	}
	return otherOutcome
}
