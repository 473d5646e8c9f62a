package attach

import (
	"context"
	"errors"
	"net"
	"time"

	"starling/clock"
	"starling/node"
	"starling/store"
)

// Start opens a node that is to run. A command that has the data directory for a moment,
// such as a payment made just before, is waited for; another node is not.
func Start(ctx context.Context, fc node.Config) (*node.Node, error) {
	for until := clock.System().Now().Add(lockPatience); ; {
		n, err := node.Open(ctx, fc)
		var locked *store.LockedError
		if !errors.As(err, &locked) || nodeAnswers(ctx, fc.Server.Dir) {
			return n, err
		}
		if !clock.System().Now().Before(until) {
			return nil, &BusyError{Dir: fc.Server.Dir}
		}
		if err := pause(ctx, lockRetry); err != nil {
			return nil, err
		}
	}
}

// nodeAnswers reports whether a node is running on a data directory. One that
// was killed has left word of where it answered, and answers no more.
func nodeAnswers(ctx context.Context, dir string) bool {
	addr := node.Contact(dir)
	if addr == "" {
		return false
	}
	d := net.Dialer{Timeout: time.Second}
	conn, err := d.DialContext(ctx, "tcp", Dialable(addr))
	if err != nil {
		return false
	}
	conn.Close()
	return true
}
