package peer

import (
	"context"
	"errors"
	"sync"

	"starling/wire"
)

// ErrEnded means that the session is over, so that nothing can be sent.
var ErrEnded = errors.New("the session has ended")

// errQueueFull means that more than Limits.QueuedHard bytes would wait.
var errQueueFull = errors.New("send queue full")

// outgoing is one message that waits to be sent.
type outgoing struct {
	command string
	payload []byte
}

// waitCost is what it takes to keep a message or a producer in line beside its
// own bytes: its place in the list, which may be half empty, and its head in
// memory. So a request of nothing still counts as something.
const waitCost = 128

// cost is what a waiting message counts: the bytes that it keeps and its place.
func (o outgoing) cost() int { return cap(o.payload) + waitCost }

// Producer makes messages that the other side has asked for, one at each call,
// when there is room to send them. A nil message means that there are no
// more. The session's writing goroutine calls it; an error ends the session.
type Producer func(ctx context.Context) (wire.Message, error)

// owed is a producer and how many bytes it keeps until it is done.
type owed struct {
	next Producer
	size int
}

// cost is what a waiting producer counts.
func (o owed) cost() int { return max(o.size, 0) + waitCost }

// queue holds what a session has to send: messages, and producers of messages
// to be asked when no message waits. One goroutine takes from it.
type queue struct {
	limits Limits

	mu      sync.Mutex
	msgs    []outgoing // msgs[head:] wait
	head    int
	bytes   int // sum of their costs, and of the one that is being sent
	later   []owed
	owes    int             // sum of later's costs
	flushed []chan struct{} // closed when all has been handed to the link
	closed  bool

	wake chan struct{} // tells the writer that there is something to do
	room chan struct{} // tells the reader that it may go on
}

func (q *queue) init(l Limits) {
	q.limits = l
	q.wake = make(chan struct{}, 1)
	q.room = make(chan struct{}, 1)
}

// signal makes a receive on c, a channel with room for one, succeed.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (q *queue) push(o outgoing) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return ErrEnded
	}
	if q.full(o.cost()) {
		return errQueueFull
	}
	if q.head > len(q.msgs)/2 {
		// A queue that never runs empty would grow by all that has been sent.
		n := copy(q.msgs, q.msgs[q.head:])
		clear(q.msgs[n:])
		q.msgs, q.head = q.msgs[:n], 0
	}
	q.msgs = append(q.msgs, o)
	q.bytes += o.cost()
	signal(q.wake)
	return nil
}

// full reports whether so much waits that no more may be added. One message
// always has a place, however large.
func (q *queue) full(more int) bool {
	waits := q.bytes + q.owes
	return waits > 0 && waits+more > q.limits.QueuedHard
}

func (q *queue) pushLater(o owed) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return ErrEnded
	}
	if q.full(o.cost()) {
		return errQueueFull
	}
	q.later = append(q.later, o)
	q.owes += o.cost()
	signal(q.wake)
	return nil
}

// hasLater reports whether producers still have to be asked.
func (q *queue) hasLater() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.later) > 0
}

// pop takes the next message.
func (q *queue) pop() (outgoing, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.head == len(q.msgs) {
		return outgoing{}, false
	}
	o := q.msgs[q.head]
	q.msgs[q.head] = outgoing{}
	q.head++
	if q.head == len(q.msgs) {
		q.head = 0
		q.msgs = q.msgs[:0]
		if cap(q.msgs) > 64 {
			q.msgs = nil // a burst is over; an idle session keeps little
		}
	}
	return o, true
}

// sent tells that a message taken with pop has been handed to the link. Until
// then it counts as waiting.
func (q *queue) sent(o outgoing) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.bytes -= o.cost()
	q.signalRoom()
}

// producer returns the producer to ask next. It stays in its place until done.
func (q *queue) producer() (Producer, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.later) == 0 {
		return nil, false
	}
	return q.later[0].next, true
}

// produced tells that the producer in front has made a message, or that it is
// done.
func (q *queue) produced(done bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return // the session ended while the producer was asked
	}
	if done {
		q.owes -= q.later[0].cost()
		q.later[0] = owed{}
		if q.later = q.later[1:]; len(q.later) == 0 {
			q.later = nil
		}
	}
	q.signalRoom()
}

func (q *queue) hasRoom() bool { return q.bytes <= q.limits.Queued && q.owes <= q.limits.Owed }

func (q *queue) signalRoom() {
	if q.hasRoom() {
		signal(q.room)
	}
}

// waitRoom waits until so little is to be sent that reading may go on.
func (q *queue) waitRoom(ctx context.Context) error {
	for {
		q.mu.Lock()
		ok := q.hasRoom()
		q.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-q.room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// wait returns a channel that is closed once all that was pushed before has
// been handed to the link.
func (q *queue) wait() <-chan struct{} {
	c := make(chan struct{})
	q.mu.Lock()
	defer q.mu.Unlock()
	q.flushed = append(q.flushed, c)
	signal(q.wake)
	return c
}

// idle tells that the link has been flushed. It does nothing if there is
// something to send by now.
func (q *queue) idle() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.head < len(q.msgs) || len(q.later) > 0 {
		return
	}
	for _, c := range q.flushed {
		close(c)
	}
	q.flushed = nil
}

// waiting returns how many bytes wait, and how many are kept for what is owed.
func (q *queue) waiting() (bytes, owes int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.bytes, q.owes
}

// close makes every push fail and drops what waits.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.msgs, q.head, q.later = nil, 0, nil
}
