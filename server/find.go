package server

import (
	"cmp"
	"context"
	"errors"

	ma "github.com/multiformats/go-multiaddr"

	"starling/addrmgr/netaddr"
	"starling/connmgr"
	"starling/discover"
	"starling/peer"
)

// openFinder makes what asks for addresses, if any source is to be asked.
func (n *Server) openFinder() {
	if n.cfg.Find == nil || n.cfg.Slots == nil {
		return
	}
	c := *n.cfg.Find
	c.Network, c.Book, c.Seed, c.Clock, c.Log = n.cfg.Network, n.book, n.cfg.seedFor("finder"), n.clk, n.log
	c.Enough = n.cfg.Slots.MinPeers
	for _, slots := range []int{cmp.Or(n.cfg.Slots.Full, connmgr.DefaultFull), cmp.Or(n.cfg.Slots.BlockRelay, connmgr.DefaultBlockRelay)} {
		c.Slots += max(0, slots)
	}
	c.Links, c.Peers, c.Fetch, c.Found = n.ownLinks, n.askable, n.fetchAddrs, n.conns.Wake
	c.Networks = n.cfg.Slots.Networks
	c.Active = n.conns.Active
	n.finder = discover.New(c)
}

// ownLinks returns how many full links the node has opened by itself, and how
// many with those for blocks alone.
func (n *Server) ownLinks() (full, all int) {
	for _, s := range n.sessions.all() {
		if s.peer.Remote() == nil {
			continue
		}
		switch s.peer.Kind() {
		case peer.OutboundFull:
			full++
			all++
		case peer.BlockRelayOnly:
			all++
		}
	}
	return full, all
}

// askable returns the addresses of the peers that the node has found by itself
// and exchanges addresses with.
func (n *Server) askable() (addrs []ma.Multiaddr) {
	for _, s := range n.sessions.all() {
		if s.peer.Kind() == peer.OutboundFull && s.peer.Remote() != nil {
			addrs = append(addrs, s.peer.RemoteAddr())
		}
	}
	return addrs
}

// manualLinks returns the addresses of the peers that the operator wants, as far
// as there are links to them.
func (n *Server) manualLinks() (list []netaddr.Addr) {
	for _, s := range n.sessions.all() {
		if a := s.addr(); s.peer.Kind() == peer.Manual && a.IsValid() {
			list = append(list, a)
		}
	}
	return list
}

// fetchAddrs asks a node for addresses.
func (n *Server) fetchAddrs(ctx context.Context, addr ma.Multiaddr) error {
	if !n.conns.Active() {
		return errors.New("networking is switched off")
	}
	n.observer.DialStarted(addr)
	wasUp := false
	err := dialer{n}.Connect(ctx, addr, peer.AddrFetch, func() { wasUp = true })
	n.observer.DialEnded(addr, wasUp, err)
	var d *peer.Disconnect
	if errors.As(err, &d) && d.Reason == peer.AddrFetchDone {
		return nil
	}
	return err
}

// asked says which sources were asked for addresses, and what came of it.
func (n *Server) asked() []string {
	if n.finder == nil {
		return nil
	}
	return n.finder.Asked()
}
