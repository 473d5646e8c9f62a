package server

import (
	"context"
	"errors"

	"starling/mempool"
	"starling/netsync/txdownload"
	"starling/peer"
	"starling/wire"
)

// handleTx takes a transaction. Its scripts are checked on this session's
// goroutine, so that other peers are not held up. One that is refused costs the
// sender nothing, whatever the reason, as in Bitcoin Core: what is refused here
// may be valid by rules that only others have yet.
func (s *session) handleTx(_ context.Context, m *wire.MsgTx) error {
	n := s.node
	if !s.givesTxs() {
		return &peer.Disconnect{Reason: peer.Misbehaved, Detail: "it sent a transaction although it was asked for none"}
	}
	if n.chain.IsInitialDownload() {
		return nil
	}
	tx := m.Tx
	if s.peer.Remote().WTxIDRelay {
		s.peer.Known().Add(tx.WTxID())
	} else {
		s.peer.Known().Add(tx.TxID())
	}
	v := n.txs.Received(n.clk.Now(), s.txID(), tx)
	n.ask(v.Requests)
	switch {
	case v.Package != nil:
		n.takePackage(s, v.Package)
	case v.Judge:
		n.takeTx(s, tx)
	case s.peer.Permissions().Has(peer.PermForceRelay):
		// The peer hides behind this node, which others know it by.
		n.relay.Again(n.clk.Now(), tx.TxID())
		wake(n.wakeTxs)
	}
	return nil
}

// takeTx passes a transaction that has just come on to the mempool.
func (n *Server) takeTx(s *session, tx *wire.Tx) {
	// The session may end meanwhile. The transaction is judged to the end all
	// the same, as nobody else is asked for it now.
	_, err := n.pool.Add(n.ctx, tx, mempool.AddOptions{})
	var rej *mempool.Rejection
	switch {
	case err == nil:
		n.txs.Accepted(tx, true)
		s.gaveTx(tx)
	case errors.As(err, &rej):
		f := n.rejected(s.txID(), tx, rej, true)
		for _, h := range f.Parents {
			s.peer.Known().Add(h)
		}
		if f.Package != nil {
			n.takePackage(s, f.Package)
		}
	default:
		n.ask(n.txs.Release(n.clk.Now(), tx))
		if n.ctx.Err() == nil {
			n.log.Error("a transaction can not be checked", "txid", tx.TxID(), "err", err)
		}
	}
	n.tryOrphans()
}

// gaveTx notes that the peer has given a new transaction.
func (s *session) gaveTx(tx *wire.Tx) {
	s.lastTx.Store(s.node.clk.Now().UnixNano())
	s.node.log.Debug("transaction accepted", "txid", tx.TxID(), "peer", s.peer.ID(), "pool", s.node.pool.Len())
}

// causes says what follows from a refusal.
var causes = map[mempool.Kind]txdownload.Cause{
	mempool.InputsMissing:     txdownload.InputsMissing,
	mempool.InputsNotStandard: txdownload.RefusedInputs,
	mempool.WitnessStripped:   txdownload.WitnessStripped,
	mempool.Reconsiderable:    txdownload.Reconsiderable,
	mempool.Known:             txdownload.Known,
	mempool.Premature:         txdownload.Premature,
}

// rejected tells that a transaction was refused. fresh is false for orphans and
// parts of packages, which were refused before.
func (n *Server) rejected(from txdownload.PeerID, tx *wire.Tx, rej *mempool.Rejection, fresh bool) txdownload.Followup {
	n.log.Debug("transaction refused", "txid", tx.TxID(), "peer", from, "reason", rej)
	f := n.txs.Rejected(n.clk.Now(), from, txdownload.Rejection{
		Tx: tx, Cause: causes[rej.Kind], Missing: rej.Missing, Judged: fresh,
	})
	if fresh && rej.Kind != mempool.WitnessStripped && rej.Kind != mempool.Known {
		n.compact.extra.Add(tx) // a miner may take it all the same
	}
	n.ask(f.Requests)
	if f.Orphan {
		wake(n.wakeTxs)
	}
	return f
}

// takePackage passes a parent with the child that pays for it on to the mempool.
func (n *Server) takePackage(s *session, p *txdownload.Package) {
	r, err := n.pool.AddPackage(n.ctx, []*wire.Tx{p.Parent, p.Child}, mempool.AddOptions{})
	if err != nil {
		if n.ctx.Err() == nil {
			n.log.Error("a package can not be checked", "txid", p.Child.TxID(), "err", err)
		}
		return
	}
	for _, t := range r.Txs {
		switch t.Status {
		case mempool.StatusAccepted:
			n.txs.Accepted(t.Tx, false)
			s.gaveTx(t.Tx)
		case mempool.StatusDifferentWitness:
			n.rejected(s.txID(), t.Tx, &mempool.Rejection{Kind: mempool.Conflict, Reason: "txn-same-nonwitness-data-in-mempool"}, false)
		case mempool.StatusRejected:
			if t.Err.Kind != mempool.Unchecked {
				n.rejected(s.txID(), t.Tx, t.Err, false)
			}
		}
	}
	if r.Err != nil {
		n.log.Debug("package refused", "parent", p.Parent.TxID(), "child", p.Child.TxID(), "peer", s.peer.ID(), "reason", r.Err)
		n.txs.PackageRejected(p)
	}
	n.tryOrphans()
}

// tryOrphans has orphans tried again if a parent has arrived.
func (n *Server) tryOrphans() {
	if n.txs.HasWork() {
		wake(n.wakeTry)
	}
}

// orphanLoop tries orphans again whose parents have arrived, until ctx is done.
// They have a goroutine of their own, so that nobody's orphans hold up the
// session that has given the parent.
func (n *Server) orphanLoop(ctx context.Context) {
	for {
		from, tx, ok := n.txs.Next()
		if !ok {
			select {
			case <-n.wakeTry:
				continue
			case <-ctx.Done():
				return
			}
		}
		_, err := n.pool.Add(ctx, tx, mempool.AddOptions{})
		var rej *mempool.Rejection
		switch {
		case err == nil:
			n.txs.Accepted(tx, false)
			if s := n.sessions.get(uint64(from)); s != nil {
				s.gaveTx(tx)
			}
		case errors.As(err, &rej):
			n.rejected(from, tx, rej, false)
		case ctx.Err() != nil:
			return
		default:
			n.log.Error("a transaction can not be checked", "txid", tx.TxID(), "err", err)
		}
	}
}

// handleFeeFilter takes which transactions the peer does not want to hear of.
func (s *session) handleFeeFilter(context.Context, *wire.MsgFeeFilter) error {
	// The session has read it already, and passed over nonsense.
	n := s.node
	n.relay.FeeFilter(s.relayID(), mempool.FeeRate(s.peer.Prefs().FeeFilter))
	wake(n.wakeTxs)
	return nil
}
