package server

import (
	"context"

	"starling/wire"
)

// handleHeaders takes headers, asked for or announced.
func (s *session) handleHeaders(_ context.Context, m *wire.MsgHeaders) error {
	n := s.node
	n.perform(n.sync.Headers(n.clk.Now(), s.id(), m.Headers))
	return nil
}

// handleSendHeaders notes that new blocks are to be announced by headers.
func (s *session) handleSendHeaders(context.Context, *wire.MsgSendHeaders) error {
	s.node.sync.PreferHeaders(s.id())
	return nil
}
