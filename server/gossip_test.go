package server

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	ma "github.com/multiformats/go-multiaddr"

	"starling/addrmgr"
	"starling/addrmgr/netaddr"
	"starling/connmgr"
	"starling/discover"
	"starling/peer"
	"starling/wire"
)

// hostOf returns the address at which host i listens.
func hostOf(i byte) netaddr.Addr {
	a, _ := netaddr.FromMultiaddr(addr(i))
	return a
}

func newsOf(now time.Time, addrs ...netaddr.Addr) []wire.NetAddr {
	var list []wire.NetAddr
	for _, a := range addrs {
		list = append(list, a.Wire(wire.NodeNetwork|wire.NodeWitness, uint32(now.Unix())))
	}
	return list
}

// auto has a node open links by itself.
func auto(c *Config) { c.Slots = &connmgr.SlotOptions{} }

// addrsOf receives addresses and returns them as text.
func (s *script) addrsOf() []string {
	s.t.Helper()
	var list []string
	for _, a := range s.expect(wire.CmdAddrV2).(*wire.MsgAddrV2).Addrs {
		ap, _ := a.AddrPort()
		list = append(list, ap.String())
	}
	return list
}

// TestServeAddr asks for addresses, twice: the book is told of once.
func TestServeAddr(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 0)
		a := w.start(1)
		now := time.Now()
		for i := range 10 {
			at := netaddr.FromAddrPort(netip.AddrPortFrom(netip.AddrFrom4([4]byte{8, byte(i), 1, 1}), 8333))
			a.Book().Add(now, hostOf(2), 0, addrmgr.Address{Addr: at, Services: wire.NodeNetwork, Seen: now})
		}
		banned := netip.MustParsePrefix("8.1.1.0/24")
		if _, ok := a.Book().Get(netaddr.FromAddrPort(netip.MustParseAddrPort("8.1.1.1:8333"))); !ok {
			t.Fatal("another is to be banned")
		}
		if err := a.Conns().Ban(banned, time.Time{}, ""); err != nil {
			t.Fatal(err)
		}
		s := w.dial(a, 9)
		s.send(&wire.MsgGetAddr{}, &wire.MsgGetAddr{})
		// Two of them may want the same place in the book, and who is banned is not
		// told of.
		if got, known := s.addrsOf(), a.Book().Len()-1; len(got) != known || known < 7 {
			t.Errorf("told of %v, want all of the %d that are known", got, known)
		}
		s.sync()
	})
}

// What a peer tells goes to the book, within its limit, and to others.
func TestTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 0)
		a := w.start(1)
		s, other := w.dial(a, 9), w.dial(a, 8)
		other.send(&wire.MsgAddrV2{}) // it knows of addresses
		other.sync()
		fresh := hostOf(77)
		s.send(&wire.MsgAddrV2{Addrs: newsOf(time.Now(), fresh, hostOf(78))})
		s.sync()
		if n := a.Book().Len(); n != 1 {
			t.Errorf("%d addresses in the book, want the one that may be told at once", n)
		}
		var info PeerInfo
		for _, p := range a.Peers() {
			if p.AddrProcessed > 0 {
				info = p
			}
		}
		if info.AddrProcessed != 1 || info.AddrLimited != 1 || !info.AddrRelay {
			t.Errorf("%d looked at, %d too many, relay %v", info.AddrProcessed, info.AddrLimited, info.AddrRelay)
		}
		if got := other.addrsOf(); len(got) != 1 {
			t.Errorf("another peer was told of %v", got)
		}
	})
}

// A node with something to offer tells its peers where it is.
func TestTellsOfItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		own := ma.StringCast("/ip4/1.2.3.4/tcp/18444")
		a := w.startWith(1, vfs.NewMem(), func(c *Config) { c.External = []ma.Multiaddr{own} })
		a.give(w.gen.Next(w.gen.Genesis(), 0))
		s := w.dial(a, 9)
		s.send(&wire.MsgAddrV2{})
		if got := s.addrsOf(); len(got) != 1 || got[0] != "1.2.3.4:18444" {
			t.Errorf("told of %v", got)
		}
	})
}

// A node that knows the address of one other finds a third through it, and both
// again after a restart without the first.
func TestFindsPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		block := w.gen.Next(w.gen.Genesis(), 0)
		first, second := w.startWith(1, vfs.NewMem(), auto), w.startWith(2, vfs.NewMem(), auto, 1)
		for i, nd := range []*node{first, second} {
			nd.give(block)
			nd.Local().Add(hostOf(byte(i+1)), addrmgr.FromOperator)
		}
		fs := vfs.NewMem()
		third := w.startWith(3, fs, auto, 1)
		third.give(block)
		third.Local().Add(hostOf(3), addrmgr.FromOperator)
		linked := func(nd *node, to byte) bool {
			for _, p := range nd.Peers() {
				if p.Peer.Kind() == peer.OutboundFull && p.Peer.RemoteAddr().Equal(addr(to)) {
					return true
				}
			}
			return false
		}
		await := func(what string, f func() bool) {
			t.Helper()
			for end := time.Now().Add(48 * time.Hour); !f(); time.Sleep(10 * time.Second) {
				if time.Now().After(end) {
					t.Fatalf("%s: not within two days; the book of the third has %d addresses", what, third.Book().Len())
				}
			}
		}
		await("the third finds the second", func() bool { return linked(third, 2) || linked(second, 3) })
		third.stop()
		first.stop()
		third = w.startWith(3, fs, auto)
		await("after a restart, without the first", func() bool { return linked(third, 2) || linked(second, 3) })
	})
}

// A peer of the node's own choice that does not have the blocks is left.
func TestUseless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 0)
		a := w.startWith(1, vfs.NewMem(), auto)
		s := w.chosenBy(a, 5, wire.NodeNetworkLimited)
		s.gone()
		if e, _ := a.Book().Get(hostOf(5)); e.Tried {
			t.Error("it was noted as reached and useful")
		}
	})
}

// A node that was named is asked for addresses, and left when it has told some.
func TestSeedNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 0)
		a := w.start(1)
		now := time.Now()
		for i := range 20 {
			at := netaddr.FromAddrPort(netip.AddrPortFrom(netip.AddrFrom4([4]byte{8, byte(i), 1, 1}), 8333))
			a.Book().Add(now, hostOf(2), 0, addrmgr.Address{Addr: at, Services: wire.NodeNetwork | wire.NodeWitness, Seen: now})
		}
		b := w.startWith(2, vfs.NewMem(), func(c *Config) {
			c.Slots = &connmgr.SlotOptions{}
			c.Find = &discover.Config{Nodes: []string{hostOf(1).String()}}
		})
		time.Sleep(time.Minute)
		if n := b.Book().Len(); n == 0 {
			t.Error("it was told of no address")
		}
		for _, p := range b.Peers() {
			if p.Peer.Kind() == peer.AddrFetch {
				t.Error("the link to the named node still stands")
			}
		}
	})
}

// A node that looks for no peers leaves the book and the anchors of one that
// did alone.
func TestLeavesBookAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 0)
		fs := vfs.NewMem()
		run := func(change func(*Config)) {
			nd := w.startWith(1, fs, change)
			time.Sleep(time.Minute)
			nd.stop()
		}
		run(auto)
		before, err := fs.Stat("data/anchors.dat")
		if err != nil {
			t.Fatal(err)
		}
		run(nil)
		after, err := fs.Stat("data/anchors.dat")
		if err != nil || !after.ModTime().Equal(before.ModTime()) {
			t.Errorf("the anchors were touched: %v", err)
		}
	})
}
