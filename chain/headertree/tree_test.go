package headertree

import (
	"math/big"
	"runtime"
	"slices"
	"testing"
	"time"
	"unsafe"

	"pgregory.net/rapid"

	"starling/chain/consensus"
	"starling/params"
	"starling/wire"
)

// model is the tree as one would write it without a thought for speed.
type model struct {
	net   *params.Network
	nodes []*modelNode // in the order of arrival
}

type modelNode struct {
	hash   wire.Hash
	h      wire.Header
	parent *modelNode
	height int
	failed bool // itself
}

func (m *model) find(hash wire.Hash) *modelNode {
	i := slices.IndexFunc(m.nodes, func(n *modelNode) bool { return n.hash == hash })
	if i < 0 {
		return nil
	}
	return m.nodes[i]
}

func (n *modelNode) work() *big.Int {
	sum := new(big.Int)
	for ; n != nil; n = n.parent {
		w := consensus.BlockWork(n.h.Bits)
		sum.Add(sum, w.ToBig())
	}
	return sum
}

func (n *modelNode) dead() bool {
	for ; n != nil; n = n.parent {
		if n.failed {
			return true
		}
	}
	return false
}

func (m *model) best() *modelNode {
	var best *modelNode
	for _, n := range m.nodes {
		if !n.dead() && (best == nil || n.work().Cmp(best.work()) > 0) {
			best = n
		}
	}
	return best
}

func (m *model) tips() []wire.Hash {
	var tips []*modelNode
	for _, n := range m.nodes {
		if !slices.ContainsFunc(m.nodes, func(c *modelNode) bool { return c.parent == n }) {
			tips = append(tips, n)
		}
	}
	slices.SortStableFunc(tips, func(a, b *modelNode) int { return b.height - a.height })
	var hashes []wire.Hash
	for _, n := range tips {
		hashes = append(hashes, n.hash)
	}
	return hashes
}

// TestTreeModel plays at random with a tree and its model.
func TestTreeModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		net := easy()
		tree := New(net)
		m := &model{net: net, nodes: []*modelNode{{hash: net.GenesisHash, h: net.Genesis.Header}}}
		salt := byte(0)
		pick := func(t *rapid.T) *modelNode {
			// Mostly one of the last, so that there are long branches.
			last := len(m.nodes) - 1
			return m.nodes[last-min(last, rapid.IntRange(0, 2*len(m.nodes)).Draw(t, "back")/3)]
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				parent := pick(t)
				node := tree.Lookup(parent.hash)
				for range rapid.IntRange(1, 12).Draw(t, "count") {
					h := child(node, node.MedianTime()+rapid.Int64Range(1, 2000).Draw(t, "time"), net)
					salt++
					h.MerkleRoot[0] = salt
					mine(&h)
					dead := parent.dead()
					n, added, err := tree.Add(&h, later())
					if dead {
						if err == nil || err.(*consensus.RuleError).Reason != "bad-prevblk" {
							t.Fatalf("on a failed parent: %v", err)
						}
						return
					}
					if m.find(h.Hash()) != nil {
						if added || err != nil {
							t.Fatalf("known header: added %v, %v", added, err)
						}
						return
					}
					if err != nil || !added {
						t.Fatal(err)
					}
					parent = &modelNode{hash: n.Hash, h: h, parent: parent, height: parent.height + 1}
					m.nodes = append(m.nodes, parent)
					node = n
				}
			},
			"add again": func(t *rapid.T) {
				n := pick(t)
				got, added, err := tree.Add(&n.h, later())
				if added || got == nil || got.Hash != n.hash || (err != nil) != n.dead() {
					t.Fatalf("added %v, %v", added, err)
				}
			},
			"fail": func(t *rapid.T) {
				n := pick(t)
				if n.parent == nil {
					return
				}
				n.failed = true
				tree.MarkFailed(tree.Lookup(n.hash))
			},
			"unfail": func(t *rapid.T) {
				n := pick(t)
				for _, d := range m.nodes {
					above := false // d above n, or n above d
					for w := n; w != nil; w = w.parent {
						above = above || w == d
					}
					for w := d; w != nil; w = w.parent {
						above = above || w == n
					}
					if above {
						d.failed = false
					}
				}
				tree.Unfail(tree.Lookup(n.hash))
			},
			"restart": func(t *rapid.T) {
				// The same headers in order make the same tree.
				again := New(net)
				for _, n := range m.nodes {
					if _, err := again.Restore(&n.h, tree.Lookup(n.hash).Status()); err != nil {
						t.Fatal(err)
					}
				}
				tree = again
			},
			"": func(t *rapid.T) {
				if tree.Len() != len(m.nodes) {
					t.Fatalf("%d headers, want %d", tree.Len(), len(m.nodes))
				}
				if got, want := tree.Best().Hash, m.best().hash; got != want {
					t.Fatalf("best %v, want %v", got, want)
				}
				var tips []wire.Hash
				for _, n := range tree.Tips() {
					tips = append(tips, n.Hash)
				}
				if want := m.tips(); !slices.Equal(tips, want) {
					t.Fatalf("tips %v, want %v", tips, want)
				}
				if all := tree.All(); len(all) != len(m.nodes) || !parentsFirst(all) {
					t.Fatalf("all %d headers are %d, or not in order", len(m.nodes), len(all))
				}
				for _, n := range m.nodes {
					got := tree.Lookup(n.hash)
					if got == nil || got.Height != int32(n.height) || got.Header != n.h || got.Work.ToBig().Cmp(n.work()) != 0 {
						t.Fatalf("node of height %d differs", n.height)
					}
					want := Status(0)
					if n.failed {
						want |= Failed
					}
					if n.parent != nil && n.parent.dead() {
						want |= FailedParent
					}
					if got.Status() != want {
						t.Fatalf("height %d: status %b, want %b", n.height, got.Status(), want)
					}
				}
			},
		})
	})
}

// parentsFirst reports whether every node but the first comes after its parent,
// and none comes twice.
func parentsFirst(nodes []*Node) bool {
	seen := map[*Node]bool{}
	for i, n := range nodes {
		if seen[n] || i > 0 && !seen[n.Parent] {
			return false
		}
		seen[n] = true
	}
	return true
}

func TestDescendants(t *testing.T) {
	tree := New(easy())
	trunk := extend(t, tree, tree.Genesis(), 5, 600)
	a := extend(t, tree, trunk, 3, 601)
	extend(t, tree, trunk, 4, 602)
	extend(t, tree, trunk.Ancestor(2), 4, 603)
	for _, tt := range []struct {
		n    *Node
		want int
	}{{tree.Genesis(), 17}, {trunk.Ancestor(2), 15}, {trunk, 8}, {a.Ancestor(7), 2}, {a, 1}} {
		got := tree.Descendants(tt.n)
		if len(got) != tt.want || got[0] != tt.n || !parentsFirst(got) {
			t.Errorf("height %d: %d, want %d", tt.n.Height, len(got), tt.want)
		}
		for _, d := range got {
			if !tt.n.IsAncestorOf(d) {
				t.Errorf("height %d: a header of another branch", tt.n.Height)
			}
		}
	}
	a.SetChainTx(7)
	if a.ChainTx() != 7 {
		t.Error("transactions of the chain are lost")
	}
}

// TestFailed follows one failure, and what is reported of it.
func TestFailed(t *testing.T) {
	tree := New(easy())
	trunk := extend(t, tree, tree.Genesis(), 5, 600)
	long := extend(t, tree, trunk, 5, 601)
	short := extend(t, tree, trunk, 3, 602)
	side := extend(t, tree, long.Ancestor(7), 1, 603)
	if tree.Best() != long {
		t.Fatal("the longest is not the best")
	}

	bad := long.Ancestor(7)
	changed := tree.MarkFailed(bad)
	if len(changed) != 5 || changed[0] != bad {
		t.Fatalf("%d changed", len(changed))
	}
	if tree.Best() != short {
		t.Fatalf("best has height %d", tree.Best().Height)
	}
	if again := tree.MarkFailed(bad); len(again) != 0 {
		t.Fatalf("%d changed once more", len(again))
	}
	if bad.Status() != Failed || long.Status() != FailedParent || side.Status() != FailedParent {
		t.Fatal("wrong bits")
	}
	h := child(long, long.Time()+600, tree.net)
	_, _, err := tree.Add(&h, later())
	wantReject(t, err, consensus.Invalid, "bad-prevblk")
	n, added, err := tree.Add(&long.Header, later())
	wantReject(t, err, consensus.Invalid, "duplicate-invalid")
	if n != long || added {
		t.Fatal("a failed header is not found")
	}

	// Trying the side branch again clears the way to it, not what else may be
	// wrong with the other.
	tree.MarkFailed(long.Ancestor(9))
	if changed := tree.Unfail(side); len(changed) != 4 {
		t.Fatalf("%d changed", len(changed))
	}
	if bad.Failed() || side.Failed() || long.Ancestor(8).Failed() || long.Ancestor(9).Status() != Failed || !long.Failed() {
		t.Fatal("wrong bits after the second try")
	}
	if tree.Best() != long.Ancestor(8) { // as high as short and side, but first
		t.Fatalf("best has height %d", tree.Best().Height)
	}
	tree.Unfail(long.Ancestor(9))
	if tree.Best() != long {
		t.Fatal("the longest is not the best again")
	}

	if tree.MarkFailed(tree.Genesis()) != nil || tree.Genesis().Failed() {
		t.Fatal("the genesis block has failed")
	}
}

func TestBestIsFirstSeen(t *testing.T) {
	net := easy()
	tree := New(net)
	a := extend(t, tree, tree.Genesis(), 3, 600)
	b := extend(t, tree, tree.Genesis(), 3, 601)
	if tree.Best() != a {
		t.Fatal("the second of equal work took over")
	}
	// Going back to equals prefers the first again.
	c := extend(t, tree, b, 1, 601)
	tree.MarkFailed(c)
	if tree.Best() != a {
		t.Fatal("the first of equal work did not come back")
	}
}

func TestRestore(t *testing.T) {
	net := easy()
	tree := New(net)
	a := extend(t, tree, tree.Genesis(), 5, 600)
	again := New(net)
	_, err := again.Restore(&a.Header, 0)
	wantReject(t, err, consensus.MissingParent, "prev-blk-not-found")

	// A lone failure bit is spread anew, and one that has no cause is dropped.
	for h := int32(0); h <= 5; h++ {
		status := Pruned
		if h == 3 {
			status |= Failed
		}
		if h == 1 {
			status |= FailedParent
		}
		n, err := again.Restore(&a.Ancestor(h).Header, status)
		if err != nil {
			t.Fatal(err)
		}
		want := Pruned
		switch {
		case h == 3:
			want |= Failed
		case h > 3:
			want |= FailedParent
		}
		if n.Status() != want {
			t.Fatalf("height %d: status %b, want %b", h, n.Status(), want)
		}
	}
	if again.Best().Height != 2 {
		t.Fatalf("best has height %d", again.Best().Height)
	}
}

// TestNodeSize keeps the figure in the package's documentation true.
func TestNodeSize(t *testing.T) {
	if got := unsafe.Sizeof(Node{}); got != nodeSize {
		t.Fatalf("a node takes %d bytes", got)
	}
}

func TestConcurrentUse(t *testing.T) {
	tree := New(easy())
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
			}
			best := tree.Best()
			_ = best.MedianTime()
			if tree.Lookup(best.Hash) != best || Fork(best, tree.Genesis()) != tree.Genesis() {
				panic("the best header is not in the tree")
			}
			tree.Tips()
			best.SetStatus(Pruned)
		}
	}()
	n := extend(t, tree, tree.Genesis(), 300, 600)
	tree.MarkFailed(n.Ancestor(200))
	tree.Unfail(n)
	close(stop)
	<-done
}

// benchHeaders returns n headers that a network with main's rules but easy
// work accepts.
func benchHeaders(b testing.TB, n int) (*params.Network, []wire.Header) {
	net := easy()
	net.TargetTimespan = 14 * 24 * time.Hour
	tree := New(net)
	headers := make([]wire.Header, n)
	tip := tree.Genesis()
	for i := range headers {
		tip = extend(b, tree, tip, 1, 600)
		headers[i] = tip.Header
	}
	return net, headers
}

func BenchmarkAdd100000(b *testing.B) {
	net, headers := benchHeaders(b, 100_000)
	now := later()
	b.ReportAllocs()
	for b.Loop() {
		tree := New(net)
		for i := range headers {
			if _, _, err := tree.Add(&headers[i], now); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkRestore1000000(b *testing.B) {
	net := easy()
	tip := New(net).Genesis().Hash
	headers := make([]wire.Header, 1_000_000)
	for i := range headers {
		headers[i] = wire.Header{PrevBlock: tip, Timestamp: uint32(i), Bits: 0x207fffff}
		tip = headers[i].Hash()
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var tree *Tree
	for b.Loop() {
		tree = New(net)
		for i := range headers {
			if _, err := tree.Restore(&headers[i], Pruned); err != nil {
				b.Fatal(err)
			}
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(tree.Len()), "heap-B/header")
	runtime.KeepAlive(headers)
}

func BenchmarkAncestor(b *testing.B) {
	tree := New(easy())
	n := restore(b, tree, tree.Genesis(), 1_000_000, 1, 0x207fffff)
	i := int32(0)
	for b.Loop() {
		i = (i*7919 + 104729) % n.Height
		if i < 0 {
			i += n.Height
		}
		n.Ancestor(i)
	}
}

func BenchmarkMedianTime(b *testing.B) {
	tree := New(easy())
	n := restore(b, tree, tree.Genesis(), 1000, 600, 0x207fffff)
	for b.Loop() {
		n.MedianTime()
	}
}

// nodeSize is how many bytes a node takes, as the documentation says.
const nodeSize = 216
