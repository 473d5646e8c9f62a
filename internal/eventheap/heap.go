package eventheap

import (
	"container/heap"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"time"
)

// Heap holds what is going to happen.
type Heap struct {
	seed   uint64
	now    time.Time
	seq    uint64
	events queue
}

// New returns a heap without events. The seed decides over its dice.
func New(start time.Time, seed uint64) *Heap { return &Heap{seed: seed, now: start} }

// Now returns the virtual time.
func (h *Heap) Now() time.Time { return h.now }

// At has do called at a time; what lies in the past happens now. Events of one
// time happen in the order in which they were put in.
func (h *Heap) At(t time.Time, do func()) {
	if t.Before(h.now) {
		t = h.now
	}
	h.seq++
	heap.Push(&h.events, event{t, h.seq, do})
}

// After is At with the time from now.
func (h *Heap) After(d time.Duration, do func()) { h.At(h.now.Add(d), do) }

// Next returns when the next event is due; false if there is none.
func (h *Heap) Next() (time.Time, bool) {
	if len(h.events) == 0 {
		return time.Time{}, false
	}
	return h.events[0].at, true
}

// Step moves the time to the next event and has it happen. It reports whether
// there was one.
func (h *Heap) Step() bool {
	if len(h.events) == 0 {
		return false
	}
	e := heap.Pop(&h.events).(event)
	h.now = e.at
	e.do()
	return true
}

// Run has all happen that is due until end, and moves the time there.
func (h *Heap) Run(end time.Time) {
	for {
		at, ok := h.Next()
		if !ok || at.After(end) {
			break
		}
		h.Step()
	}
	h.Skip(end)
}

// Skip moves the time to a later one without anything happening: for what is
// due then by other rules than those of events.
func (h *Heap) Skip(to time.Time) {
	if to.After(h.now) {
		h.now = to
	}
}

// Key returns a number that hangs on the seed, a node and a purpose alone, as a
// seed for what takes one.
func (h *Heap) Key(node uint64, purpose string) [32]byte {
	b := binary.LittleEndian.AppendUint64(nil, h.seed)
	b = binary.LittleEndian.AppendUint64(b, node)
	return sha256.Sum256(append(b, purpose...))
}

// Dice returns dice of one node for one purpose. What others throw, and how often,
// changes nothing about them, so that a new purpose leaves all else as it was.
func (h *Heap) Dice(node uint64, purpose string) *rand.Rand {
	return rand.New(rand.NewChaCha8(h.Key(node, purpose)))
}

// event is something that happens at a time.
type event struct {
	at  time.Time
	seq uint64
	do  func()
}

type queue []event

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	if q[i].at.Equal(q[j].at) {
		return q[i].seq < q[j].seq
	}
	return q[i].at.Before(q[j].at)
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(event)) }
func (q *queue) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last] = event{}
	*q = (*q)[:last]
	return e
}
