package cli

import (
	"context"
	"time"

	"starling/clock"
)

// pause waits in real time.
func pause(ctx context.Context, d time.Duration) error {
	return clock.Sleep(ctx, clock.System(), d)
}

// retryEvery is how often --wait asks again.
const retryEvery = 200 * time.Millisecond
