package devnet

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Topology says which nodes connect to each other.
type Topology string

// The topologies.
const (
	Line   Topology = "line"   // each to the one before it
	Ring   Topology = "ring"   // as a line, and the last to the first
	Star   Topology = "star"   // all to the first
	Random Topology = "random" // each to up to three of those before it
)

// Topologies lists all, the default first.
func Topologies() []Topology { return []Topology{Line, Ring, Star, Random} }

// ParseTopology reads a topology's name.
func ParseTopology(s string) (Topology, error) {
	var names []string
	for _, t := range Topologies() {
		if string(t) == s {
			return t, nil
		}
		names = append(names, string(t))
	}
	return "", fmt.Errorf("%q is not one of %s", s, strings.Join(names, ", "))
}

// randomPeers is how many nodes each one of a random topology connects to, if
// there are so many before it: enough for every two to have a short way, few
// enough for the way to matter.
const randomPeers = 3

// dials returns, for each of n nodes, which of those with a lower number it
// connects to. Every node can be reached from every other.
func (t Topology) dials(n int, rng *rand.Rand) [][]int {
	all := make([][]int, n)
	for i := 1; i < n; i++ {
		switch t {
		case Star:
			all[i] = []int{0}
		case Random:
			all[i] = rng.Perm(i)[:min(i, randomPeers)]
		default:
			all[i] = []int{i - 1}
		}
	}
	if t == Ring && n > 2 {
		all[n-1] = append(all[n-1], 0)
	}
	return all
}
