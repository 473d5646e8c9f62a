package netrpc

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"starling/peer"
	"starling/rpc/describe"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
	"starling/wire"
)

// mainNetwork is the network on which coins are worth something.
const mainNetwork = "main"

// clockTolerance is how far the clocks of peers may be off before the operator
// is told: a block further ahead than two hours is refused, and this leaves time
// to set the clock right.
const clockTolerance = 70 * time.Minute

// situation is what warnings come from.
type situation struct {
	active bool // whether networking is on
	peers  int
	offset time.Duration // median of how far the peers' clocks are ahead
}

// warnings returns what an operator should know.
func (s situation) warnings() []string {
	list := []string{}
	switch {
	case !s.active:
		list = append(list, "Networking is switched off.")
	case s.peers == 0:
		list = append(list, "This node has no peers: it hears of no block and no payment.")
	}
	if s.offset.Abs() > clockTolerance {
		way := "ahead of"
		if s.offset < 0 {
			way = "behind"
		}
		list = append(list, fmt.Sprintf("The clocks of the peers are %v %s this machine's. Check its date and time: with a wrong clock, good blocks are refused.",
			s.offset.Abs().Round(time.Minute), way))
	}
	return list
}

// situation asks the peers. Clocks are those of peers that this node has chosen:
// whoever connects to it can say anything.
func (a *api) situation() situation {
	s := situation{active: a.Conns.Active()}
	var offsets []time.Duration
	for _, p := range a.Peers.Peers() {
		s.peers++
		if r := p.Peer.Remote(); r != nil && p.Peer.Kind() != peer.Inbound {
			offsets = append(offsets, r.TimeOffset)
		}
	}
	s.offset = median(offsets)
	return s
}

// median returns the middle one, 0 of none.
func median(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[len(d)/2]
}

func (a *api) linkCounts() rpctypes.LinkCounts {
	c := a.Peers.LinkCounts()
	return rpctypes.LinkCounts{Dials: counts(c.Dials), Refused: counts(c.Refused), Ended: counts(c.Ended)}
}

func (a *api) getInfo(context.Context, jsonrpc.None) (rpctypes.Info, error) {
	at, tip := a.situation(), a.Chain.Tip()
	info := rpctypes.Info{
		Version: coreVersion, SubVersion: a.Peers.UserAgent(), ProtocolVersion: wire.ProtocolVersion,
		Network: a.network().Name, Testnet: a.network().Name != mainNetwork,
		Blocks: tip.Height, Difficulty: describe.Difficulty(tip.Header.Bits),
		Connections: at.peers, Addresses: a.Peers.Book().Len(), TimeOffset: int64(at.offset / time.Second), Links: a.linkCounts(),
		RelayFee: rpctypes.Amount(a.Fees.Info().MinRelayFee), Warnings: at.warnings(),
	}
	for _, n := range a.Peers.Networks() {
		if n.ID == wire.NetIPv4 && n.Proxy != nil {
			info.Proxy = n.Proxy.Address
		}
	}
	info.Errors = strings.Join(info.Warnings, " ")
	return info, nil
}
