package peer

import (
	"context"
	"runtime"
	"testing"

	"starling/transport"
	"starling/transport/tcp"
	"starling/wire"

	ma "github.com/multiformats/go-multiaddr"
)

// maxIdle is what an idle session may cost, heap and stacks together.
const maxIdle = 64 << 10

// TestIdleMemory shakes hands on many TCP links and measures what one of them costs
// when nothing happens any more. Both ends are in this process, so
// half of what is used belongs to one.
func TestIdleMemory(t *testing.T) {
	const count = 400 // links, so twice as many sessions; many systems allow 1,024 open files
	tr := tcp.New(tcp.Options{Magic: [4]byte{1, 2, 3, 4}})
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
	var all []*session
	for range count {
		x, err := tr.Dial(t.Context(), l.Addr())
		if err != nil {
			t.Fatal(err)
		}
		y, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		for i, k := range []transport.Link{x, y} {
			cfg.Kind = []Kind{OutboundFull, Inbound}[i]
			all = append(all, run(t.Context(), k, cfg))
		}
	}
	for range 2 * count {
		<-ready
		<-ponged
	}
	for _, s := range all {
		s.Send(&wire.MsgSendHeaders{})
	}
	for _, s := range all {
		s.Flush(t.Context())
	}
	each := (used() - before) / (2 * count)
	t.Logf("an idle session costs %d bytes", each)
	if each > maxIdle {
		t.Errorf("an idle session costs %d bytes, want at most %d", each, maxIdle)
	}
	for _, s := range all {
		s.close()
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
