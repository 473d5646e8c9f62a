package server

import (
	"sync"

	ma "github.com/multiformats/go-multiaddr"

	"starling/addrmgr/netaddr"
	"starling/connmgr"
	"starling/peer"
	"starling/wire"
)

// inClear reports whether an address is to be dialled in the clear at once: where
// the operator says so, and where the node dials by itself a peer that is not
// known to encrypt, which it is once a session has shown that. Whoever is dialled
// by hand is tried both ways.
func (n *Server) inClear(addr ma.Multiaddr, kind peer.Kind) bool {
	if v2, ok := n.wishes.get(addr); ok {
		return !v2
	}
	switch kind {
	case peer.OutboundFull, peer.BlockRelayOnly, peer.Feeler:
		a, ok := netaddr.OfLink(addr)
		if !ok {
			return false
		}
		e, known := n.book.Get(a)
		return known && !e.Services.Has(wire.NodeP2PV2)
	}
	return false
}

// DialV2 says whether dials of an address are to try to encrypt from now on, or
// not; nil leaves that to the node. What undo does is to bring back what was said
// before, for a dial that is refused.
func (n *Server) DialV2(addr ma.Multiaddr, v2 *bool) (undo func()) {
	var before *bool
	if was, ok := n.wishes.get(addr); ok {
		before = &was
	}
	n.wishes.set(addr, v2)
	return func() { n.wishes.set(addr, before) }
}

// v2Wishes are the addresses of which the operator has said whether to encrypt, as
// many as he may have dialled at all. One that is left out costs a second dial,
// and no more.
type v2Wishes struct {
	mu  sync.Mutex
	all map[string]bool
}

func (w *v2Wishes) set(addr ma.Multiaddr, v2 *bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.all, addr.String())
	if v2 == nil || len(w.all) >= connmgr.MaxTargets {
		return
	}
	if w.all == nil {
		w.all = make(map[string]bool)
	}
	w.all[addr.String()] = *v2
}

func (w *v2Wishes) get(addr ma.Multiaddr) (v2, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	v2, ok = w.all[addr.String()]
	return v2, ok
}
