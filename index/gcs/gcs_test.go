package gcs

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"starling/chain/coins"
	"starling/wire"
)

// basicVectors are of the test vectors of BIP158, blocks of the third test
// network.
//
//go:embed testdata/basic.json
var basicVectors []byte

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestVectors(t *testing.T) {
	var vectors []struct {
		Height                              int
		Note, Block, Before, Filter, Header string
		Spent                               []string
	}
	if err := json.Unmarshal(basicVectors, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) != 8 {
		t.Fatalf("%d vectors", len(vectors))
	}
	for _, v := range vectors {
		t.Run(fmt.Sprint(v.Height, v.Note), func(t *testing.T) {
			b, err := wire.ParseBlock(unhex(t, v.Block))
			if err != nil {
				t.Fatal(err)
			}
			var undo coins.Undo
			var spent []coins.Coin
			for _, s := range v.Spent {
				spent = append(spent, coins.Coin{Script: unhex(t, s)})
			}
			undo.Spent = append(undo.Spent, spent)
			got := Basic(b, &undo)
			if hex.EncodeToString(got) != v.Filter {
				t.Fatalf("the filter is %x, want %s", got, v.Filter)
			}
			before, err := wire.HashFromString(v.Before)
			if err != nil {
				t.Fatal(err)
			}
			if _, h := Header(got, before); h.String() != v.Header {
				t.Errorf("the header is %v, want %s", h, v.Header)
			}
			f, err := Decode(b.Hash(), got)
			if err != nil {
				t.Fatal(err)
			}
			for i := range b.Txs {
				for _, o := range b.Txs[i].Out {
					if want := len(o.Script) > 0 && o.Script[0] != opReturn; f.Match(o.Script) != want {
						t.Errorf("%x: found %v", o.Script, !want)
					}
				}
			}
			for _, c := range spent {
				if f.Match(c.Script) != (len(c.Script) > 0) {
					t.Errorf("spent %x", c.Script)
				}
			}
		})
	}
}

// items returns n different items.
func items(n int, salt byte) [][]byte {
	all := make([][]byte, n)
	for i := range all {
		all[i] = binary.LittleEndian.AppendUint32([]byte{salt}, uint32(i))
	}
	return all
}

// TestMatch looks for what is in sets of all sizes, and for what is not.
func TestMatch(t *testing.T) {
	block := wire.Hash{1, 2, 3}
	false1 := 0
	for _, n := range []int{0, 1, 2, 3, 10, 100, 1000, 5000} {
		in, out := items(n, 'a'), items(2000, 'b')
		raw := Build(Key(block), append(in, in...))
		f, err := Decode(block, raw)
		if err != nil || f.Len() != uint64(n) {
			t.Fatalf("%d items: %v, %v", n, f, err)
		}
		for _, it := range in {
			if !f.Match(it) {
				t.Fatalf("an item of %d is not found", n)
			}
		}
		for _, it := range out {
			if f.Match(it) {
				false1++
			}
		}
		if n > 0 && !f.MatchAny(append(out[:len(out):len(out)], in[n/2])) {
			t.Errorf("one of many is not found among %d", n)
		}
		if f.MatchAny(nil) {
			t.Errorf("nothing is found among %d", n)
		}
	}
	// One in 784,931 is expected, of 16,000 looked for.
	if false1 > 3 {
		t.Errorf("%d were found that are not there", false1)
	}
}

// TestMatchAnyIsMatch compares the two.
func TestMatchAnyIsMatch(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		block := wire.Hash{byte(rng.Uint32()), byte(rng.Uint32())}
		f, err := Decode(block, Build(Key(block), items(rng.IntN(50), 'a')))
		if err != nil {
			t.Fatal(err)
		}
		look := items(1+rng.IntN(5), 'b')
		if rng.IntN(2) == 0 {
			look = append(look, items(60, 'a')[rng.IntN(60)])
		}
		want := false
		for _, it := range look {
			want = want || f.Match(it)
		}
		if f.MatchAny(look) != want {
			t.Fatalf("any: %v, one by one %v", !want, want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	block := wire.Hash{9}
	good := Build(Key(block), items(20, 'a'))
	bad := map[string][]byte{
		"nothing":                nil,
		"a number alone":         {1},
		"more than there can be": {0xfe, 0xff, 0xff, 0xff, 0xff, 1, 2, 3},
		"a byte less":            good[:len(good)-1],
		"a byte more":            append(bytes.Clone(good), 0),
		"one item more":          append([]byte{good[0] + 1}, good[1:]...),
		"one item less":          append([]byte{good[0] - 1}, good[1:]...),
		"empty with a byte":      {0, 0},
		"only ones":              append([]byte{1}, bytes.Repeat([]byte{0xff}, 100)...),
		"no remainder":           {1, 0xff, 0xff, 0xfc},
		"bits behind the end":    {1, 0x00, 0x00, 0x01},
	}
	for name, raw := range bad {
		if _, err := Decode(block, raw); !errors.Is(err, ErrFilter) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, raw := range [][]byte{good, {0}, {1, 0x00, 0x00, 0x00}} {
		if _, err := Decode(block, raw); err != nil {
			t.Errorf("%x: %v", raw, err)
		}
	}
}

// FuzzDecode reads any bytes, and matches what was accepted.
func FuzzDecode(f *testing.F) {
	block := wire.Hash{7}
	f.Add(Build(Key(block), items(20, 'a')), []byte("a"))
	f.Add([]byte{0}, []byte{})
	f.Add([]byte{1, 0xff, 0xff, 0xfc, 0, 0, 0}, []byte{1})
	f.Fuzz(func(t *testing.T, raw, item []byte) {
		fl, err := Decode(block, raw)
		if err != nil {
			return
		}
		if one, any := fl.Match(item), fl.MatchAny([][]byte{item, item}); one != any {
			t.Errorf("%x in %x: %v and %v", item, raw, one, any)
		}
	})
}

// FuzzBuild makes filters of any items, which must all be found.
func FuzzBuild(f *testing.F) {
	f.Add([]byte("some items of a few bytes"), uint8(4))
	f.Fuzz(func(t *testing.T, b []byte, size uint8) {
		var set [][]byte
		for n := int(size) + 1; len(b) > 0; {
			n = min(n, len(b))
			set, b = append(set, b[:n]), b[n:]
		}
		block := wire.Hash{size}
		fl, err := Decode(block, Build(Key(block), set))
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range set {
			if !fl.Match(it) {
				t.Errorf("%x is not found", it)
			}
		}
	})
}

// The filter of a block with 5,000 scripts, as full ones have.
func BenchmarkBuild(b *testing.B) {
	set := make([][]byte, 5000)
	for i := range set {
		set[i] = binary.LittleEndian.AppendUint32(make([]byte, 22), uint32(i))
	}
	b.ReportAllocs()
	for b.Loop() {
		Build(Key(wire.Hash{1}), set)
	}
}

func BenchmarkMatchAny(b *testing.B) {
	block := wire.Hash{1}
	raw, look := Build(Key(block), items(5000, 'a')), items(100, 'b')
	f, err := Decode(block, raw)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		f.MatchAny(look)
	}
}
