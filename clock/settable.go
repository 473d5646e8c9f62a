package clock

import (
	"sync"
	"time"
)

// Settable is a clock that follows the system until it is set; from then on it
// stands where it was set. Setting it forward fires what has become due, in
// order of time. Setting it back, by hand or by returning to the system's
// time, leaves each timer the time that it still had to wait.
//
// The zero value follows the system.
type Settable struct {
	mu  sync.Mutex
	set time.Time // zero while the clock follows the system
	s   schedule
}

// NewSettable returns a clock that follows the system.
func NewSettable() *Settable { return new(Settable) }

// Now implements [Clock].
func (c *Settable) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *Settable) now() time.Time {
	if c.set.IsZero() {
		return time.Now()
	}
	return c.set
}

// IsSet reports whether the clock stands where it was set.
func (c *Settable) IsSet() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.set.IsZero()
}

// NewTimer implements [Clock].
func (c *Settable) NewTimer(d time.Duration) *Timer {
	e := newEntry()
	c.start(e, d)
	return &Timer{
		C: e.c,
		stop: func() bool {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.disarm(e)
			return c.s.unset(e)
		},
		reset: func(d time.Duration) bool { return c.start(e, d) },
	}
}

func (c *Settable) start(e *entry, d time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.disarm(e)
	waited := c.s.unset(e)
	now := c.now()
	c.s.set(e, now.Add(d))
	if d <= 0 {
		c.fireDue(now)
	} else if c.set.IsZero() {
		c.arm(e, d)
	}
	return waited
}

// Set moves the clock to t, where it stays. The zero time makes it follow the
// system again.
func (c *Settable) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.now()
	c.set = t
	now := c.now()
	if now.Before(old) {
		c.s.shift(now.Sub(old))
	}
	c.fireDue(now)
	for _, e := range c.s.heap {
		c.disarm(e)
		if t.IsZero() {
			c.arm(e, e.due.Sub(now))
		}
	}
}

// fireDue fires all that is due at now.
func (c *Settable) fireDue(now time.Time) {
	for e := c.s.popDue(now); e != nil; e = c.s.popDue(now) {
		c.disarm(e)
		e.fire()
	}
}

// arm has the system's clock fire e in d.
func (c *Settable) arm(e *entry, d time.Duration) {
	e.armed++
	armed := e.armed
	e.real = time.AfterFunc(d, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		// The timer may have been stopped or set anew while this call was on
		// its way.
		if e.armed == armed && e.index >= 0 {
			c.s.unset(e)
			e.fire()
		}
	})
}

// disarm takes e off the system's clock.
func (c *Settable) disarm(e *entry) {
	e.armed++
	if e.real != nil {
		e.real.Stop()
		e.real = nil
	}
}
