package memnet

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"starling/clock"
	"starling/wire"
)

// DefaultBuffer is how many bytes may be under way in one direction of a
// link before the sender has to wait, as in the buffers of real sockets.
const DefaultBuffer = 256 << 10

// DefaultStall is how long a sender waits for the other side to read, as with
// plain TCP.
const DefaultStall = time.Minute

// Path is what lies between two hosts. The zero value is a perfect one.
type Path struct {
	// Latency is the time from one end to the other.
	Latency time.Duration
	// Bandwidth is how many bytes pass in a second in each direction of each
	// link; 0 is without limit.
	Bandwidth int64
	// Loss is the share of datagrams that is lost, from 0 to 1. Links lose nothing.
	Loss float64
}

// Options configure a [Network].
type Options struct {
	// Clock is the network's time; the system's if nil.
	Clock clock.Clock
	// Path lies between hosts for which no other one is set.
	Path Path
	// Buffer is DefaultBuffer if zero; Stall is DefaultStall if zero.
	Buffer int
	Stall  time.Duration
	// Seed decides which datagrams are lost.
	Seed uint64
}

// Network is a network of hosts. All methods are safe for concurrent use.
type Network struct {
	opts Options
	clk  clock.Clock

	mu        sync.Mutex
	rng       *rand.Rand
	paths     map[[2]netip.Addr]Path
	sides     map[netip.Addr]int // which side of a partition a host is on
	split     bool
	changed   chan struct{} // closed and replaced when paths or sides change
	listeners map[netip.AddrPort]*listener
	packets   map[netip.AddrPort]*PacketConn
	links     map[*pipe]struct{}
	ports     map[netip.Addr]uint16 // last one given out
}

// New returns an empty network.
func New(opts Options) *Network {
	if opts.Clock == nil {
		opts.Clock = clock.System()
	}
	if opts.Buffer == 0 {
		opts.Buffer = DefaultBuffer
	}
	if opts.Stall == 0 {
		opts.Stall = DefaultStall
	}
	return &Network{
		opts: opts, clk: opts.Clock,
		rng:       rand.New(rand.NewPCG(opts.Seed, 0)),
		paths:     make(map[[2]netip.Addr]Path),
		sides:     make(map[netip.Addr]int),
		changed:   make(chan struct{}),
		listeners: make(map[netip.AddrPort]*listener),
		packets:   make(map[netip.AddrPort]*PacketConn),
		links:     make(map[*pipe]struct{}),
		ports:     make(map[netip.Addr]uint16),
	}
}

// Host returns the host with the given address, a transport for whoever
// runs on it.
func (n *Network) Host(ip netip.Addr) *Host { return &Host{n, ip.Unmap()} }

// pair names a path; both directions have the same.
func pair(a, b netip.Addr) [2]netip.Addr {
	if b.Less(a) {
		a, b = b, a
	}
	return [2]netip.Addr{a, b}
}

// SetPath lays a path between two hosts. It holds for what is sent from now on.
func (n *Network) SetPath(a, b netip.Addr, p Path) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.paths[pair(a, b)] = p
}

// Partition splits the network: each group of hosts can only reach itself, and
// all hosts that are in no group form one more. What is under way
// across a border waits there, and so do those who dial across it; links stay
// up, until one of their ends gives up.
func (n *Network) Partition(groups ...[]netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.sides)
	for i, g := range groups {
		for _, ip := range g {
			n.sides[ip.Unmap()] = i + 1
		}
	}
	n.split = true
	n.change()
}

// Heal ends a partition. What waited arrives.
func (n *Network) Heal() {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.sides)
	n.split = false
	n.change()
}

// Cut breaks all links between two hosts, at both ends at once, and returns how
// many there were.
func (n *Network) Cut(a, b netip.Addr) int {
	want := pair(a, b)
	n.mu.Lock()
	var hit []*pipe
	for p := range n.links {
		if pair(p.a.Addr(), p.b.Addr()) == want {
			hit = append(hit, p)
		}
	}
	n.mu.Unlock()
	for _, p := range hit {
		p.breakLink()
	}
	return len(hit)
}

// Links returns the two ends of every link that is up, dialler first, in order.
func (n *Network) Links() [][2]netip.AddrPort {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all [][2]netip.AddrPort
	for p := range n.links {
		all = append(all, [2]netip.AddrPort{p.a, p.b})
	}
	slices.SortFunc(all, func(x, y [2]netip.AddrPort) int {
		if c := x[0].Compare(y[0]); c != 0 {
			return c
		}
		return x[1].Compare(y[1])
	})
	return all
}

func (n *Network) change() {
	close(n.changed)
	n.changed = make(chan struct{})
}

// path returns what lies between two hosts, whether anything gets through, and
// a channel that is closed when that may have changed.
func (n *Network) path(a, b netip.Addr) (p Path, open bool, changed <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p, ok := n.paths[pair(a, b)]
	if !ok {
		p = n.opts.Path
	}
	return p, !n.split || n.sides[a] == n.sides[b], n.changed
}

// port returns the next free port of a host, from the range that systems use
// for it. The caller holds mu.
func (n *Network) port(ip netip.Addr) uint16 {
	const first = 49152
	p := max(n.ports[ip], first-1)
	if p++; p == 0 {
		p = first
	}
	n.ports[ip] = p
	return p
}

// travel is how long size bytes take to pass at the path's bandwidth.
func (p Path) travel(size int) time.Duration {
	if p.Bandwidth <= 0 {
		return 0
	}
	return time.Duration(float64(size) / float64(p.Bandwidth) * float64(time.Second))
}

// frameSize is how many bytes a message counts, the same as with plain TCP.
func frameSize(payload []byte) int { return wire.FrameHeaderSize + len(payload) }
