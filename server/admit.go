package server

import (
	"context"
	"errors"
	"hash/maphash"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"starling/clock"
	"starling/connmgr"
	"starling/peer"
	"starling/transport"
	"starling/wire"
)

const (
	// acceptPause is how long to wait after a failure to accept, most often for
	// want of file descriptors, so that the failure does not keep a core busy.
	acceptPause = 100 * time.Millisecond
	// leavePatience is how long a newcomer waits for the place of a link that is
	// ending, which takes longer only if it is in the middle of something.
	// Meanwhile nobody else is let in, but there is no place for anybody.
	leavePatience = 2 * time.Second
)

// accept takes links that others open, until the listener is closed.
// Perm is what those may do beyond others who come this way.
func (n *Server) accept(ctx context.Context, l transport.Listener, perm peer.Permissions) {
	for {
		link, err := l.Accept()
		if errors.Is(err, transport.ErrClosed) {
			return
		}
		if err != nil {
			n.log.Warn("accepting a connection failed", "addr", transport.FormatAddr(l.Addr()), "err", err)
			if clock.Sleep(ctx, n.clk, acceptPause) != nil {
				return
			}
			continue
		}
		n.pace(ctx, link, perm)
	}
}

// pace lets a newcomer in at once, after a while if its network group opens
// links too fast, or not at all.
func (n *Server) pace(ctx context.Context, link transport.Link, perm peer.Permissions) {
	addr := link.RemoteAddr()
	host, _ := transport.IP(addr)
	perm |= n.cfg.Permissions(host, peer.Inbound)
	wait, err := n.conns.Pace(remoteAddr(addr), perm.Has(peer.PermNoBan))
	switch {
	case err != nil:
		n.refuse(link, err)
	case wait == 0:
		n.admit(ctx, link, perm)
	default:
		n.links.Go(func() {
			defer n.conns.Paced()
			if err := clock.Sleep(ctx, n.clk, wait); err != nil {
				n.refuse(link, err)
				return
			}
			n.admit(ctx, link, perm)
		})
	}
}

// admit starts a session over a link that somebody has opened, if there is a
// place for it. One newcomer is dealt with at a time, so that no two of them take
// the same place.
func (n *Server) admit(ctx context.Context, link transport.Link, perm peer.Permissions) {
	n.admitting.Lock()
	defer n.admitting.Unlock()
	addr := link.RemoteAddr()
	if err := n.makePlace(ctx, addr, perm); err != nil {
		n.refuse(link, err)
		return
	}
	s := new(session)
	n.newSession(link, peer.Inbound, perm, s)
	n.links.Go(func() { n.runSession(ctx, s) })
}

// refuse turns a newcomer away. Each link that is accepted comes either here or to
// a session.
func (n *Server) refuse(link transport.Link, why error) {
	n.log.Debug("connection refused", "addr", transport.FormatAddr(link.RemoteAddr()), "err", why)
	n.observer.Refused(link.RemoteAddr(), why)
	link.Close()
}

// makePlace returns once there is a place for a newcomer, for which others may
// have to go, or why there is none. A place is free when the session that had it
// is gone with all that it held.
func (n *Server) makePlace(ctx context.Context, addr ma.Multiaddr, perm peer.Permissions) error {
	patience := n.clk.NewTimer(leavePatience)
	defer patience.Stop()
	for {
		removed := n.sessions.onRemoved() // asked for first, so that none is missed
		do, evict, err := n.conns.Admit(addr, perm.Has(peer.PermNoBan), n.places(addr), n.candidates)
		switch {
		case err != nil:
			return err
		case do == connmgr.Enter:
			return nil
		case do == connmgr.Evict:
			n.log.Debug("making room for a newcomer", "evicted", evict)
			n.endPeer(evict, peer.Evicted, "")
			continue
		}
		select {
		case <-removed:
		case <-patience.C:
			return connmgr.ErrNoPlace
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// places says how the places for inbound links are taken. Links that the node
// has opened beyond those that are kept for it take places, too.
func (n *Server) places(newcomer ma.Multiaddr) connmgr.Places {
	var p connmgr.Places
	host, _ := transport.IP(newcomer)
	group := n.groupOf(newcomer)
	outbound := 0
	n.sessions.count(func(s *session) {
		if s.peer.Kind() != peer.Inbound {
			outbound++
			return
		}
		p.Links++
		if s.host == host {
			p.OfHost++
		}
		if s.group == group {
			p.OfGroup++
		}
		switch {
		case s.peer.Ending():
			p.Ending++
		case s.peer.Remote() == nil:
			p.Pending++
		}
	})
	p.Links += max(0, outbound-n.cfg.outboundSlots())
	return p
}

// groupOf returns a number that stands for the network group of an address.
func (n *Server) groupOf(addr ma.Multiaddr) uint64 {
	return maphash.String(n.sessions.seed, n.book.Grouper().Group(remoteAddr(addr)))
}

// candidates describes the inbound sessions that are not ending to whoever
// chooses which of them has to make room.
func (n *Server) candidates() []connmgr.Candidate {
	var all []connmgr.Candidate
	for _, s := range n.sessions.all() {
		p := s.peer
		if p.Kind() != peer.Inbound || p.Ending() {
			continue
		}
		c := connmgr.Candidate{
			ID: p.ID(), Connected: p.Connected(), MinPing: p.MinPing(),
			LastBlock: unixNano(s.lastBlock.Load()), LastTx: unixNano(s.lastTx.Load()),
			Group: s.group,
			Local: s.host.IsLoopback() && !n.cfg.CountLocal, Net: s.network(),
			NoBan:       p.Permissions().Has(peer.PermNoBan),
			PreferEvict: s.host.IsValid() && n.conns.Discouraged(s.host),
		}
		r := p.Remote()
		if c.Pending = r == nil; !c.Pending {
			c.Useful = r.Services.Has(wire.NodeNetwork | wire.NodeWitness)
			st, relays := n.relay.Peer(s.relayID())
			c.RelaysTxs = relays && st.Wants // by its version, or since it has loaded a filter
			c.Bloom = s.bloom.Load() != nil
		}
		all = append(all, c)
	}
	return all
}
