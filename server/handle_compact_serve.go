package server

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

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
	if len(m.Indexes) == 0 {
		return &peer.Disconnect{Reason: peer.Misbehaved, Detail: "it asked for no transaction of a block"}
	}
	if b := n.compact.recent.block(m.BlockHash); b != nil {
		answer := s.answerTxs(b, m)
		if answer == nil {
			return nil
		}
		if node := n.chain.Headers().Lookup(m.BlockHash); node != nil {
			s.sentCopy(node.Height, answer)
		}
		return s.peer.Send(answer)
	}
	node, access := n.sync.GetBlock(n.clk.Now(), s.id(), m.BlockHash)
	switch {
	case access != netsync.Serve:
		return nil // Core does not answer either
	case !n.sync.ServesTxs(node):
		return s.serveData(ctx, &wire.MsgGetData{Inv: []wire.InvVect{{Type: wire.InvWitnessBlock, Hash: m.BlockHash}}})
	}
	// Indexes rise, so that there are no more of them than the block has
	// transactions, unless one is beyond its end. Such a list is not kept.
	txs := node.Txs()
	if txs == 0 {
		return nil // the block has been forgotten meanwhile
	}
	if k := len(m.Indexes); uint32(m.Indexes[k-1]) >= txs {
		s.askedBeyond(fmt.Errorf("transaction %d of a block with %d is asked for", m.Indexes[k-1], txs))
		return nil
	}
	return s.peer.SendLater(2*len(m.Indexes), once(func() (wire.Message, error) {
		raw, err := n.rawBlock(node, true)
		if err != nil {
			return nil, unlessGone(err)
		}
		// Its ids are not hashed, which would cost ten times as much.
		b, err := wire.ParseBlock(raw)
		if err != nil {
			return nil, err
		}
		answer := s.answerTxs(b, m)
		s.sentCopy(node.Height, answer)
		return answer, nil
	}))
}

// answerTxs returns the transactions that are asked for, or nil if they can not
// be in the block.
func (s *session) answerTxs(b *wire.Block, m *wire.MsgGetBlockTxn) wire.Message {
	answer, err := compact.Answer(b, m)
	if err != nil {
		s.askedBeyond(err)
		return nil
	}
	return answer
}

// askedBeyond deals with a peer that asks for transactions beyond the end of a
// block, which no honest peer does.
func (s *session) askedBeyond(err error) {
	s.node.log.Warn("peer misbehaved", "peer", s.peer.ID(), "err", err)
	s.node.offence(s.origin(), connmgr.BadCompactBlock, 1)
}

// sendCmpctBlock announces a block by a compact block.
func (n *Server) sendCmpctBlock(s *session, node *headertree.Node) {
	s.peer.Known().Add(node.Hash)
	if m := n.compact.recent.message(node.Hash); m != nil {
		s.peer.Send(m)
		return
	}
	s.peer.SendLater(0, once(func() (wire.Message, error) {
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
func (n *Server) compactBlock(node *headertree.Node) (*wire.MsgCmpctBlock, error) {
	if m := n.compact.recent.message(node.Hash); m != nil {
		return m, nil
	}
	if m := n.compact.built.get(node.Hash); m != nil {
		return m, nil
	}
	b, err := n.chain.ParsedBlock(node)
	if err != nil {
		return nil, err
	}
	m, err := compact.Build(b, randomNonce())
	if err != nil {
		return nil, err
	}
	// A coinbase of its own, so that the rest of the block is not kept.
	own, err := wire.ParseTx(bytes.Clone(b.Txs[0].Bytes()))
	if err != nil {
		return nil, err
	}
	m.Prefilled[0].Tx = own
	n.compact.built.put(m)
	return m, nil
}

// builtBlocks keeps the compact blocks that were made of blocks on disk, as all
// ids of a block have to be hashed for one, and anybody may ask for it. They take
// some 30 KB each, and a few megabytes only if miners work for that.
type builtBlocks struct {
	mu  sync.Mutex
	all map[wire.Hash]*wire.MsgCmpctBlock
}

func (b *builtBlocks) get(hash wire.Hash) *wire.MsgCmpctBlock {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all[hash]
}

// put keeps a compact block. When there are more than can be asked for, it
// starts over.
func (b *builtBlocks) put(m *wire.MsgCmpctBlock) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all == nil || len(b.all) > netsync.CompactDepth {
		b.all = make(map[wire.Hash]*wire.MsgCmpctBlock)
	}
	b.all[m.Header.Hash()] = m
}

// randomNonce returns a number that nobody can know ahead.
func randomNonce() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.LittleEndian.Uint64(b[:])
}
