package server

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	ma "github.com/multiformats/go-multiaddr"

	"starling/peer"
	"starling/transport"
	"starling/wire"
)

// lingering keeps every session for a while at its end.
type lingering struct {
	peer.NoObserver
	n    func() *Server
	long time.Duration
	most atomic.Int64
}

func (o *lingering) Disconnected(*peer.Peer, *peer.Disconnect) {
	time.Sleep(o.long)
	o.count()
}

func (o *lingering) Handshake(*peer.Peer) { o.count() }

func (o *lingering) count() {
	if now := int64(len(o.n().Peers())); now > o.most.Load() {
		o.most.Store(now)
	}
}

// TestLimitOfLinks has many hosts connect, and again whenever they are thrown
// out, while the node takes its time over each end. There are never more links
// than allowed, also counting those that end, and newcomers still get in unless
// the ends take very long.
func TestLimitOfLinks(t *testing.T) {
	for _, long := range []time.Duration{200 * time.Millisecond, 10 * leavePatience} {
		t.Run(long.String(), func(t *testing.T) { limitOfLinks(t, long) })
	}
}

func limitOfLinks(t *testing.T, long time.Duration) {
	const limit, hosts = 40, 100
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 0)
		var a *node
		o := &lingering{n: func() *Server { return a.Server }, long: long}
		a = w.startWith(1, vfs.NewMem(), func(c *Config) {
			c.MaxPeers, c.PeerObservers, c.AcceptRate, c.MaxPerGroup = limit+testOutbound, []peer.Observer{o}, -1, -1
		})
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var all sync.WaitGroup
		for i := range byte(hosts) {
			all.Go(func() {
				for ctx.Err() == nil {
					link, err := w.net.Host(netip.AddrFrom4([4]byte{10, 100, i, 1})).Dial(ctx, a.Listening()[0])
					if err != nil {
						if ctx.Err() == nil {
							t.Error(err)
						}
						return
					}
					unwatch := context.AfterFunc(ctx, func() { link.Close() })
					for _, m := range []wire.Message{&wire.MsgVersion{Version: 70016, Nonce: uint64(i)}, &wire.MsgVerack{}} {
						link.Send(m.Command(), m.AppendPayload(nil))
					}
					for err == nil {
						_, err = link.Receive()
					}
					unwatch()
					link.Close()
					time.Sleep(time.Second)
				}
			})
		}
		time.Sleep(time.Minute)
		if got := o.most.Load(); got > limit {
			t.Errorf("there were %d links, want at most %d", got, limit)
		}
		if got := len(a.Peers()); got < limit-1 {
			t.Errorf("there are %d links, want about %d", got, limit)
		}
		if long < leavePatience {
			// Somebody from elsewhere gets in among them.
			w.dial(a, 200).sync()
		}
		stop()
		all.Wait()
	})
}

// TestHandshakesMakeRoom opens links and says nothing on them. They take no place
// from those who are there, and keep nobody out.
func TestHandshakesMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 0)
		a := w.startWith(1, vfs.NewMem(), func(c *Config) { c.MaxPeers = 40 + testOutbound })
		var there []*script
		for i := range byte(20) {
			s := w.dial(a, 20+i)
			s.sync()
			there = append(there, s)
		}
		for i := range byte(200) {
			if _, err := w.net.Host(netip.AddrFrom4([4]byte{10, 1, i, 1})).Dial(t.Context(), a.Listening()[0]); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		if p := a.places(addr(9)); p.Pending != 10 || p.Links != 30 {
			t.Errorf("%+v", p)
		}
		w.dial(a, 99).sync()
		for _, s := range there {
			s.sync()
		}
	})
}

// TestLinksOfOurOwn connects the node to more peers than places are kept for
// that. They take places from others, so that the limit holds for all.
func TestLinksOfOurOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 0)
		var to []byte
		for i := range byte(testOutbound + 4) {
			w.start(50 + i)
			to = append(to, 50+i)
		}
		const limit = testOutbound + 10
		a := w.startWith(1, vfs.NewMem(), func(c *Config) { c.MaxPeers = limit }, to...)
		time.Sleep(time.Minute)
		for i := range byte(20) {
			if _, err := w.net.Host(netip.AddrFrom4([4]byte{10, 150 + i, 0, 1})).Dial(t.Context(), a.Listening()[0]); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if got := len(a.Peers()); got > limit {
			t.Errorf("%d links, want at most %d", got, limit)
		}
		if p := a.places(addr(9)); p.Links > 10 || p.Links < 5 {
			t.Errorf("%+v", p)
		}
	})
}

// TestReconnectLoop is TestLimitOfLinks over sockets of the system, with links
// that begin a message of 4 MB and do not finish it.
func TestReconnectLoop(t *testing.T) {
	const limit, hosts, rounds = 30, 60, 10
	cfg := config(t, 0)
	cfg.MaxPeers = limit + testOutbound
	n, stop := running(t, cfg)
	defer stop()
	addr, _ := transport.AddrPort(n.Listening()[0])
	frame := wire.FrameHeader{Magic: cfg.Network.Magic, Command: wire.CmdBlock, Length: wire.MaxPayloadSize}.Append(nil)
	frame = append(frame, make([]byte, 100_000)...)
	hello := wire.AppendFrame(nil, cfg.Network.Magic, &wire.MsgVersion{Version: 70016, Nonce: 7})
	hello = wire.AppendFrame(hello, cfg.Network.Magic, &wire.MsgVerack{})
	hello = append(hello, frame...)
	var most atomic.Int64
	var all sync.WaitGroup
	for range hosts {
		all.Go(func() {
			for range rounds {
				c, err := net.Dial("tcp", addr.String())
				if err != nil {
					t.Error(err)
					return
				}
				c.Write(hello)
				if now := int64(len(n.Peers())); now > most.Load() {
					most.Store(now)
				}
				c.Close()
			}
		})
	}
	all.Wait()
	if got := most.Load(); got > limit {
		t.Errorf("there were %d links, want at most %d", got, limit)
	}
}

// TestDiscouraged has a peer behind an address of this machine, and one behind a
// private address, send what nobody should. Others behind the same address stay
// and get in, until there is hardly any room.
func TestDiscouraged(t *testing.T) {
	for _, tc := range []struct {
		name  string
		host  netip.Addr
		again bool // let in although there is hardly any room
	}{
		{"local", netip.MustParseAddr("127.0.0.1"), true},
		{"private", netip.MustParseAddr("172.17.0.1"), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 0)
				a := w.startWith(1, vfs.NewMem(), func(c *Config) { c.MaxPeers, c.CountLocal = 3+testOutbound, false })
				dial := func(host netip.Addr) *script {
					link, err := w.net.Host(host).Dial(t.Context(), a.Listening()[0])
					if err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() { link.Close() })
					return &script{t: t, link: link, noise: slices.Clone(commonNoise)}
				}
				good := dial(tc.host)
				good.hello()
				for range 10 {
					bad := dial(tc.host)
					bad.hello()
					bad.send(&wire.MsgInv{Inv: make([]wire.InvVect, wire.MaxInv+1)})
					bad.gone()
				}
				good.sync()
				if len(a.Conns().Bans()) != 0 {
					t.Errorf("banned: %v", a.Conns().Bans())
				}
				if got := a.Conns().Discouraged(tc.host); got == tc.again {
					t.Errorf("discouraged: %v", got)
				}
				dial(netip.MustParseAddr("10.9.9.9")).hello() // two of three places are taken
				last := dial(tc.host)
				if tc.again {
					last.hello()
				} else {
					last.gone()
				}
			})
		})
	}
}

// TestLocalGroups has peers of this machine counted like others, so that they
// have network groups.
func TestLocalGroups(t *testing.T) {
	for _, count := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, 0)
			a := w.startWith(1, vfs.NewMem(), func(c *Config) {
				c.CountLocal = count
				c.Listen = []ma.Multiaddr{addr(1)}
			})
			for _, h := range []string{"127.1.0.1", "127.2.0.1"} {
				link, err := w.net.Host(netip.MustParseAddr(h)).Dial(t.Context(), a.Listening()[0])
				if err != nil {
					t.Fatal(err)
				}
				defer link.Close()
			}
			synctest.Wait()
			time.Sleep(time.Second)
			for _, c := range a.candidates() {
				if c.Local == count {
					t.Errorf("counted %v: local %v", count, c.Local)
				}
			}
			if c := a.candidates(); len(c) != 2 || (c[0].Group != c[1].Group) != count {
				t.Errorf("%+v", c)
			}
		})
	}
}
