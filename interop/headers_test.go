package interop

import (
	"bytes"
	"compress/bzip2"
	"io"
	"testing"
	"time"

	"starling/chain/headertree"
	"starling/interop/moddata"
	"starling/params"
	"starling/wire"
)

// Where the main network's difficulty first changed.
const firstChange = 32_256

// neutrinoHeaders returns the headers of heights 0 to 99,999.
func neutrinoHeaders(t testing.TB) []wire.Header {
	t.Helper()
	packed := wireData(t, moddata.Neutrino, "testdata", "block-headers-mainnet-1-100_000.bz2")
	raw, err := io.ReadAll(bzip2.NewReader(bytes.NewReader(packed)))
	if err != nil {
		t.Fatal(err)
	}
	raw = raw[10:] // the file's own header
	headers := make([]wire.Header, len(raw)/wire.HeaderSize)
	for i := range headers {
		if headers[i], err = wire.DecodeHeader(raw[i*wire.HeaderSize:]); err != nil {
			t.Fatal(err)
		}
	}
	if len(headers) != 100_000 {
		t.Fatalf("%d headers", len(headers))
	}
	return headers
}

// TestHeaderTreeRealHeaders checks the first 100,000 real headers of the main
// network by all rules, 34 changes of difficulty among them.
func TestHeaderTreeRealHeaders(t *testing.T) {
	headers := neutrinoHeaders(t)
	net := params.Main()
	now := time.Unix(int64(headers[len(headers)-1].Timestamp), 0)
	tree := headertree.New(net)
	for i := 1; i < len(headers); i++ {
		n, added, err := tree.Add(&headers[i], now)
		if err != nil || !added || n.Height != int32(i) {
			t.Fatalf("header %d: added %v, %v", i, added, err)
		}
	}
	best := tree.Best()
	if best.Height != 99_999 || best.Hash.String() != "000000000002d01c1fccc21636b607dfd930d31d01c3a62104612a1719011250" {
		t.Fatalf("the best header is %d %v", best.Height, best.Hash)
	}
	if got := best.Ancestor(firstChange).Header.Bits; got != 0x1d00d86a {
		t.Errorf("the first change went to %08x", got)
	}
	changes := 0
	for n := best; n.Height > 0; n = n.Parent {
		if n.Header.Bits != n.Parent.Header.Bits {
			changes++
		}
	}
	if changes != 34 {
		t.Errorf("%d changes of difficulty", changes)
	}

	// From disk, the same tree comes out.
	again := headertree.New(net)
	for i := range headers {
		if _, err := again.Restore(&headers[i], 0); err != nil {
			t.Fatal(err)
		}
	}
	if got := again.Best(); got.Hash != best.Hash || got.Work != best.Work {
		t.Errorf("after a restart the best header is %d %v", got.Height, got.Hash)
	}
}

// TestHeaderTreeRealHeadersDamaged checks that a real header with any field
// changed is refused, at a change of difficulty and elsewhere.
func TestHeaderTreeRealHeadersDamaged(t *testing.T) {
	headers := neutrinoHeaders(t)
	now := time.Unix(int64(headers[len(headers)-1].Timestamp), 0)
	for _, at := range []int{1, 2, 2016, firstChange, firstChange + 1, 50_000} {
		tree := headertree.New(params.Main())
		for i := range headers[:at] {
			if _, err := tree.Restore(&headers[i], 0); err != nil {
				t.Fatal(err)
			}
		}
		for name, change := range map[string]func(*wire.Header){
			"version":     func(h *wire.Header) { h.Version++ },
			"parent":      func(h *wire.Header) { h.PrevBlock[5] ^= 1 },
			"merkle root": func(h *wire.Header) { h.MerkleRoot[5] ^= 1 },
			"time":        func(h *wire.Header) { h.Timestamp++ },
			"target":      func(h *wire.Header) { h.Bits-- },
			"limit":       func(h *wire.Header) { h.Bits = 0x1d00ffff; h.Nonce++ },
			"nonce":       func(h *wire.Header) { h.Nonce++ },
		} {
			h := headers[at]
			change(&h)
			if _, added, err := tree.Add(&h, now); err == nil || added {
				t.Errorf("header %d with another %s was taken", at, name)
			}
		}
		if _, added, err := tree.Add(&headers[at], now); err != nil || !added {
			t.Errorf("header %d itself: added %v, %v", at, added, err)
		}
	}
}

// BenchmarkRealHeaders checks and adds the first 100,000 real headers.
func BenchmarkRealHeaders(b *testing.B) {
	headers := neutrinoHeaders(b)
	now := time.Unix(int64(headers[len(headers)-1].Timestamp), 0)
	b.ReportAllocs()
	for b.Loop() {
		tree := headertree.New(params.Main())
		for i := range headers {
			if _, _, err := tree.Add(&headers[i], now); err != nil {
				b.Fatal(err)
			}
		}
	}
}
