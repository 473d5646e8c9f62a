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
	switch kind {
	case peer.OutboundFull, peer.BlockRelayOnly, peer.Feeler:
		a, ok := netaddr.OfLink(addr)
		if !ok {
			return false
		}
		e, known := n.book.Get(a)
		return known && !e.Services.Has(wire.NodeP2PV2)
	}
	return n.plain.has(addr)
}

// DialPlain says whether an address is to be dialled in the clear from now on,
// without an attempt to encrypt first.
func (n *Server) DialPlain(addr ma.Multiaddr, plain bool) { n.plain.set(addr, plain) }

// plainAddrs are the addresses that the operator wants dialled in the clear, as
// many as he may have dialled at all. One that is left out costs a second dial,
// and no more.
type plainAddrs struct {
	mu  sync.Mutex
	all map[string]struct{}
}

func (p *plainAddrs) set(addr ma.Multiaddr, plain bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !plain {
		delete(p.all, addr.String())
		return
	}
	if p.all == nil {
		p.all = make(map[string]struct{})
	}
	if len(p.all) < connmgr.MaxTargets {
		p.all[addr.String()] = struct{}{}
	}
}

func (p *plainAddrs) has(addr ma.Multiaddr) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, ok := p.all[addr.String()]
	return ok
}
