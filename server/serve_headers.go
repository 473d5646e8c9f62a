package server

import (
	"context"

	"starling/peer"
	"starling/wire"
)

// serveHeaders answers getheaders, if with nothing: the peer waits for it.
func (s *session) serveHeaders(_ context.Context, m *wire.MsgGetHeaders) error {
	if err := s.checkLocator(m.Locator); err != nil {
		return err
	}
	n := s.node
	return s.peer.Send(&wire.MsgHeaders{Headers: n.sync.GetHeaders(n.clk.Now(), s.id(), m.Locator, m.Stop)})
}

// serveInv answers getblocks with the hashes of the blocks that follow.
func (s *session) serveInv(_ context.Context, m *wire.MsgGetBlocks) error {
	if err := s.checkLocator(m.Locator); err != nil {
		return err
	}
	inv := s.node.sync.GetBlocks(s.id(), m.Locator, m.Stop)
	if len(inv) == 0 {
		return nil
	}
	return s.peer.Send(&wire.MsgInv{Inv: inv})
}

// checkLocator refuses locators that are longer than any chain calls for, and
// those of another chain.
func (s *session) checkLocator(locator []wire.Hash) error {
	if len(locator) > wire.MaxLocator {
		return &peer.Disconnect{Reason: peer.Misbehaved, Detail: "locator too long"}
	}
	return s.checkGenesis(locator)
}
