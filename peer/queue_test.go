package peer

import (
	"context"
	"testing"

	"starling/wire"
)

// A session can end at any instant, also while its writer waits for a
// producer; what the writer then tells the queue must do no harm.
func TestQueueClosedMeanwhile(t *testing.T) {
	none := func(context.Context) (wire.Message, error) { return nil, nil }
	for _, done := range []bool{false, true} {
		q := newQueue(Limits{})
		if err := q.pushLater(owed{next: none, size: 2}); err != nil {
			t.Fatal(err)
		}
		if err := q.push(outgoing{command: wire.CmdPing, payload: make([]byte, 8)}); err != nil {
			t.Fatal(err)
		}
		o, ok := q.pop()
		if _, asked := q.producer(); !ok || !asked {
			t.Fatal("nothing to send")
		}
		q.close()
		q.sent(o)
		q.produced(done)
		if _, ok := q.producer(); ok {
			t.Error("a closed queue still has producers")
		}
		if err := q.pushLater(owed{next: none}); err == nil {
			t.Error("a closed queue takes producers")
		}
	}
}

func newQueue(l Limits) *queue {
	l.fill()
	q := new(queue)
	q.init(l)
	return q
}

// A queue in which something always waits must not grow by what has been sent.
func TestQueueNeverEmpty(t *testing.T) {
	q := newQueue(Limits{})
	next, want := byte(0), byte(0)
	push := func() {
		if err := q.push(outgoing{command: wire.CmdPong, payload: []byte{next}}); err != nil {
			t.Fatal(err)
		}
		next++
	}
	for range 10 {
		push()
	}
	for range 100_000 {
		push()
		o, ok := q.pop()
		if !ok || o.payload[0] != want {
			t.Fatal("messages out of order")
		}
		want++
		q.sent(o)
	}
	if bytes, _ := q.waiting(); bytes != 10*(1+waitCost) {
		t.Errorf("%d bytes wait", bytes)
	}
	if c := cap(q.msgs); c > 64 {
		t.Errorf("room for %d messages is kept, for 10 that wait", c)
	}
}

// Whatever waits counts against the last limit, also what is only owed.
func TestQueueLastLimit(t *testing.T) {
	for _, limit := range []int{0, -1} {
		q := newQueue(Limits{QueuedHard: limit})
		var err error
		n := 0
		for ; err == nil && n < 3*MaxQueuedHard/waitCost; n++ {
			err = q.pushLater(owed{})
		}
		if full := err == errQueueFull; full != (limit == 0) {
			t.Errorf("limit %d: after %d: %v", limit, n, err)
		}
	}
}
