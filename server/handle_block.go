package server

import (
	"context"
	"net/netip"

	"starling/chain"
	"starling/peer"
	"starling/wire"
)

// origin is who gave a block, as the chain hands it back with a broken rule,
// perhaps long after the session has ended.
type origin struct {
	id       uint64
	host     netip.Addr
	kind     peer.Kind
	forgiven bool // whether the peer is trusted
	compact  bool // the block came as a compact block, for which nobody is blamed
}

func (s *session) origin() origin {
	return origin{id: s.peer.ID(), host: s.host, kind: s.peer.Kind(), forgiven: s.peer.Permissions().Has(peer.PermNoBan)}
}

// handleBlock takes a block and passes it on to the chain if it is wanted.
func (s *session) handleBlock(ctx context.Context, m *wire.MsgBlock) error {
	n, hash, header := s.node, m.Hash(), m.Header()
	s.peer.Known().Add(hash)
	verdict, actions := n.sync.Block(n.clk.Now(), s.id(), hash, &header)
	n.perform(actions)
	if !verdict.Submit {
		return nil
	}
	return s.submit(ctx, hash, chain.Incoming{Raw: m.Raw, Requested: verdict.Requested, Origin: s.origin()})
}

// submit passes a block on to the chain.
//
// While the node catches up it only waits for room among the blocks that are on
// their way through the chain, so that those of many peers are checked at the
// same time. At the tip it waits until the block is dealt with, so that a pong
// that follows means what peers take it for.
func (s *session) submit(ctx context.Context, hash wire.Hash, in chain.Incoming) error {
	n := s.node
	done := make(chan struct{})
	in.Done = func(o chain.Outcome) {
		if o.Err == nil && !o.Duplicate {
			s.lastBlock.Store(n.clk.Now().UnixNano())
		}
		n.events.push(event{block: hash, stored: isStored(o)})
		close(done)
	}
	if err := n.chain.Submit(ctx, in); err != nil {
		n.events.push(event{block: hash})
		return err
	}
	if !n.chain.IsInitialDownload() {
		select {
		case <-done:
		case <-ctx.Done():
		}
	}
	return nil
}

// isStored reports whether the block of an outcome is on disk.
func isStored(o chain.Outcome) bool {
	return o.Err == nil && o.Node != nil && (o.Node.Data() != nil || o.Node.Parent == nil)
}
