package crawl

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	"go.uber.org/goleak"

	"starling/addrmgr/netaddr"
	"starling/peer"
	"starling/transport"
	"starling/transport/memnet"
	"starling/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func addr(s string) netaddr.Addr { return netaddr.FromAddrPort(netip.MustParseAddrPort(s)) }

func TestFrontier(t *testing.T) {
	f := NewFrontier(5)
	start := addr("8.0.0.1:8333").Multiaddr()
	f.Start(start)
	added := f.Add(start, []netaddr.Addr{
		addr("8.0.0.1:8333"), addr("8.0.0.1:9"), // the host is known
		addr("9.0.0.1:8333"), addr("9.0.0.1:22"), addr("9.0.0.1:80"), // one port of a host is enough
		addr("127.0.0.1:8333"), addr("10.0.0.1:8333"), addr("[::1]:1"), // none of its business
		addr("9.0.0.2:0"),
	})
	if added != 1 || f.Waiting() != 2 {
		t.Errorf("%d added, %d wait", added, f.Waiting())
	}
	local := addr("127.0.0.1:1").Multiaddr()
	if added := f.Add(local, []netaddr.Addr{addr("127.0.0.1:2"), addr("127.0.0.1:3"), addr("127.0.0.1:2"), addr("127.0.0.1:4"), addr("224.0.0.1:5")}); added != 3 {
		t.Errorf("%d local ones added, want 3", added)
	}
	if f.Full() {
		t.Error("full too early")
	}
	if added := f.Add(start, []netaddr.Addr{addr("9.0.0.9:8333")}); added != 0 || !f.Full() {
		t.Errorf("%d added beyond the limit", added)
	}
	var order []string
	for m, ok := f.Next(); ok; m, ok = f.Next() {
		order = append(order, transport.FormatAddr(m))
	}
	if got := strings.Join(order, " "); got != "8.0.0.1:8333 9.0.0.1:8333 127.0.0.1:2 127.0.0.1:3 127.0.0.1:4" {
		t.Errorf("visited %s", got)
	}
}

// host answers visits with what it knows.
type host struct {
	knows  []netaddr.Addr
	heard  func(netaddr.Addr)
	silent bool // asked, it does not answer
}

func (h *host) Ready(context.Context, *peer.Peer) error { return nil }

func (h *host) Handle(_ context.Context, p *peer.Peer, m wire.Message) error {
	switch m := m.(type) {
	case *wire.MsgGetAddr:
		var list []wire.NetAddr
		for _, a := range h.knows {
			list = append(list, a.Wire(wire.NodeNetwork, uint32(time.Now().Unix())))
		}
		if !h.silent {
			return p.Send(&wire.MsgAddrV2{Addrs: list})
		}
	case *wire.MsgAddrV2:
		for _, w := range m.Addrs {
			if a, ok := netaddr.FromWire(w); ok && h.heard != nil {
				h.heard(a)
			}
		}
	}
	return nil
}

// world is a network in memory.
type world struct {
	t    *testing.T
	net  *memnet.Network
	ctx  context.Context
	wait sync.WaitGroup
}

func newWorld(t *testing.T) *world {
	ctx, stop := context.WithCancel(context.Background())
	w := &world{t: t, net: memnet.New(memnet.Options{Path: memnet.Path{Latency: 50 * time.Millisecond}}), ctx: ctx}
	t.Cleanup(func() { stop(); w.wait.Wait() })
	return w
}

// node has a host listen at ip:8333.
func (w *world) node(ip string, h *host) ma.Multiaddr {
	at := netip.AddrPortFrom(netip.MustParseAddr(ip), 8333)
	l, err := w.net.Host(at.Addr()).Listen(w.ctx, transport.FromAddrPort(at))
	if err != nil {
		w.t.Fatal(err)
	}
	context.AfterFunc(w.ctx, func() { l.Close() })
	w.wait.Go(func() {
		for {
			link, err := l.Accept()
			if err != nil {
				return
			}
			if h == nil { // it accepts and says nothing
				w.wait.Go(func() { <-w.ctx.Done(); link.Close() })
				continue
			}
			p := peer.New(link, peer.Config{Handler: h, Services: wire.NodeNetwork | wire.NodeWitness, UserAgent: "/evil\x1b[2J:1/",
				StartHeight: func() int32 { return 7 }})
			w.wait.Go(func() { p.Run(w.ctx) })
		}
	})
	return l.Addr()
}

func (w *world) visitor() *Visitor {
	return &Visitor{Transports: []transport.Transport{w.net.Host(netip.MustParseAddr("7.0.0.1"))}, UserAgent: "/crawl:1/"}
}

// TestCrawl walks a ring with things in it that a crawl meets: who is not there,
// who is silent, who sends the crawl elsewhere.
func TestCrawl(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		const ring = 40
		at := func(i int) netaddr.Addr { return addr(fmt.Sprintf("8.0.%d.1:8333", i%ring)) }
		for i := range ring {
			w.node(at(i).Host(), &host{knows: []netaddr.Addr{at(i + 1), at(i + 2), addr("9.9.9.9:8333"), addr("10.0.0.9:8333"), addr("8.1.1.1:8333")}})
		}
		w.node("8.1.1.1", nil)
		most, last := 0, Progress{}
		r := Run(t.Context(), w.visitor(), []ma.Multiaddr{at(0).Multiaddr()}, Options{Workers: 5, Progress: func(p Progress) { most, last = max(most, p.Busy), p }})
		if r.Left != 0 || r.More || len(r.Nodes) != ring+2 || len(r.Knew) != len(r.Nodes) || most > 5 {
			t.Fatalf("%d visits, %d left, %d at a time", len(r.Nodes), r.Left, most)
		}
		if want := (Progress{Visited: ring + 2, Reached: ring, Elapsed: last.Elapsed}); last != want || last.Elapsed < time.Second {
			t.Errorf("in the end %+v, want %+v", last, want)
		}
		for i, n := range r.Nodes {
			switch at := transport.FormatAddr(n.Addr); {
			case at == "9.9.9.9:8333" || at == "8.1.1.1:8333":
				if n.Reached || n.Reason == "" {
					t.Errorf("%+v", n)
				}
			case !n.Reached || n.Agent != "/evil2J:1/" || n.Height != 7 || n.Services != wire.NodeNetwork|wire.NodeWitness || r.Knew[i] != 5 ||
				n.Latency != 100*time.Millisecond || n.Protocol != "memory":
				t.Errorf("%+v told %d", n, r.Knew[i])
			}
		}
		few := Run(t.Context(), w.visitor(), []ma.Multiaddr{at(0).Multiaddr()}, Options{MaxNodes: 3})
		if len(few.Nodes) != 3 || !few.More {
			t.Errorf("%d visits, want 3", len(few.Nodes))
		}
	})
}

// A crawl that is stopped gives what it has.
func TestStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first := w.node("8.0.0.1", &host{knows: []netaddr.Addr{addr("8.0.0.2:8333"), addr("8.0.0.3:8333"), addr("8.0.0.4:8333")}})
		for _, ip := range []string{"8.0.0.2", "8.0.0.3", "8.0.0.4"} {
			w.node(ip, nil)
		}
		ctx, stop := context.WithCancel(t.Context())
		r := Run(ctx, w.visitor(), []ma.Multiaddr{first}, Options{Workers: 2, Progress: func(p Progress) {
			if p.Visited == 1 {
				time.AfterFunc(time.Second, stop)
			}
		}})
		if len(r.Nodes) != 1 || !r.Nodes[0].Reached || r.Left != 3 {
			t.Errorf("%d visits, %d left", len(r.Nodes), r.Left)
		}
	})
}

// A node that does not answer costs the time of a visit, and is told of an address
// all the same.
func TestAnnounce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var heard []netaddr.Addr
		at := w.node("8.0.0.1", &host{silent: true, heard: func(a netaddr.Addr) { heard = append(heard, a) }})
		v := w.visitor()
		v.Announce, v.Services = addr("8.7.6.5:8333"), wire.NodeNetwork
		begun := time.Now()
		n := v.Visit(t.Context(), at)
		if took := time.Since(begun); !n.Reached || len(n.Known) != 0 || took < DefaultTimeout || took > DefaultTimeout+time.Second {
			t.Errorf("%+v after %v", n, took)
		}
		if !slices.Equal(heard, []netaddr.Addr{v.Announce}) {
			t.Errorf("heard %v", heard)
		}
	})
}

// A crawl whose nodes say nothing tells all the while that it goes on, and leaves
// them when the time for a greeting is over.
func TestSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var told []Progress
		r := Run(t.Context(), w.visitor(), []ma.Multiaddr{w.node("8.0.0.1", nil)}, Options{Progress: func(p Progress) { told = append(told, p) }})
		if len(r.Nodes) != 1 || r.Nodes[0].Reached || r.Nodes[0].Reason != "it did not greet within 10s" {
			t.Errorf("%+v", r.Nodes)
		}
		if len(told) < 10 || told[5] != (Progress{Busy: 1, Elapsed: 5 * time.Second}) {
			t.Errorf("told %+v", told)
		}
	})
}

// A visit for the greeting alone asks nothing, and so is soon over.
func TestGreet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		v := w.visitor()
		v.Greet = true
		begun := time.Now()
		n := v.Visit(t.Context(), w.node("8.0.0.1", &host{silent: true}))
		if took := time.Since(begun); !n.Reached || n.Height != 7 || took > time.Second {
			t.Errorf("%+v after %v", n, took)
		}
	})
}
