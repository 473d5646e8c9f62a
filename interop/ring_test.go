package interop

import (
	"fmt"
	"testing"
	"time"

	"starling/interop/harness"
)

// mineTo is a regtest address that nobody holds the key of.
const mineTo = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"

func starling(t *testing.T, flags ...string) *harness.Node {
	return harness.Starling(t, "regtest", append([]string{"--connect", "0"}, flags...)...)
}

func btcd(t *testing.T, flags ...string) *harness.Node {
	return harness.Btcd(t, "regtest", append([]string{"--miningaddr", mineTo}, flags...)...)
}

// mine makes n blocks on a node and returns the hash of the last.
func mine(t *testing.T, node *harness.Node, n int) string {
	t.Helper()
	var hashes []string
	if node.Name == "btcd" {
		node.Call(&hashes, "generate", n)
	} else {
		node.Call(&hashes, "generatetoaddress", n, mineTo)
	}
	if len(hashes) != n {
		t.Fatalf("%s made %d blocks, asked for %d", node.Name, len(hashes), n)
	}
	return hashes[n-1]
}

// coinSet returns the digest of a Starling's UTXO set.
func coinSet(t *testing.T, n *harness.Node) string {
	t.Helper()
	var info struct {
		Hash string `json:"hash_serialized_3"`
		Best string `json:"bestblock"`
	}
	n.Call(&info, "gettxoutsetinfo")
	if info.Hash == "" {
		t.Fatal("gettxoutsetinfo gives no hash_serialized_3")
	}
	return info.Best + " " + info.Hash
}

// Two btcds and two Starlings in a ring; a block made on any reaches all.
func TestRing(t *testing.T) {
	s1, s2 := starling(t), starling(t)
	b1, b2 := btcd(t), btcd(t)
	ring := []*harness.Node{s1, b1, s2, b2}
	// A first block with a fresh time makes btcd take itself for up to date.
	best := mine(t, s1, 1)
	for i, n := range ring {
		n.Connect(ring[(i+1)%len(ring)])
	}
	for _, n := range ring {
		n.WaitBest(best, time.Minute)
	}
	for range 3 {
		for _, maker := range ring {
			best = mine(t, maker, 2)
			for _, n := range ring {
				n.WaitBest(best, time.Minute)
			}
		}
	}
}

// Reorganisations between a Starling and a btcd, the longer side once on
// either. What the Starling ends with is what a node has that never saw the
// shorter side.
func TestReorganisations(t *testing.T) {
	for _, longer := range []string{"btcd", "starling"} {
		for _, n := range []int{1, 6, 150} {
			t.Run(fmt.Sprintf("%d blocks, longer on %s", n, longer), func(t *testing.T) {
				s, b := starling(t), btcd(t)
				base := mine(t, s, 3)
				s.Connect(b)
				b.WaitBest(base, time.Minute)
				s.Disconnect(b)

				short, long := s, b
				if longer == "starling" {
					short, long = b, s
				}
				mine(t, short, n)
				best := mine(t, long, n+1)
				s.Connect(b)
				s.WaitBest(best, 2*time.Minute)
				b.WaitBest(best, 2*time.Minute)

				straight := starling(t)
				straight.Connect(s)
				straight.WaitBest(best, time.Minute)
				if got, want := coinSet(t, s), coinSet(t, straight); got != want {
					t.Errorf("UTXO set after the reorganisation: %s; synced straight: %s", got, want)
				}
			})
		}
	}
}
