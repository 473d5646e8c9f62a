package server

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	ma "github.com/multiformats/go-multiaddr"

	"starling/connmgr"
	"starling/peer"
	"starling/wire"
)

// TestRefusalsAreCounted turns newcomers away for each reason there is. Every link
// is counted once: as a refusal, or as a session.
func TestRefusalsAreCounted(t *testing.T) {
	stranger := netip.MustParseAddr("10.9.0.1")
	for name, c := range map[string]struct {
		set     func(*Config)
		before  func(*node)
		after   func(*node)
		links   int
		refused Tally
	}{
		"all are let in": {links: 3},
		"banned": {links: 3, refused: Tally{"banned": 3}, before: func(a *node) {
			subnet, err := connmgr.ParseSubnet("10.9.0.0/16")
			if err == nil {
				err = a.Conns().Ban(subnet, time.Now().Add(time.Hour), "test")
			}
			if err != nil {
				t.Fatal(err)
			}
		}},
		"discouraged": {links: 2, refused: Tally{"discouraged": 2}, set: func(c *Config) { c.MaxPeers = 1 + testOutbound }, before: func(a *node) {
			a.Conns().Punish(stranger, connmgr.Oversized, 1)
		}},
		"none may connect": {links: 2, refused: Tally{"full": 2}, set: func(c *Config) { c.MaxInbound = -1 }},
		"networking off":   {links: 2, refused: Tally{"networking is off": 2}, before: func(a *node) { a.Conns().SetActive(false) }},
		"of one host":      {links: 5, refused: Tally{"too many of the host": 2}, set: func(c *Config) { c.MaxPerHost = 3 }},
		"of one group":     {links: 5, refused: Tally{"too many of the network group": 1}, set: func(c *Config) { c.MaxPerHost, c.MaxPerGroup = -1, 4 }},
		"too fast":         {links: 9, refused: Tally{"too fast": 5}, set: func(c *Config) { c.AcceptRate, c.AcceptBurst = 1, 2 }},
		"stopped while held back": {links: 3, refused: Tally{"stopping": 1}, set: func(c *Config) { c.AcceptRate, c.AcceptBurst = 1, 2 },
			after: func(a *node) { a.stop() }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 0)
				a := w.startWith(1, vfs.NewMem(), c.set)
				if c.before != nil {
					c.before(a)
				}
				wait := 5 * time.Second
				if c.after != nil {
					wait = 100 * time.Millisecond
				}
				w.knock(a, stranger, c.links, wait)
				if c.after != nil {
					c.after(a)
				}
				got := a.LinkCounts().Refused
				if d := cmp.Diff(c.refused, got, cmpopts.EquateEmpty()); d != "" {
					t.Errorf("refused (-want +got):\n%s", d)
				}
				var refused uint64
				for n := range maps.Values(got) {
					refused += n
				}
				if sessions := a.sessions.next; refused+sessions != uint64(c.links) {
					t.Errorf("%d refused and %d sessions of %d links", refused, sessions, c.links)
				}
			})
		})
	}
}

// dialsSeen counts dials by the observer.
type dialsSeen struct {
	connmgr.NoObserver
	started, ended chan struct{}
}

func (o *dialsSeen) DialStarted(ma.Multiaddr)            { o.started <- struct{}{} }
func (o *dialsSeen) DialEnded(ma.Multiaddr, bool, error) { o.ended <- struct{}{} }

// TestDialsAndEndsAreCounted makes links of all kinds that a node dials, also for
// addresses, and has them end in several ways.
func TestDialsAndEndsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 0)
		for _, i := range []byte{5, 6, 7, 8} {
			w.start(i)
		}
		o := &dialsSeen{started: make(chan struct{}, 100), ended: make(chan struct{}, 100)}
		a := w.startWith(1, vfs.NewMem(), func(c *Config) { c.ConnObserver = o })
		for i, kind := range map[byte]peer.Kind{5: peer.OutboundFull, 6: peer.Feeler, 7: peer.BlockRelayOnly, 77: peer.OutboundFull} {
			if err := a.Conns().Open(addr(i), kind); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.fetchAddrs(t.Context(), addr(88)); err == nil {
			t.Error("a node that is not there has told addresses")
		}
		done := make(chan error, 1)
		go func() { done <- a.fetchAddrs(t.Context(), addr(8)) }()
		time.Sleep(time.Minute)
		for _, p := range a.Peers() {
			p.Peer.Disconnect(peer.Requested, "test")
		}
		<-done
		time.Sleep(time.Second)
		got := a.LinkCounts()
		want := LinkCounts{
			Dials: Tally{"connected": 3, "refused": 2, string(peer.FeelerDone): 1},
			Ended: Tally{string(peer.Requested): 3, string(peer.FeelerDone): 1},
		}
		if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("-want +got:\n%s", d)
		}
		if len(o.started) != 6 || len(o.ended) != 6 {
			t.Errorf("the observer heard of %d dials and %d ends, want 6", len(o.started), len(o.ended))
		}
	})
}

// Whoever makes room for a newcomer, or leaves a block unsent, goes for a reason of
// its own.
func TestReasonsAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 20)
		a := w.startWith(1, vfs.NewMem(), func(c *Config) { c.MaxPeers = 40 + testOutbound })
		blocks := w.gen.Chain(w.gen.Genesis(), 21)
		a.give(blocks[:20]...)
		for i := range byte(60) { // they say nothing, so some of them have to go
			if _, err := w.net.Host(netip.AddrFrom4([4]byte{10, 1, i, 1})).Dial(t.Context(), a.Listening()[0]); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(5 * time.Second)
		if got := a.LinkCounts().Ended[string(peer.Evicted)]; got == 0 {
			t.Errorf("nobody made room: %v", a.LinkCounts())
		}
		s := w.dial(a, 9)
		s.send(&wire.MsgHeaders{Headers: []wire.Header{blocks[20].Header}})
		go func() {
			for m, err := s.link.Receive(); err == nil; m, err = s.link.Receive() {
				if m.Command == wire.CmdPing {
					s.link.Send(wire.CmdPong, m.Payload)
				}
			}
		}()
		time.Sleep(time.Hour)
		if got := a.LinkCounts().Ended[string(peer.Unanswered)]; got != 1 {
			t.Errorf("%v", a.LinkCounts())
		}
	})
}

// Each refusal has words of its own, however deep it lies in an error.
func TestRefusalWords(t *testing.T) {
	seen := make(map[string]bool)
	for _, err := range []error{
		connmgr.ErrHostBanned, connmgr.ErrDiscouraged, connmgr.ErrFull, connmgr.ErrInactive, connmgr.ErrHostFull,
		connmgr.ErrGroupFull, connmgr.ErrTooFast, connmgr.ErrNoPlace, errors.New("their words"),
	} {
		word := connmgr.Refusal(fmt.Errorf("no: %w", err))
		if seen[word] || word == "their words" {
			t.Errorf("%v: %q", err, word)
		}
		seen[word] = true
	}
}
