package consensus

import (
	"fmt"
	"testing"

	"starling/wire"
)

// naiveRoot is the definition: pair up, double the last if it is alone.
func naiveRoot(ids []wire.Hash) (root wire.Hash, mutated bool) {
	if len(ids) == 0 {
		return root, false
	}
	for len(ids) > 1 {
		var up []wire.Hash
		for i := 0; i < len(ids); i += 2 {
			left, right := ids[i], ids[min(i+1, len(ids)-1)]
			mutated = mutated || i+1 < len(ids) && left == right
			up = append(up, wire.DoubleHash(append(left[:], right[:]...)))
		}
		ids = up
	}
	return ids[0], mutated
}

func testIDs(n int) []wire.Hash {
	ids := make([]wire.Hash, n)
	for i := range ids {
		ids[i] = testID(i)
	}
	return ids
}

func TestMerkleRoot(t *testing.T) {
	for n := range 70 {
		ids := testIDs(n)
		got, mutated := MerkleRoot(ids)
		want, _ := naiveRoot(testIDs(n))
		if got != want || mutated {
			t.Fatalf("%d ids: root %v (mutated %v), want %v", n, got, mutated, want)
		}
		if n > 0 && ids[n-1] != testID(n-1) {
			t.Fatal("the ids were changed")
		}
	}
}

// TestMerkleRootMutation checks each way to write a list differently without
// changing its root (CVE-2012-2459).
func TestMerkleRootMutation(t *testing.T) {
	for _, tt := range []struct {
		name string
		ids  []int // the true list
		more []int // its last elements again
	}{
		{"last of three", []int{1, 2, 3}, []int{3}},
		{"last pair of six", []int{1, 2, 3, 4, 5, 6}, []int{5, 6}},
		{"last of five, three times", []int{1, 2, 3, 4, 5}, []int{5, 5, 5}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var ids []wire.Hash
			for _, n := range tt.ids {
				ids = append(ids, testID(n))
			}
			want, mutated := MerkleRoot(ids)
			if mutated {
				t.Fatal("the true list counts as mutated")
			}
			for _, n := range tt.more {
				ids = append(ids, testID(n))
			}
			got, mutated := MerkleRoot(ids)
			if got != want {
				t.Fatal("the roots differ, so this is no mutation")
			}
			if !mutated {
				t.Fatal("not found out")
			}
		})
	}
}

// FuzzMerkle compares the root with its definition, on lists with many
// duplicates.
func FuzzMerkle(f *testing.F) {
	f.Add([]byte{1, 2, 3})
	f.Add([]byte{1, 2, 3, 3})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 300 {
			return
		}
		ids := make([]wire.Hash, len(data))
		for i, c := range data {
			ids[i] = testID(int(c))
		}
		got, gotMutated := MerkleRoot(ids)
		want, wantMutated := naiveRoot(append([]wire.Hash(nil), ids...))
		if got != want || gotMutated != wantMutated {
			t.Fatalf("%v: %v %v, want %v %v", data, got, gotMutated, want, wantMutated)
		}
		for pos := range ids {
			if MerkleBranchRoot(ids[pos], MerkleBranch(ids, pos), pos) != got {
				t.Fatalf("%v: the branch of %d does not lead to the root", data, pos)
			}
		}
	})
}

func TestMerkleRealBlocks(t *testing.T) {
	for i, b := range readBlocks(t, "testdata/main.hex") {
		if root, mutated := BlockMerkleRoot(b); root != b.Header.MerkleRoot || mutated {
			t.Errorf("block %d: %v", i, root)
		}
	}
}

func BenchmarkMerkleRoot(b *testing.B) {
	for _, n := range []int{1, 100, 2500} {
		ids := testIDs(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				MerkleRoot(ids)
			}
		})
	}
}
