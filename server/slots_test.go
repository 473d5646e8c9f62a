package server

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/addrmgr"
	"starling/connmgr"
	"starling/peer"
	"starling/transport"
	"starling/wire"
)

// That a new peer has the tip which this node has too is no news: else each
// probe would count for better than the links that stand.
func TestNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 3)
		blocks := w.gen.Chain(w.gen.Genesis(), 3)
		first := w.start(1)
		first.give(blocks...)
		second := w.startWith(2, vfs.NewMem(), auto)
		second.give(blocks...)
		if err := second.Conns().Open(addr(1), peer.BlockRelayOnly); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		watch := slotWatch{n: second.Server, best: make(map[uint64]news), tip: second.Chain().Tip().Height}
		heard := func() (at time.Time) {
			links, _ := watch.links(time.Now())
			if len(links) != 1 {
				t.Fatalf("%d links", len(links))
			}
			return links[0].LastBlock
		}
		if at := heard(); !at.IsZero() || !heard().IsZero() {
			t.Errorf("it has told of a block at %v", at)
		}
		first.give(w.gen.Next(last(blocks), 0))
		time.Sleep(time.Second) // it takes a few trips
		if at := heard(); time.Since(at) > time.Minute {
			t.Errorf("it has told of a block at %v, and just now it has", at)
		}
	})
}

// A node that is on Tor alone notes no other address of its own.
func TestOwnOfReachedNetworks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 0)
		for _, nets := range []addrmgr.Networks{addrmgr.NetworkSet(wire.NetTorV3), addrmgr.NetworkSet(wire.NetIPv4)} {
			host := byte(7)
			if nets.Has(wire.NetTorV3) {
				host = 6
			}
			a := w.startWith(host, vfs.NewMem(), func(c *Config) {
				c.Discover, c.Slots = true, &connmgr.SlotOptions{Networks: nets}
			})
			if all := a.Local().All(); len(all) > 0 != nets.Has(wire.NetIPv4) {
				t.Errorf("%v: own addresses %v, listening at %v", nets, all, transport.FormatAddr(a.Listening()[0]))
			}
		}
	})
}
