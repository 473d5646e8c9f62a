package netrpc

import (
	"context"
	"fmt"
	"strings"
	"time"

	"starling/rpc/describe"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
	"starling/server"
	"starling/wire"
)

// mainNetwork is the network on which coins are worth something.
const mainNetwork = "main"

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
	if s.offset.Abs() > server.ClockTolerance {
		way := "ahead of"
		if s.offset < 0 {
			way = "behind"
		}
		list = append(list, fmt.Sprintf("The clocks of the peers are %v %s this machine's. Check its date and time: with a wrong clock, good blocks are refused.",
			s.offset.Abs().Round(time.Minute), way))
	}
	return list
}

// situation asks the node.
func (a *api) situation() situation {
	s := situation{active: a.Conns.Active(), peers: len(a.Peers.Peers())}
	s.offset, _ = a.Peers.ClockOffset()
	return s
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
