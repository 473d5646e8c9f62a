package server

import (
	"errors"
	"net/netip"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"starling/connmgr"
	"starling/peer"
	"starling/transport"
)

// ErrNoPeer means that there is no session like the one that was named.
var ErrNoPeer = errors.New("no such peer")

// AddPeer has an address connected to for good, see [connmgr.Manager.Add].
func (n *Node) AddPeer(a ma.Multiaddr) error { return n.conns.Add(a) }

// TryPeer has an address connected to once, see [connmgr.Manager.TryOnce].
func (n *Node) TryPeer(a ma.Multiaddr) error { return n.conns.TryOnce(a) }

// RemovePeer takes an address off the list of those to be connected to, see
// [connmgr.Manager.Remove]. A link that stands is kept.
func (n *Node) RemovePeer(a ma.Multiaddr) error { return n.conns.Remove(a) }

// AddedPeers describes the addresses that are connected to for good.
func (n *Node) AddedPeers() []connmgr.Status { return n.conns.Outgoing() }

// DisconnectID ends the session of that number.
func (n *Node) DisconnectID(id uint64) error {
	if !n.endPeer(id, peer.Requested, "by hand") {
		return ErrNoPeer
	}
	return nil
}

// DisconnectAddr ends the sessions with an address.
func (n *Node) DisconnectAddr(a ma.Multiaddr) error {
	found := false
	for _, s := range n.sessions.all() {
		if s.peer.RemoteAddr().Equal(a) {
			s.peer.Disconnect(peer.Requested, "by hand")
			found = true
		}
	}
	if !found {
		return ErrNoPeer
	}
	return nil
}

// SetNetworkActive switches networking on or off. Switching it off ends all
// sessions.
func (n *Node) SetNetworkActive(on bool) {
	n.conns.SetActive(on)
	if on {
		return
	}
	for _, s := range n.sessions.all() {
		s.peer.Disconnect(peer.Requested, "networking was switched off")
	}
}

// NetworkActive reports whether networking is switched on.
func (n *Node) NetworkActive() bool { return n.conns.Active() }

// PingAll sends every peer a ping, whose time [Node.Peers] will show.
func (n *Node) PingAll() {
	for _, s := range n.sessions.all() {
		s.peer.Ping()
	}
}

// Ban bans a subnet until a given time, or for the default time if that is
// zero, and ends the sessions that fall under it.
func (n *Node) Ban(p netip.Prefix, until time.Time, reason string) error {
	if err := n.conns.Ban(p, until, reason); err != nil {
		return err
	}
	for _, s := range n.sessions.all() {
		if p.Contains(hostOf(s.peer.RemoteAddr())) {
			s.peer.Disconnect(peer.Requested, "banned by hand")
		}
	}
	return nil
}

// Unban lifts the ban of exactly this subnet.
func (n *Node) Unban(p netip.Prefix) error { return n.conns.Unban(p) }

// Bans returns the bans that have not ended.
func (n *Node) Bans() []connmgr.Ban { return n.conns.Bans() }

// ClearBans lifts all bans.
func (n *Node) ClearBans() error { return n.conns.ClearBans() }

// ParseAddr reads an address whose port may be left out: it is the network's
// then.
func (n *Node) ParseAddr(s string) (ma.Multiaddr, error) {
	return transport.ParseAddrDefault(s, n.cfg.Network.DefaultPort)
}
