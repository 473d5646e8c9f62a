package peer

import (
	"context"
	"net"
	"runtime"
	"testing"

	"starling/transport"
	"starling/transport/tcp"
	"starling/wire"

	ma "github.com/multiformats/go-multiaddr"
)

// What an idle session may cost, heap and stacks together: with a link in the
// clear, and with an encrypted one, which keeps its keys beside it.
const (
	maxIdle   = 17 << 10 * raceFactor
	maxIdleV2 = 22 << 10 * raceFactor
)

// TestIdleMemory shakes hands on many TCP links and measures what one of them costs
// when nothing happens any more. Both ends are in this process, so
// half of what is used belongs to one.
func TestIdleMemory(t *testing.T) {
	t.Run("v1", func(t *testing.T) { idleMemory(t, "v1", maxIdle) })
	t.Run("v2", func(t *testing.T) { idleMemory(t, "v2", maxIdleV2) })
}

func idleMemory(t *testing.T, protocol string, most uint64) {
	const count = 400 // links, so twice as many sessions; many systems allow 1,024 open files
	tr := tcp.New(tcp.Options{Magic: [4]byte{1, 2, 3, 4}, V2: protocol == "v2"})
	l, err := tr.Listen(t.Context(), ma.StringCast("/ip4/127.0.0.1/tcp/0"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	before := used()
	ready := make(chan struct{}, 2*count)
	ponged := make(chan struct{}, 2*count)
	cfg := Config{
		Handler:  handler{ready: func(context.Context, *Peer) error { ready <- struct{}{}; return nil }},
		Observer: pongs{c: ponged},
	}
	start := func(k transport.Link, kind Kind) *session {
		cfg := cfg
		cfg.Kind = kind
		return run(t.Context(), k, cfg)
	}
	var all []*session
	dialled := make(chan transport.Link)
	for range count {
		go func() {
			x, err := tr.Dial(t.Context(), l.Addr())
			if err != nil {
				t.Error(err)
			}
			dialled <- x
		}()
		y, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, start(y, Inbound))
		x := <-dialled
		if x == nil {
			t.FailNow()
		}
		all = append(all, start(x, OutboundFull))
	}
	for range 2 * count {
		<-ready
		<-ponged
	}
	for _, s := range all {
		if p := s.Link().Protocol; p != protocol {
			t.Fatalf("a link speaks %s", p)
		}
		s.Send(&wire.MsgSendHeaders{})
	}
	for _, s := range all {
		s.Flush(t.Context())
	}
	each := (used() - before) / (2 * count)
	t.Logf("an idle session costs %d bytes", each)
	if each > most {
		t.Errorf("an idle session costs %d bytes, want at most %d", each, most)
	}
	for _, s := range all {
		s.close()
	}
}

// TestMemoryBeforeHandshake opens links and begins a message of 4 MB on each,
// before any handshake. The session refuses it by its header; without that limit
// it would wait for the rest with what has come in a buffer.
func TestMemoryBeforeHandshake(t *testing.T) {
	const count, sent = 50, 300_000
	for _, tc := range []struct {
		name  string
		limit int
		most  uint64
	}{
		{"limited", 0, maxIdle},
		{"unlimited", -1, 1 << 30},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tr := tcp.New(tcp.Options{Magic: [4]byte{1, 2, 3, 4}})
			l, err := tr.Listen(t.Context(), ma.StringCast("/ip4/127.0.0.1/tcp/0"))
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			frame := wire.FrameHeader{Magic: [4]byte{1, 2, 3, 4}, Command: wire.CmdBlock, Length: wire.MaxPayloadSize}.Append(nil)
			frame = append(frame, make([]byte, sent)...)
			before := used()
			var all []*session
			for range count {
				addr, _ := transport.AddrPort(l.Addr())
				c, err := net.Dial("tcp", addr.String())
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				y, err := l.Accept()
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, run(t.Context(), y, Config{Limits: Limits{HandshakePayload: tc.limit}}))
				// When all is written, at most what the system buffers has not
				// been read; or the session has ended over it.
				c.Write(frame)
			}
			if tc.limit == 0 {
				for _, s := range all {
					if d := <-s.end; d.Reason != BadFrame {
						t.Errorf("the session ended with %v", d)
					}
				}
			}
			cost := func() uint64 { return (max(used(), before) - before) / count }
			each := cost()
			for tc.limit < 0 && each <= maxIdle {
				each = cost() // until what was sent has been read
			}
			t.Logf("each link costs %d bytes", each)
			if each > tc.most {
				t.Errorf("each link costs %d bytes, want at most %d", each, tc.most)
			}
			for _, s := range all {
				if tc.limit < 0 {
					s.close()
				}
			}
			runtime.KeepAlive(all)
		})
	}
}

// pongs tells of every answered ping.
type pongs struct {
	NoObserver
	c chan struct{}
}

func (o pongs) Message(_ *Peer, d Direction, command string, _ []byte, _ int) {
	if d == In && command == wire.CmdPong {
		o.c <- struct{}{}
	}
}

// used returns how many bytes heap and stacks take after a collection.
func used() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
