package netsync

import (
	"testing"

	"starling/wire"
)

func TestInspect(t *testing.T) {
	w := newWorld()
	good := headersOf(w.grow(w.tree.Genesis(), 5, 0), 1, 5)
	gap := append(append([]wire.Header(nil), good[:2]...), good[3:]...)
	weak := append([]wire.Header(nil), good...)
	for weak[4].MerkleRoot[1] = 1; weak[4].Hash()[31] < 0x80; weak[4].Nonce++ {
	}
	// What is wrong first is what counts.
	both := append(append([]wire.Header(nil), weak[3:]...), good[0])
	for name, tc := range map[string]struct {
		headers []wire.Header
		bad     bool
		want    Offence
	}{
		"good":                 {headers: good},
		"none":                 {},
		"one":                  {headers: good[2:3]},
		"a gap":                {gap, true, BrokenSequence},
		"the order turned":     {[]wire.Header{good[1], good[0]}, true, BrokenSequence},
		"no work":              {weak, true, InvalidHeader},
		"no work and then gap": {both, true, InvalidHeader},
	} {
		t.Run(name, func(t *testing.T) {
			b, bad := inspect(w.net, tc.headers)
			if (bad != nil) != tc.bad || bad != nil && (bad.offence != tc.want || bad.err == nil || b.len() != 0) {
				t.Fatalf("%d headers, %+v", b.len(), bad)
			}
			if bad != nil {
				return
			}
			if b.len() != len(tc.headers) || len(b.hashes) != b.len() {
				t.Fatalf("%d of %d headers, %d hashes", b.len(), len(tc.headers), len(b.hashes))
			}
			for i, h := range tc.headers {
				if b.hashes[i] != h.Hash() {
					t.Errorf("hash of header %d", i)
				}
			}
		})
	}
}
