package script

import (
	"encoding/hex"
	"errors"
	"testing"
)

// TestTapTree has the trees of BIP341's wallet vectors.
func TestTapTree(t *testing.T) {
	leaf := func(depth int, version byte, script string) TapLeaf {
		b, err := hex.DecodeString(script)
		if err != nil {
			t.Fatal(err)
		}
		return TapLeaf{Depth: depth, Version: version, Script: b}
	}
	for _, tc := range []struct {
		internal string
		leaves   []TapLeaf
		root     string
		output   string
		controls []string
	}{
		{"d6889cb081036e0faefa3a35157ad71086b123b2b144b649798b494c300a961d", nil, "", "53a1f6e454df1aa2776a2814a721372d6258050de330b3c6d10ee8f4e0dda343", nil},
		{"187791b6f712a8ea41c8ecdd0ee77fab3e85263b37e1ec18a3651926b3a6cf27",
			[]TapLeaf{leaf(0, 192, "20d85a959b0290bf19bb89ed43c916be835475d013da4b362117393e25a48229b8ac")},
			"5b75adecf53548f3ec6ad7d78383bf84cc57b55a3127c72b9a2481752dd88b21", "147c9c57132f6e7ecddba9800bb0c4449251c92a1e60371ee77557b6620f3ea3",
			[]string{"c1187791b6f712a8ea41c8ecdd0ee77fab3e85263b37e1ec18a3651926b3a6cf27"}},
		{"93478e9488f956df2396be2ce6c5cced75f900dfa18e7dabd2428aae78451820",
			[]TapLeaf{leaf(0, 192, "20b617298552a72ade070667e86ca63b8f5789a9fe8731ef91202a91c9f3459007ac")},
			"c525714a7f49c28aedbbba78c005931a81c234b2f6c99a73e4d06082adc8bf2b", "e4d810fd50586274face62b8a807eb9719cef49c04177cc6b76a9a4251d5450e",
			[]string{"c093478e9488f956df2396be2ce6c5cced75f900dfa18e7dabd2428aae78451820"}},
		{"ee4fe085983462a184015d1f782d6a5f8b9c2b60130aff050ce221ecf3786592",
			[]TapLeaf{leaf(1, 192, "20387671353e273264c495656e27e39ba899ea8fee3bb69fb2a680e22093447d48ac"), leaf(1, 250, "06424950333431")},
			"6c2dc106ab816b73f9d07e3cd1ef2c8c1256f519748e0813e4edd2405d277bef", "712447206d7a5238acc7ff53fbe94a3b64539ad291c7cdbc490b7577e4b17df5",
			[]string{"c0ee4fe085983462a184015d1f782d6a5f8b9c2b60130aff050ce221ecf3786592f224a923cd0021ab202ab139cc56802ddb92dcfc172b9212261a539df79a112a",
				"faee4fe085983462a184015d1f782d6a5f8b9c2b60130aff050ce221ecf37865928ad69ec7cf41c2a4001fd1f738bf1e505ce2277acdcaa63fe4765192497f47a7"}},
		{"e0dfe2300b0dd746a3f8674dfd4525623639042569d829c7f0eed9602d263e6f",
			[]TapLeaf{leaf(1, 192, "2072ea6adcf1d371dea8fba1035a09f3d24ed5a059799bae114084130ee5898e69ac"),
				leaf(2, 192, "202352d137f2f3ab38d1eaa976758873377fa5ebb817372c71e2c542313d4abda8ac"), leaf(2, 192, "207337c0dd4253cb86f2c43a2351aadd82cccb12a172cd120452b9bb8324f2186aac")},
			"ccbd66c6f7e8fdab47b3a486f59d28262be857f30d4773f2d5ea47f7761ce0e2", "91b64d5324723a985170e4dc5a0f84c041804f2cd12660fa5dec09fc21783605",
			[]string{"c0e0dfe2300b0dd746a3f8674dfd4525623639042569d829c7f0eed9602d263e6fffe578e9ea769027e4f5a3de40732f75a88a6353a09d767ddeb66accef85e553",
				"c0e0dfe2300b0dd746a3f8674dfd4525623639042569d829c7f0eed9602d263e6f9e31407bffa15fefbf5090b149d53959ecdf3f62b1246780238c24501d5ceaf62645a02e0aac1fe69d69755733a9b7621b694bb5b5cde2bbfc94066ed62b9817",
				"c0e0dfe2300b0dd746a3f8674dfd4525623639042569d829c7f0eed9602d263e6fba982a91d4fc552163cb1c0da03676102d5b7a014304c01f0c77b2b8e888de1c2645a02e0aac1fe69d69755733a9b7621b694bb5b5cde2bbfc94066ed62b9817"}},
	} {
		raw, _ := hex.DecodeString(tc.internal)
		tree, err := NewTapTree([32]byte(raw), tc.leaves...)
		if err != nil {
			t.Fatal(err)
		}
		if hex.EncodeToString(tree.Root) != tc.root || hex.EncodeToString(tree.Output[:]) != tc.output {
			t.Errorf("%s: root %x, output %x", tc.internal, tree.Root, tree.Output)
		}
		for i, want := range tc.controls {
			l := tree.Leaves[i]
			if got := hex.EncodeToString(l.Control); got != want {
				t.Errorf("%s: control block %d is %s", tc.internal, i, got)
			}
			if found, ok := ControlLeaf(tree.Output, l.Control, l.Script); !ok || found.Hash != l.Hash || found.Depth != l.Depth {
				t.Errorf("%s: leaf %d is not found again", tc.internal, i)
			}
			for _, at := range []int{0, 1, len(l.Control) - 1} {
				bad := append([]byte(nil), l.Control...)
				bad[at] ^= 1
				if _, ok := ControlLeaf(tree.Output, bad, l.Script); ok {
					t.Errorf("%s: leaf %d with another control block", tc.internal, i)
				}
			}
			if _, ok := ControlLeaf(tree.Output, l.Control, append(l.Script, 0x51)); ok {
				t.Errorf("%s: another script", tc.internal)
			}
		}
	}
}

func TestTapTreeErrors(t *testing.T) {
	depths := func(ds ...int) []TapLeaf {
		leaves := make([]TapLeaf, len(ds))
		for i, d := range ds {
			leaves[i] = TapLeaf{Depth: d, Version: TapscriptVersion, Script: []byte{byte(i)}}
		}
		return leaves
	}
	key := [32]byte{31: 1} // a point of the curve
	for _, bad := range [][]TapLeaf{depths(1), depths(0, 0), depths(1, 2), depths(2, 1, 1), depths(1, 1, 1), depths(-1), depths(129, 129), depths(2, 2, 2, 2, 0)} {
		if _, err := NewTapTree(key, bad...); !errors.Is(err, ErrTapTree) {
			t.Errorf("%+v: %v", bad, err)
		}
		if TapDepths(bad) {
			t.Errorf("%+v makes a tree", bad)
		}
	}
	deep := make([]int, MaxTapDepth+1)
	for i := range deep {
		deep[i] = min(i+1, MaxTapDepth)
	}
	for _, good := range [][]TapLeaf{depths(0), depths(1, 1), depths(1, 2, 2), depths(2, 2, 1), depths(2, 2, 2, 2), depths(deep...)} {
		if _, err := NewTapTree(key, good...); err != nil {
			t.Errorf("%d leaves: %v", len(good), err)
		}
	}
	if _, err := NewTapTree([32]byte{31: 5}); !errors.Is(err, ErrTapKey) {
		t.Error("a key that is no point:", err)
	}
	if tree, err := NewTapTree(key); err != nil || tree.Root != nil {
		t.Error("a key alone:", err)
	}
}
