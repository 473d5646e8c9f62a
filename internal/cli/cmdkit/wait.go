package cmdkit

import (
	"context"
	"time"

	"starling/clock"
)

// Pause waits in real time.
func Pause(ctx context.Context, d time.Duration) error {
	return clock.Sleep(ctx, clock.System(), d)
}

// RetryEvery is how often --wait asks again.
const RetryEvery = 200 * time.Millisecond
