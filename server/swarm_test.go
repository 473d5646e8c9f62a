package server

import (
	"fmt"
	"net/netip"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/chain/chaintest"
	"starling/connmgr"
	"starling/discover"
	"starling/peer"
	"starling/transport"
	"starling/wire"
)

// swarm is a network of whole nodes that find each other, in virtual time.
type swarm struct {
	*world
	nodes []*node
	began time.Time
	first chaintest.Block // that all have
}

// swarmSize is how many nodes there are; more where there is time.
func swarmSize() int {
	if os.Getenv("STARLING_TEST_LONG") != "" {
		return 200
	}
	if testing.Short() {
		return 12
	}
	return 30
}

// newSwarm starts nodes, each in a network group of its own, that know the
// address of the first one.
func newSwarm(t *testing.T, size int) *swarm {
	s := &swarm{world: newWorld(t, 1), began: time.Now()}
	s.first = s.gen.Next(s.gen.Genesis(), 0)
	for i := range size {
		nd := s.startWith(byte(i+1), vfs.NewMem(), func(c *Config) {
			c.Discover, c.Slots = true, &connmgr.SlotOptions{}
			c.Find = &discover.Config{Nodes: []string{hostOf(1).String()}}
		})
		nd.give(s.first)
		s.nodes = append(s.nodes, nd)
	}
	return s
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
	return fmt.Sprintf("links %v, book %v, dialled %d, tip %d, asked %q", kinds, nd.Book().Counts(), nd.Conns().Tried(), nd.Chain().Tip().Height, nd.asked())
}

// await lets time pass until something holds for all nodes.
func (s *swarm) await(what string, most time.Duration, f func(*node) bool) {
	s.t.Helper()
	for end := time.Now().Add(most); ; time.Sleep(10 * time.Second) {
		left := 0
		for _, nd := range s.nodes {
			if !f(nd) {
				left++
			}
		}
		if left == 0 {
			s.t.Logf("%s: after %v", what, time.Since(s.began).Round(time.Second))
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

// TestSwarm has nodes that know one address fill their slots and become one
// network. Then it is cut in two for an hour, with blocks on both sides; after
// that all agree on the better chain.
func TestSwarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, swarmSize())
		s.await("all slots are taken", 2*time.Hour, full)
		if n := s.pieces(); n != 1 {
			t.Fatalf("the network is %d pieces", n)
		}
		half := len(s.nodes) / 2
		var sides [2][]netip.Addr
		for i, nd := range s.nodes {
			sides[min(i/half, 1)] = append(sides[min(i/half, 1)], nd.host.IP())
		}
		s.net.Partition(sides[0], sides[1])
		other := chaintest.New(s.par)
		other.Spacing++ // so that its blocks differ
		left := s.first
		right := left
		for i := range 6 {
			left = s.gen.Next(left, 0)
			s.nodes[0].give(left)
			if i < 5 {
				right = other.Next(right, 0)
				s.nodes[half].give(right)
			}
			time.Sleep(10 * time.Minute)
		}
		s.net.Heal()
		s.await("all agree", 2*time.Hour, s.tip(left.Hash()))
		s.await("all slots are taken again", 2*time.Hour, full)
		if n := s.pieces(); n != 1 {
			t.Fatalf("the network is %d pieces", n)
		}
		for _, nd := range s.nodes {
			nd.stop()
		}
	})
}
