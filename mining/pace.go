package mining

import (
	"math"
	"time"
)

// Pace says how long a [Worker] waits before it looks for its next block, for
// networks of one's own on which finding one takes no time. It is called by
// one goroutine.
type Pace func() time.Duration

// Every makes blocks so far apart.
func Every(d time.Duration) Pace { return func() time.Duration { return d } }

// Poisson makes blocks as a whole network of miners does: so far apart on
// average, each time as likely as any other, whatever happened before. random
// returns numbers from 0 up to, but not including, 1.
func Poisson(mean time.Duration, random func() float64) Pace {
	return func() time.Duration {
		d := -math.Log(1-random()) * float64(mean)
		return time.Duration(min(d, math.MaxInt64/2))
	}
}

// gate decides whether the pool holds enough to make a block: it opens at a
// least number of transactions and closes when none is left.
type gate struct {
	least int // 0 keeps it open
	open  bool
}

// look returns whether to go on with n transactions in the pool.
func (g *gate) look(n int) bool {
	switch {
	case n >= g.least:
		g.open = true
	case n == 0:
		g.open = false
	}
	return g.open
}
