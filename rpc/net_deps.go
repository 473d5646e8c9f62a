package rpc

import (
	"net/netip"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"starling/connmgr"
	"starling/mempool"
	"starling/params"
	"starling/server"
	"starling/wire"
)

// netConns are the links that the node keeps, and whom it keeps out.
type netConns interface {
	Active() bool
	SetActive(on bool)
	TryOnce(addr ma.Multiaddr) error
	Add(addr ma.Multiaddr) error
	Remove(addr ma.Multiaddr) error
	Outgoing() []connmgr.Status
	Ban(p netip.Prefix, until time.Time, reason string) error
	Unban(p netip.Prefix) error
	Bans() []connmgr.Ban
	ClearBans() error
}

// netPeers are the sessions.
type netPeers interface {
	Peers() []server.PeerInfo
	PingAll()
	Totals() (in, out uint64)
	External() []ma.Multiaddr
	LocalServices() wire.ServiceFlag
	UserAgent() string
	WantsTxs() bool
}

// netFees is what transactions must pay to be relayed.
type netFees interface{ Info() mempool.Info }

// netClock tells the time.
type netClock interface{ Now() time.Time }

// NetDeps is what the methods about peers need.
type NetDeps struct {
	Network *params.Network
	Peers   netPeers
	Conns   netConns
	Fees    netFees
	Tap     *Tap // observes the node's sessions
	Clock   netClock
}

// netAPI answers the methods.
type netAPI struct{ NetDeps }

// netMethods returns the methods about peers, links and bans.
func netMethods(d NetDeps) []*Method { return (&netAPI{d}).netMethods() }

func (a *netAPI) network() *params.Network { return a.Network }
