package connmgr

import "time"

const (
	// DefaultPaceRate is how many links of one network group are let in each
	// second in the long run, and DefaultPaceBurst how many at once before that
	// counts. A node of a large network has a new peer every few seconds.
	DefaultPaceRate  = 2
	DefaultPaceBurst = 32
	// maxHold is how long a newcomer is held back at most; one that would have to
	// wait longer is refused.
	maxHold = 2 * time.Second
	// maxPaced bounds the groups that are remembered, in some 300 kB.
	maxPaced = 4096
)

// Pace slows down newcomers of a network group that opens links faster than
// honest nodes do, and refuses those that would have to wait for long. Other
// groups are not held up. It is a pure state machine.
type Pace struct {
	every  time.Duration // from one link to the next in the long run
	burst  time.Duration // what a group that was quiet has saved up
	groups map[string]time.Time
}

// NewPace returns a pace of so many links a second; zeros take the defaults, a
// rate below zero is no limit.
func NewPace(rate float64, burst int) *Pace {
	if rate == 0 {
		rate = DefaultPaceRate
	}
	if burst <= 0 {
		burst = DefaultPaceBurst
	}
	p := &Pace{groups: make(map[string]time.Time)}
	if rate > 0 {
		p.every = time.Duration(float64(time.Second) / rate)
		p.burst = time.Duration(burst) * p.every
	}
	return p
}

// Take returns how long a newcomer of a group has to wait, or false if that is
// too long.
func (p *Pace) Take(now time.Time, group string) (wait time.Duration, ok bool) {
	if p.every == 0 {
		return 0, true
	}
	at, known := p.groups[group]
	if !known {
		p.makeRoom(now)
	}
	if at.Before(now) {
		at = now
	}
	// At is when the group would have used up all that it may, were it quiet
	// until then.
	wait = max(0, at.Add(p.every).Sub(now)-p.burst)
	if wait > maxHold {
		return 0, false
	}
	if known || len(p.groups) < maxPaced {
		p.groups[group] = at.Add(p.every)
	}
	return wait, true
}

// makeRoom forgets the groups that have been quiet.
func (p *Pace) makeRoom(now time.Time) {
	if len(p.groups) < maxPaced {
		return
	}
	for g, at := range p.groups {
		if !at.After(now) {
			delete(p.groups, g)
		}
	}
}
