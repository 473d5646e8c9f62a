package server

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/chain/chaintest"
	"starling/connmgr"
	"starling/discover"
	"starling/peer"
	"starling/transport"
	"starling/transport/memnet"
	"starling/wire"
)

// swarm is a network of whole nodes that find each other, in virtual time.
type swarm struct {
	*world
	rng   *rand.Rand // topology, latency, churn, who finds a block
	wall  func() time.Time
	nodes []*node
	began time.Time
	first chaintest.Block // that all have
	peak  uint64          // most bytes of heap and stacks seen
}

// swarmSeed decides over all that is chance in the swarm, save the order of
// goroutines.
const swarmSeed = 9

// swarmMemory is how much a swarm may take, heap and stacks together.
const swarmMemory = 12 << 30

// swarmSize is how many nodes there are and how often they are run; more where
// there is time.
func swarmSize() (nodes, runs int) {
	if os.Getenv("STARLING_TEST_LONG") != "" {
		return 200, 10
	}
	if testing.Short() {
		return 12, 1
	}
	return 30, 1
}

// regionLatency is the time one way within and between North America, Europe,
// South America, Asia, Japan and Australia in milliseconds, as measured in 2019,
// and regionShare how many of 1,000 nodes are where.
var (
	regionLatency = [6][6]int{
		{32, 124, 184, 198, 151, 189},
		{124, 11, 227, 237, 252, 294},
		{184, 227, 88, 325, 301, 322},
		{198, 237, 325, 85, 58, 198},
		{151, 252, 301, 58, 12, 126},
		{189, 294, 322, 198, 126, 16},
	}
	regionShare = [6]int{332, 500, 9, 118, 22, 19}
)

// newSwarm starts nodes, each in a network group of its own, that know the
// address of the first one.
func newSwarm(t *testing.T, size int, wall func() time.Time) *swarm {
	s := &swarm{world: newWorld(t, 1), rng: rand.New(rand.NewPCG(swarmSeed, uint64(size))), wall: wall, began: time.Now()}
	s.lay(size)
	s.first = s.gen.Next(s.gen.Genesis(), 0)
	for i := range size {
		nd := s.launch(i, vfs.NewMem())
		nd.give(s.first)
		s.nodes = append(s.nodes, nd)
	}
	return s
}

// lay spreads the nodes over the world.
func (s *swarm) lay(size int) {
	region := make([]int, size)
	for i := range region {
		dice := s.rng.IntN(1000)
		for dice >= regionShare[region[i]] {
			dice -= regionShare[region[i]]
			region[i]++
		}
		for j := range i {
			ms := regionLatency[region[i]][region[j]]
			s.net.SetPath(swarmHost(i), swarmHost(j), memnet.Path{Latency: time.Duration(ms) * time.Millisecond})
		}
	}
}

func swarmHost(i int) netip.Addr {
	ip, _ := transport.IP(addr(byte(i + 1)))
	return ip
}

// launch starts a node, which goes on with what is on its disk.
func (s *swarm) launch(i int, disk vfs.FS) *node {
	return s.startWith(byte(i+1), disk, func(c *Config) {
		c.Discover, c.Slots = true, &connmgr.SlotOptions{}
		c.Find = &discover.Config{Nodes: []string{hostOf(1).String()}}
	})
}

// measure notes how much memory is in use.
func (s *swarm) measure() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	s.peak = max(s.peak, m.HeapInuse+m.StackInuse)
}

// stage runs a part of the test and tells how long it took.
func (s *swarm) stage(what string, f func()) {
	s.t.Helper()
	virtual, wall := time.Now(), s.wall()
	f()
	s.measure()
	s.t.Logf("%s: %v of virtual time, %v by the wall", what,
		time.Since(virtual).Round(time.Second), s.wall().Sub(wall).Round(100*time.Millisecond))
}

// full reports whether all slots of a node are taken.
func full(nd *node) bool {
	kinds := make(map[peer.Kind]int)
	for _, p := range nd.Peers() {
		if p.Peer.Remote() != nil {
			kinds[p.Peer.Kind()]++
		}
	}
	return kinds[peer.OutboundFull] >= connmgr.DefaultFull && kinds[peer.BlockRelayOnly] >= connmgr.DefaultBlockRelay
}

// describe says which links a node has and what it knows.
func (nd *node) describe() string {
	kinds := make(map[peer.Kind]int)
	for _, p := range nd.Peers() {
		kinds[p.Peer.Kind()]++
	}
	return fmt.Sprintf("links %v, book %v, dials %v, tip %d, asked %q", kinds, nd.Book().Counts(), nd.LinkCounts().Dials, nd.Chain().Tip().Height, nd.asked())
}

// await lets time pass until something holds for all nodes.
func (s *swarm) await(what string, most time.Duration, f func(*node) bool) {
	s.t.Helper()
	for end := time.Now().Add(most); ; time.Sleep(10 * time.Second) {
		s.measure()
		left := 0
		for _, nd := range s.nodes {
			if !f(nd) {
				left++
			}
		}
		if left == 0 {
			return
		}
		if time.Now().After(end) {
			for i, nd := range s.nodes {
				if !f(nd) {
					s.t.Logf("node %d: %s", i+1, nd.describe())
				}
			}
			s.t.Fatalf("%s: not so for %d of %d nodes after %v", what, left, len(s.nodes), most)
		}
	}
}

// pieces counts the parts of the network that have no link between them.
func (s *swarm) pieces() int {
	index := make(map[string]int)
	for i := range s.nodes {
		index[hostOf(byte(i+1)).String()] = i
	}
	group := make([]int, len(s.nodes))
	for i := range group {
		group[i] = i
	}
	root := func(i int) int {
		for group[i] != i {
			i = group[i]
		}
		return i
	}
	count := len(s.nodes)
	for i, nd := range s.nodes {
		for _, p := range nd.Peers() {
			j, ok := index[transport.FormatAddr(p.Peer.RemoteAddr())]
			if a, b := root(i), root(j); ok && p.Peer.Kind() != peer.Inbound && a != b {
				group[a] = b
				count--
			}
		}
	}
	return count
}

// tip lets the network agree on a block.
func (s *swarm) tip(hash wire.Hash) func(*node) bool {
	return func(nd *node) bool { return nd.Chain().Tip().Hash == hash }
}

// sides returns the two halves of the nodes.
func (s *swarm) sides() (sides [2][]int) {
	for i := range s.nodes {
		side := min(i/(len(s.nodes)/2), 1)
		sides[side] = append(sides[side], i)
	}
	return sides
}

// churn has one in ten nodes of a side leave for five minutes.
func (s *swarm) churn(sides [2][]int) {
	var gone []int
	for _, side := range sides {
		for _, k := range s.rng.Perm(len(side))[:max(1, len(side)/10)] {
			s.nodes[side[k]].stop()
			gone = append(gone, side[k])
		}
	}
	time.Sleep(5 * time.Minute)
	for _, i := range gone {
		s.nodes[i] = s.launch(i, s.nodes[i].fs)
	}
	time.Sleep(5 * time.Minute)
	s.measure()
}

// find has one node of a side find a block.
func (s *swarm) find(side []int, gen *chaintest.Maker, on chaintest.Block) chaintest.Block {
	s.t.Helper()
	for _, k := range s.rng.Perm(len(side)) {
		if nd := s.nodes[side[k]]; s.tip(on.Hash())(nd) {
			b := gen.Next(on, 0)
			nd.give(b)
			return b
		}
	}
	s.t.Fatalf("nobody on this side stands on height %d", on.Height)
	return on
}

// divided cuts the network in two for an hour in which blocks are found on
// both sides and nodes come and go, and returns the better chain's tip.
func (s *swarm) divided() chaintest.Block {
	sides := s.sides()
	var hosts [2][]netip.Addr
	for i, side := range sides {
		for _, k := range side {
			hosts[i] = append(hosts[i], s.nodes[k].host.IP())
		}
	}
	other := chaintest.New(s.par)
	other.Spacing++ // so that its blocks differ
	left, right := s.first, s.first
	s.net.Partition(hosts[0], hosts[1])
	for i := range 6 {
		left = s.find(sides[0], s.gen, left)
		if i < 5 {
			right = s.find(sides[1], other, right)
		}
		s.churn(sides)
	}
	for i, tip := range []chaintest.Block{left, right} {
		for _, k := range sides[i] {
			if nd := s.nodes[k]; !s.tip(tip.Hash())(nd) {
				s.t.Fatalf("cut in two: node %d of side %d is not on its side's chain of height %d: %s", k+1, i, tip.Height, nd.describe())
			}
		}
	}
	if n := s.crossing(hosts[0]); n > 0 {
		s.t.Fatalf("cut in two: %d links are left across", n)
	}
	s.net.Heal()
	return left
}

// crossing counts the links that one side has with the other.
func (s *swarm) crossing(side []netip.Addr) (count int) {
	for _, l := range s.net.Links() {
		if slices.Contains(side, l[0].Addr()) != slices.Contains(side, l[1].Addr()) {
			count++
		}
	}
	return count
}

// whole fails the test if the network is in pieces.
func (s *swarm) whole() {
	s.t.Helper()
	if n := s.pieces(); n != 1 {
		s.t.Fatalf("the network is %d pieces", n)
	}
}

// wallClock returns a clock that goes on outside of bubbles.
func wallClock(t *testing.T) func() time.Time {
	times, done, over := make(chan time.Time), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		for {
			select {
			case times <- time.Now():
			case <-done:
				return
			}
		}
	}()
	t.Cleanup(func() {
		close(done)
		<-over
	})
	return func() time.Time {
		<-times // it may be from a while ago
		return <-times
	}
}

// TestSwarm has nodes that know one address fill their slots and become one
// network. Then it is cut in two for an hour, with blocks on both sides and
// nodes that come and go; after that all agree on the better chain. What has a
// seed has the same one in every run, and the outcome is to be the same whatever the
// scheduler does.
func TestSwarm(t *testing.T) {
	size, runs := swarmSize()
	for run := range runs {
		t.Run(fmt.Sprintf("run %d", run+1), func(t *testing.T) {
			wall := wallClock(t)
			synctest.Test(t, func(t *testing.T) { playSwarm(t, size, wall) })
		})
	}
}

func playSwarm(t *testing.T, size int, wall func() time.Time) {
	s := newSwarm(t, size, wall)
	s.stage("all slots are taken", func() { s.await("all slots are taken", 2*time.Hour, full) })
	s.whole()
	var tip chaintest.Block
	s.stage("cut in two", func() { tip = s.divided() })
	s.stage("all agree on one tip", func() { s.await("all agree", 2*time.Hour, s.tip(tip.Hash())) })
	s.stage("all slots are taken again", func() { s.await("all slots are taken again", 2*time.Hour, full) })
	s.whole()
	t.Logf("%d nodes: %v of virtual time in all, %d MiB of heap and stacks at most", size, time.Since(s.began).Round(time.Second), s.peak>>20)
	if s.peak > swarmMemory {
		t.Errorf("it took %d MiB", s.peak>>20)
	}
	for _, nd := range s.nodes {
		nd.stop()
	}
}
