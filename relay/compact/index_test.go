package compact_test

import (
	"maps"
	"testing"

	"pgregory.net/rapid"

	"starling/relay/compact"
	"starling/wire"
)

// TestIndex compares with a map.
func TestIndex(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var x compact.Index
		want := make(map[wire.Hash]*wire.Tx)
		all := make([]*wire.Tx, 20)
		for i := range all {
			all[i] = tx(uint64(i), 0)
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				tx := rapid.SampledFrom(all).Draw(t, "tx")
				x.Add(tx.WTxID(), tx)
				want[tx.WTxID()] = tx
			},
			"remove": func(t *rapid.T) {
				tx := rapid.SampledFrom(all).Draw(t, "tx")
				x.Remove(tx.WTxID())
				delete(want, tx.WTxID())
			},
			"": func(t *rapid.T) {
				got := make(map[wire.Hash]*wire.Tx)
				for id, tx := range x.All() {
					got[*id] = tx
				}
				if !maps.Equal(got, want) || x.Len() != len(want) {
					t.Fatalf("%d of %d are there", len(got), len(want))
				}
			},
		})
	})
}

func TestIndexShrinks(t *testing.T) {
	var x compact.Index
	n := uint64(50_000)
	for i := range n {
		x.Add(wire.Hash{byte(i), byte(i >> 8), byte(i >> 16)}, nil)
	}
	for i := range n {
		x.Remove(wire.Hash{byte(i), byte(i >> 8), byte(i >> 16)})
	}
	if x.Len() != 0 {
		t.Errorf("%d left", x.Len())
	}
}
