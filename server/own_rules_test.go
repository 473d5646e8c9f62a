package server

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/chain/chaintest"
	"starling/params"
	"starling/params/netfile"
	"starling/wire"
)

// TestPingsOfTheNetworkFile: the file of a network of one's own says how often peers
// are pinged and when a silent one is given up. New files say 30 s and 90 s, so that
// three silent intervals end a link; Bitcoin's networks have 2 and 20 minutes.
func TestPingsOfTheNetworkFile(t *testing.T) {
	for name, tc := range map[string]struct {
		links           string // in place of what a new file says of it; "-" for a network of Bitcoin's
		interval, until time.Duration
	}{
		"a new network":     {"", 30 * time.Second, 90 * time.Second},
		"another interval":  {"ping-interval = '7s'\nping-timeout = '20s'\n", 7 * time.Second, 20 * time.Second},
		"Bitcoin's regtest": {"-", 2 * time.Minute, 20 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 0)
				a := w.startWith(1, vfs.NewMem(), func(c *Config) {
					if tc.links != "-" {
						c.Network = w.networkFile(tc.links)
					}
				})
				s := w.dial(a, 9)
				s.noise = []string{wire.CmdGetHeaders, wire.CmdSendHeaders, wire.CmdSendCmpct, wire.CmdFeeFilter, wire.CmdMempool}
				var at time.Time
				for i := range 4 { // the first comes with the handshake
					m := s.expect(wire.CmdPing).(*wire.MsgPing)
					if since := time.Since(at); i > 0 && since != tc.interval {
						t.Errorf("ping %d came after %v, want %v", i, since, tc.interval)
					}
					if at = time.Now(); i < 3 {
						s.send(&wire.MsgPong{Nonce: m.Nonce, HasNonce: true})
					}
				}
				if m, err := s.receive(); err == nil {
					t.Errorf("got %+v", m)
				}
				if since := time.Since(at); since != tc.until {
					t.Errorf("a silent peer was given up after %v, want %v", since, tc.until)
				}
			})
		})
	}
}

// networkFile returns a network as it is read from a new file, with other lines
// about its pings if there are any.
func (w *world) networkFile(pings string) *params.Network {
	w.t.Helper()
	pays := []wire.TxOut{{Value: params.Coin, Script: chaintest.AnyoneCanSpend}}
	made, err := netfile.Create(context.Background(), netfile.Spec{Network: params.Own("flock"), Time: time.Now(), Outputs: pays}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	text, err := netfile.Encode(made)
	if err != nil {
		w.t.Fatal(err)
	}
	if pings != "" {
		const usual = "ping-interval = '30s'\nping-timeout = '1m30s'\n"
		if !strings.Contains(string(text), usual) {
			w.t.Fatalf("a new file does not say %q: %s", usual, text)
		}
		text = []byte(strings.Replace(string(text), usual, pings, 1))
	}
	n, err := netfile.Parse(text)
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// TestWaitForABetterAnnouncer: on Bitcoin's networks a transaction that a peer which
// has dialled this node tells of is asked for after 2 s, as one that this node has
// chosen may tell of it too; at once while there is no such peer; and on a network of
// one's own always at once.
func TestWaitForABetterAnnouncer(t *testing.T) {
	for name, tc := range map[string]struct {
		own, better bool
		wait        time.Duration
	}{
		"while one is there": {false, true, 2 * time.Second},
		"while none is":      {false, false, 0},
		"own, one is there":  {true, true, 0},
		"own, none is":       {true, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMarket(t, 1)
				a := m.nodeWith(1, vfs.NewMem(), func(cfg *Config) {
					if tc.own {
						own(cfg)
						cfg.Network.TxWait = params.Own("flock").TxWait
					}
				})
				if tc.better {
					m.nodeWith(2, vfs.NewMem(), func(cfg *Config) { cfg.Network = a.cfg.Network })
					if err := a.Conns().Add(addr(2)); err != nil {
						t.Fatal(err)
					}
				}
				x := m.dialWTx(a, 9)
				x.noise = append(x.noise, wire.CmdMempool)
				time.Sleep(time.Minute)
				x.sync()
				start := time.Now()
				tx := m.pay(1000)
				x.send(&wire.MsgInv{Inv: []wire.InvVect{wtx(tx)}})
				x.expectTxs(wire.CmdGetData, wtx(tx))
				if took := time.Since(start) - 40*time.Millisecond; took != tc.wait { // less the way there and back
					t.Errorf("it was asked for after %v, want %v", took, tc.wait)
				}
			})
		})
	}
}

// TestEveryLinkIsAskedForThePool: on a network of one's own a node asks whoever it
// has a link to for his mempool, whichever of the two has opened it, and again when
// the link has been lost and is back; and answers each who asks it.
func TestEveryLinkIsAskedForThePool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t, 2)
		a := m.nodeWith(1, vfs.NewMem(), own)
		held := m.pay(1000)
		a.add(held)
		for range 3 {
			x := m.dialWTx(a, 9)
			x.expect(wire.CmdMempool)
			x.send(&wire.MsgMempool{})
			x.expectTxs(wire.CmdInv, wtx(held))
			host := netip.MustParseAddr("10.9.0.1")
			before := a.Conns().Score(host)
			x.send(&wire.MsgMempool{}) // once more, which is refused and counted
			x.sync()
			if more := a.Conns().Score(host) - before; more < 32 || more > 33 {
				t.Errorf("asking again counts for %v, want 33", more)
			}
			x.link.Close()
			time.Sleep(time.Hour)
		}
		l, err := m.net.Host(netip.AddrFrom4([4]byte{10, 5, 0, 1})).Listen(t.Context(), addr(5))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if err := a.Conns().Add(addr(5)); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			link, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			x := &script{t: t, link: link, noise: append([]string{wire.CmdGetAddr, wire.CmdVersion, wire.CmdVerack, wire.CmdWTxIDRelay, wire.CmdSendAddrV2}, commonNoise...)}
			x.send(&wire.MsgVersion{Version: 70016, Services: wire.NodeNetwork | wire.NodeWitness, UserAgent: "/script/", Relay: true}, &wire.MsgWTxIDRelay{}, &wire.MsgVerack{})
			x.expect(wire.CmdMempool)
			x.link.Close()
		}
	})
}
