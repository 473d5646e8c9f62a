package devnet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"starling/clock"
	"starling/transport"
)

// Path is what lies between two nodes. The zero value is a perfect one.
type Path struct {
	// Latency is the time from one end to the other.
	Latency time.Duration
	// Loss is the share of packets that get lost, from 0 to below 1. On a
	// stream nothing is missing in the end, but a message that was lost comes
	// later, and all behind it too: see retransmit.
	Loss float64
}

// pathJSON is a path as programs see it.
type pathJSON struct {
	Latency float64 `json:"latency_seconds"`
	Loss    float64 `json:"loss"`
}

// MarshalJSON implements [json.Marshaler].
func (p Path) MarshalJSON() ([]byte, error) {
	return json.Marshal(pathJSON{p.Latency.Seconds(), p.Loss})
}

// UnmarshalJSON implements [json.Unmarshaler].
func (p *Path) UnmarshalJSON(b []byte) error {
	var j pathJSON
	err := json.Unmarshal(b, &j)
	*p = Path{time.Duration(math.Round(j.Latency * float64(time.Second))), j.Loss}
	return err
}

const (
	// retransmit is the least time after which a lost packet is sent again, as
	// TCP has it on Linux. It doubles with each loss in a row.
	retransmit = 200 * time.Millisecond
	// maxLosses is how many losses in a row break the link: after 13 seconds
	// without a sign of life at the least latency.
	maxLosses = 6
)

// ErrCut is why a node cannot reach another: a partition lies between them.
var ErrCut = errors.New("a partition lies between the nodes")

// Faults is what lies between the nodes of a network on this machine. It is
// put on their real links by the transports that it wraps. All methods are
// safe for concurrent use.
type Faults struct {
	clk   clock.Clock
	pumps sync.WaitGroup // of all links

	mu      sync.Mutex
	rng     *rand.Rand
	path    Path
	group   map[int]int // of nodes in a partition; nil for none
	groups  [][]int     // the same, as it was given
	places  map[string]int
	links   map[*link]struct{}
	changed chan struct{} // closed when a partition begins or ends
	closed  bool
}

// NewFaults returns perfect ways between all nodes. Seed decides what gets
// lost.
func NewFaults(clk clock.Clock, seed uint64) *Faults {
	return &Faults{
		clk: clk, rng: rand.New(rand.NewPCG(seed, seed)),
		places: make(map[string]int), links: make(map[*link]struct{}), changed: make(chan struct{}),
	}
}

// SetPath changes all ways. It holds for what is sent from now on.
func (f *Faults) SetPath(p Path) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.path = p
}

// PathChange is a change of a [Path]. What is nil stays as it is.
type PathChange struct {
	Latency *time.Duration `json:"latency,omitempty"`
	Loss    *float64       `json:"loss,omitempty"`
}

// on returns a path with the change.
func (c PathChange) on(p Path) Path {
	if c.Latency != nil {
		p.Latency = *c.Latency
	}
	if c.Loss != nil {
		p.Loss = *c.Loss
	}
	return p
}

// Check returns what is wrong with the change, if anything.
func (c PathChange) Check() error { return (&Config{Path: c.on(Path{})}).Check() }

// ChangePath is SetPath for a part of it, and returns the whole.
func (f *Faults) ChangePath(change PathChange) Path {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.path = change.on(f.path)
	return f.path
}

// Path returns what lies between the nodes.
func (f *Faults) Path() Path {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.path
}

// Partition splits the network: the nodes of each group reach only each other,
// and all nodes in no group form one more. What is under way across a border
// waits there; links stay up until one of their ends gives up.
func (f *Faults) Partition(groups [][]int) error {
	group := make(map[int]int)
	for i, g := range groups {
		for _, n := range g {
			if _, twice := group[n]; twice {
				return fmt.Errorf("node %d is in two groups", n)
			}
			group[n] = i + 1
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.group, f.groups = group, groups
	f.change()
	return nil
}

// Groups returns the groups of the partition, in the order in which they were
// given; nil if there is none.
func (f *Faults) Groups() [][]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.groups
}

// Heal ends the partition. What waited arrives.
func (f *Faults) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.group, f.groups = nil, nil
	f.change()
}

func (f *Faults) change() {
	close(f.changed)
	f.changed = make(chan struct{})
}

// cut reports whether a partition lies between two nodes, and returns a channel
// that is closed when that may have changed.
func (f *Faults) cut(a, b int) (bool, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.group[a] != f.group[b], f.changed
}

// CutLinks returns how many links of a node lead across a partition.
func (f *Faults) CutLinks(node int) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for l := range f.links {
		if (l.from == node || l.to == node) && f.group[l.from] != f.group[l.to] {
			n++
		}
	}
	return n
}

// delay returns how long a message takes; ok is false if it never arrives and
// the link breaks.
func (f *Faults) delay() (d time.Duration, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d = f.path.Latency
	again := max(retransmit, 2*f.path.Latency)
	for range maxLosses {
		if f.path.Loss == 0 || f.rng.Float64() >= f.path.Loss {
			return d, true
		}
		d += again
		again *= 2
	}
	return 0, false
}

// Close ends all links that are left and waits until their goroutines are
// gone. Nothing can be dialled after it.
func (f *Faults) Close() {
	f.mu.Lock()
	f.closed = true
	left := slices.Collect(maps.Keys(f.links))
	f.mu.Unlock()
	for _, l := range left {
		l.Close()
		l.end()
	}
	f.pumps.Wait()
}

// Wrap returns a transport for one node, whose links to other nodes have the
// faults. What is dialled from outside, or leads there, has none.
func (f *Faults) Wrap(node int, t transport.Transport) transport.Transport {
	return &faulty{Transport: t, faults: f, node: node}
}

// faulty is one node's transport. As each link between two nodes is dialled by
// one of them, it is enough to put the faults of both directions there.
type faulty struct {
	transport.Transport
	faults *Faults
	node   int
}

// Listen implements [transport.Transport], and remembers where the node is.
func (t *faulty) Listen(ctx context.Context, addr ma.Multiaddr) (transport.Listener, error) {
	l, err := t.Transport.Listen(ctx, addr)
	if err != nil {
		return nil, err
	}
	t.faults.mu.Lock()
	defer t.faults.mu.Unlock()
	t.faults.places[l.Addr().String()] = t.node
	return l, nil
}

// Dial implements [transport.Transport].
func (t *faulty) Dial(ctx context.Context, addr ma.Multiaddr) (transport.Link, error) {
	f := t.faults
	f.mu.Lock()
	to, known := f.places[addr.String()]
	f.mu.Unlock()
	if !known {
		return t.Transport.Dial(ctx, addr)
	}
	if cut, _ := f.cut(t.node, to); cut {
		return nil, ErrCut
	}
	// The round trip of the handshake.
	if err := clock.Sleep(ctx, f.clk, 2*f.Path().Latency); err != nil {
		return nil, err
	}
	inner, err := t.Transport.Dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	if l := f.adopt(inner, t.node, to); l != nil {
		return l, nil
	}
	inner.Close()
	return nil, transport.ErrClosed
}

// adopt puts faults on a link, unless all is over: then it returns nil.
func (f *Faults) adopt(inner transport.Link, from, to int) *link {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil
	}
	return newLink(inner, f, from, to)
}
