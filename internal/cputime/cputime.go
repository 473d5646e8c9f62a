// Package cputime measures how long work takes. It is the one place, besides
// package clock and socket deadlines, that reads the system's clock: what it
// returns is for statistics and never decides anything.
package cputime

import "time"

// Stopwatch measures from [Start] or its last Lap.
type Stopwatch struct{ last time.Time }

// Start returns a running stopwatch.
func Start() Stopwatch { return Stopwatch{time.Now()} }

// Lap returns the time since the start or the last lap, and starts another.
func (s *Stopwatch) Lap() time.Duration {
	now := time.Now()
	d := now.Sub(s.last)
	s.last = now
	return d
}
