package addrmgr

import (
	"cmp"
	"slices"
	"sync"

	"starling/addrmgr/netaddr"
	"starling/wire"
)

// maxLocal bounds this node's own addresses. Only the machine, the router and
// the operator can add one.
const maxLocal = 64

// Origin says how an address of this node is known. A later one outweighs an
// earlier.
type Origin int

// The origins, by how much they weigh.
const (
	FromInterface Origin = iota + 1 // of a network card
	FromListen                      // listened at by name
	FromRouter                      // told by the router
	FromOperator                    // given by hand
)

// LocalAddr is an address of this node.
type LocalAddr struct {
	Addr  netaddr.Addr
	Score int // its origin, and how many peers have seen it
}

// Local is what this node knows of its own addresses. It is safe for
// concurrent use.
type Local struct {
	mu   sync.Mutex
	list []LocalAddr
}

// Add notes an address. One that is known gets the better score.
func (l *Local) Add(a netaddr.Addr, o Origin) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.list {
		if l.list[i].Addr == a {
			l.list[i].Score = max(l.list[i].Score, int(o))
			return true
		}
	}
	if len(l.list) >= maxLocal {
		return false
	}
	l.list = append(l.list, LocalAddr{a, int(o)})
	return true
}

// Seen notes that a peer has reached this node at an address, if it is known as
// one of its own.
func (l *Local) Seen(a netaddr.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.list {
		if l.list[i].Addr == a {
			l.list[i].Score++
			return true
		}
	}
	return false
}

// Has reports whether an address is one of this node's, at whatever port.
func (l *Local) Has(a netaddr.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.list, func(k LocalAddr) bool { return k.Addr.WithPort(0) == a.WithPort(0) })
}

// All returns the addresses, the best known first.
func (l *Local) All() []LocalAddr {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := slices.Clone(l.list)
	slices.SortStableFunc(all, func(a, b LocalAddr) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), a.Addr.Compare(b.Addr))
	})
	return all
}

// For returns the address at which a peer is most likely to reach this node, of
// those that it may be told of.
func (l *Local) For(peer netaddr.Addr) (best LocalAddr, ok bool) {
	for _, a := range l.All() {
		if !MayTell(peer, a.Addr) {
			continue
		}
		if !ok || reach(a.Addr.Network(), peer.Network()) > reach(best.Addr.Network(), peer.Network()) {
			best, ok = a, true
		}
	}
	return best, ok
}

// MayTell reports whether a peer may be told of one of this node's own addresses.
// Nobody is to learn that an address of a network that hides where nodes are
// belongs to the same node as one of another network.
func MayTell(peer, own netaddr.Addr) bool {
	return peer.Network() == own.Network() || !hides(peer.Network()) && !hides(own.Network())
}

func hides(n wire.NetworkID) bool {
	return n == wire.NetTorV3 || n == wire.NetI2P || n == wire.NetCJDNS
}

// reach says how well a node on one network is reached from another.
func reach(to, from wire.NetworkID) int {
	switch {
	case to == from:
		return 3
	case from == wire.NetIPv6 && to == wire.NetIPv4, from == 0 && to == wire.NetIPv4:
		return 2
	case to == wire.NetIPv4 || to == wire.NetIPv6:
		return 1
	}
	return 0
}
