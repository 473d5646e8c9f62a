package server

import (
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"starling/netsync"
	"starling/peer"
	"starling/transport"
)

// PeerInfo is all that the node knows of one session, enough for the fields
// of Bitcoin Core's getpeerinfo.
type PeerInfo struct {
	ID          uint64
	Addr, Bind  ma.Multiaddr // the other end and this one
	Network     string       // "ipv4", "ipv6", "onion", …
	Kind        peer.Kind
	Permissions peer.Permissions
	Link        transport.Info

	// Remote is what the peer said in the handshake; nil before that is done.
	Remote *peer.Remote
	Prefs  peer.Prefs
	Stats  peer.Stats

	// Sync is what the download knows of it; heights are -1 where nothing is known.
	Sync netsync.PeerStatus

	LastBlock time.Time // when it last gave a new block; zero for never
	LastTx    time.Time // when it last gave a new transaction; zero for never

	AddrProcessed, AddrLimited uint64 // addresses that it told and that counted, or did not
}

// Peers describes all sessions, the oldest first.
func (n *Node) Peers() []PeerInfo {
	var all []PeerInfo
	for _, s := range n.sessions.all() {
		p := s.peer
		info := PeerInfo{
			ID: p.ID(), Addr: p.RemoteAddr(), Bind: p.LocalAddr(), Network: network(s.host),
			Kind: p.Kind(), Permissions: p.Permissions(), Link: p.Link(),
			Remote: p.Remote(), Prefs: p.Prefs(), Stats: p.Stats(),
			Sync:        netsync.PeerStatus{BestHeader: -1, CommonBlock: -1, PresyncHeight: -1},
			LastBlock:   unixNano(s.lastBlock.Load()),
			AddrLimited: s.addrs.Load(),
		}
		if st, ok := n.sync.Peer(s.id()); ok {
			info.Sync = st
		}
		all = append(all, info)
	}
	return all
}

// PeerCounts returns how many sessions others and this node have opened.
func (n *Node) PeerCounts() (in, out int) {
	for _, s := range n.sessions.all() {
		if s.peer.Kind() == peer.Inbound {
			in++
		} else {
			out++
		}
	}
	return in, out
}

// NetTotals returns how many bytes all sessions have received and sent since
// the start, ended ones included.
func (n *Node) NetTotals() (received, sent uint64) {
	return n.totals.in.Load(), n.totals.out.Load()
}
