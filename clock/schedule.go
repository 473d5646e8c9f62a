package clock

import (
	"container/heap"
	"time"
)

// schedule holds the timers that wait for their time. Its owner locks it.
type schedule struct {
	heap entries
}

// entry is one timer. Its index tells whether it waits.
type entry struct {
	due   time.Time
	index int // in the heap; -1 if not waiting
	c     chan time.Time
	real  *time.Timer // of a Settable clock that follows the system
	armed uint64      // counts settings, so that a late real timer is ignored
}

func newEntry() *entry { return &entry{index: -1, c: make(chan time.Time, 1)} }

// set makes e wait until due.
func (s *schedule) set(e *entry, due time.Time) {
	e.due = due
	heap.Push(&s.heap, e)
}

// unset takes e out and forgets what it sent; it reports whether e waited.
func (s *schedule) unset(e *entry) bool {
	waited := e.index >= 0
	if waited {
		heap.Remove(&s.heap, e.index)
	}
	select {
	case <-e.c:
	default:
	}
	return waited
}

// fire sends on e, which must not be waiting any more.
func (e *entry) fire() {
	select {
	case e.c <- e.due:
	default: // unset keeps the channel empty; a full one has been told already
	}
}

// popDue takes out the first entry that is due at now; nil if there is none.
func (s *schedule) popDue(now time.Time) *entry {
	if len(s.heap) == 0 || s.heap[0].due.After(now) {
		return nil
	}
	return heap.Pop(&s.heap).(*entry)
}

// shift moves all waiting entries by d. Their order stays.
func (s *schedule) shift(d time.Duration) {
	for _, e := range s.heap {
		e.due = e.due.Add(d)
	}
}

// entries is a heap of entries by time. Which of two that are due at the same
// instant fires first cannot be told: each has a channel of its own.
type entries []*entry

func (h entries) Len() int { return len(h) }

func (h entries) Less(i, j int) bool { return h[i].due.Before(h[j].due) }

func (h entries) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *entries) Push(x any) {
	e := x.(*entry)
	e.index = len(*h)
	*h = append(*h, e)
}

func (h *entries) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	e.index = -1
	return e
}
