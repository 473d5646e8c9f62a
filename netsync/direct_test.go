package netsync

import (
	"testing"
	"time"

	"starling/wire"
)

// A peer that offers no blocks, and yet tells of a new one, is asked for it while
// the node is up to date, and never before.
func TestAnnouncedByWhoOffersNone(t *testing.T) {
	for name, tc := range map[string]struct {
		services wire.ServiceFlag
		blocks   int
		change   func(b *bench)
		want     []string
	}{
		"one":                         {wire.NodeWitness, 1, nil, []string{"SendGetData 1"}},
		"as many as are asked for":    {wire.NodeWitness, maxInFlight, nil, []string{"SendGetData 1"}},
		"more":                        {wire.NodeWitness, maxInFlight + 1, nil, nil},
		"without witnesses":           {0, 1, nil, nil},
		"in the initial download":     {wire.NodeWitness, 1, func(b *bench) { b.chain.ibd = true }, nil},
		"while the tip is an old one": {wire.NodeWitness, 1, func(b *bench) { b.now = b.now.Add(directFetch * b.w.net.TargetSpacing) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.w.net.SegwitHeight = 1
			if tc.change != nil {
				tc.change(b)
			}
			tip := b.tip()
			next := b.w.grow(tip, tc.blocks, 1)
			b.want("it connects", b.m.PeerUp(b.now, 1, PeerInfo{Services: tc.services}))
			b.want("it tells", b.m.Headers(b.now, 1, headersOf(next, 21, next.Height)), tc.want...)
		})
	}
}

// A peer that the operator trusts keeps its link when its copy of a block was
// damaged, and may be the only one that has the block: it is asked again soon.
func TestTrustedPeerIsAskedAgain(t *testing.T) {
	b := newBench(t)
	next := b.w.grow(b.tip(), 1, 1)
	info := inbound()
	info.NoBan = true
	b.want("the header", b.up(1, info, next), "SendGetData 1")
	h := next.Header
	if v, _ := b.m.Block(b.now, 1, next.Hash, &h); !v.Submit {
		t.Fatal("the block is not wanted")
	}
	b.want("its copy is damaged", b.m.BlockRejected(b.now, next.Hash))
	b.want("soon after", b.wait(trustedBadFor+time.Second), "SendGetData 1")
	b.m.Block(b.now, 1, next.Hash, &h)
	b.want("it is again", b.m.BlockRejected(b.now, next.Hash))
	b.want("soon after", b.wait(2*trustedBadFor-time.Second))
	b.want("later", b.wait(2*time.Second), "SendGetData 1")
}
