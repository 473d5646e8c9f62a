package server

import (
	"context"

	"starling/peer"
	"starling/transport"
	"starling/wire"
)

// handleAddr counts what a peer tells of others. This node keeps no book of
// addresses, so that nothing can be filled with them.
func (s *session) handleAddr(_ context.Context, m *wire.MsgAddr) error {
	s.addrs.Add(uint64(len(m.Addrs)))
	return nil
}

func (s *session) handleAddrV2(_ context.Context, m *wire.MsgAddrV2) error {
	s.addrs.Add(uint64(len(m.Addrs)))
	return nil
}

// serveAddr answers getaddr, once and only to who has opened the session, with
// this node's own addresses, if it knows any. Peers that this node
// has chosen do not get an answer, so that asking them tells nobody anything.
func (s *session) serveAddr(context.Context, *wire.MsgGetAddr) error {
	n := s.node
	if s.peer.Kind() != peer.Inbound || s.answeredAddr {
		return nil
	}
	s.answeredAddr = true
	var addrs []wire.NetAddr
	for _, a := range n.cfg.External {
		if ap, ok := transport.AddrPort(a); ok {
			addrs = append(addrs, wire.NewNetAddr(ap, n.LocalServices(), uint32(n.clk.Now().Unix())))
		}
	}
	switch {
	case len(addrs) == 0:
		return nil
	case s.peer.Remote().AddrV2:
		return s.peer.Send(&wire.MsgAddrV2{Addrs: addrs})
	}
	return s.peer.Send(&wire.MsgAddr{Addrs: addrs})
}
