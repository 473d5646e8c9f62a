package server

import (
	"starling/chain/headertree"
	"starling/params"
	"starling/wire"
)

// On Bitcoin's networks a node does not tell a new peer what its mempool held
// before: that would show the pool to whoever connects. On a network of one's own
// there is nobody to hide from, and a miner that was off must hear of what it has
// missed. So each node asks each peer for its mempool, once, and is answered.

// asksPools reports whether nodes of this network ask each other for what their
// mempools hold.
func (n *Server) asksPools() bool { return !params.BuiltIn(n.cfg.Network.Name) }

// askPool asks a peer for its mempool, once this node has the blocks that the
// peer said it has: before that it could not judge what it would be given.
func (s *session) askPool(tip *headertree.Node) {
	n, r := s.node, s.peer.Remote()
	if r == nil || !n.asksPools() || !s.givesTxs() || n.chain.IsInitialDownload() || r.StartHeight > tip.Height || s.askedPool.Swap(true) {
		return
	}
	s.peer.Send(&wire.MsgMempool{})
}

// askPools asks those peers for their mempool whose turn has come with a new tip.
func (n *Server) askPools(tip *headertree.Node) {
	if !n.asksPools() {
		return
	}
	for _, s := range n.sessions.all() {
		s.askPool(tip)
	}
}
