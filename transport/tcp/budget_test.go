package tcp

import (
	"errors"
	"net"
	"runtime"
	"testing"
	"time"

	"starling/transport"
	"starling/wire"
)

// reachable returns how many bytes of the heap are in use.
func reachable() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// begun opens links on which strangers begin a message of 4 MB and send some bytes
// of it, and returns what the heap has grown by, how many of the links have ended,
// and whether an honest peer's message came through beside them.
func begun(t *testing.T, opts Options, links, sent int) (grown, ended int, honest error) {
	opts.Magic, opts.Stall = magic, time.Hour
	tr := New(opts)
	frame := wire.FrameHeader{Magic: magic, Command: wire.CmdBlock, Length: wire.MaxPayloadSize}.Append(nil)
	frame = append(frame, make([]byte, sent)...)
	before := reachable()
	over := make(chan error, links)
	open := func(got chan error) net.Conn {
		c, raw := net.Pipe()
		t.Cleanup(func() { raw.Close() })
		k := tr.accepted(c)
		go func() {
			_, err := k.Receive()
			if err != nil {
				k.Close()
			}
			got <- err
		}()
		return raw
	}
	for range links {
		open(over).Write(frame) // returns when all has been taken, or the link is over
	}
	grown = reachable() - before
	got := make(chan error, 1)
	raw := open(got)
	go raw.Write(wire.AppendFrame(nil, magic, &wire.MsgUnknown{Cmd: wire.CmdBlock, Payload: make([]byte, wire.MaxPayloadSize)}))
	honest = <-got
	for ; len(over) > 0; ended++ {
		if err := <-over; !errors.Is(err, transport.ErrStalled) {
			t.Errorf("a link ended with %v", err)
		}
	}
	runtime.KeepAlive(tr)
	return grown, ended, honest
}

// TestAnnouncedInVain has 32 strangers announce 4 MB each and send a thousand bytes.
// What is set aside follows what has come; without the limit it is what was
// announced.
func TestAnnouncedInVain(t *testing.T) {
	const links, most = 32, 4 << 20
	for name, ahead := range map[string]int{"with": 0, "without": -1} {
		t.Run(name, func(t *testing.T) {
			grown, _, err := begun(t, Options{Ahead: ahead}, links, 1000)
			t.Logf("measured: %d", grown)
			if err != nil || (grown <= most) != (name == "with") {
				t.Errorf("%d bytes, the bound is %d; an honest message: %v", grown, most, err)
			}
		})
	}
}

// TestBegunTogether has 40 strangers send a good part of a message of 4 MB and no
// more. They hold no more than the budget, and those that began first are the ones to
// go; a message that is sent in full comes through.
func TestBegunTogether(t *testing.T) {
	const links, sent, budget = 40, 1_200_000, 16 << 20
	const most = budget + links*firstAlloc + 2<<20
	for name, limit := range map[string]int{"with": budget, "without": -1} {
		t.Run(name, func(t *testing.T) {
			grown, ended, err := begun(t, Options{Budget: limit}, links, sent)
			t.Logf("measured: %d, %d links ended", grown, ended)
			if err != nil || (grown <= most) != (name == "with") || (ended > 0) != (name == "with") {
				t.Errorf("%d bytes, the bound is %d; %d links ended; an honest message: %v", grown, most, ended, err)
			}
		})
	}
}

// What a link holds is given back when its message has come, and who is alone with
// more than the budget goes.
func TestBudget(t *testing.T) {
	b := &budget{limit: 10}
	conn := func() *socket {
		c, raw := net.Pipe()
		t.Cleanup(func() { raw.Close() })
		return &socket{conn: c}
	}
	x, y, z := conn(), conn(), conn()
	for i, step := range []struct {
		s    *socket
		more int
		err  error
		held int
	}{{x, 4, nil, 4}, {y, 4, nil, 8}, {x, 2, nil, 10}, {y, 1, nil, 5}, {x, 1, errOusted, 5}, {z, 5, nil, 10}, {z, 20, errOusted, 0}} {
		if err := b.grow(step.s, step.more); err != step.err || b.held != step.held {
			t.Fatalf("step %d: %v, %d held, want %v, %d", i, err, b.held, step.err, step.held)
		}
	}
	w := conn()
	if b.grow(w, 9) != nil {
		t.Fatal("nobody holds anything")
	}
	b.settle(w)
	b.settle(w)
	if b.held != 0 || len(b.holders) != 0 || w.ousted.Load() {
		t.Errorf("%d held by %d", b.held, len(b.holders))
	}
}
