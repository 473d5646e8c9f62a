package clock

import (
	"context"
	"time"
)

// Clock tells the time and makes timers. All clocks of this package are safe
// for concurrent use.
type Clock interface {
	// Now returns the current time.
	Now() time.Time
	// NewTimer returns a timer that fires once, d from now. A d of zero or
	// less fires at once.
	NewTimer(d time.Duration) *Timer
}

// Timer fires once, by sending the time on C. It is safe for concurrent use.
type Timer struct {
	// C receives the time when the timer fires. It holds one value.
	C <-chan time.Time

	stop  func() bool
	reset func(time.Duration) bool
}

// Stop keeps the timer from firing and reports whether it was still waiting.
// Once it has returned, no value that was sent before can be received.
func (t *Timer) Stop() bool { return t.stop() }

// Reset makes the timer fire d from now, whether or not it has fired, and
// reports whether it was still waiting. Once it has returned, no value that
// was sent before can be received.
func (t *Timer) Reset(d time.Duration) bool { return t.reset(d) }

// System returns the clock of the machine.
func System() Clock { return system{} }

type system struct{}

func (system) Now() time.Time { return time.Now() }

func (system) NewTimer(d time.Duration) *Timer {
	t := time.NewTimer(d)
	return &Timer{C: t.C, stop: t.Stop, reset: t.Reset}
}

// Sleep waits for d on clock c, or until ctx is done, whose error it then
// returns.
func Sleep(ctx context.Context, c Clock, d time.Duration) error {
	t := c.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
