package mining

import (
	"sync"
	"sync/atomic"
	"time"

	"starling/internal/cputime"
)

// meterSpan is over how much time of searching the rate is averaged, about.
const meterSpan = 30 * time.Second

// meter measures how many hashes the search computes in a second of searching.
type meter struct {
	count atomic.Uint64 // hashes since the start

	mu     sync.Mutex
	hashes float64 // of the searches that are counted
	busy   float64 // seconds that they took
	on     bool
	watch  cputime.Stopwatch // runs since the present search began
	from   uint64            // count at that moment
}

// start begins a search.
func (m *meter) start() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.on, m.watch, m.from = true, cputime.Start(), m.count.Load()
}

// stop ends it, and returns what it took.
func (m *meter) stop() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := m.watch.Lap()
	m.on = false
	m.hashes += float64(m.count.Load() - m.from)
	m.busy += d.Seconds()
	if over := m.busy / meterSpan.Seconds(); over > 1 {
		// What is older counts for less.
		m.hashes /= over
		m.busy /= over
	}
	return d
}

// rate returns the hashes in a second of searching, and whether one goes on.
func (m *meter) rate() (perSecond float64, on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	hashes, busy := m.hashes, m.busy
	if m.on {
		w := m.watch
		busy += w.Lap().Seconds()
		hashes += float64(m.count.Load() - m.from)
	}
	if busy <= 0 {
		return 0, m.on
	}
	return hashes / busy, m.on
}
