package headertree

import (
	"sync/atomic"

	"github.com/holiman/uint256"

	"starling/wire"
)

// medianSpan is how many blocks the median time is taken over.
const medianSpan = 11

// Status says what is known of a header's block, as a set of bits.
type Status uint32

const (
	// Failed marks a block that broke a rule itself, or that the user has
	// declared invalid.
	Failed Status = 1 << iota
	// FailedParent marks a block with a failed one among its ancestors.
	FailedParent
	// Connected says that the block has been in the best chain, so that every
	// rule about it has been checked.
	Connected
	// Pruned says that the block was stored once and deleted to save space.
	Pruned

	// failedMask are the bits that only the tree sets.
	failedMask = Failed | FailedParent
)

// Data says where a header's block and undo data are. It is immutable once
// it has been given to a node.
//
// Blocks and undo data lie in numbered flat files; the undo data of a block
// are in the undo file with the number of its block file.
type Data struct {
	File   uint32 // number of the block file and of the undo file
	Offset uint32 // of the block's first byte in its file
	Size   uint32 // of the block in bytes
	CRC    uint32 // CRC32C of the block's bytes

	UndoOffset uint32 // of the undo data's first byte in the undo file
	UndoSize   uint32 // of the undo data in bytes; 0 if they are not stored
	UndoCRC    uint32 // CRC32C of the undo data
}

// Node is one header in its place in the tree. The plain fields never change
// once a node has been returned by the tree; what changes is atomic.
type Node struct {
	Hash   wire.Hash
	Header wire.Header
	Height int32
	// Recorded says that the block index on disk has a record of this header.
	// It belongs to whoever writes that index, and to nobody else.
	Recorded bool
	Parent   *Node       // nil for the genesis block
	Work     uint256.Int // of the whole chain up to this header

	status  atomic.Uint32
	data    atomic.Pointer[Data]
	chainTx atomic.Uint64
	skip    *Node  // an ancestor further back, see skipHeight
	seq     uint32 // order in which the tree saw the headers
	txs     atomic.Uint32

	// The tree's mutex guards these.
	child   *Node // the child seen last
	sibling *Node // the next child of the same parent
}

// Status returns what is known of the block.
func (n *Node) Status() Status { return Status(n.status.Load()) }

// Has reports whether all the given bits are set.
func (n *Node) Has(bits Status) bool { return n.Status()&bits == bits }

// Failed reports whether the block or one of its ancestors has failed.
func (n *Node) Failed() bool { return n.Status()&failedMask != 0 }

// SetStatus sets bits other than the failure bits, which belong to
// [Tree.MarkFailed] and are ignored here.
func (n *Node) SetStatus(bits Status) { n.status.Or(uint32(bits &^ failedMask)) }

// Data returns where the block and its undo data are, or nil if nothing of
// the block is stored.
func (n *Node) Data() *Data { return n.data.Load() }

// SetData says where the block and its undo data are. The caller must not
// change d afterwards.
func (n *Node) SetData(d *Data) { n.data.Store(d) }

// Time returns the header's timestamp in seconds since 1970.
func (n *Node) Time() int64 { return int64(n.Header.Timestamp) }

// MedianTime returns the median timestamp, in seconds since 1970, of the 11
// headers that end with n, or of all if there are fewer (BIP113). The time of
// the next block must be greater.
func (n *Node) MedianTime() int64 {
	var times [medianSpan]uint32
	count := 0
	for w := n; w != nil && count < medianSpan; w = w.Parent {
		// Times mostly fall on the way back, so that nearly nothing moves.
		t := w.Header.Timestamp
		i := count
		for i > 0 && times[i-1] < t {
			times[i] = times[i-1]
			i--
		}
		times[i] = t
		count++
	}
	// They are sorted from high to low; of an even number the higher of the
	// middle two counts.
	return int64(times[(count-1)/2])
}

// Ancestor returns the header at the given height of the chain that ends with
// n, n itself included, or nil if there is none. It takes a number of steps
// that grows with the logarithm of the distance.
func (n *Node) Ancestor(height int32) *Node {
	if height < 0 || height > n.Height {
		return nil
	}
	w := n
	for w.Height > height {
		to, before := skipHeight(w.Height), skipHeight(w.Height-1)
		// The skip is taken unless it goes too far, or unless the parent's
		// skip gets closer to the goal.
		if to == height || (to > height && !(before < to-2 && before >= height)) {
			w = w.skip
		} else {
			w = w.Parent
		}
	}
	return w
}

// IsAncestorOf reports whether n is on the chain that ends with o, o itself
// included.
func (n *Node) IsAncestorOf(o *Node) bool { return o.Ancestor(n.Height) == n }

// skipHeight returns the height that the skip pointer of a node leads to. It
// clears the lowest one bits of the height, so that skips from neighbouring
// nodes are of very different length and any distance is covered by few.
func skipHeight(height int32) int32 {
	if height < 2 {
		return 0
	}
	if height&1 == 1 {
		return clearLowest(clearLowest(height-1)) + 1
	}
	return clearLowest(height)
}

func clearLowest(n int32) int32 { return n & (n - 1) }

// Fork returns the last header that the chains ending with a and b have in
// common. Nodes of one tree always have one; nil stands for nodes of two trees
// and for a or b being nil.
func Fork(a, b *Node) *Node {
	if a == nil || b == nil {
		return nil
	}
	if a.Height > b.Height {
		a = a.Ancestor(b.Height)
	} else {
		b = b.Ancestor(a.Height)
	}
	for a != b {
		// At the same height skips lead to the same height, and a skip that
		// ends on different nodes has not gone over the fork.
		if a.skip != b.skip {
			a, b = a.skip, b.skip
		} else {
			a, b = a.Parent, b.Parent
		}
	}
	return a
}

// Locator returns the hashes that tell another node what the chain ending
// with n looks like: the last ten or so one by one, then steps that double,
// and the genesis block at the end. It has at most 42 entries.
func Locator(n *Node) []wire.Hash {
	if n == nil {
		return nil
	}
	locator := make([]wire.Hash, 0, 32)
	for step := int64(1); ; {
		locator = append(locator, n.Hash)
		if n.Height == 0 {
			return locator
		}
		n = n.Ancestor(int32(max(int64(n.Height)-step, 0)))
		if len(locator) > 10 {
			step *= 2
		}
	}
}
