package server

import (
	"time"

	"starling/connmgr"
	"starling/netsync"
	"starling/peer"
	"starling/relay"
)

// PeerInfo is a session and what the node knows of its peer beyond that: with
// it, all fields of Bitcoin Core's getpeerinfo can be filled.
type PeerInfo struct {
	Peer *peer.Peer

	// Network is what its address is of: ipv4, ipv6, onion, i2p, cjdns or
	// not_publicly_routable.
	Network string

	// Sync is what the download knows of it; heights are -1 where nothing is
	// known.
	Sync netsync.PeerStatus

	LastBlock time.Time // when it last gave a new block; zero for never
	LastTx    time.Time // when it last gave a new transaction; zero for never

	// Relay is what the relay of transactions knows of it. RelaysTxs says
	// whether transactions go either way; TxsAnnounced is how many that it has
	// announced are tracked, TxsAsked how many of them were asked of it.
	Relay                  relay.Status
	RelaysTxs              bool
	TxsAnnounced, TxsAsked int

	// Addresses that it told, and that were looked at or were too many, and
	// whether addresses go either way.
	AddrProcessed, AddrLimited uint64
	AddrRelay                  bool
}

// Peers describes all sessions, also those whose handshake is not done, the
// oldest first.
func (n *Server) Peers() []PeerInfo {
	var all []PeerInfo
	for _, s := range n.sessions.all() {
		info := PeerInfo{
			Peer:      s.peer,
			Network:   s.network(),
			Sync:      netsync.PeerStatus{BestHeader: -1, CommonBlock: -1, PresyncHeight: -1},
			LastBlock: unixNano(s.lastBlock.Load()),
			LastTx:    unixNano(s.lastTx.Load()),
		}
		if st, ok := n.sync.Peer(s.id()); ok {
			info.Sync = st
		}
		info.Relay, info.RelaysTxs = n.relay.Peer(relay.PeerID(s.peer.ID()))
		n.gossip.mu.Lock()
		info.AddrProcessed, info.AddrLimited, info.AddrRelay = n.gossip.m.Counts(s.gossipID())
		n.gossip.mu.Unlock()
		info.TxsAnnounced, info.TxsAsked = n.txs.Announced(s.txID())
		all = append(all, info)
	}
	return all
}

// Totals returns how many bytes all sessions have received and sent since the
// start, ended ones included.
func (n *Server) Totals() (in, out uint64) {
	return n.totals[peer.In].Load(), n.totals[peer.Out].Load()
}

// PingAll has every peer pinged at once.
func (n *Server) PingAll() {
	for _, s := range n.sessions.all() {
		s.peer.Ping()
	}
}

// Conns returns the manager of connections, with the addresses that are
// dialled and the bans.
func (n *Server) Conns() *connmgr.Manager { return n.conns }
