package server

import (
	"context"

	"starling/wire"
)

// blocksOf returns the hashes of the blocks in an inventory.
func blocksOf(inv []wire.InvVect) []wire.Hash {
	var blocks []wire.Hash
	for _, v := range inv {
		if v.Type.IsBlock() {
			blocks = append(blocks, v.Hash)
		}
	}
	return blocks
}

// handleInv takes announcements. Those of transactions are not for this node,
// which has said in its version that it wants none.
func (s *session) handleInv(_ context.Context, m *wire.MsgInv) error {
	blocks := blocksOf(m.Inv)
	if len(blocks) == 0 {
		return nil
	}
	for _, h := range blocks {
		s.peer.Known().Add(h)
	}
	n := s.node
	n.perform(n.sync.Inv(n.clk.Now(), s.id(), blocks))
	return nil
}

// handleNotFound takes that the peer does not have what it was asked for.
func (s *session) handleNotFound(_ context.Context, m *wire.MsgNotFound) error {
	n := s.node
	if blocks := blocksOf(m.Inv); len(blocks) > 0 {
		n.perform(n.sync.NotFound(n.clk.Now(), s.id(), blocks))
	}
	return nil
}
