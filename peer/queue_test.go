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
		var q queue
		q.init()
		if err := q.pushLater(owed{next: none, count: 2}); err != nil {
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
