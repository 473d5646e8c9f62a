package memnet

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	"go.uber.org/goleak"

	"starling/transport"
	"starling/transport/transporttest"
	"starling/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	hostA = netip.MustParseAddr("10.0.0.1")
	hostB = netip.MustParseAddr("10.1.0.2")
)

func suite(path Path) transporttest.Config {
	return transporttest.Config{
		Foreign: ma.StringCast("/ip4/10.1.0.2/udp/1/quic-v1"),
		New: func(t testing.TB, stall time.Duration) (a, b transport.Transport, listen ma.Multiaddr) {
			n := New(Options{Stall: stall, Path: path})
			return n.Host(hostA), n.Host(hostB), ma.StringCast("/ip4/10.1.0.2/tcp/0")
		},
	}
}

func TestSuite(t *testing.T) { transporttest.Run(t, suite(Path{})) }

func TestSuiteVirtualTime(t *testing.T) {
	c := suite(Path{Latency: 80 * time.Millisecond, Bandwidth: 10_000_000})
	for _, tc := range transporttest.Tests {
		t.Run(tc.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { tc.Run(t, c) })
		})
	}
}

// link returns the two ends of a link from host A to host B.
func connect(t *testing.T, n *Network) (a, b transport.Link) {
	t.Helper()
	l, err := n.Host(hostB).Listen(t.Context(), ma.StringCast("/ip4/10.1.0.2/tcp/8333"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err = n.Host(hostA).Dial(t.Context(), l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	b, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

// TestTiming checks that messages take as long as the path says, to the
// nanosecond.
func TestTiming(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(Options{Path: Path{Latency: 100 * time.Millisecond, Bandwidth: 1000}})
		start := time.Now()
		a, b := connect(t, n)
		if got, want := time.Since(start), 200*time.Millisecond; got != want {
			t.Errorf("dialling took %v, want one round trip of %v", got, want)
		}
		start = time.Now()
		for range 2 {
			a.Send(wire.CmdTx, make([]byte, 1000-wire.FrameHeaderSize))
		}
		for i := range 2 {
			b.Receive()
			if got, want := time.Since(start), time.Duration(i+1)*time.Second+100*time.Millisecond; got != want {
				t.Errorf("message %d took %v, want %v", i, got, want)
			}
		}
	})
}

func TestPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(Options{})
		a, b := connect(t, n)
		start := time.Now()
		n.Partition([]netip.Addr{hostA})
		a.Send(wire.CmdPing, nil)
		go func() {
			time.Sleep(time.Hour)
			n.Heal()
		}()
		if _, err := b.Receive(); err != nil || time.Since(start) != time.Hour {
			t.Errorf("received after %v: %v, want what waited for an hour", time.Since(start), err)
		}
		n.Partition([]netip.Addr{hostA}, []netip.Addr{hostB})
		start = time.Now()
		if _, err := n.Host(hostA).Dial(t.Context(), b.LocalAddr()); !errors.Is(err, syscall.ETIMEDOUT) || time.Since(start) != DialTimeout {
			t.Errorf("dialling across a partition: %v after %v", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := n.Host(hostA).Dial(ctx, b.LocalAddr()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("dialling with a short deadline: %v", err)
		}
		// A close does not get through either, until the partition heals.
		a.Close()
		closed := make(chan error)
		go func() {
			_, err := b.Receive()
			closed <- err
		}()
		synctest.Wait()
		select {
		case err := <-closed:
			t.Errorf("the end came through a partition: %v", err)
		default:
		}
		n.Heal()
		<-closed
	})
}

func TestCut(t *testing.T) {
	n := New(Options{})
	a, b := connect(t, n)
	if got := n.Cut(hostA, netip.MustParseAddr("10.9.9.9")); got != 0 {
		t.Errorf("cut %d links to a stranger", got)
	}
	if got := len(n.Links()); got != 1 {
		t.Fatalf("%d links, want 1", got)
	}
	if got := n.Cut(hostB, hostA); got != 1 {
		t.Errorf("cut %d links, want 1", got)
	}
	for _, l := range []transport.Link{a, b} {
		if _, err := l.Receive(); !errors.Is(err, transport.ErrReset) {
			t.Errorf("receiving from a cut link: %v", err)
		}
		if _, err := l.Send(wire.CmdPing, nil); !errors.Is(err, transport.ErrReset) {
			t.Errorf("sending to a cut link: %v", err)
		}
	}
	if got := len(n.Links()); got != 0 {
		t.Errorf("%d links are left", got)
	}
}

func TestPackets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(Options{Path: Path{Latency: time.Second}, Seed: 1})
		a, _ := n.Host(hostA).ListenPacket(0)
		b, err := n.Host(hostB).ListenPacket(30303)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.Host(hostB).ListenPacket(30303); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("opening a port twice: %v", err)
		}
		start := time.Now()
		a.WriteTo([]byte("hello"), b.LocalAddr())
		buf := make([]byte, 3)
		got, from, err := b.ReadFrom(buf)
		if err != nil || got != 3 || string(buf) != "hel" || from.String() != a.LocalAddr().String() {
			t.Errorf("got %d bytes %q from %v, %v", got, buf, from, err)
		}
		if time.Since(start) != time.Second {
			t.Errorf("took %v, want 1s", time.Since(start))
		}

		b.SetReadDeadline(time.Now().Add(time.Minute))
		if _, _, err := b.ReadFrom(buf); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != 61*time.Second {
			t.Errorf("with a deadline: %v after %v", err, time.Since(start))
		}
		b.SetReadDeadline(time.Time{})

		n.SetPath(hostA, hostB, Path{Loss: 0.25})
		got = 0
		for range 100 {
			for range 10 {
				a.WriteTo([]byte{1}, b.LocalAddr())
			}
			b.SetReadDeadline(time.Now().Add(time.Millisecond))
			for {
				if _, _, err := b.ReadFrom(buf); err != nil {
					break
				}
				got++
			}
		}
		if got < 700 || got > 800 {
			t.Errorf("%d of 1000 datagrams arrived, want about 750", got)
		}

		n.Partition([]netip.Addr{hostA})
		n.SetPath(hostA, hostB, Path{})
		a.WriteTo([]byte{1}, b.LocalAddr())
		n.Heal()
		b.SetReadDeadline(time.Now().Add(time.Second))
		if _, _, err := b.ReadFrom(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a datagram crossed a partition: %v", err)
		}
		a.Close()
		b.Close()
		if _, err := a.WriteTo(nil, b.LocalAddr()); !errors.Is(err, net.ErrClosed) {
			t.Errorf("sending from a closed socket: %v", err)
		}
	})
}
