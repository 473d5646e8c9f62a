package transporttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"starling/transport"
	"starling/wire"
)

// Config says how to make the transports under test.
type Config struct {
	// New returns two transports of the same network that can reach each other,
	// and an address with port 0 on which the second one can listen. The stall
	// time is what they are to work with.
	New func(t testing.TB, stall time.Duration) (a, b transport.Transport, listen ma.Multiaddr)
	// Foreign is an address of another kind of transport.
	Foreign ma.Multiaddr
}

// Test is one test of the suite.
type Test struct {
	Name string
	Run  func(t *testing.T, c Config)
}

// Tests are all tests of the suite. A transport runs each of them, in virtual
// time if it can.
var Tests = []Test{
	{"messages", messages},
	{"both ways at once", bothWays},
	{"addresses", addresses},
	{"payload is not kept", notKept},
	{"too large", tooLarge},
	{"limit", limit},
	{"end of stream", endOfStream},
	{"close ends receive", closeReceive},
	{"close ends send", closeSend},
	{"send stalls", sendStalls},
	{"idle is no stall", idle},
	{"silent diallers", silentDiallers},
	{"dial fails", dialFails},
	{"listener closes", listenerCloses},
}

// Run runs all tests of the suite.
func Run(t *testing.T, c Config) {
	for _, tc := range Tests {
		t.Run(tc.Name, func(t *testing.T) { tc.Run(t, c) })
	}
}

// long is a stall time that no test reaches.
const long = time.Minute

// connect returns the two ends of a link on which one message has passed each
// way: transports whose nodes greet each other have done so.
func connect(t *testing.T, c Config, stall time.Duration) (dialled, accepted transport.Link) {
	t.Helper()
	a, b, addr := c.New(t, stall)
	l, err := b.Listen(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	failed := make(chan error, 1)
	go func() {
		var err error
		if dialled, err = a.Dial(t.Context(), l.Addr()); err == nil {
			err = hello(dialled)
		}
		if err == nil {
			_, err = dialled.Receive()
		}
		failed <- err
	}()
	// Who dials may first try what the other side does not understand.
	for try := 0; ; try++ {
		if accepted, err = l.Accept(); err != nil {
			t.Fatal(err)
		}
		if _, err = accepted.Receive(); err == nil {
			break
		}
		accepted.Close()
		if try > 0 {
			t.Fatal(err)
		}
	}
	if err := errors.Join(hello(accepted), <-failed); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dialled.Close(); accepted.Close() })
	return dialled, accepted
}

// hello sends a message.
func hello(l transport.Link) error {
	if _, err := l.Send(wire.CmdVersion, []byte("hello")); err != nil {
		return err
	}
	return l.Flush()
}

// payload returns n bytes that differ from those of any other seed.
func payload(n int, seed uint64) []byte {
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)})
	b := make([]byte, n)
	r.Read(b)
	return b
}

// messages sends payloads of all sizes that may be special, and checks that
// they arrive in order, whole and with the right size on the wire.
func messages(t *testing.T, c Config) {
	x, y := connect(t, c, long)
	sizes := []int{0, 1, 23, 24, 25, 4<<10 - 24, 4<<10 - 1, 4 << 10, 4<<10 + 1, 16<<10 - 1, 16 << 10,
		64<<10 - 1, 64 << 10, 64<<10 + 1, 256 << 10, 1 << 20, wire.MaxPayloadSize, 0, 7}
	errs := make(chan error, 1)
	sent := make([]int, len(sizes))
	go func() {
		for i, n := range sizes {
			size, err := x.Send(wire.CmdBlock, payload(n, uint64(i)))
			if err != nil {
				errs <- err
				return
			}
			sent[i] = size
		}
		errs <- x.Flush()
	}()
	got := make([]int, len(sizes))
	for i, n := range sizes {
		m, err := y.Receive()
		if err != nil {
			t.Fatalf("message %d of %d bytes: %v", i, n, err)
		}
		if m.Command != wire.CmdBlock || !bytes.Equal(m.Payload, payload(n, uint64(i))) {
			t.Fatalf("message %d of %d bytes: got %q with %d other bytes", i, n, m.Command, len(m.Payload))
		}
		got[i] = m.Size
	}
	if err := <-errs; err != nil {
		t.Fatal(err)
	}
	for i := range sizes {
		if sent[i] != got[i] || sent[i] <= sizes[i] {
			t.Errorf("payload of %d bytes: %d bytes sent, %d received", sizes[i], sent[i], got[i])
		}
	}
}

// bothWays fills both directions at the same time.
func bothWays(t *testing.T, c Config) {
	x, y := connect(t, c, long)
	const count = 500
	var wg sync.WaitGroup
	fail := make(chan error, 4)
	for side, l := range []transport.Link{x, y} {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(side), 1))
			for i := range count {
				if _, err := l.Send(wire.CmdTx, payload(r.IntN(20_000), uint64(side*count+i))); err != nil {
					fail <- err
					return
				}
				if r.IntN(3) == 0 {
					l.Flush()
				}
			}
			if err := l.Flush(); err != nil {
				fail <- err
			}
		})
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(1-side), 1))
			for i := range count {
				want := payload(r.IntN(20_000), uint64((1-side)*count+i))
				m, err := l.Receive()
				if err != nil {
					fail <- err
					return
				}
				r.IntN(3)
				if !bytes.Equal(m.Payload, want) {
					fail <- fmt.Errorf("message %d differs", i)
					return
				}
			}
		})
	}
	wg.Wait()
	close(fail)
	for err := range fail {
		t.Error(err)
	}
}

// addresses checks that each end names the other as that names itself.
func addresses(t *testing.T, c Config) {
	x, y := connect(t, c, long)
	if !x.RemoteAddr().Equal(y.LocalAddr()) || !y.RemoteAddr().Equal(x.LocalAddr()) {
		t.Errorf("ends disagree: %s → %s and %s → %s", x.LocalAddr(), x.RemoteAddr(), y.LocalAddr(), y.RemoteAddr())
	}
	a, _, listen := c.New(t, long)
	if !a.CanDial(x.RemoteAddr()) || !a.CanDial(listen) {
		t.Error("a transport cannot dial an address of its own kind")
	}
	if a.CanDial(c.Foreign) || a.CanDial(nil) {
		t.Error("a transport can dial an address of another kind")
	}
	if a.Name() == "" || x.Info().Protocol == "" {
		t.Error("a transport has no name")
	}
}

// notKept changes the payload after Send has returned.
func notKept(t *testing.T, c Config) {
	x, y := connect(t, c, long)
	for _, n := range []int{10, 5000, 100_000} {
		b := payload(n, 9)
		if _, err := x.Send(wire.CmdTx, b); err != nil {
			t.Fatal(err)
		}
		clear(b)
		if err := x.Flush(); err != nil {
			t.Fatal(err)
		}
		m, err := y.Receive()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(m.Payload, payload(n, 9)) {
			t.Errorf("payload of %d bytes was changed after it was sent", n)
		}
	}
}

func tooLarge(t *testing.T, c Config) {
	x, y := connect(t, c, long)
	if _, err := x.Send(wire.CmdBlock, make([]byte, wire.MaxPayloadSize+1)); !errors.Is(err, transport.ErrTooLarge) {
		t.Errorf("sending too much: %v", err)
	}
	// What the limit of its own command forbids must not be received.
	if _, err := x.Send(wire.CmdVerack, make([]byte, 100_000)); err == nil {
		x.Flush()
		if m, err := y.Receive(); err == nil {
			t.Errorf("received a %s of %d bytes", m.Command, len(m.Payload))
		}
	}
}

// limit bounds what is received, lifts the bound and sets it again.
func limit(t *testing.T, c Config) {
	x, y := connect(t, c, long)
	send := func(size int) {
		if _, err := x.Send(wire.CmdBlock, make([]byte, size)); err != nil {
			t.Fatal(err)
		}
		if err := x.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		limit, size int
		ok          bool
	}{{1000, 1000, true}, {-1, 1001, true}, {1000, 0, true}, {0, 0, true}, {1000, 1001, false}} {
		y.SetLimit(step.limit)
		send(step.size)
		m, err := y.Receive()
		switch {
		case step.ok && (err != nil || len(m.Payload) != step.size):
			t.Errorf("limit %d: got %d bytes of %d, %v", step.limit, len(m.Payload), step.size, err)
		case !step.ok && !errors.Is(err, transport.ErrTooLarge):
			t.Errorf("limit %d: %d bytes came, %v", step.limit, step.size, err)
		}
	}
}

// endOfStream closes one end: the other gets what was sent before, then io.EOF.
func endOfStream(t *testing.T, c Config) {
	x, y := connect(t, c, long)
	for i := range 10 {
		if _, err := x.Send(wire.CmdTx, payload(1000, uint64(i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := x.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(x.Close(), x.Close()); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if m, err := y.Receive(); err != nil || !bytes.Equal(m.Payload, payload(1000, uint64(i))) {
			t.Fatalf("message %d: %v", i, err)
		}
	}
	if _, err := y.Receive(); err != io.EOF {
		t.Errorf("after the end: %v, want EOF", err)
	}
	if _, err := x.Send(wire.CmdTx, nil); !errors.Is(err, transport.ErrClosed) {
		t.Errorf("sending on a closed link: %v", err)
	}
	if _, err := x.Receive(); !errors.Is(err, transport.ErrClosed) {
		t.Errorf("receiving from a closed link: %v", err)
	}
}

func closeReceive(t *testing.T, c Config) {
	x, y := connect(t, c, long)
	got := make(chan error, 2)
	for _, l := range []transport.Link{x, y} {
		go func() {
			_, err := l.Receive()
			got <- err
		}()
	}
	x.Close()
	a, b := <-got, <-got
	if a == io.EOF {
		a, b = b, a
	}
	if !errors.Is(a, transport.ErrClosed) || b != io.EOF {
		t.Errorf("got %v and %v; want that the link is closed here, and EOF there", a, b)
	}
}

// fill sends until it fails.
func fill(l transport.Link) error {
	b := make([]byte, 100_000)
	for {
		if _, err := l.Send(wire.CmdBlock, b); err != nil {
			return err
		}
		if err := l.Flush(); err != nil {
			return err
		}
	}
}

func closeSend(t *testing.T, c Config) {
	x, _ := connect(t, c, long)
	got := make(chan error, 1)
	go func() { got <- fill(x) }()
	x.Close()
	if err := <-got; !errors.Is(err, transport.ErrClosed) {
		t.Errorf("got %v, want that the link is closed", err)
	}
}

func sendStalls(t *testing.T, c Config) {
	x, _ := connect(t, c, 200*time.Millisecond)
	if err := fill(x); !errors.Is(err, transport.ErrStalled) {
		t.Errorf("got %v, want a stall", err)
	}
}

// idle keeps a link silent for longer than a message may stall.
func idle(t *testing.T, c Config) {
	const stall = 50 * time.Millisecond
	x, y := connect(t, c, stall)
	for range 3 {
		// The second link's failure to send is this test's clock.
		other, _ := connect(t, c, stall)
		fill(other)
		if _, err := x.Send(wire.CmdPing, make([]byte, 8)); err != nil {
			t.Fatal(err)
		}
		if err := x.Flush(); err != nil {
			t.Fatal(err)
		}
		if _, err := y.Receive(); err != nil {
			t.Fatal(err)
		}
	}
}

// silentDiallers connects many that are not answered; the next is accepted all
// the same.
func silentDiallers(t *testing.T, c Config) {
	a, b, addr := c.New(t, long)
	l, err := b.Listen(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var dials sync.WaitGroup
	const count = 20
	for range count {
		dials.Go(func() {
			// Whether it waits for an answer, or is content with the connection, is
			// up to the transport.
			if k, err := a.Dial(ctx, l.Addr()); err == nil {
				<-ctx.Done()
				k.Close()
			}
		})
	}
	for range count {
		k, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer k.Close()
	}
	cancel()
	dials.Wait()
	l.Close()
}

func dialFails(t *testing.T, c Config) {
	a, b, addr := c.New(t, long)
	if k, err := a.Dial(t.Context(), c.Foreign); !errors.Is(err, transport.ErrAddress) {
		t.Errorf("dialling a foreign address: %v, %v", k, err)
	}
	if k, err := b.Listen(t.Context(), c.Foreign); !errors.Is(err, transport.ErrAddress) {
		t.Errorf("listening on a foreign address: %v, %v", k, err)
	}
	l, err := b.Listen(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if k, err := a.Dial(ctx, l.Addr()); err == nil {
		k.Close()
		t.Error("dialled although it was no longer wanted")
	}
	l.Close()
	if k, err := a.Dial(t.Context(), l.Addr()); err == nil {
		k.Close()
		t.Error("dialled where nobody listens")
	}
}

func listenerCloses(t *testing.T, c Config) {
	_, b, addr := c.New(t, long)
	l, err := b.Listen(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	if k, err := b.Listen(t.Context(), l.Addr()); err == nil {
		k.Close()
		t.Error("listened twice on one port")
	}
	got := make(chan error, 1)
	go func() {
		_, err := l.Accept()
		got <- err
	}()
	if err := errors.Join(l.Close(), l.Close()); err != nil {
		t.Error(err)
	}
	if err := <-got; !errors.Is(err, transport.ErrClosed) {
		t.Errorf("Accept: %v", err)
	}
	again, err := b.Listen(t.Context(), l.Addr())
	if err != nil {
		t.Fatal("the port stayed in use:", err)
	}
	again.Close()
}
