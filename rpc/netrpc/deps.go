package netrpc

import (
	"net/netip"
	"time"

	"starling/rpc/jsonrpc"

	ma "github.com/multiformats/go-multiaddr"

	"starling/addrmgr"
	"starling/chain/headertree"
	"starling/clock"
	"starling/connmgr"
	"starling/mempool"
	"starling/params"
	"starling/peer"
	"starling/server"
	"starling/wire"
)

// Conns are the links that the node keeps, and whom it keeps out.
type Conns interface {
	Active() bool
	SetActive(on bool)
	TryOnce(addr ma.Multiaddr) error
	Add(addr ma.Multiaddr) error
	Remove(addr ma.Multiaddr) error
	Outgoing() []connmgr.Status
	Ban(p netip.Prefix, until time.Time, reason string) error
	Unban(p netip.Prefix) error
	Bans() []connmgr.Ban
	Banned(a netip.Addr) (connmgr.Ban, bool)
	KeptOut(a netip.Addr) bool
	Open(addr ma.Multiaddr, kind peer.Kind) error
	ClearBans() error
}

// Peers are the sessions.
type Peers interface {
	Peers() []server.PeerInfo
	PingAll()
	Totals() (in, out uint64)
	LinkCounts() server.LinkCounts
	ClockOffset() (offset time.Duration, peers int)
	Local() *addrmgr.Local
	Upload() server.UploadTarget
	Book() *addrmgr.Manager
	LocalServices() wire.ServiceFlag
	UserAgent() string
	WantsTxs() bool
	Networks() []server.Network
	DialV2(addr ma.Multiaddr, v2 *bool) (undo func())
}

// Fees is what transactions must pay to be relayed.
type Fees interface{ Info() mempool.Info }

// Chain is how far the node is.
type Chain interface{ Tip() *headertree.Node }

// Deps is what the methods about peers need.
type Deps struct {
	Network *params.Network
	Peers   Peers
	Conns   Conns
	Fees    Fees
	Chain   Chain
	Tap     *Tap // observes the node's sessions
	Clock   clock.Clock
}

// api answers the methods.
type api struct{ Deps }

// Methods returns the methods about peers, links and bans.
func Methods(d Deps) []*jsonrpc.Method { return (&api{d}).methods() }

func (a *api) network() *params.Network { return a.Network }
