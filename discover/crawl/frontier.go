package crawl

import (
	"cmp"

	ma "github.com/multiformats/go-multiaddr"

	"starling/addrmgr/netaddr"
	"starling/transport"
	"starling/wire"
)

// DefaultMaxNodes is how many nodes a crawl visits unless told otherwise: more
// than any network has. What is kept of each takes some 500 bytes.
const DefaultMaxNodes = 50_000

// Frontier holds whom to visit. It is a pure state machine.
type Frontier struct {
	limit int
	seen  map[string]struct{}
	queue []ma.Multiaddr // what waits, the first to come first
	full  bool           // whether an address found no room
}

// NewFrontier returns an empty frontier for that many nodes in all, 0 for
// [DefaultMaxNodes].
func NewFrontier(limit int) *Frontier {
	return &Frontier{limit: cmp.Or(limit, DefaultMaxNodes), seen: make(map[string]struct{})}
}

// Start adds an address at which the crawl begins, whatever it is.
func (f *Frontier) Start(m ma.Multiaddr) {
	key := transport.FormatAddr(m)
	if a, ok := netaddr.FromMultiaddr(m); ok {
		key = hostKey(a)
	}
	f.put(key, m)
}

// Add adds what a node has told of, and returns how many of them are new. A node
// of the internet tells of no local ones: else anybody could have this machine
// look around in the networks next to it.
func (f *Frontier) Add(teller ma.Multiaddr, addrs []netaddr.Addr) (added int) {
	t, ok := netaddr.FromMultiaddr(teller)
	local := ok && !t.IsRoutable()
	for _, a := range addrs {
		if !dialable(a) || !a.IsRoutable() && !local {
			continue
		}
		if f.put(hostKey(a), a.Multiaddr()) {
			added++
		}
	}
	return added
}

// dialable reports whether an address can be dialled at all.
func dialable(a netaddr.Addr) bool {
	ip, ok := a.IP()
	if !ok {
		return a.Network() == wire.NetTorV3
	}
	return a.Port() != 0 && !ip.IsUnspecified() && !ip.IsMulticast()
}

// hostKey is what tells hosts apart. Of a host of the internet one port is enough:
// whoever makes up many of them would else have all knocked at. On this machine
// and beside it whole networks run at the ports of one host.
func hostKey(a netaddr.Addr) string {
	if a.IsRoutable() {
		return string(a.WithPort(0).AppendKey(nil))
	}
	return string(a.AppendKey(nil))
}

func (f *Frontier) put(key string, m ma.Multiaddr) bool {
	if _, ok := f.seen[key]; ok {
		return false
	}
	if len(f.seen) >= f.limit {
		f.full = true
		return false
	}
	f.seen[key] = struct{}{}
	f.queue = append(f.queue, m)
	return true
}

// Next takes the next one to visit.
func (f *Frontier) Next() (ma.Multiaddr, bool) {
	if len(f.queue) == 0 {
		return nil, false
	}
	m := f.queue[0]
	f.queue[0] = nil
	f.queue = f.queue[1:]
	return m, true
}

// Waiting returns how many wait to be visited.
func (f *Frontier) Waiting() int { return len(f.queue) }

// Full reports whether an address was left out for want of room.
func (f *Frontier) Full() bool { return f.full }
