package clock

import (
	"sync"
	"time"
)

// Mock is a clock that stands still until it is moved. Moving it forward fires
// what has become due, in order of time. Moving it back leaves each timer the
// time that it still had to wait, so that nothing waits for ever.
type Mock struct {
	mu  sync.Mutex
	now time.Time
	s   schedule
}

// NewMock returns a clock that stands at start.
func NewMock(start time.Time) *Mock { return &Mock{now: start} }

// Now implements [Clock].
func (m *Mock) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// NewTimer implements [Clock].
func (m *Mock) NewTimer(d time.Duration) *Timer {
	e := newEntry()
	m.start(e, d)
	return &Timer{
		C: e.c,
		stop: func() bool {
			m.mu.Lock()
			defer m.mu.Unlock()
			return m.s.unset(e)
		},
		reset: func(d time.Duration) bool { return m.start(e, d) },
	}
}

func (m *Mock) start(e *entry, d time.Duration) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	waited := m.s.unset(e)
	m.s.set(e, m.now.Add(d))
	m.fire()
	return waited
}

// Set moves the clock to t.
func (m *Mock) Set(t time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.move(t)
}

// Advance moves the clock by d. Timers that receivers set while it moves count
// from where it ends.
func (m *Mock) Advance(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.move(m.now.Add(d))
}

// Waiting returns how many timers wait.
func (m *Mock) Waiting() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.s.heap)
}

// Next returns when the next timer is due; ok is false if none waits.
func (m *Mock) Next() (due time.Time, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.s.heap) == 0 {
		return time.Time{}, false
	}
	return m.s.heap[0].due, true
}

func (m *Mock) move(t time.Time) {
	if t.Before(m.now) {
		m.s.shift(t.Sub(m.now))
	}
	m.now = t
	m.fire()
}

func (m *Mock) fire() {
	for e := m.s.popDue(m.now); e != nil; e = m.s.popDue(m.now) {
		e.fire()
	}
}
