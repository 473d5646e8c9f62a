package server

import (
	"context"
	"net"
	"net/netip"
	"path"
	"slices"

	ma "github.com/multiformats/go-multiaddr"

	"starling/addrmgr"
	"starling/addrmgr/netaddr"
	"starling/peer"
	"starling/transport"
	"starling/wire"
)

// The files of the address book and of the anchors, in the data directory.
const (
	bookFile    = "peers.dat"
	anchorsFile = "anchors.dat"
)

// openBook opens the address book and finds out this node's own addresses.
func (n *Server) openBook() (anchors []netaddr.Addr, err error) {
	cfg := &n.cfg
	grouper := netaddr.Grouper{ASMap: cfg.ASMap, CountLocal: cfg.CountLocal}
	opts := cfg.Book
	opts.Grouper = grouper
	// A node that looks for no peers leaves the files of one that does alone.
	file := ""
	if cfg.Slots != nil {
		file = path.Join(cfg.Dir, bookFile)
	}
	n.book, err = addrmgr.Open(addrmgr.Config{
		Options: opts, Clock: n.clk, Log: n.log, FS: cfg.FS, File: file, Seed: cfg.seedFor("book"),
	})
	if err != nil {
		return nil, err
	}
	if cfg.Slots != nil {
		anchors, err = addrmgr.LoadAnchors(cfg.FS, path.Join(cfg.Dir, anchorsFile))
		if err != nil {
			n.log.Warn("the anchors cannot be read", "err", err)
		}
	}
	for _, m := range cfg.External {
		if a, ok := netaddr.OfLink(m); ok {
			n.local.Add(a, addrmgr.FromOperator)
		}
	}
	return anchors, nil
}

// findOwn notes the addresses of this machine at which peers can reach the
// node, if it is to look for them: what it listens at, and the machine's network
// cards if it listens at all of them.
func (n *Server) findOwn() {
	if !n.cfg.Discover {
		return
	}
	for _, m := range n.Listening() {
		ap, ok := transport.AddrPort(m)
		if !ok {
			continue
		}
		if !ap.Addr().IsUnspecified() {
			n.noteOwn(ap, addrmgr.FromListen)
			continue
		}
		cards, err := net.InterfaceAddrs()
		if err != nil {
			n.log.Debug("the machine's addresses cannot be read", "err", err)
		}
		for _, c := range cards {
			if p, ok := c.(*net.IPNet); ok {
				if ip, ok := netip.AddrFromSlice(p.IP); ok {
					n.noteOwn(netip.AddrPortFrom(ip, ap.Port()), addrmgr.FromInterface)
				}
			}
		}
	}
}

func (n *Server) noteOwn(at netip.AddrPort, from addrmgr.Origin) {
	if a, ok := netaddr.OfLink(transport.FromAddrPort(at)); ok && n.reachable(a) {
		n.local.Add(a, from)
	}
}

// Book returns the address book.
func (n *Server) Book() *addrmgr.Manager { return n.book }

// Local returns this node's own addresses.
func (n *Server) Local() *addrmgr.Local { return &n.local }

// wanted reports whether a node with these services is of use to this one: it
// has all blocks, or the last ones if this node lacks no others.
func (n *Server) wanted(s wire.ServiceFlag) bool {
	if !s.Has(wire.NodeWitness) {
		return false
	}
	return s.Has(wire.NodeNetwork) || s.Has(wire.NodeNetworkLimited) && !n.chain.IsInitialDownload()
}

// reached notes that a node has answered at an address that was dialled.
func (n *Server) reached(s *session) {
	if s.dialled.IsValid() {
		n.book.SetServices(s.dialled, s.peer.Remote().Services)
		n.book.Good(n.clk.Now(), s.dialled)
	}
}

// left notes that a link has ended that this node had made. Of links for blocks
// alone nobody is to learn, not even by the times in the book.
func (n *Server) left(s *session) {
	if s.dialled.IsValid() && s.peer.Remote() != nil && s.peer.Kind() != peer.BlockRelayOnly {
		n.book.Connected(n.clk.Now(), s.dialled)
	}
	n.anchors.drop(s, n.ctx)
}

// dropAnchors removes the file of the anchors, which are about to be dialled.
func (n *Server) dropAnchors() {
	if n.cfg.Slots == nil {
		return
	}
	if err := addrmgr.RemoveAnchors(n.cfg.FS, path.Join(n.cfg.Dir, anchorsFile)); err != nil {
		n.log.Warn("the anchors could not be removed", "err", err)
	}
}

// saveAnchors writes down which peers are to be dialled first the next time.
func (n *Server) saveAnchors() {
	if n.cfg.Slots == nil {
		return
	}
	if err := addrmgr.SaveAnchors(n.cfg.FS, path.Join(n.cfg.Dir, anchorsFile), n.anchors.list()); err != nil {
		n.log.Warn("the anchors could not be saved", "err", err)
	}
}

// add notes a link for blocks alone, the oldest first.
func (a *anchors) add(s *session) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sessions = append(a.sessions, s)
}

// drop forgets a link that has ended, but for the end of all.
func (a *anchors) drop(s *session, ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sessions = slices.DeleteFunc(a.sessions, func(t *session) bool { return t == s })
}

func (a *anchors) list() []netaddr.Addr {
	a.mu.Lock()
	defer a.mu.Unlock()
	var list []netaddr.Addr
	for _, s := range a.sessions {
		list = append(list, s.dialled)
	}
	return list
}

// ownFor returns the address of this node that a peer is to be told of.
func (n *Server) ownFor(s *session) (netaddr.Addr, bool) {
	best, ok := n.local.For(s.addr())
	seen := netaddr.FromAddrPort(s.peer.Remote().AddrLocal)
	if !n.cfg.Discover || len(n.listen) == 0 || !n.reachable(seen) || !addrmgr.MayTell(s.addr(), seen) {
		return best.Addr, ok
	}
	if ok && seen.IsLocal() {
		// On one machine all links come from one address, wherever a node
		// listens.
		return best.Addr, true
	}
	// What the peer says that it sees is taken now and then, so that nodes
	// which do not know their address get known; less often if an operator or many
	// peers have confirmed another.
	odds := uint64(2)
	if ok && best.Score > int(addrmgr.FromOperator) {
		odds = 8
	}
	if ok && n.sessions.hash(s.peer.ID())%odds != 0 {
		return best.Addr, true
	}
	if s.peer.Kind() == peer.Inbound {
		return seen, true // it has reached this node there, port and all
	}
	return seen.WithPort(n.listenPort()), true
}

// listenPort returns the port at which peers reach this node.
func (n *Server) listenPort() uint16 {
	for _, m := range n.Listening() {
		if ap, ok := transport.AddrPort(m); ok {
			return ap.Port()
		}
	}
	return n.cfg.Network.DefaultPort
}

// addr returns the peer's address, as far as it is known.
func (s *session) addr() netaddr.Addr {
	if s.dialled.IsValid() {
		return s.dialled
	}
	return remoteAddr(s.peer.RemoteAddr())
}

func remoteAddr(m ma.Multiaddr) netaddr.Addr {
	a, _ := netaddr.OfLink(m)
	return a
}

// network names the network that the other end of a session is reached over, in
// Bitcoin Core's words.
func (s *session) network() string {
	if a := s.addr(); a.IsRoutable() {
		return a.Network().String()
	}
	return "not_publicly_routable"
}
