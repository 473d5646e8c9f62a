package server

import (
	"context"

	"starling/connmgr"
	"starling/mempool"
	"starling/peer"
	"starling/wire"
)

// tx makes the message for a transaction that is asked for, or nil if there is
// none. From the mempool a peer is given what it could have been told of; else
// its questions would find out when this node has got a transaction, and so
// perhaps where it comes from.
func (w *order) tx(v wire.InvVect) wire.Message {
	s, n := w.s, w.s.node
	if !s.peer.Kind().RelaysTxs() {
		return nil // nor is it told that there is none
	}
	var e *mempool.Entry
	if v.Type == wire.InvWTx {
		e = n.pool.GetByWTxID(v.Hash)
	} else {
		e = n.pool.Get(v.Hash)
	}
	if e != nil && n.relay.MayServe(n.clk.Now(), s.relayID(), e) {
		n.pool.Broadcast(e.TxID)
		return s.answerTx(e.Tx, v)
	}
	// It may have been announced just before the last block took it.
	if tx := n.compact.recent.tx(v.Hash); tx != nil {
		return s.answerTx(tx, v)
	}
	w.miss(v)
	return nil
}

// answerTx makes the message for a transaction, and counts it.
func (s *session) answerTx(tx *wire.Tx, v wire.InvVect) wire.Message {
	m := &wire.MsgTx{Tx: tx, Base: v.Type == wire.InvTx}
	s.sentTx(m)
	return m
}

// serveMempool answers mempool (BIP35). On Bitcoin's networks only chosen peers may
// ask, and those that may use bloom filters: the answer shows all that the mempool
// holds at once, as far as the peer's filter wants it. On a network of one's own
// everybody may, once. Each answer costs a walk over the mempool, so what goes
// beyond that is counted.
func (s *session) serveMempool(context.Context, *wire.MsgMempool) error {
	n, perm := s.node, s.peer.Permissions()
	first := n.asksPools() && !s.answeredPool.Swap(true)
	if !first && !perm.Has(peer.PermMempool) {
		n.offence(s.origin(), connmgr.MempoolFlood, 1)
		switch {
		case n.servesBloom(perm):
		case n.asksPools() || perm.Has(peer.PermNoBan):
			return nil
		default:
			return &peer.Disconnect{Reason: peer.Misbehaved, Detail: "it asked for the mempool, which it may not"}
		}
	}
	n.relay.Mempool(n.clk.Now(), s.relayID())
	wake(n.wakeTxs)
	return nil
}
