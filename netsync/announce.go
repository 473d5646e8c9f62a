package netsync

import (
	"slices"

	"starling/chain/headertree"
	"starling/wire"
)

// news decides of which blocks of the active chain the peers are told, and how.
// What tip was told of last is all that it keeps.
type news struct {
	*env
	announced *headertree.Node // tip at the last announcement
	reorg     bool             // the change before it took blocks back
}

// fresh returns the blocks up to the tip that are to be told of, the lowest
// first; if there are many, more than [maxAnnounce] of the last ones.
func (s *news) fresh() (fresh []*headertree.Node) {
	tip, old := s.chain.Tip(), s.announced
	s.announced, s.reorg = tip, !old.IsAncestorOf(tip)
	if tip == old || s.chain.IsInitialDownload() {
		return nil
	}
	for n := tip; n != nil && len(fresh) <= maxAnnounce && !n.IsAncestorOf(old); n = n.Parent {
		fresh = append(fresh, n)
	}
	slices.Reverse(fresh)
	return fresh // none if the tip is back at an ancestor
}

// tell announces blocks to a peer, by a compact block or by headers if the peer
// wants that and can connect them, else by inv.
func (s *news) tell(p *peer, fresh []*headertree.Node) []Action {
	p.resolve(s.chain.Headers())
	tip := fresh[len(fresh)-1]
	if p.has(tip) {
		return nil
	}
	if (p.prefersHeaders || p.compact.wants && len(fresh) == 1) && len(fresh) <= maxAnnounce {
		i := slices.IndexFunc(fresh, func(n *headertree.Node) bool { return !p.has(n) })
		if n := fresh[i]; n.Parent == nil || p.has(n.Parent) {
			p.sent = tip
			if p.compact.wants && len(fresh)-i == 1 {
				return []Action{SendCmpctBlock{Peer: p.id, Node: tip}}
			}
			headers := make([]wire.Header, 0, len(fresh)-i)
			for _, n := range fresh[i:] {
				headers = append(headers, n.Header)
			}
			return []Action{SendHeaders{Peer: p.id, Headers: headers}}
		}
	}
	// A few new blocks are all named: btcd, when it learns only of the last, takes
	// it for an orphan and may not come to ask for its parents. Of many, and of a
	// reorganisation, the last one must do, which is all that Bitcoin Core ever
	// names: who lacks its parents asks for the headers.
	if len(fresh) > maxAnnounce || s.reorg {
		fresh = fresh[len(fresh)-1:]
	}
	var inv []wire.InvVect
	for _, n := range fresh {
		if !p.has(n) {
			inv = append(inv, wire.InvVect{Type: wire.InvBlock, Hash: n.Hash})
		}
	}
	return []Action{SendInv{Peer: p.id, Inv: inv}}
}
