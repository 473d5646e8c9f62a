package script

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"slices"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"

	"starling/wire"
)

const (
	// TapscriptVersion is the leaf version of tapscript (BIP342), the only one
	// with rules.
	TapscriptVersion = 0xc0

	// MaxTapDepth is how deep the tree of a taproot output may be (BIP341).
	MaxTapDepth = 128
)

// TapLeaf is one script of a taproot output, and its place in the tree.
type TapLeaf struct {
	Depth   int // 0 if it is the only one
	Version byte
	Script  []byte

	// Hash names the leaf in signatures. NewTapTree fills it in.
	Hash [32]byte
	// Control is the control block that shows the leaf to be part of the
	// output, the last witness item of a spend. NewTapTree fills it in.
	Control []byte
}

// TapTree is what one must know of a taproot output (BIP341) to spend it. It
// is immutable once made.
type TapTree struct {
	Internal [32]byte  // x coordinate of the internal key
	Leaves   []TapLeaf // in the order of the tree, left to right
	Root     []byte    // hash of the tree; nil if there are no leaves
	Output   [32]byte  // x coordinate of the output key
	Odd      bool      // whether the output key's y coordinate is odd
}

// ErrTapTree says that the depths of leaves do not make a tree.
var ErrTapTree = errors.New("the depths of the leaves do not make a binary tree")

// ErrTapKey says that a taproot key is no point of the curve, or that its
// tweak leads nowhere.
var ErrTapKey = errors.New("the taproot key is not valid")

// NewTapTree computes the output of an internal key and the leaves of a tree,
// given depth first, left to right, by Depth, Version and Script; no leaves
// for an output that only the key can spend. The error is [ErrTapTree] or
// [ErrTapKey].
func NewTapTree(internal [32]byte, leaves ...TapLeaf) (*TapTree, error) {
	t := &TapTree{Internal: internal, Leaves: slices.Clone(leaves)}
	paths, err := t.hashTree()
	if err != nil {
		return nil, err
	}
	if t.Output, t.Odd, err = TapOutput(internal, t.Root); err != nil {
		return nil, err
	}
	for i := range t.Leaves {
		head := t.Leaves[i].Version
		if t.Odd {
			head |= 1
		}
		c := append([]byte{head}, internal[:]...)
		for _, h := range paths[i] {
			c = append(c, h[:]...)
		}
		t.Leaves[i].Control = c
	}
	return t, nil
}

// tapNode is a part of the tree while it is put together.
type tapNode struct {
	hash   [32]byte
	depth  int
	leaves []int // below it
}

// hashTree fills in the hashes of leaves and root, and returns the way from
// each leaf up to the root.
func (t *TapTree) hashTree() ([][][32]byte, error) {
	paths := make([][][32]byte, len(t.Leaves))
	var open []tapNode // left siblings that wait for their right one
	for i := range t.Leaves {
		l := &t.Leaves[i]
		if l.Depth < 0 || l.Depth > MaxTapDepth {
			return nil, ErrTapTree
		}
		l.Hash = TapLeafHash(l.Version, l.Script)
		n := tapNode{l.Hash, l.Depth, []int{i}}
		for len(open) > 0 && open[len(open)-1].depth == n.depth {
			left := open[len(open)-1]
			open = open[:len(open)-1]
			for _, j := range left.leaves {
				paths[j] = append(paths[j], n.hash)
			}
			for _, j := range n.leaves {
				paths[j] = append(paths[j], left.hash)
			}
			n = tapNode{TapBranchHash(left.hash, n.hash), n.depth - 1, append(left.leaves, n.leaves...)}
		}
		if n.depth < 0 || len(open) > 0 && open[len(open)-1].depth > n.depth {
			return nil, ErrTapTree
		}
		open = append(open, n)
	}
	switch {
	case len(open) == 0:
	case len(open) > 1 || open[0].depth != 0:
		return nil, ErrTapTree
	default:
		t.Root = slices.Clone(open[0].hash[:])
	}
	return paths, nil
}

// TapDepths reports whether the depths of leaves make a tree.
func TapDepths(leaves []TapLeaf) bool {
	_, err := (&TapTree{Leaves: slices.Clone(leaves)}).hashTree()
	return err == nil
}

// TapLeafHash returns the hash of a leaf.
func TapLeafHash(version byte, script []byte) [32]byte {
	return taggedHash(tapLeafTag, []byte{version}, wire.AppendVarBytes(nil, script))
}

// TapBranchHash returns the hash of two parts of a tree; their order does not
// matter.
func TapBranchHash(a, b [32]byte) [32]byte {
	if bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	return taggedHash(tapBranchTag, a[:], b[:])
}

// TapTweak returns what is added to an internal key, as a number, to make it
// the output key of a tree with this root; root is nil for none.
func TapTweak(internal [32]byte, root []byte) [32]byte {
	return taggedHash(tapTweakTag, internal[:], root)
}

// TapOutput returns the output key of an internal key and a tree, and whether
// its y coordinate is odd. The error is [ErrTapKey].
func TapOutput(internal [32]byte, root []byte) (output [32]byte, odd bool, err error) {
	key, err := schnorr.ParsePubKey(internal[:])
	if err != nil {
		return output, false, ErrTapKey
	}
	hash := TapTweak(internal, root)
	var tweak btcec.ModNScalar
	if tweak.SetBytes(&hash) != 0 {
		return output, false, ErrTapKey // not below the group order
	}
	var p, t, q btcec.JacobianPoint
	key.AsJacobian(&p)
	btcec.ScalarBaseMultNonConst(&tweak, &t)
	btcec.AddNonConst(&p, &t, &q)
	if q.Z.IsZero() {
		return output, false, ErrTapKey
	}
	q.ToAffine()
	q.X.PutBytes(&output)
	return output, q.Y.IsOdd(), nil
}

// ControlLeaf checks that a control block shows a script to be part of the
// taproot output with this key, and returns the leaf.
func ControlLeaf(output [32]byte, control, script []byte) (leaf TapLeaf, ok bool) {
	const head, step = 33, 32
	if len(control) < head || len(control) > head+step*MaxTapDepth || (len(control)-head)%step != 0 {
		return leaf, false
	}
	leaf = TapLeaf{Version: control[0] &^ 1, Script: script, Control: control, Depth: (len(control) - head) / step}
	leaf.Hash = TapLeafHash(leaf.Version, script)
	root := leaf.Hash
	for at := head; at < len(control); at += step {
		root = TapBranchHash(root, [32]byte(control[at:]))
	}
	key, odd, err := TapOutput([32]byte(control[1:head]), root[:])
	return leaf, err == nil && key == output && odd == (control[0]&1 == 1)
}

// The tags of BIP341's hashes, as they open the message.
var (
	tapLeafTag   = tag("TapLeaf")
	tapBranchTag = tag("TapBranch")
	tapTweakTag  = tag("TapTweak")
)

// taggedHash is the hash of BIP340 with a tag made by [tag].
func taggedHash(tag []byte, parts ...[]byte) (out [32]byte) {
	h := sha256.New()
	h.Write(tag)
	for _, p := range parts {
		h.Write(p)
	}
	h.Sum(out[:0])
	return out
}
