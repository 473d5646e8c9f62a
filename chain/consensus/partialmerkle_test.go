package consensus

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"starling/wire"
)

// TestPartialMerkleTreeAll proves every subset of every small block.
func TestPartialMerkleTreeAll(t *testing.T) {
	for n := 1; n <= 9; n++ {
		ids := testIDs(n)
		want, _ := MerkleRoot(ids)
		for set := range 1 << n {
			tree := NewPartialMerkleTree(ids, func(i int) bool { return set>>i&1 == 1 })
			root, matches, err := tree.Extract()
			if err != nil || root != want {
				t.Fatalf("%d ids, set %b: root %v, %v", n, set, root, err)
			}
			var wantMatches []MerkleMatch
			for i := range n {
				if set>>i&1 == 1 {
					wantMatches = append(wantMatches, MerkleMatch{ids[i], i})
				}
			}
			if diff := cmp.Diff(wantMatches, matches); diff != "" {
				t.Fatalf("%d ids, set %b: %s", n, set, diff)
			}
		}
	}
}

func TestPartialMerkleTreeShape(t *testing.T) {
	// The flags of a tree of seven with the last marked: root, left half no,
	// right half, its left no, its right, the leaf.
	tree := NewPartialMerkleTree(testIDs(7), func(i int) bool { return i == 6 })
	if want := []byte{0b110101}; !bytes.Equal(tree.Flags, want) {
		t.Errorf("flags %b, want %b", tree.Flags, want)
	}
	if len(tree.Hashes) != 3 {
		t.Errorf("%d hashes, want 3", len(tree.Hashes))
	}
}

// TestPartialMerkleTreeRandom proves subsets of blocks of any size, through
// the encoding, and checks that no damaged hash goes unnoticed.
func TestPartialMerkleTreeRandom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 400).Draw(t, "n")
		one := rapid.IntRange(1, 50).Draw(t, "one in")
		seed := rapid.IntRange(0, 1000).Draw(t, "seed")
		ids := testIDs(n)
		match := func(i int) bool { h := testID(i*7 + seed); return int(h[3])%one == 0 }
		tree := NewPartialMerkleTree(ids, match)

		raw := tree.Append(nil)
		c := wire.NewCursor(raw, "tree")
		got := ReadPartialMerkleTree(&c)
		if err := c.End(); err != nil {
			t.Fatal(err)
		}
		root, matches, err := got.Extract()
		if want, _ := MerkleRoot(ids); err != nil || root != want {
			t.Fatalf("root %v, %v", root, err)
		}
		count := 0
		for i := range n {
			if match(i) {
				count++
			}
		}
		if len(matches) != count {
			t.Fatalf("%d matches, want %d", len(matches), count)
		}

		// One flipped bit in a hash changes the root or is an error.
		bad := &PartialMerkleTree{Total: got.Total, Hashes: append([]wire.Hash(nil), got.Hashes...), Flags: got.Flags}
		h := rapid.IntRange(0, len(bad.Hashes)-1).Draw(t, "hash")
		bad.Hashes[h][rapid.IntRange(0, 31).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if badRoot, _, err := bad.Extract(); err == nil && badRoot == root {
			t.Fatal("a changed hash went unnoticed")
		}
	})
}

func TestPartialMerkleTreeBad(t *testing.T) {
	a, b := testID(1), testID(2)
	tests := []struct {
		name string
		tree PartialMerkleTree
	}{
		{"no transactions", PartialMerkleTree{0, nil, nil}},
		{"no hashes", PartialMerkleTree{1, nil, []byte{1}}},
		{"no flags", PartialMerkleTree{1, []wire.Hash{a}, nil}},
		{"too many transactions", PartialMerkleTree{maxTreeTxs + 1, []wire.Hash{a}, []byte{0}}},
		{"more hashes than transactions", PartialMerkleTree{1, []wire.Hash{a, b}, []byte{1}}},
		{"unused hash", PartialMerkleTree{2, []wire.Hash{a, b}, []byte{0}}},
		{"missing hash", PartialMerkleTree{2, []wire.Hash{a}, []byte{0b111}}},
		{"unused byte of flags", PartialMerkleTree{2, []wire.Hash{a, b}, []byte{0b111, 0}}},
		{"equal neighbours", PartialMerkleTree{2, []wire.Hash{a, a}, []byte{0b111}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, _, err := tt.tree.Extract(); !errors.Is(err, ErrBadPartialMerkleTree) {
				t.Fatalf("got %v", err)
			}
		})
	}
	good := PartialMerkleTree{2, []wire.Hash{a, b}, []byte{0b111}}
	if _, m, err := good.Extract(); err != nil || len(m) != 2 {
		t.Fatalf("the tree that the others are made from: %v, %v", m, err)
	}
}

// FuzzPartialMerkleTree checks that no input makes the walk fail badly, and
// that what it proves is proven.
func FuzzPartialMerkleTree(f *testing.F) {
	for _, n := range []int{1, 7, 30} {
		f.Add(NewPartialMerkleTree(testIDs(n), func(i int) bool { return i%3 == 0 }).Append(nil))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := wire.NewCursor(data, "tree")
		tree := ReadPartialMerkleTree(&c)
		if c.End() != nil {
			return
		}
		_, matches, err := tree.Extract()
		if err != nil {
			return
		}
		last := -1
		for _, m := range matches {
			if m.Index <= last || m.Index >= int(tree.Total) {
				t.Fatalf("match at %d of %d", m.Index, tree.Total)
			}
			last = m.Index
		}
		if !bytes.Equal(tree.Append(nil), data) {
			t.Fatal("encodes to something else")
		}
	})
}

func ExampleNewPartialMerkleTree() {
	ids := testIDs(5)
	root, _ := MerkleRoot(ids)
	proof := NewPartialMerkleTree(ids, func(i int) bool { return i == 3 })
	got, matches, _ := proof.Extract()
	fmt.Println(got == root, matches[0].Index, len(proof.Hashes))
	// Output: true 3 4
}
