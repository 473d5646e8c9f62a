package server

import (
	"net/netip"
	"testing"

	"starling/addrmgr"
	"starling/addrmgr/netaddr"
	"starling/connmgr"
	"starling/peer"
	"starling/transport"
	"starling/wire"
)

// TestInClear asks which version a dial begins with.
func TestInClear(t *testing.T) {
	n, err := New(config(t, 0))
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	at := func(i byte) netip.AddrPort { return netip.AddrPortFrom(netip.AddrFrom4([4]byte{8, i, 1, 1}), 8333) }
	for i, services := range []wire.ServiceFlag{wire.NodeNetwork, wire.NodeNetwork | wire.NodeP2PV2} {
		a := addrmgr.Address{Addr: netaddr.FromAddrPort(at(byte(i))), Services: services, Seen: n.clk.Now()}
		if n.book.Add(n.clk.Now(), hostOf(2), 0, a) != 1 {
			t.Fatal("the book does not take an address")
		}
	}
	const knownToEncrypt, unknown = 1, 2
	for _, tc := range []struct {
		kind peer.Kind
		want [3]bool // of the one that is not known to encrypt, the one that is, and one that the book does not have
	}{
		{peer.OutboundFull, [3]bool{true, false, false}}, {peer.BlockRelayOnly, [3]bool{true, false, false}},
		{peer.Feeler, [3]bool{true, false, false}}, {peer.AddrFetch, [3]bool{}}, {peer.Manual, [3]bool{}},
	} {
		for i, want := range tc.want {
			if got := n.inClear(transport.FromAddrPort(at(byte(i))), tc.kind); got != want {
				t.Errorf("%v to address %d: in the clear %t, want %t", tc.kind, i, got, want)
			}
		}
	}
	addr := transport.FromAddrPort(at(unknown))
	no, yes := false, true
	n.DialV2(addr, &no)
	if !n.inClear(addr, peer.Manual) || n.inClear(transport.FromAddrPort(at(knownToEncrypt)), peer.Manual) {
		t.Error("what a person asked for is not done, or more than that")
	}
	for _, kind := range []peer.Kind{peer.OutboundFull, peer.AddrFetch} {
		plain, encrypts := transport.FromAddrPort(at(0)), transport.FromAddrPort(at(knownToEncrypt))
		n.DialV2(plain, &yes)
		n.DialV2(encrypts, &no)
		if n.inClear(plain, kind) || !n.inClear(encrypts, kind) {
			t.Errorf("%v: what the book says goes before what a person says", kind)
		}
	}
	for i := range connmgr.MaxTargets + 10 {
		n.DialV2(transport.FromAddrPort(netip.AddrPortFrom(netip.AddrFrom4([4]byte{9, 1, byte(i >> 8), byte(i)}), 1)), &no)
	}
	if got := len(n.wishes.all); got != connmgr.MaxTargets {
		t.Errorf("%d addresses are kept", got)
	}
	for _, v2 := range []*bool{nil, &yes} {
		if n.DialV2(addr, v2)(); !n.inClear(addr, peer.Manual) {
			t.Error("what was said before is not brought back")
		}
	}
	n.DialV2(addr, nil)
	if n.inClear(addr, peer.Manual) {
		t.Error("what a person took back is done")
	}
}
