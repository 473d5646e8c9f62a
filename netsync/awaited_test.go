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

// What a peer has to answer, it has so much longer for as this node takes over a
// message of it: neither a block, nor headers, nor a better chain is late then.
func TestAwaitedWhileBusy(t *testing.T) {
	const busy = 3 * time.Hour
	ended := func(actions []Action) bool {
		for _, a := range actions {
			if _, ok := a.(Disconnect); ok {
				return true
			}
		}
		return false
	}
	for name, start := range map[string]func(b *bench, info func(PeerInfo) PeerInfo) time.Duration{
		"a block": func(b *bench, info func(PeerInfo) PeerInfo) time.Duration {
			b.up(1, info(inbound()), b.w.grow(b.tip(), 1, 1))
			return blockTimeoutBase
		},
		"headers": func(b *bench, info func(PeerInfo) PeerInfo) time.Duration {
			b.now = b.now.Add(100 * time.Hour)
			b.m.PeerUp(b.now, 1, info(inbound()))
			b.m.PeerUp(b.now, 2, PeerInfo{Services: full, Outbound: true, Manual: true})
			return headersTimeoutBase
		},
		"a better chain": func(b *bench, info func(PeerInfo) PeerInfo) time.Duration {
			b.up(1, info(outbound()), b.tip().Parent)
			return behindAfter + behindAnswer
		},
	} {
		b := newBench(t)
		var off time.Duration
		var since time.Time // of the message that is being handled
		info := func(i PeerInfo) PeerInfo {
			i.Off = func(now time.Time) time.Duration {
				if since.IsZero() {
					return off
				}
				return off + now.Sub(since)
			}
			return i
		}
		has := start(b, info)
		if ended(b.wait(has / 2)) {
			t.Errorf("%s: the link has ended early", name)
		}
		since = b.now
		if ended(b.wait(busy)) {
			t.Errorf("%s: the link has ended while this node was busy with a message of it", name)
		}
		off, since = b.now.Sub(since), time.Time{}
		if ended(b.wait(has/2 - 2*time.Minute)) {
			t.Errorf("%s: the link has ended early, after this node was busy", name)
		}
		if !ended(b.wait(10 * time.Minute)) {
			t.Errorf("%s: the link goes on for ever", name)
		}
	}
}
