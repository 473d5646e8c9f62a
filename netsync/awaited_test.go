package netsync

import (
	"strings"
	"testing"
	"time"
)

// The end of a link for a request that was not answered names what was awaited.
func TestEndsNameWhatWasAwaited(t *testing.T) {
	find := func(actions []Action) (d Disconnect) {
		for _, a := range actions {
			if got, ok := a.(Disconnect); ok {
				d = got
			}
		}
		return d
	}
	b := newBench(t)
	next := b.w.grow(b.tip(), 1, 1)
	b.up(1, inbound(), next)
	if d := find(b.wait(blockTimeoutBase + time.Second)); d.Reason != BlockTimeout || d.Awaited != "block 21 "+next.Hash.String() {
		t.Errorf("a block: %+v", d)
	}

	b = newBench(t)
	b.now = b.now.Add(100 * time.Hour)
	b.m.PeerUp(b.now, 1, inbound())
	b.m.PeerUp(b.now, 2, PeerInfo{Services: full, Outbound: true, Manual: true})
	if d := find(b.wait(headersTimeoutBase + 2*time.Minute)); d.Reason != HeadersTimeout || d.Awaited != "headers after 20" {
		t.Errorf("headers: %+v", d)
	}

	b = newBench(t)
	b.up(1, outbound(), b.tip().Parent)
	if d := find(b.wait(behindAfter + behindAnswer + time.Minute)); d.Reason != ChainBehind || !strings.HasPrefix(d.Awaited, "headers after ") {
		t.Errorf("a better chain: %+v", d)
	}
}
