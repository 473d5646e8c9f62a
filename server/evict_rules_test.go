package server

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/transport"
	"starling/transport/memnet"
	"starling/wire"
)

// dialFrom connects a script to a node from any address.
func (w *world) dialFrom(to *node, ip string) *script {
	w.t.Helper()
	link, err := w.net.Host(netip.MustParseAddr(ip)).Dial(w.t.Context(), to.Listening()[0])
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { link.Close() })
	s := &script{t: w.t, link: link, noise: slices.Clone(commonNoise)}
	s.hello()
	return s
}

// TestPlacesForMinorities fills all places for inbound links, the last ones with a
// few peers of one network and then with as many from private addresses, or the other
// way round, all of them slow. Of a network that few use none has to go for a
// newcomer, and of the private addresses one has.
func TestPlacesForMinorities(t *testing.T) {
	const few = 8
	for name, tc := range map[string]struct{ from, network string }{
		"CJDNS":        {"fc00::%d", "cjdns"},
		"this machine": {"127.0.0.%d", "not_publicly_routable"},
		"private":      {"192.168.0.%d", "not_publicly_routable"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 1)
				a := w.startWith(1, vfs.NewMem(), func(c *Config) {
					c.MaxPeers, c.CountLocal = testOutbound+60+2*few, false
					c.AcceptRate, c.MaxPerHost, c.MaxPerGroup = -1, -1, -1
				})
				far := func(ip string) *script {
					w.net.SetPath(a.host.IP(), netip.MustParseAddr(ip), memnet.Path{Latency: time.Second})
					return w.dialFrom(a, ip)
				}
				for i := range 60 {
					w.dialFrom(a, fmt.Sprintf("20.%d.0.1", i))
					time.Sleep(time.Second)
				}
				for i := range few {
					far(fmt.Sprintf("fd00::%d", i+1))
				}
				for i := range few {
					far(fmt.Sprintf(tc.from, i+1))
				}
				time.Sleep(5 * time.Second)
				for _, p := range a.Peers()[60+few:] {
					if p.Network != tc.network {
						t.Errorf("%v is of the network %s, want %s", p.Peer, p.Network, tc.network)
					}
				}
				w.dialFrom(a, "30.1.0.1")
				synctest.Wait()
				kept := 0
				for _, p := range a.Peers() {
					ip, _ := transport.IP(p.Peer.RemoteAddr())
					for i := range few {
						if ip == netip.MustParseAddr(fmt.Sprintf(tc.from, i+1)) {
							kept++
						}
					}
				}
				want := few
				if name == "private" {
					want-- // the last to come
				}
				if kept != want {
					t.Errorf("%d of %d are kept, want %d", kept, few, want)
				}
			})
		})
	}
}

// TestFilterLoadedIsKnown: whoever chooses who has to make room learns which peers
// want transactions, and which of them by a filter.
func TestFilterLoadedIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		a := w.startWith(1, vfs.NewMem(), withBloom)
		s, _ := w.dialLight(a, 9)
		check := func(when string, bloom, relays bool) {
			t.Helper()
			s.sync()
			if c := a.candidates()[0]; c.Bloom != bloom || c.RelaysTxs != relays {
				t.Errorf("%s: a filter %v, transactions %v", when, c.Bloom, c.RelaysTxs)
			}
		}
		check("at first", false, false)
		s.loaded([]byte{1})
		check("with a filter", true, true)
		s.send(&wire.MsgFilterClear{})
		check("without", false, true)
	})
}
