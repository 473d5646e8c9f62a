package server

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/chain/chaintest"
	"starling/peer"
	"starling/wire"
)

// isStored reports whether the node has the block.
func (nd *node) isStored(b chaintest.Block) bool {
	n := nd.Chain().Headers().Lookup(b.Hash())
	return n != nil && n.Data() != nil
}

// wantTip checks where the chain stands.
func (nd *node) wantTip(b chaintest.Block) {
	nd.w.t.Helper()
	if tip := nd.Chain().Tip(); tip.Hash != b.Hash() {
		nd.w.t.Errorf("the tip is at %d, %v, want %d, %v", tip.Height, tip.Hash, b.Height, b.Hash())
	}
}

// asked receives a request for a block, of this kind.
func (s *script) asked(kind wire.InvType, b chaintest.Block) {
	s.t.Helper()
	if m := s.expect(wire.CmdGetData).(*wire.MsgGetData); len(m.Inv) != 1 || m.Inv[0] != (wire.InvVect{Type: kind, Hash: b.Hash()}) {
		s.t.Fatalf("asked for %v, want %v as %v", m.Inv, b.Hash(), kind)
	}
}

// TestUnaskedCompactBlocks: an unasked compact block is rebuilt if its sender speaks
// of them and this node wants them. Otherwise it tells no more than its header does.
func TestUnaskedCompactBlocks(t *testing.T) {
	for name, tc := range map[string]struct {
		only, speaks bool
		rebuilt      bool
	}{
		"from a peer with sendcmpct":    {false, true, true},
		"from a peer without sendcmpct": {false, false, false},
		"under blocks-only":             {true, true, false},
		"both":                          {true, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 10)
				blocks := w.gen.Chain(w.gen.Genesis(), 11)
				a := w.startWith(1, vfs.NewMem(), func(c *Config) { c.BlocksOnly = tc.only })
				a.give(blocks[:10]...)
				s := w.dial(a, 9)
				if tc.speaks {
					s.send(speaksCompact)
				}
				s.send(compactOf(t, blocks[10]))
				if tc.rebuilt {
					s.noise = append(s.noise, wire.CmdSendCmpct)
					s.sync()
					a.wantTip(blocks[10])
					return
				}
				s.asked(wire.InvWitnessBlock, blocks[10])
				s.sync()
				a.wantTip(blocks[9])
				s.send(&wire.MsgBlock{Raw: blocks[10].Bytes()})
				s.sync()
				a.wantTip(blocks[10])
			})
		})
	}
}

// TestBadBlockOnASideBranch: a block that is stored unconnected is judged when its
// branch has the most work. It is its sender who answers then, not the one who
// brought the block on top.
func TestBadBlockOnASideBranch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 12)
		blocks := w.gen.Chain(w.gen.Genesis(), 10)
		a := w.start(1)
		a.give(blocks...)
		bad := w.gen.Next(blocks[8], 1) // a fee that nobody pays
		on := w.gen.Next(bad, 0)
		sender, other := w.dial(a, 8), w.dial(a, 9)
		sender.send(&wire.MsgBlock{Raw: bad.Bytes()})
		sender.sync()
		if !a.isStored(bad) {
			t.Fatal("the block is not stored")
		}
		if n := len(a.Conns().Bans()); n != 0 {
			t.Fatal("it was judged before it was connected")
		}
		time.Sleep(10 * time.Minute)
		sender.sync()
		other.send(&wire.MsgBlock{Raw: on.Bytes()})
		sender.gone()
		synctest.Wait()
		if bans := a.Conns().Bans(); len(bans) != 1 || bans[0].Subnet.String() != "10.8.0.1/32" {
			t.Errorf("banned: %v", bans)
		}
		other.noise = append(other.noise, wire.CmdInv)
		other.sync()
		a.wantTip(blocks[9])
	})
}

// TestUnaskedBlocksByWork: a block that nobody asked for is stored if its chain has
// at least the work of the tip's.
func TestUnaskedBlocksByWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 12)
		blocks := w.gen.Chain(w.gen.Genesis(), 10)
		a := w.start(1)
		a.give(blocks...)
		s := w.dial(a, 9)
		less, same, more := w.gen.Next(blocks[7], 0), w.gen.Next(blocks[8], 0), w.gen.Next(blocks[9], 0)
		for _, b := range []chaintest.Block{less, same} {
			s.send(&wire.MsgBlock{Raw: b.Bytes()})
			s.sync()
		}
		if a.isStored(less) || !a.isStored(same) {
			t.Errorf("with less work stored: %v, with the same: %v", a.isStored(less), a.isStored(same))
		}
		a.wantTip(blocks[9])
		s.send(&wire.MsgBlock{Raw: more.Bytes()})
		s.sync()
		a.wantTip(more)
	})
}

// TestBlockOfWhoOffersNone: a peer that does not claim to have blocks, and tells of a
// new one all the same, is asked for it.
func TestBlockOfWhoOffersNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 12)
		blocks := w.gen.Chain(w.gen.Genesis(), 11)
		a := w.start(1)
		a.give(blocks[:10]...)
		s := w.rawDial(a, 9)
		s.send(&wire.MsgVersion{Version: 70016, Services: wire.NodeWitness, UserAgent: "/script/", Relay: true}, &wire.MsgVerack{})
		for _, cmd := range []string{wire.CmdVersion, wire.CmdWTxIDRelay, wire.CmdSendAddrV2, wire.CmdVerack} {
			s.expect(cmd)
		}
		s.send(&wire.MsgHeaders{Headers: []wire.Header{blocks[10].Header}})
		s.asked(wire.InvWitnessBlock, blocks[10])
		s.send(&wire.MsgBlock{Raw: blocks[10].Bytes()})
		s.sync()
		a.wantTip(blocks[10])
	})
}

// TestTiesOfPeers: of blocks with as much work the first to arrive is the chain,
// also after the operator has declared another one invalid.
func TestTiesOfPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 12)
		blocks := w.gen.Chain(w.gen.Genesis(), 10)
		a := w.start(1)
		a.give(blocks[:9]...)
		s := w.dial(a, 9)
		s.noise = append(s.noise, wire.CmdInv)
		for range 4 { // whatever their hashes are
			rivals := []chaintest.Block{w.gen.Next(blocks[8], 0), w.gen.Next(blocks[8], 0), w.gen.Next(blocks[8], 0)}
			// Their headers come in another order than they do.
			s.send(&wire.MsgHeaders{Headers: []wire.Header{rivals[2].Header}}, &wire.MsgHeaders{Headers: []wire.Header{rivals[1].Header}})
			s.noise = append(s.noise, wire.CmdGetData)
			for _, b := range rivals {
				s.send(&wire.MsgBlock{Raw: b.Bytes()})
				s.sync()
			}
			for i, b := range rivals {
				a.reach(b, time.Second)
				if err := a.Chain().Invalidate(context.Background(), a.Chain().Headers().Lookup(b.Hash())); err != nil {
					t.Fatal(i, err)
				}
			}
			a.reach(blocks[8], time.Second)
		}
		// The branch with the most work goes, and below it there are two.
		first, second := w.gen.Next(blocks[8], 0), w.gen.Next(blocks[8], 0)
		top := w.gen.Next(second, 0)
		for _, b := range []chaintest.Block{first, second, top} {
			s.send(&wire.MsgBlock{Raw: b.Bytes()})
			s.sync()
		}
		a.wantTip(top)
		if err := a.Chain().Invalidate(context.Background(), a.Chain().Headers().Lookup(top.Hash())); err != nil {
			t.Fatal(err)
		}
		a.reach(first, time.Second)
	})
}

// TestDamagedCopyOfATrustedPeer: it stays, and is asked for the block again.
func TestDamagedCopyOfATrustedPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 12)
		blocks := w.gen.Chain(w.gen.Genesis(), 11)
		a := w.startWith(1, vfs.NewMem(), func(c *Config) {
			c.Permissions = func(netip.Addr, peer.Kind) peer.Permissions { return peer.PermNoBan }
		})
		a.give(blocks[:10]...)
		s := w.dial(a, 9)
		good := blocks[10]
		s.send(&wire.MsgHeaders{Headers: []wire.Header{good.Header}})
		s.asked(wire.InvWitnessBlock, good)
		s.send(&wire.MsgBlock{Raw: append(good.Header.Append(nil), blocks[9].Bytes()[wire.HeaderSize:]...)})
		start := time.Now()
		s.asked(wire.InvWitnessBlock, good)
		if took := time.Since(start); took < 10*time.Second || took > 11*time.Second {
			t.Errorf("it was asked again after %v", took)
		}
		s.send(&wire.MsgBlock{Raw: good.Bytes()})
		s.sync()
		a.wantTip(good)
	})
}

// TestReorganisationIsToldByItsLastHash: a peer that is told by inv hears of the last
// block of the new branch and no other; one that is told by headers and can connect
// them is given those of the branch.
func TestReorganisationIsToldByItsLastHash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 14)
		blocks := w.gen.Chain(w.gen.Genesis(), 10)
		a := w.start(1)
		a.give(blocks...)
		byInv, byHeaders := w.dial(a, 8), w.dial(a, 9)
		byHeaders.send(&wire.MsgSendHeaders{}, &wire.MsgGetHeaders{Locator: []wire.Hash{blocks[5].Hash()}})
		byHeaders.expect(wire.CmdHeaders)
		byHeaders.sync()
		byInv.sync()
		branch := w.gen.Chain(blocks[7], 3)
		a.give(branch[:2]...)
		byInv.sync() // not told of what is no better
		a.give(branch[2])
		if got := byInv.expect(wire.CmdInv).(*wire.MsgInv).Inv; len(got) != 1 || got[0] != (wire.InvVect{Type: wire.InvBlock, Hash: branch[2].Hash()}) {
			t.Errorf("by inv it is told of %v", got)
		}
		if got := byHeaders.expect(wire.CmdHeaders).(*wire.MsgHeaders).Headers; len(got) != 3 || got[0] != branch[0].Header || got[2] != branch[2].Header {
			t.Errorf("by headers it is told of %v", got)
		}
		byInv.sync()
		byHeaders.sync()
	})
}

// TestWithheldByMany: sixty peers that have dialled this node tell of a block and
// keep it; the last one, who has dialled it too, has the block. It comes within a
// minute, also if the sixty send compact blocks that are not to be completed.
func TestWithheldByMany(t *testing.T) {
	for name, compact := range map[string]bool{"silent": false, "with compact blocks": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 112)
				c := newCoins(w)
				a := w.start(1)
				a.give(c.chain...)
				next := c.block(c.txs(3)...)
				told := make(chan struct{}, 61)
				w.t.Cleanup(func() { synctest.Wait() })
				for i := range byte(61) {
					s := w.dial(a, 100+i)
					if compact {
						s.send(speaksCompact)
					}
					s.sync()
					honest := i == 60
					go func() {
						defer func() { told <- struct{}{} }()
						s.playWithheld(next, honest, compact)
					}()
				}
				a.reach(next, time.Minute)
				if n := len(a.Peers()); n < 10 {
					t.Errorf("%d peers are left", n)
				}
				a.stop()
				for range 61 {
					<-told
				}
			})
		})
	}
}

// playWithheld tells of a block, and gives it only if honest, until the link ends.
func (s *script) playWithheld(b chaintest.Block, honest, compact bool) {
	if compact {
		s.tell(compactOf(s.t, b))
	} else {
		s.tell(&wire.MsgHeaders{Headers: []wire.Header{b.Header}})
	}
	for {
		m, err := s.receive()
		if err != nil {
			return
		}
		ask, ok := m.(*wire.MsgGetData)
		switch {
		case ok && honest:
			s.tell(&wire.MsgBlock{Raw: b.Bytes()})
		case ok && compact && ask.Inv[0].Type == wire.InvCmpctBlock:
			s.tell(compactOf(s.t, b))
		}
	}
}

// tell sends a message, be the link there or not.
func (s *script) tell(m wire.Message) { s.link.Send(m.Command(), m.AppendPayload(nil)) }
