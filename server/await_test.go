package server

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/peer"
	"starling/peer/await"
	"starling/wire"
)

// unanswered notes what peers left unanswered, and why sessions ended.
type unanswered struct {
	peer.NoObserver
	mu       sync.Mutex
	requests []string
	ends     []string
}

func (o *unanswered) Unanswered(_ *peer.Peer, r await.Rule) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.requests = append(o.requests, r.Request)
}

func (o *unanswered) Disconnected(_ *peer.Peer, d *peer.Disconnect) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ends = append(o.ends, d.Error())
}

// seen returns what was noted so far, in order.
func (o *unanswered) seen() (requests, ends []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Sorted(slices.Values(o.requests)), slices.Clone(o.ends)
}

// accepted waits for a node to dial host i, and returns the script at the other
// end, before the handshake.
func (w *world) accepted(i byte) (*script, func()) {
	w.t.Helper()
	l, err := w.net.Host(netip.AddrFrom4([4]byte{10, i, 0, 1})).Listen(w.t.Context(), addr(i))
	if err != nil {
		w.t.Fatal(err)
	}
	link, err := l.Accept()
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { link.Close() })
	return &script{t: w.t, link: link, noise: commonNoise}, func() { l.Close() }
}

// A peer that leaves getaddr and getheaders unanswered is noted for it, once each,
// and keeps its link; one that answers is not.
func TestUnanswered(t *testing.T) {
	for _, answers := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, 0)
			o := &unanswered{}
			w.startWith(1, vfs.NewMem(), func(c *Config) { c.PeerObservers = []peer.Observer{o} }, 5)
			s, stop := w.accepted(5)
			defer stop()
			s.noise = append(slices.Clone(commonNoise), wire.CmdGetBlocks)
			s.send(&wire.MsgVersion{Version: 70016, Services: wire.NodeNetwork | wire.NodeWitness, UserAgent: "/script/", Relay: true},
				&wire.MsgSendAddrV2{}, &wire.MsgVerack{})
			for _, c := range []string{wire.CmdVersion, wire.CmdWTxIDRelay, wire.CmdSendAddrV2, wire.CmdVerack, wire.CmdGetAddr} {
				s.expect(c)
			}
			if answers {
				s.send(&wire.MsgAddrV2{}, &wire.MsgHeaders{})
			}
			time.Sleep(3 * time.Minute)
			s.sync()
			want := []string{wire.CmdGetAddr, wire.CmdGetHeaders}
			if answers {
				want = nil
			}
			if got, ends := o.seen(); !slices.Equal(got, want) || len(ends) > 0 {
				t.Errorf("answers %v: unanswered %v, want %v; ended: %v", answers, got, want, ends)
			}
		})
	}
}

// A node that takes hours over a message of a peer does not hold it against the
// peer, whose block lies behind that message; but a peer that sends nothing is
// given up, and the end says for want of what.
func TestBusyWithAPeer(t *testing.T) {
	for name, busy := range map[string]time.Duration{"busy": 3 * time.Hour, "idle": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 20)
				blocks := w.gen.Chain(w.gen.Genesis(), 21)
				o := &unanswered{}
				a := w.startBefore(1, vfs.NewMem(), func(c *Config) { c.PeerObservers = []peer.Observer{o} }, func(n *Server) {
					n.handlers[wire.CmdReject] = func(ctx context.Context, _ *session, _ wire.Message) error {
						time.Sleep(busy)
						return nil
					}
				})
				a.give(blocks[:20]...)
				next := blocks[20]
				s := w.dial(a, 9)
				s.send(&wire.MsgHeaders{Headers: []wire.Header{next.Header}})
				s.expect(wire.CmdGetData)
				if busy == 0 {
					go func() { // it answers pings, and nothing else
						for m, err := s.link.Receive(); err == nil; m, err = s.link.Receive() {
							if m.Command == wire.CmdPing {
								s.link.Send(wire.CmdPong, m.Payload)
							}
						}
					}()
					time.Sleep(time.Hour)
					if _, ends := o.seen(); len(ends) != 1 || !strings.Contains(ends[0], "waited for block 21 "+next.Hash().String()) {
						t.Errorf("ended: %v", ends)
					}
					return
				}
				s.send(&wire.MsgReject{}, &wire.MsgBlock{Raw: next.Bytes()})
				time.Sleep(busy - time.Minute)
				if a.Chain().Tip().Hash == next.Hash() || len(a.Peers()) != 1 {
					t.Errorf("while it is busy: height %d, %d peers", a.Chain().Tip().Height, len(a.Peers()))
				}
				a.reach(next, 2*time.Minute)
				if _, ends := o.seen(); len(ends) > 0 {
					t.Errorf("ended: %v", ends)
				}
			})
		})
	}
}
