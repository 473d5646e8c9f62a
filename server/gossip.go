package server

import (
	"context"
	"slices"
	"sync"
	"time"

	"starling/addrmgr"
	"starling/addrmgr/netaddr"
	"starling/peer"
	"starling/relay/gossip"
	"starling/transport"
	"starling/wire"
)

// hearsay is taken off the times that peers tell of others: it is news of
// yesterday.
const hearsay = 2 * time.Hour

// addrGossip is the relay of addresses behind its lock.
type addrGossip struct {
	mu   sync.Mutex
	m    *gossip.Manager
	wake chan struct{}
}

func (s *session) gossipID() gossip.PeerID { return gossip.PeerID(s.peer.ID()) }

// gossipUp brings a session into the relay of addresses.
func (n *Server) gossipUp(s *session) error {
	p := s.peer
	g := &n.gossip
	g.mu.Lock()
	ask := g.m.Up(n.clk.Now(), s.gossipID(), gossip.Peer{
		Addr: s.addr(), Outbound: p.Kind().Outbound(), BlocksOnly: p.Kind() == peer.BlockRelayOnly,
		V2: p.Remote().AddrV2, Unlimited: p.Permissions().Has(peer.PermAddr), Bind: transport.FormatAddr(p.LocalAddr()),
	})
	g.mu.Unlock()
	wake(g.wake)
	if ask {
		return p.Send(&wire.MsgGetAddr{})
	}
	return nil
}

func (n *Server) gossipDown(s *session) {
	n.gossip.mu.Lock()
	defer n.gossip.mu.Unlock()
	n.gossip.m.Down(s.gossipID())
}

func (s *session) handleAddr(_ context.Context, m *wire.MsgAddr) error { return s.told(m.Addrs) }

func (s *session) handleAddrV2(_ context.Context, m *wire.MsgAddrV2) error { return s.told(m.Addrs) }

// told takes what a peer tells of other nodes.
func (s *session) told(addrs []wire.NetAddr) error {
	n := s.node
	now := n.clk.Now()
	list := make([]addrmgr.Address, 0, len(addrs))
	for _, w := range addrs {
		if a, ok := netaddr.FromWire(w); ok {
			list = append(list, addrmgr.Address{Addr: a, Services: w.Services, Seen: time.Unix(int64(w.Time), 0)})
		}
	}
	g := &n.gossip
	g.mu.Lock()
	keep := g.m.Received(now, s.gossipID(), list, n.useOf)
	g.mu.Unlock()
	wake(g.wake)
	if n.book.Add(now, s.source(), hearsay, keep...) > 0 {
		n.conns.Wake()
	}
	if s.peer.Kind() == peer.AddrFetch && len(addrs) > 1 {
		return &peer.Disconnect{Reason: peer.AddrFetchDone}
	}
	return nil
}

// source names the peer to the address book, as itself where it was dialled:
// what port a link from it comes from says nothing.
func (s *session) source() netaddr.Addr {
	if a := s.addr(); a.IsValid() {
		return a
	}
	// Its transport has no addresses of this kind; it counts as a name.
	return netaddr.FromName(s.peer.RemoteAddr().String())
}

// useOf says what an address that a peer has told is good for.
func (n *Server) useOf(a netaddr.Addr) gossip.Use {
	if !n.book.Grouper().IsUsable(a) || n.local.Has(a) {
		return gossip.Drop
	}
	if n.keptOut(a) {
		return gossip.Drop
	}
	if !n.reachable(a) {
		return gossip.PassOn
	}
	return gossip.KeepToo
}

// keptOut reports whether an address is that of a host which is banned or discouraged.
func (n *Server) keptOut(a netaddr.Addr) bool {
	ip, ok := a.IP()
	return ok && n.conns.KeptOut(ip)
}

// reachable reports whether this node dials addresses of that kind.
func (n *Server) reachable(a netaddr.Addr) bool {
	if n.cfg.Slots != nil && !n.cfg.Slots.Networks.Has(a.Network()) {
		return false
	}
	return n.book.Grouper().IsUsable(a)
}

// serveAddr answers getaddr.
func (s *session) serveAddr(context.Context, *wire.MsgGetAddr) error {
	n := s.node
	g := &n.gossip
	g.mu.Lock()
	defer wake(g.wake)
	defer g.mu.Unlock()
	now := n.clk.Now()
	g.m.Asked(now, s.gossipID(), func(limit, percent int) []addrmgr.Address {
		return slices.DeleteFunc(n.book.Sample(now, limit, percent, 0), func(a addrmgr.Address) bool { return n.keptOut(a.Addr) })
	})
	return nil
}

// gossipLoop sends addresses when it is their time, until ctx is done.
func (n *Server) gossipLoop(ctx context.Context) {
	timer := n.clk.NewTimer(idleTick)
	defer timer.Stop()
	g := &n.gossip
	for {
		now := n.clk.Now()
		g.mu.Lock()
		msgs := g.m.Due(now, n.ownNews)
		next := g.m.NextDue()
		g.mu.Unlock()
		for _, m := range msgs {
			n.sendAddrs(m)
		}
		timer.Reset(untilNext(now, next))
		select {
		case <-ctx.Done():
			return
		case <-g.wake:
		case <-timer.C:
		}
	}
}

// ownNews returns what a peer is to be told of this node: nothing before it has
// something to offer.
func (n *Server) ownNews(id gossip.PeerID) (addrmgr.Address, bool) {
	s := n.sessions.get(uint64(id))
	if s == nil || n.chain.IsInitialDownload() || len(n.listen) == 0 && len(n.cfg.External) == 0 {
		return addrmgr.Address{}, false
	}
	a, ok := n.ownFor(s)
	return addrmgr.Address{Addr: a, Services: n.LocalServices(), Seen: n.clk.Now()}, ok
}

// sendAddrs sends addresses in the form that the peer takes.
func (n *Server) sendAddrs(m gossip.Message) {
	s := n.sessions.get(uint64(m.Peer))
	if s == nil {
		return
	}
	addrs := make([]wire.NetAddr, 0, len(m.Addrs))
	for _, a := range m.Addrs {
		addrs = append(addrs, a.Addr.Wire(a.Services, uint32(a.Seen.Unix())))
	}
	if m.V2 {
		s.peer.Send(&wire.MsgAddrV2{Addrs: addrs})
		return
	}
	s.peer.Send(&wire.MsgAddr{Addrs: addrs})
}
