package netsync

import (
	"slices"

	"starling/chain/headertree"
	"starling/wire"
)

// announce tells the peers of new blocks on the active chain.
func (m *Manager) announce() {
	tip := m.chain.Tip()
	old := m.announced
	m.announced = tip
	if tip == old || m.chain.IsInitialDownload() {
		return
	}
	var fresh []*headertree.Node
	for n := tip; n != nil && len(fresh) <= maxAnnounce && !n.IsAncestorOf(old); n = n.Parent {
		fresh = append(fresh, n)
	}
	slices.Reverse(fresh)
	if len(fresh) == 0 {
		return // back to an ancestor; nothing new to tell
	}
	for _, p := range m.order {
		if !p.leaving {
			m.announceTo(p, fresh, tip)
		}
	}
}

// announceTo announces by a compact block or by headers if the peer wants that
// and can connect them, else by inv.
func (m *Manager) announceTo(p *peer, fresh []*headertree.Node, tip *headertree.Node) {
	m.resolve(p)
	if p.has(tip) {
		return
	}
	if (p.prefersHeaders || p.compact.wants && len(fresh) == 1) && len(fresh) <= maxAnnounce {
		i := slices.IndexFunc(fresh, func(n *headertree.Node) bool { return !p.has(n) })
		if n := fresh[i]; n.Parent == nil || p.has(n.Parent) {
			if p.compact.wants && len(fresh)-i == 1 {
				p.sent = tip
				m.do(SendCmpctBlock{Peer: p.id, Node: tip})
				return
			}
			headers := make([]wire.Header, 0, len(fresh)-i)
			for _, n := range fresh[i:] {
				headers = append(headers, n.Header)
			}
			p.sent = tip
			m.do(SendHeaders{Peer: p.id, Headers: headers})
			return
		}
	}
	// A few blocks are all named: btcd, when it learns only of the last, takes
	// it for an orphan and may not come to ask for its parents. Of many the
	// last one must do.
	if len(fresh) > maxAnnounce {
		fresh = fresh[len(fresh)-1:]
	}
	var inv []wire.InvVect
	for _, n := range fresh {
		if !p.has(n) {
			inv = append(inv, wire.InvVect{Type: wire.InvBlock, Hash: n.Hash})
		}
	}
	m.do(SendInv{Peer: p.id, Inv: inv})
}
