package server

import (
	"context"

	"starling/peer"
	"starling/wire"
)

// split divides an inventory into the entries that name transactions and the
// hashes of the blocks. The former take the place of the inventory, which may be
// long and is of no use afterwards.
func split(inv []wire.InvVect) (txs []wire.InvVect, blocks []wire.Hash) {
	txs = inv[:0]
	for _, v := range inv {
		switch {
		case v.Type.IsTx():
			txs = append(txs, v)
		case v.Type.IsBlock():
			blocks = append(blocks, v.Hash)
		}
	}
	return txs, blocks
}

// handleInv takes announcements.
func (s *session) handleInv(_ context.Context, m *wire.MsgInv) error {
	txs, blocks := split(m.Inv)
	if len(txs) > 0 {
		if err := s.announcedTxs(txs); err != nil {
			return err
		}
	}
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

// announcedTxs takes announcements of transactions. They are fetched only once
// the node has caught up: before that it could not tell whether they are valid.
func (s *session) announcedTxs(txs []wire.InvVect) error {
	n := s.node
	if !s.givesTxs() {
		return &peer.Disconnect{Reason: peer.Misbehaved, Detail: "it announced a transaction although it was asked for none"}
	}
	for _, v := range txs {
		s.peer.Known().Add(v.Hash)
	}
	if !n.chain.IsInitialDownload() {
		n.ask(n.txs.Inv(n.clk.Now(), s.txID(), txs))
		wake(n.wakeTxs)
	}
	return nil
}

// handleNotFound takes that the peer does not have what it was asked for.
func (s *session) handleNotFound(_ context.Context, m *wire.MsgNotFound) error {
	n := s.node
	txs, blocks := split(m.Inv)
	if len(txs) > 0 {
		n.ask(n.txs.NotFound(n.clk.Now(), s.txID(), txs))
	}
	if len(blocks) > 0 {
		n.perform(n.sync.NotFound(n.clk.Now(), s.id(), blocks))
	}
	return nil
}
