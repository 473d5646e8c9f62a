package server

import (
	"context"
	"errors"

	"starling/chain"
	"starling/netsync"
	"starling/relay/compact"
	"starling/wire"
)

// handleSendCmpct takes what the peer understands of compact blocks, and
// whether it wants new blocks announced so.
func (s *session) handleSendCmpct(_ context.Context, m *wire.MsgSendCmpct) error {
	s.node.sync.PeerCompact(s.id(), m.Announce, m.Version)
	return nil
}

// handleCmpctBlock takes a compact block, asked for or not, and rebuilds the
// block from what is at hand if it is wanted.
func (s *session) handleCmpctBlock(ctx context.Context, m *wire.MsgCmpctBlock) error {
	n, hash := s.node, m.Header.Hash()
	s.peer.Known().Add(hash)
	open, actions := n.sync.CompactBlock(n.clk.Now(), s.id(), hash, &m.Header)
	n.perform(actions)
	if !open {
		return nil
	}
	p, err := compact.Open(m, n.compact.index.All(), &n.compact.extra)
	if err != nil {
		s.compactRead(hash, resultOf(err), err)
		return nil
	}
	missing := p.Missing()
	if len(missing) == 0 {
		return s.complete(ctx, hash, p, nil)
	}
	if s.compactRead(hash, netsync.CompactMissing, nil) != netsync.CompactAsk {
		return nil
	}
	s.keepPartial(hash, p)
	return s.peer.Send(&wire.MsgGetBlockTxn{BlockHash: hash, Indexes: missing})
}

// handleBlockTxn takes the transactions that a compact block lacked.
func (s *session) handleBlockTxn(ctx context.Context, m *wire.MsgBlockTxn) error {
	n := s.node
	fill, actions := n.sync.CompactTxs(n.clk.Now(), s.id(), m.BlockHash)
	n.perform(actions)
	p := s.partials[m.BlockHash]
	delete(s.partials, m.BlockHash)
	if !fill || p == nil {
		return nil
	}
	return s.complete(ctx, m.BlockHash, p, m.Txs)
}

// keepPartial keeps a compact block until what it lacks comes. There are no
// more of them than netsync lets the peer have on their way, which is few.
func (s *session) keepPartial(hash wire.Hash, p *compact.Partial) {
	for h := range s.partials {
		if !s.node.sync.CompactWaits(s.id(), h) {
			delete(s.partials, h) // the block has come from elsewhere
		}
	}
	if s.partials == nil {
		s.partials = make(map[wire.Hash]*compact.Partial)
	}
	s.partials[hash] = p
}

// complete completes a compact block and passes it on to the chain.
func (s *session) complete(ctx context.Context, hash wire.Hash, p *compact.Partial, txs []*wire.Tx) error {
	n := s.node
	node := n.chain.Headers().Lookup(hash)
	if node == nil {
		return nil // netsync has just put its header there
	}
	b, err := p.Fill(txs, node.Height >= n.cfg.Network.SegwitHeight)
	if s.compactRead(hash, resultOf(err), err) != netsync.CompactSubmit {
		return nil
	}
	c := p.Counts()
	n.log.Debug("block rebuilt from a compact block", "hash", hash, "height", node.Height, "peer", s.peer.ID(),
		"txs", len(b.Txs), "pool", c.Pool, "extra", c.Extra, "asked", c.Asked)
	// It may be passed on before its scripts are checked, so that nobody is to
	// blame if they turn out wrong.
	from := s.origin()
	from.compact = true
	return s.submit(ctx, hash, chain.Incoming{Raw: b.Bytes(), Block: b, Requested: true, Origin: from})
}

// compactRead tells the download what came of a compact block, and returns how
// to go on.
func (s *session) compactRead(hash wire.Hash, r netsync.CompactResult, err error) netsync.CompactStep {
	n := s.node
	step, actions := n.sync.CompactRead(n.clk.Now(), s.id(), hash, r, err)
	n.perform(actions)
	return step
}

// resultOf returns what an error of package compact means for the download.
func resultOf(err error) netsync.CompactResult {
	switch {
	case err == nil:
		return netsync.CompactComplete
	case errors.Is(err, compact.ErrInvalid):
		return netsync.CompactInvalid
	}
	return netsync.CompactUnusable
}
