package server

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"

	"starling/chain"
	"starling/chain/headertree"
	"starling/connmgr"
	"starling/netsync"
	"starling/peer"
	"starling/relay/compact"
	"starling/wire"
)

// serveTxs answers a request for transactions of a block (getblocktxn). Deep
// blocks are sent whole, so that the peer takes as many bytes as are read from
// disk for it.
func (s *session) serveTxs(ctx context.Context, m *wire.MsgGetBlockTxn) error {
	n := s.node
	if b := n.compact.recent.block(m.BlockHash); b != nil {
		if answer := s.answerTxs(b, m); answer != nil {
			return s.peer.Send(answer)
		}
		return nil
	}
	node, access := n.sync.GetBlock(n.clk.Now(), s.id(), m.BlockHash)
	switch {
	case access != netsync.Serve:
		return nil // Core does not answer either
	case !n.sync.ServesTxs(node):
		return s.serveData(ctx, &wire.MsgGetData{Inv: []wire.InvVect{{Type: wire.InvWitnessBlock, Hash: m.BlockHash}}})
	}
	return s.peer.SendLater(1, once(func() (wire.Message, error) {
		b, err := n.chain.ParsedBlock(node)
		if err != nil {
			return nil, unlessGone(err)
		}
		return s.answerTxs(b, m), nil
	}))
}

// answerTxs returns the transactions that are asked for, or nil if they can not
// be in the block.
func (s *session) answerTxs(b *wire.Block, m *wire.MsgGetBlockTxn) wire.Message {
	answer, err := compact.Answer(b, m)
	if err != nil {
		s.node.log.Warn("peer misbehaved", "peer", s.peer.ID(), "err", err)
		s.node.offence(s.origin(), connmgr.BadCompactBlock, 1)
		return nil
	}
	return answer
}

// sendCmpctBlock announces a block by a compact block.
func (n *Node) sendCmpctBlock(s *session, node *headertree.Node) {
	s.peer.Known().Add(node.Hash)
	if m := n.compact.recent.message(node.Hash); m != nil {
		s.peer.Send(m)
		return
	}
	s.peer.SendLater(1, once(func() (wire.Message, error) {
		m, err := n.compactBlock(node)
		if err != nil {
			return nil, unlessGone(err)
		}
		return m, nil
	}))
}

// once is a producer of one message, or of none.
func once(next func() (wire.Message, error)) peer.Producer {
	return func(context.Context) (wire.Message, error) {
		if next == nil {
			return nil, nil
		}
		m, err := next()
		next = nil
		return m, err
	}
}

// unlessGone forgives that a block was deleted meanwhile, to save space.
func unlessGone(err error) error {
	if errors.Is(err, chain.ErrPruned) || errors.Is(err, chain.ErrNoBlock) {
		return nil
	}
	return err
}

// compactBlock returns the compact form of a block.
func (n *Node) compactBlock(node *headertree.Node) (*wire.MsgCmpctBlock, error) {
	if m := n.compact.recent.message(node.Hash); m != nil {
		return m, nil
	}
	b, err := n.chain.ParsedBlock(node)
	if err != nil {
		return nil, err
	}
	return compact.Build(b, randomNonce())
}

// randomNonce returns a number that nobody can know ahead.
func randomNonce() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.LittleEndian.Uint64(b[:])
}
