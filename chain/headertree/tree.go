package headertree

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"starling/chain/consensus"
	"starling/params"
	"starling/wire"
)

// slabSize is how many nodes are allocated at once. Nodes are never dropped,
// so that nothing is held back by its neighbours; at most 112 KiB are unused.
const slabSize = 512

// Tree is the tree of all known headers. Make one with [New].
type Tree struct {
	net     *params.Network
	genesis *Node
	best    atomic.Pointer[Node]

	mu    sync.RWMutex
	table table
	tips  map[*Node]struct{} // nodes without children; order comes from seq
	slab  []Node
	seq   uint32
}

// New returns a tree that holds the network's genesis header.
func New(net *params.Network) *Tree {
	t := &Tree{net: net, table: newTable(), tips: make(map[*Node]struct{})}
	t.genesis = t.link(net.GenesisHash, &net.Genesis.Header, nil)
	t.best.Store(t.genesis)
	return t
}

// Genesis returns the first header.
func (t *Tree) Genesis() *Node { return t.genesis }

// Best returns the header with the most work that has not failed; of several
// with equal work the one that was added first.
func (t *Tree) Best() *Node { return t.best.Load() }

// Len returns how many headers there are.
func (t *Tree) Len() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.table.count
}

// Lookup returns the header with the given hash, or nil.
func (t *Tree) Lookup(hash wire.Hash) *Node {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.table.get(&hash)
}

// Add checks a header by every rule and adds it. A header that is known
// already is returned as it is, with added false; if it has failed, the error
// is "duplicate-invalid" and the node is returned with it.
//
// Every error is a [*consensus.RuleError]. Of its kinds, MissingParent says
// that the parent is not known ("prev-blk-not-found") and Recent that the time
// is more than [MaxFutureTime] after now; the others are permanent. Too little
// work is not an error: whether a chain of headers deserves to be kept is for
// the caller to decide before.
func (t *Tree) Add(h *wire.Header, now time.Time) (n *Node, added bool, err error) {
	return t.AddHashed(h.Hash(), h, now)
}

// AddHashed is [Tree.Add] for a header that the caller has hashed already. The
// tree takes the caller's word for the hash: nothing that came from outside may
// be passed as one.
func (t *Tree) AddHashed(hash wire.Hash, h *wire.Header, now time.Time) (n *Node, added bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := t.table.get(&hash); n != nil {
		if n.Failed() {
			return n, false, consensus.Reject(consensus.Invalid, "duplicate-invalid", "block %s was previously marked invalid", hash)
		}
		return n, false, nil
	}
	if err := consensus.CheckProofOfWork(hash, h.Bits, t.net); err != nil {
		return nil, false, err
	}
	parent := t.table.get(&h.PrevBlock)
	if parent == nil {
		return nil, false, consensus.Reject(consensus.MissingParent, "prev-blk-not-found", "")
	}
	if parent.Failed() {
		return nil, false, consensus.Reject(consensus.Invalid, "bad-prevblk", "")
	}
	if err := checkHeader(h, parent, t.net, now); err != nil {
		return nil, false, err
	}
	n = t.link(hash, h, parent)
	t.offer(n)
	return n, true, nil
}

// Restore adds a header that was checked before, as it comes from disk, with
// its status. Its parent must have been restored before it. A header that is
// known already only has its status set. Of several best headers the one that
// is restored first becomes [Tree.Best].
func (t *Tree) Restore(h *wire.Header, status Status) (*Node, error) {
	hash := h.Hash()
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.table.get(&hash)
	if n == nil {
		parent := t.table.get(&h.PrevBlock)
		if parent == nil {
			return nil, consensus.Reject(consensus.MissingParent, "prev-blk-not-found", "header %s", hash)
		}
		n = t.link(hash, h, parent)
	}
	// What follows from a failed parent is worked out anew, so that a file
	// that was written half way through a change does no harm.
	status &^= FailedParent
	if n.Parent != nil && n.Parent.Failed() {
		status |= FailedParent
	}
	n.status.Store(uint32(status))
	if t.best.Load().Failed() {
		t.refreshBest()
	}
	t.offer(n)
	return n, nil
}

// Propose checks a header that is yet to be worked for, as a child of parent,
// by all rules but proof of work, and returns it as a node that is in no tree.
func Propose(h *wire.Header, parent *Node, net *params.Network, now time.Time) (*Node, error) {
	if err := checkHeader(h, parent, net, now); err != nil {
		return nil, err
	}
	n := &Node{Hash: h.Hash(), Header: *h, Parent: parent, Work: consensus.BlockWork(h.Bits), Height: parent.Height + 1}
	n.Work.Add(&n.Work, &parent.Work)
	n.skip = parent.Ancestor(skipHeight(n.Height))
	return n, nil
}

// link makes a node and hangs it into the tree.
func (t *Tree) link(hash wire.Hash, h *wire.Header, parent *Node) *Node {
	if len(t.slab) == 0 {
		t.slab = make([]Node, slabSize)
	}
	n := &t.slab[0]
	t.slab = t.slab[1:]
	n.Hash, n.Header, n.Parent = hash, *h, parent
	n.Work = consensus.BlockWork(h.Bits)
	n.seq = t.seq
	t.seq++
	if parent != nil {
		n.Height = parent.Height + 1
		n.Work.Add(&n.Work, &parent.Work)
		n.skip = parent.Ancestor(skipHeight(n.Height))
		n.sibling, parent.child = parent.child, n
		delete(t.tips, parent)
	}
	t.tips[n] = struct{}{}
	t.table.put(n)
	return n
}

// offer makes n the best header if it is.
func (t *Tree) offer(n *Node) {
	if !n.Failed() && better(n, t.best.Load()) {
		t.best.Store(n)
	}
}

// better reports whether a has more work than b, or as much and came first.
func better(a, b *Node) bool {
	if c := a.Work.Cmp(&b.Work); c != 0 {
		return c > 0
	}
	return a.seq < b.seq
}

// Tips returns the headers that no other builds on, failed ones included, the
// highest first and those of one height in the order in which they came.
func (t *Tree) Tips() []*Node {
	t.mu.RLock()
	defer t.mu.RUnlock()
	tips := make([]*Node, 0, len(t.tips))
	for n := range t.tips {
		tips = append(tips, n)
	}
	slices.SortFunc(tips, func(a, b *Node) int {
		return cmp.Or(cmp.Compare(b.Height, a.Height), cmp.Compare(a.seq, b.seq))
	})
	return tips
}

// MarkFailed marks n as failed and all that is built on it as having a failed
// ancestor. It returns the nodes whose status has changed, parents first. The
// genesis block cannot fail.
func (t *Tree) MarkFailed(n *Node) []*Node {
	if n == t.genesis {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var changed []*Node
	set := func(n *Node, bit Status) {
		if n.Status()&bit == 0 {
			n.status.Or(uint32(bit))
			changed = append(changed, n)
		}
	}
	set(n, Failed)
	walk(n, func(d *Node) { set(d, FailedParent) })
	t.refreshBest()
	return changed
}

// Unfail takes back that n and its ancestors have failed, and lets everything
// built on n be tried again. Branches off other failed blocks stay failed. It
// returns the nodes whose status has changed, parents first.
func (t *Tree) Unfail(n *Node) []*Node {
	t.mu.Lock()
	defer t.mu.Unlock()
	var changed []*Node
	set := func(n *Node, bits Status) {
		if n.Status()&failedMask != bits {
			n.status.And(^uint32(failedMask))
			n.status.Or(uint32(bits))
			changed = append(changed, n)
		}
	}
	// The failed part of the path to n is one piece that ends with n.
	top := n
	for top.Parent != nil && top.Parent.Failed() {
		top = top.Parent
	}
	set(top, 0)
	walk(top, func(d *Node) {
		switch {
		case d.IsAncestorOf(n) || n.IsAncestorOf(d):
			set(d, 0)
		case d.Parent.Failed():
			set(d, d.Status()&Failed|FailedParent)
		default:
			set(d, d.Status()&Failed)
		}
	})
	t.refreshBest()
	return changed
}

// walk calls fn for all nodes that are built on n, parents first.
func walk(n *Node, fn func(*Node)) {
	// Children hang on their parent last seen first; going down before going
	// aside needs no more than a pointer.
	for d := n.child; d != nil; {
		fn(d)
		if d.child != nil {
			d = d.child
			continue
		}
		for d != n && d.sibling == nil {
			d = d.Parent
		}
		if d == n {
			return
		}
		d = d.sibling
	}
}

// refreshBest looks for the best header among all branches.
func (t *Tree) refreshBest() {
	best := t.genesis
	for tip := range t.tips {
		n := tip
		for n.Failed() {
			n = n.Parent // the genesis block never fails
		}
		if better(n, best) {
			best = n
		}
	}
	t.best.Store(best)
}
