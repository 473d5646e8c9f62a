package jsonrpc

import (
	"context"
	"net/netip"
	"sync"
)

// turns has the passwords that one source sends looked at one after the other,
// over however many connections they come. It is safe for concurrent use.
type turns struct {
	mu    sync.Mutex
	lines map[netip.Prefix]*line
}

// line is the sources' turn, and how many want it or have it.
type line struct {
	turn chan struct{}
	in   int
}

// take waits for the turn of a source, and returns what gives it back. It fails
// when ctx ends.
func (t *turns) take(ctx context.Context, source netip.Prefix) (done func(), err error) {
	t.mu.Lock()
	l := t.lines[source]
	if l == nil {
		if t.lines == nil {
			t.lines = make(map[netip.Prefix]*line)
		}
		l = &line{turn: make(chan struct{}, 1)}
		t.lines[source] = l
	}
	l.in++
	t.mu.Unlock()
	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if l.in--; l.in == 0 {
			delete(t.lines, source)
		}
	}
	select {
	case l.turn <- struct{}{}:
		return func() { <-l.turn; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}

// guess reports whether a password is right, which it asks of right. The answer
// to a wrong one takes its time, during which no other of the same source is
// looked at, whether or not the caller is still there.
func (t *turns) guess(ctx, serving context.Context, source netip.Prefix, right func() bool) bool {
	done, err := t.take(ctx, source)
	if err != nil {
		return false
	}
	defer done()
	if right() {
		return true
	}
	delay, cancel := context.WithTimeout(serving, authDelay)
	defer cancel()
	<-delay.Done()
	return false
}
