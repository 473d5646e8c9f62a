package server

import (
	"sync"

	ma "github.com/multiformats/go-multiaddr"

	"starling/connmgr"
)

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
