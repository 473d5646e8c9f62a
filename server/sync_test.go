package server

import (
	"log/slog"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/holiman/uint256"

	"starling/chain/chaintest"
	"starling/params"
	"starling/wire"
)

// host returns the address of host i.
func host(i byte) netip.Addr { return netip.AddrFrom4([4]byte{10, i, 0, 1}) }

// TestStallAtTip has the first to announce a block never send it, while eight
// healthy peers have it too. The node must not wait for the one.
func TestStallAtTip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 50)
		blocks := w.gen.Chain(w.gen.Genesis(), 50)
		var peers []*node
		var to []byte
		for i := range byte(8) {
			p := w.start(10 + i)
			p.give(blocks...)
			peers = append(peers, p)
			to = append(to, 10+i)
		}
		c := w.start(1, to...)
		c.reach(last(blocks), time.Minute)

		next := w.gen.Chain(last(blocks), 1)[0]
		s := w.dial(c, 99)
		s.send(&wire.MsgHeaders{Headers: []wire.Header{next.Header}})
		if m := s.expect(wire.CmdGetData).(*wire.MsgGetData); m.Inv[0].Hash != next.Hash() {
			t.Fatalf("asked for %v", m.Inv)
		}
		for _, p := range peers {
			p.give(next)
		}
		c.reach(next, 10*time.Second)

		// It takes no harm when the one it asks now vanishes either.
		next = w.gen.Chain(next, 1)[0]
		s.send(&wire.MsgHeaders{Headers: []wire.Header{next.Header}})
		s.expect(wire.CmdGetData)
		for _, p := range peers {
			p.give(next)
		}
		s.link.Close()
		c.reach(next, time.Second)
	})
}

// TestNotFoundAtTip is the same with a peer that takes back what it announced.
func TestNotFoundAtTip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 20)
		blocks := w.gen.Chain(w.gen.Genesis(), 20)
		a := w.start(1)
		a.give(blocks...)
		c := w.start(2, 1)
		c.reach(last(blocks), time.Minute)
		next := w.gen.Chain(last(blocks), 1)[0]
		s := w.dial(c, 99)
		s.send(&wire.MsgHeaders{Headers: []wire.Header{next.Header}})
		m := s.expect(wire.CmdGetData).(*wire.MsgGetData)
		a.give(next)
		time.Sleep(100 * time.Millisecond) // the announcement is there
		s.send(&wire.MsgNotFound{Inv: m.Inv})
		c.reach(next, time.Second)
	})
}

// TestDeepReorganisation lets two nodes grow apart by 150 blocks, which is more
// than what is kept of a chain on its word alone, and meet; once with a peer
// that answers getheaders and once by getblocks.
func TestDeepReorganisation(t *testing.T) {
	for name, silent := range map[string]bool{"headers": false, "getblocks": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 420)
				common := w.gen.Chain(w.gen.Genesis(), 100)
				a := w.start(1)
				b := w.start(2, 1)
				if silent {
					delete(a.handlers, wire.CmdGetHeaders)
				}
				a.give(common...)
				b.reach(last(common), time.Minute)
				b.offline()
				short, long := w.gen.Chain(last(common), 150), w.gen.Chain(last(common), 151)
				b.give(short...)
				a.give(long...)
				b.Conns().SetActive(true)
				b.reach(last(long), 2*time.Minute)
			})
		})
	}
}

// TestRing has four nodes in a ring. A block made on any reaches all, also
// across a cut, and after a partition both halves agree on the longer chain.
func TestRing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 60)
		blocks := w.gen.Chain(w.gen.Genesis(), 20)
		a, b, c, d := w.start(1, 2), w.start(2, 3), w.start(3, 4), w.start(4, 1)
		ring := []*node{a, b, c, d}
		a.give(blocks...)
		all := func(tip chaintest.Block, most time.Duration) {
			t.Helper()
			for _, n := range ring {
				n.reach(tip, most)
			}
		}
		all(last(blocks), time.Minute)
		tip := last(blocks)
		for _, n := range ring {
			tip = w.gen.Chain(tip, 1)[0]
			n.give(tip)
			all(tip, time.Second)
		}

		w.net.Cut(host(1), host(2)) // still a line the other way
		tip = w.gen.Chain(tip, 1)[0]
		b.give(tip)
		all(tip, 10*time.Second)

		w.net.Partition([]netip.Addr{host(1), host(2)}, []netip.Addr{host(3), host(4)})
		time.Sleep(10 * time.Second) // the cut link is back
		west, east := w.gen.Chain(tip, 3), w.gen.Chain(tip, 5)
		a.give(west...)
		d.give(east...)
		b.reach(last(west), 30*time.Second)
		c.reach(last(east), 30*time.Second)
		w.net.Heal()
		all(last(east), 3*time.Minute)
	})
}

// withMinimum is a change of the configuration: the network's chain has at least
// the work of so many blocks.
func withMinimum(blocks uint64) func(*Config) {
	return func(cfg *Config) {
		par := params.Regtest()
		par.MinimumChainWork = uint256.NewInt(2 * (blocks + 1)) // two hashes per block
		cfg.Network = par
	}
}

// TestMinimumWork fetches a chain whose work shows only after the first 2,000
// headers, once its peer speaks up, and keeps nothing of one without the work.
func TestMinimumWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2300)
		blocks := w.gen.Chain(w.gen.Genesis(), 2300)
		a := w.startWith(1, vfs.NewMem(), withMinimum(2100))
		b := w.startWith(2, vfs.NewMem(), withMinimum(2100), 1)
		a.give(blocks[:2050]...)
		time.Sleep(5 * time.Minute)
		if n := b.Chain().Headers().Len(); n != 1 {
			t.Fatalf("%d headers kept of a chain that is too weak", n)
		}
		a.give(blocks[2050:]...)
		b.reach(last(blocks), 10*time.Minute)
	})
}

// TestHeaderSpam sends cheap headers without end; none of them is kept, one line
// tells of them all, and an honest peer is not held up. On a network that asks for
// no work all are kept.
func TestHeaderSpam(t *testing.T) {
	const height = 8000
	unlimited := func(c *Config) { c.Network = params.Regtest() }
	attack(t, unlimited, 1, func(t *testing.T, w *world, change func(*Config)) int {
		time.Sleep(height * 10 * time.Minute) // the headers are not of the future
		blocks := w.gen.Chain(w.gen.Genesis(), height)
		log := newTold()
		b := w.startWith(2, vfs.NewMem(), func(cfg *Config) {
			withMinimum(1_000_000)(cfg)
			cfg.Logs = func(string) *slog.Logger { return log.log() }
			change(cfg)
		})
		bad, good := w.dial(b, 99), w.dial(b, 98)
		bad.noise = append(bad.noise, wire.CmdGetData)
		for part := range slices.Chunk(blocks, 2000) {
			var m wire.MsgHeaders
			for _, bl := range part {
				m.Headers = append(m.Headers, bl.Header)
			}
			bad.send(&m)
			good.undisturbed()
		}
		bad.sync()
		kept := b.Chain().Headers().Len()
		if kept > 1 {
			return kept
		}
		walked := int32(0)
		for _, p := range b.Peers() {
			walked = max(walked, p.Sync.PresyncHeight)
		}
		if walked != height {
			t.Errorf("walked to %d", walked)
		}
		if all, first := log.count("pre-synchronising"), log.count("pre-synchronising", "height=2000", "progress="); all != 1 || first != 1 {
			t.Errorf("%d lines tell of it, %d of the first headers", all, first)
		}
		return kept
	})
}
