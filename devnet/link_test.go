package devnet

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	"go.uber.org/goleak"

	"starling/clock"
	"starling/transport"
	"starling/transport/memnet"
	"starling/transport/tcp"
	"starling/transport/transporttest"

	"net/netip"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var magic = [4]byte{1, 2, 3, 4}

// TestTransport holds real links with faults to what every link must do.
func TestTransport(t *testing.T) {
	for name, path := range map[string]Path{"perfect": {}, "slow": {Latency: time.Millisecond}} {
		t.Run(name, func(t *testing.T) {
			transporttest.Run(t, transporttest.Config{
				New: func(t testing.TB, stall time.Duration) (a, b transport.Transport, listen ma.Multiaddr) {
					f := NewFaults(clock.System(), 1)
					t.Cleanup(f.Close)
					f.SetPath(path)
					listen, err := transport.ParseAddr("127.0.0.1:0")
					if err != nil {
						t.Fatal(err)
					}
					opts := tcp.Options{Magic: magic, Stall: stall}
					return f.Wrap(0, tcp.New(opts)), f.Wrap(1, tcp.New(opts)), listen
				},
				Foreign: ma.StringCast("/ip4/127.0.0.1/udp/1"),
			})
		})
	}
}

// pair is a link between two nodes in virtual time, at both ends.
func pair(t *testing.T, f *Faults) (dialled, accepted transport.Link) {
	t.Helper()
	net := memnet.New(memnet.Options{})
	b := f.Wrap(1, net.Host(netip.MustParseAddr("10.0.0.2")))
	addr, err := transport.ParseAddr("10.0.0.2:1000")
	if err != nil {
		t.Fatal(err)
	}
	ln, err := b.Listen(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	dialled, err = f.Wrap(0, net.Host(netip.MustParseAddr("10.0.0.1"))).Dial(t.Context(), ln.Addr())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err = ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { accepted.Close(); f.Close() })
	return dialled, accepted
}

func send(t *testing.T, l transport.Link, command string) {
	t.Helper()
	if _, err := l.Send(command, []byte("payload")); err != nil {
		t.Error(err)
	}
	if err := l.Flush(); err != nil {
		t.Error(err)
	}
}

// receive returns the next message and how long it took to come.
func receive(t *testing.T, l transport.Link) (string, time.Duration) {
	t.Helper()
	start := time.Now()
	m, err := l.Receive()
	if err != nil {
		t.Error(err)
	}
	return m.Command, time.Since(start)
}

func TestLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFaults(clock.System(), 1)
		f.SetPath(Path{Latency: 80 * time.Millisecond})
		start := time.Now()
		a, b := pair(t, f)
		if d := time.Since(start); d != 160*time.Millisecond {
			t.Errorf("dialling took %v", d)
		}
		for range 3 { // messages travel at the same time
			send(t, a, "one")
			send(t, b, "two")
		}
		for i := range 3 {
			want := time.Duration(0)
			if i == 0 {
				want = 80 * time.Millisecond
			}
			if m, d := receive(t, b); m != "one" || d != want {
				t.Errorf("%d: %s after %v", i, m, d)
			}
		}
		for i := range 3 {
			if m, d := receive(t, a); m != "two" || d != 0 {
				t.Errorf("%d: %s after %v", i, m, d)
			}
		}
	})
}

func TestLossDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFaults(clock.System(), 7)
		a, b := pair(t, f)
		f.SetPath(Path{Loss: 0.3})
		const n = 100
		start := time.Now()
		for i := range n {
			send(t, a, fmt.Sprint(i))
		}
		for i := range n {
			if m, _ := receive(t, b); m != fmt.Sprint(i) {
				t.Fatalf("message %d is %s", i, m)
			}
		}
		if d := time.Since(start); d < retransmit || d > time.Minute {
			t.Errorf("100 messages took %v", d)
		}
		// Where nearly all gets lost the link breaks, at both ends.
		f.SetPath(Path{Loss: 0.99})
		for {
			if _, err := a.Send("more", nil); err != nil {
				if !errors.Is(err, transport.ErrReset) {
					t.Error(err)
				}
				break
			}
		}
		for {
			if _, err := b.Receive(); err != nil {
				break
			}
		}
		for {
			if _, err := a.Receive(); err != nil {
				if !errors.Is(err, transport.ErrReset) {
					t.Error(err)
				}
				break
			}
		}
	})
}

func TestPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFaults(clock.System(), 1)
		a, b := pair(t, f)
		send(t, a, "before")
		if err := f.Partition([][]int{{1, 2}}); err != nil {
			t.Fatal(err)
		}
		if f.CutLinks(0) != 1 || f.CutLinks(2) != 0 {
			t.Errorf("%d and %d links are cut", f.CutLinks(0), f.CutLinks(2))
		}
		send(t, a, "held")
		send(t, b, "held too")
		got := make(chan string, 4)
		go func() {
			m, _ := receive(t, b)
			got <- m
			m, _ = receive(t, b)
			got <- m
		}()
		go func() {
			m, _ := receive(t, a)
			got <- m
		}()
		time.Sleep(time.Hour)
		synctest.Wait()
		select {
		case m := <-got:
			if m != "before" {
				t.Errorf("%s crossed the border", m)
			}
		default: // it was not under way long enough
		}
		f.Heal()
		synctest.Wait()
		if len(got) < 2 {
			t.Errorf("only %d messages came after it ended", len(got))
		}
		if f.CutLinks(0) != 0 {
			t.Error("a link is cut for ever")
		}
	})
	f := NewFaults(clock.System(), 1)
	if err := f.Partition([][]int{{1}, {1}}); err == nil {
		t.Error("a node in two groups")
	}
}

func TestDialAcrossPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFaults(clock.System(), 1)
		net := memnet.New(memnet.Options{})
		addr, err := transport.ParseAddr("10.0.0.2:1000")
		if err != nil {
			t.Fatal(err)
		}
		ln, err := f.Wrap(1, net.Host(netip.MustParseAddr("10.0.0.2"))).Listen(t.Context(), addr)
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		if err := f.Partition([][]int{{0}}); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Wrap(0, net.Host(netip.MustParseAddr("10.0.0.1"))).Dial(t.Context(), ln.Addr()); !errors.Is(err, ErrCut) {
			t.Errorf("got %v", err)
		}
		// Who is not of this network is not concerned.
		outside, err := net.Host(netip.MustParseAddr("10.0.0.3")).Dial(t.Context(), ln.Addr())
		if err != nil {
			t.Fatal(err)
		}
		outside.Close()
	})
}

// TestCloseHeld closes a link whose sender waits at a border.
func TestCloseHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFaults(clock.System(), 1)
		a, b := pair(t, f)
		if err := f.Partition([][]int{{0}}); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() {
			for {
				if _, err := a.Send("block", make([]byte, 1<<20)); err != nil {
					done <- err
					return
				}
			}
		}()
		synctest.Wait()
		a.Close()
		if err := <-done; !errors.Is(err, transport.ErrClosed) {
			t.Errorf("sending: %v", err)
		}
		if _, err := a.Receive(); !errors.Is(err, transport.ErrClosed) {
			t.Errorf("receiving: %v", err)
		}
		if _, err := b.Receive(); !errors.Is(err, io.EOF) {
			t.Errorf("the other end: %v", err)
		}
	})
}

func TestTopologies(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, tc := range []struct {
		topology Topology
		n        int
		want     string
	}{
		{Line, 4, "[[] [0] [1] [2]]"},
		{Ring, 4, "[[] [0] [1] [2 0]]"},
		{Ring, 2, "[[] [0]]"},
		{Star, 4, "[[] [0] [0] [0]]"},
		{Line, 1, "[[]]"},
	} {
		if got := fmt.Sprint(tc.topology.dials(tc.n, rng)); got != tc.want {
			t.Errorf("%s of %d: %s, want %s", tc.topology, tc.n, got, tc.want)
		}
	}
	for i, dials := range Random.dials(50, rng) {
		if len(dials) != min(i, randomPeers) {
			t.Errorf("node %d dials %v", i, dials)
		}
		for _, j := range dials {
			if j >= i {
				t.Errorf("node %d dials %d", i, j)
			}
		}
	}
	if _, err := ParseTopology("mesh"); err == nil {
		t.Error("an unknown topology is taken")
	}
}
