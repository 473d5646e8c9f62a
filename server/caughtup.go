package server

import "starling/chain/headertree"

// tellCaughtUp says so when the node has all that its peers have, and reports
// whether it has. Without a peer whose chain is known to be the same there is
// nothing to be caught up with.
func (n *Server) tellCaughtUp(tip *headertree.Node) bool {
	if n.chain.IsInitialDownload() || n.chain.Headers().Best() != tip {
		return false
	}
	with := 0
	for _, s := range n.sessions.all() {
		r := s.peer.Remote()
		if r == nil || r.StartHeight > tip.Height {
			continue
		}
		if st, ok := n.sync.Peer(s.id()); ok && st.BestHeader > 0 {
			with++
		}
	}
	if with == 0 {
		return false
	}
	n.log.Info("caught up with the network: initial block download (IBD) is done", "height", tip.Height, "peers", with)
	return true
}
