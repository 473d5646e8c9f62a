package consensus

import (
	"encoding/binary"
	"errors"
	"math/bits"

	"starling/wire"
)

// PartialMerkleTree proves that some transactions are in a block, and where,
// by the hashes that it takes to compute the merkle root (BIP37). It is walked
// from the root in depth-first order. Flags has one bit per visited node, the
// lowest bit of the first byte first: set if a proven transaction is below.
// Hashes has the hash of each node that is not descended into.
type PartialMerkleTree struct {
	Total  uint32 // transactions in the block
	Hashes []wire.Hash
	Flags  []byte
}

// MerkleMatch is a transaction that a [PartialMerkleTree] proves.
type MerkleMatch struct {
	ID    wire.Hash
	Index int // its place in the block
}

// ErrBadPartialMerkleTree says that a partial merkle tree is malformed and
// proves nothing.
var ErrBadPartialMerkleTree = errors.New("consensus: bad partial merkle tree")

// maxTreeTxs is how many transactions a tree may speak of: more cannot be in
// a block.
const maxTreeTxs = MaxBlockWeight / MinTxWeight

// NewPartialMerkleTree returns the tree that proves the transactions for which
// match is true, out of a block with the given ids.
func NewPartialMerkleTree(ids []wire.Hash, match func(i int) bool) *PartialMerkleTree {
	b := treeBuilder{tree: &PartialMerkleTree{Total: uint32(len(ids))}}
	if len(ids) == 0 {
		return b.tree
	}
	// All levels are computed once, from the leaves up, so that building is
	// linear; a flag beside each node tells whether a match is below.
	hashes := ids
	hit := make([]bool, len(ids))
	for i := range hit {
		hit[i] = match(i)
	}
	b.hashes, b.hits = append(b.hashes, hashes), append(b.hits, hit)
	for len(hashes) > 1 {
		n := (len(hashes) + 1) / 2
		up, upHit := make([]wire.Hash, n), make([]bool, n)
		for i := range n {
			right := min(2*i+1, len(hashes)-1)
			up[i] = hashPair(&hashes[2*i], &hashes[right])
			upHit[i] = hit[2*i] || hit[right]
		}
		hashes, hit = up, upHit
		b.hashes, b.hits = append(b.hashes, hashes), append(b.hits, hit)
	}
	b.visit(len(b.hashes)-1, 0)
	return b.tree
}

type treeBuilder struct {
	tree   *PartialMerkleTree
	hashes [][]wire.Hash // by level, leaves first
	hits   [][]bool
	nBits  int
}

// visit adds the node at pos of a level, and what is below as far as needed.
func (b *treeBuilder) visit(level, pos int) {
	hit := b.hits[level][pos]
	if b.nBits%8 == 0 {
		b.tree.Flags = append(b.tree.Flags, 0)
	}
	if hit {
		b.tree.Flags[b.nBits/8] |= 1 << (b.nBits % 8)
	}
	b.nBits++
	if level == 0 || !hit {
		b.tree.Hashes = append(b.tree.Hashes, b.hashes[level][pos])
		return
	}
	b.visit(level-1, 2*pos)
	if 2*pos+1 < len(b.hashes[level-1]) {
		b.visit(level-1, 2*pos+1)
	}
}

// Extract returns the merkle root that the tree leads to and the transactions
// that it proves, in the order of the block. The proof holds if the root is
// that of the block's header. A malformed tree is [ErrBadPartialMerkleTree].
func (t *PartialMerkleTree) Extract() (root wire.Hash, matches []MerkleMatch, err error) {
	nHashes := uint64(len(t.Hashes))
	if t.Total == 0 || t.Total > maxTreeTxs || nHashes > uint64(t.Total) || uint64(len(t.Flags))*8 < nHashes {
		return root, nil, ErrBadPartialMerkleTree
	}
	w := treeWalker{tree: t}
	root = w.visit(bits.Len32(t.Total-1), 0)
	// Everything must have been used, but for the bits that fill the last
	// byte.
	if w.bad || (w.nBits+7)/8 != len(t.Flags) || w.nHashes != len(t.Hashes) {
		return wire.Hash{}, nil, ErrBadPartialMerkleTree
	}
	return root, w.matches, nil
}

type treeWalker struct {
	tree    *PartialMerkleTree
	nBits   int
	nHashes int
	matches []MerkleMatch
	bad     bool
}

// width returns how many nodes the level has.
func (w *treeWalker) width(level int) uint32 {
	return uint32((uint64(w.tree.Total) + 1<<level - 1) >> level)
}

// visit returns the hash of the node at pos of a level. The depth is at most
// 15, and each call uses a flag, so that the work is bounded by the input.
func (w *treeWalker) visit(level int, pos uint32) wire.Hash {
	if w.bad || w.nBits >= 8*len(w.tree.Flags) {
		w.bad = true
		return wire.Hash{}
	}
	hit := w.tree.Flags[w.nBits/8]>>(w.nBits%8)&1 == 1
	w.nBits++
	if level == 0 || !hit {
		if w.nHashes >= len(w.tree.Hashes) {
			w.bad = true
			return wire.Hash{}
		}
		h := w.tree.Hashes[w.nHashes]
		w.nHashes++
		if level == 0 && hit {
			w.matches = append(w.matches, MerkleMatch{ID: h, Index: int(pos)})
		}
		return h
	}
	left := w.visit(level-1, 2*pos)
	right := left
	if 2*pos+1 < w.width(level-1) {
		right = w.visit(level-1, 2*pos+1)
		if right == left {
			// Equal neighbours would prove one transaction at two places
			// (CVE-2012-2459).
			w.bad = true
		}
	}
	return hashPair(&left, &right)
}

// Append adds the encoding of the tree to dst, as a merkleblock message has it
// after the header.
func (t *PartialMerkleTree) Append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, t.Total)
	dst = wire.AppendCompactSize(dst, uint64(len(t.Hashes)))
	for i := range t.Hashes {
		dst = append(dst, t.Hashes[i][:]...)
	}
	return wire.AppendVarBytes(dst, t.Flags)
}

// ReadPartialMerkleTree reads what Append writes. The counts are bounded by
// the input, and by what a block can hold. Failures stay in the cursor.
func ReadPartialMerkleTree(c *wire.Cursor) *PartialMerkleTree {
	t := &PartialMerkleTree{Total: c.Uint32()}
	n := c.Count(maxTreeTxs, wire.HashSize)
	if n > 0 {
		t.Hashes = make([]wire.Hash, n)
		for i := range t.Hashes {
			t.Hashes[i] = c.Hash()
		}
	}
	// A tree has less than two nodes per leaf, but for levels of odd width.
	t.Flags = c.VarBytes(maxTreeTxs)
	return t
}

// MerkleBranch returns the hashes that lead from ids[pos] to the merkle root,
// the lowest first.
func MerkleBranch(ids []wire.Hash, pos int) []wire.Hash {
	level := append([]wire.Hash(nil), ids...)
	var branch []wire.Hash
	for n := len(level); n > 1; n = (n + 1) / 2 {
		branch = append(branch, level[min(pos^1, n-1)])
		for i := range (n + 1) / 2 {
			level[i] = hashPair(&level[2*i], &level[min(2*i+1, n-1)])
		}
		pos /= 2
	}
	return branch
}

// MerkleBranchRoot returns the root that a branch leads to from the leaf id at
// pos.
func MerkleBranchRoot(id wire.Hash, branch []wire.Hash, pos int) wire.Hash {
	for i := range branch {
		if pos&1 == 1 {
			id = hashPair(&branch[i], &id)
		} else {
			id = hashPair(&id, &branch[i])
		}
		pos >>= 1
	}
	return id
}
