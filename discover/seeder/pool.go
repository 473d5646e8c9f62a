package seeder

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"starling/addrmgr/netaddr"
	"starling/discover/crawl"
	"starling/wire"
)

// Limits of a pool.
const (
	// DefaultMaxKnown is how many nodes are known at most, in some 5 MB.
	DefaultMaxKnown = 20_000
	// DefaultRevisit is the time from one visit of a good node to the next.
	DefaultRevisit = 30 * time.Minute
	// freshFactor is how many such times a node counts as good after a visit.
	freshFactor = 3
	// maxFailures is how many visits in a row may fail before a node is
	// forgotten, and neverFailures the same for one that was never reached.
	maxFailures   = 8
	neverFailures = 2
	// perTeller is how many new nodes are taken of one visit, so that no node
	// fills the pool with what it makes up.
	perTeller = 250
	// groupShare is the part of the places that one network group may fill, and
	// leastPerGroup how many that are at least, where there are few.
	groupShare    = 32
	leastPerGroup = 16
)

// node is what is known of one. Times are seconds since 1970.
type node struct {
	addr     netaddr.Addr
	services wire.ServiceFlag
	good     int64 // when it was last reached; 0 for never
	next     int64 // when it is to be visited
	failures int   // since then
	busy     bool
	group    string // the network group of an address of the internet
	index    int    // in Pool.all
}

// PoolOptions configure a [Pool]. The zero value works, but for Port.
type PoolOptions struct {
	Port     uint16 // the network's; nodes at others are visited, and not told of
	MaxKnown int
	// MaxPerGroup is how many nodes of one network group are known at most, so
	// that nobody fills the pool with the addresses of one provider; 0 for a
	// thirty-second of MaxKnown, at least 16. Local addresses do not count.
	MaxPerGroup int
	Revisit     time.Duration
	Grouper     netaddr.Grouper // tells groups, and which addresses count
}

// Pool holds the nodes of a network. It is a pure state machine.
type Pool struct {
	opts   PoolOptions
	rng    *rand.Rand
	byAddr map[netaddr.Addr]*node
	odd    map[netaddr.Addr]struct{} // hosts, at port 0, known at another port than the network's
	groups map[string]int            // how many nodes of each are known
	all    []*node                   // in no order that matters

	drawn   []*node // the good ones in an order of chance, as of a second
	drawnAt int64
}

// NewPool returns an empty pool.
func NewPool(opts PoolOptions, rng *rand.Rand) *Pool {
	opts.MaxKnown = cmp.Or(opts.MaxKnown, DefaultMaxKnown)
	opts.MaxPerGroup = cmp.Or(opts.MaxPerGroup, max(opts.MaxKnown/groupShare, leastPerGroup))
	opts.Revisit = cmp.Or(opts.Revisit, DefaultRevisit)
	return &Pool{
		opts: opts, rng: rng, byAddr: make(map[netaddr.Addr]*node),
		odd: make(map[netaddr.Addr]struct{}), groups: make(map[string]int),
	}
}

// Len returns how many nodes are known.
func (p *Pool) Len() int { return len(p.all) }

// Add has an address visited, if it is new and there is room: for all, for its
// network group, and for its host, of which one port beside the network's is
// enough. Whoever makes up many ports of a host would else have all knocked at.
func (p *Pool) Add(now time.Time, a netaddr.Addr) bool {
	if _, ok := a.IP(); !ok || p.byAddr[a] != nil || len(p.all) >= p.opts.MaxKnown || !p.opts.Grouper.IsUsable(a) {
		return false
	}
	n := &node{addr: a, next: now.Unix(), index: len(p.all)}
	if a.IsRoutable() {
		n.group = p.opts.Grouper.Group(a)
		_, known := p.odd[a.WithPort(0)]
		if p.isOdd(a) && known || p.groups[n.group] >= p.opts.MaxPerGroup {
			return false
		}
		p.groups[n.group]++
		if p.isOdd(a) {
			p.odd[a.WithPort(0)] = struct{}{}
		}
	}
	p.byAddr[a] = n
	p.all = append(p.all, n)
	return true
}

// isOdd reports whether an address has another port than the network's.
func (p *Pool) isOdd(a netaddr.Addr) bool { return a.Port() != p.opts.Port }

// Due takes the node whose visit is due the longest.
func (p *Pool) Due(now time.Time) (a netaddr.Addr, ok bool) {
	var first *node
	for _, n := range p.all {
		if !n.busy && n.next <= now.Unix() && (first == nil || n.next < first.next) {
			first = n
		}
	}
	if first == nil {
		return netaddr.Addr{}, false
	}
	first.busy = true
	return first.addr, true
}

// Visited takes what a visit has shown.
func (p *Pool) Visited(now time.Time, a netaddr.Addr, v *crawl.Node) {
	n := p.byAddr[a]
	if n == nil {
		return
	}
	n.busy = false
	if !v.Reached {
		n.failures++
		if n.good == 0 && n.failures >= neverFailures || n.failures >= maxFailures {
			p.drop(n)
			return
		}
		n.next = now.Add(p.opts.Revisit << min(n.failures-1, 5)).Unix()
		return
	}
	n.good, n.failures, n.services = now.Unix(), 0, v.Services
	n.next = now.Add(p.opts.Revisit).Unix()
	added := 0
	for _, k := range v.Known {
		if added == perTeller {
			break
		}
		if !k.Addr.IsRoutable() && a.IsRoutable() || k.Addr.IsLocal() && !a.IsLocal() {
			continue // what is near to another host is none of ours
		}
		if p.Add(now, k.Addr) {
			added++
		}
	}
}

func (p *Pool) drop(n *node) {
	last := len(p.all) - 1
	p.all[n.index] = p.all[last]
	p.all[n.index].index = n.index
	p.all[last] = nil
	p.all = p.all[:last]
	delete(p.byAddr, n.addr)
	if n.group == "" {
		return
	}
	if p.groups[n.group]--; p.groups[n.group] == 0 {
		delete(p.groups, n.group)
	}
	if p.isOdd(n.addr) {
		delete(p.odd, n.addr.WithPort(0))
	}
}

// isGood reports whether a node may be told of.
func (p *Pool) isGood(now time.Time, n *node) bool {
	return n.good != 0 && n.failures == 0 && !p.isOdd(n.addr) && now.Unix()-n.good <= int64(freshFactor*p.opts.Revisit/time.Second)
}

// Good returns nodes that were reached lately and have all of the services, of
// one network, in an order of chance: at most limit of them. A second node of a
// network group is told of only when no further group has a first one, so that
// many addresses of one provider are no larger part of an answer than one.
func (p *Pool) Good(now time.Time, want wire.ServiceFlag, network wire.NetworkID, limit int) []netaddr.Addr {
	if t := now.Unix(); p.drawn == nil || t != p.drawnAt {
		p.draw(now)
	}
	var first, more []netaddr.Addr
	taken := make(map[string]struct{}, limit)
	for _, n := range p.drawn {
		if len(first) == limit {
			break
		}
		if n.addr.Network() != network || !n.services.Has(want) {
			continue
		}
		if _, ok := taken[n.group]; !ok {
			taken[n.group] = struct{}{}
			first = append(first, n.addr)
		} else if len(more) < limit {
			more = append(more, n.addr)
		}
	}
	return append(first, more[:min(len(more), limit-len(first))]...)
}

// draw puts the good nodes in an order of chance, which serves for a second: to do
// so for each question would have questions cost more than they do who asks.
func (p *Pool) draw(now time.Time) {
	p.drawn = slices.DeleteFunc(slices.Clone(p.all), func(n *node) bool { return !p.isGood(now, n) })
	p.drawnAt = now.Unix()
	p.rng.Shuffle(len(p.drawn), func(i, j int) { p.drawn[i], p.drawn[j] = p.drawn[j], p.drawn[i] })
}

// CountGood returns how many nodes may be told of.
func (p *Pool) CountGood(now time.Time) (count int) {
	for _, n := range p.all {
		if p.isGood(now, n) {
			count++
		}
	}
	return count
}

// sorted returns all nodes in the order of their addresses.
func (p *Pool) sorted() []*node {
	return slices.SortedFunc(slices.Values(p.all), func(a, b *node) int { return a.addr.Compare(b.addr) })
}
