package server

import (
	"net/netip"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/peer"
	"starling/wire"
)

// TestNetworkLimited: a node that prunes says that it has the last blocks alone
// (BIP159). It serves 288 of them and two more, since a peer may have heard of the
// tip late, and ends the link with those who ask for older ones, but not with
// those whom the operator trusts.
func TestNetworkLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 400)
		blocks := w.gen.Chain(w.gen.Genesis(), 400)
		trusted := netip.AddrFrom4([4]byte{10, 9, 0, 1})
		pruned := w.startWith(1, vfs.NewMem(), func(cfg *Config) {
			cfg.Prune = 1
			cfg.Permissions = func(h netip.Addr, _ peer.Kind) peer.Permissions {
				if h == trusted {
					return peer.PermNoBan
				}
				return 0
			}
		})
		whole := w.start(2)
		pruned.give(blocks...)
		whole.give(blocks...)
		if s := pruned.LocalServices(); s.Has(wire.NodeNetwork) || !s.Has(wire.NodeNetworkLimited) {
			t.Errorf("a node that prunes tells of %v", s)
		}
		if s := whole.LocalServices(); !s.Has(wire.NodeNetwork | wire.NodeNetworkLimited) {
			t.Errorf("a whole node tells of %v", s)
		}
		ask := func(s *script, height int, ty wire.InvType) {
			s.send(&wire.MsgGetData{Inv: []wire.InvVect{{Type: ty, Hash: blocks[height-1].Hash()}}})
		}
		s := w.dial(pruned, 8)
		for _, height := range []int{400, 400 - 287, 400 - 288, 400 - 290} {
			ask(s, height, wire.InvWitnessBlock)
			if b := s.expect(wire.CmdBlock).(*wire.MsgBlock); b.Hash() != blocks[height-1].Hash() {
				t.Errorf("asked for block %d", height)
			}
		}
		for i, ty := range []wire.InvType{wire.InvBlock, wire.InvWitnessBlock, wire.InvCmpctBlock} {
			s := w.dial(pruned, byte(20+i))
			ask(s, 400-291, ty)
			s.gone()
		}
		for _, s := range []*script{w.dial(pruned, 9), w.dial(whole, 8)} {
			ask(s, 400-291, wire.InvWitnessBlock)
			s.expect(wire.CmdBlock)
			ask(s, 1, wire.InvWitnessBlock)
			s.expect(wire.CmdBlock)
		}
	})
}
