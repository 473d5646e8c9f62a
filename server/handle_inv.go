package server

import (
	"context"

	"starling/peer"
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

// txsOf returns the entries of an inventory that name transactions.
func txsOf(inv []wire.InvVect) []wire.InvVect {
	var txs []wire.InvVect
	for _, v := range inv {
		if v.Type.IsTx() {
			txs = append(txs, v)
		}
	}
	return txs
}

// handleInv takes announcements.
func (s *session) handleInv(_ context.Context, m *wire.MsgInv) error {
	if txs := txsOf(m.Inv); len(txs) > 0 {
		if err := s.announcedTxs(txs); err != nil {
			return err
		}
	}
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
	if txs := txsOf(m.Inv); len(txs) > 0 {
		n.ask(n.txs.NotFound(n.clk.Now(), s.txID(), txs))
	}
	if blocks := blocksOf(m.Inv); len(blocks) > 0 {
		n.perform(n.sync.NotFound(n.clk.Now(), s.id(), blocks))
	}
	return nil
}
