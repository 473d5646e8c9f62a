package netsync

import (
	"testing"
	"time"

	"github.com/holiman/uint256"

	"starling/wire"
)

// BenchmarkHeaders100000 takes a chain of headers from one peer, in messages as
// it sends them, into an empty tree.
func BenchmarkHeaders100000(b *testing.B) {
	w := newWorld()
	tip := w.grow(w.tree.Genesis(), 100_000, 0)
	headers := headersOf(tip, 1, tip.Height)
	now := tip.Header.Time().Add(time.Hour)
	b.ReportAllocs()
	for b.Loop() {
		chain := newTestChain(w.net, func() time.Time { return now })
		chain.trusting = true
		m := New(Config{Network: w.net, Chain: chain, MinimumWork: new(uint256.Int)})
		m.PeerUp(now, 1, outbound())
		for at := 0; at < len(headers); at += wire.MaxHeaders {
			m.Headers(now, 1, headers[at:min(at+wire.MaxHeaders, len(headers))])
		}
		if chain.tree.Best().Height != tip.Height {
			b.Fatalf("best header %d", chain.tree.Best().Height)
		}
	}
}

// BenchmarkHeadersGate100000 is the same for a chain that must show its work
// first, so that every header comes twice.
func BenchmarkHeadersGate100000(b *testing.B) {
	w := newWorld()
	tip := w.grow(w.tree.Genesis(), 100_000, 0)
	headers := headersOf(tip, 1, tip.Height)
	now := tip.Header.Time().Add(time.Hour)
	b.ReportAllocs()
	for b.Loop() {
		chain := newTestChain(w.net, func() time.Time { return now })
		chain.trusting = true
		m := New(Config{Network: w.net, Chain: chain, MinimumWork: &tip.Work})
		m.PeerUp(now, 1, outbound())
		for range 2 {
			for at := 0; at < len(headers); at += wire.MaxHeaders {
				m.Headers(now, 1, headers[at:min(at+wire.MaxHeaders, len(headers))])
			}
		}
		if chain.tree.Best().Height != tip.Height {
			b.Fatalf("best header %d", chain.tree.Best().Height)
		}
	}
}
