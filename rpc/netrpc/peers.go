package netrpc

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"starling/peer"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
	"starling/server"
	"starling/transport"
	"starling/wire"
)

type peerInfoParams struct {
	Address string `rpc:"address,optional" help:"Only peers at this address, with or without a port; all if left out"`
}

func (a *api) getPeerInfo(_ context.Context, p peerInfoParams) ([]rpctypes.PeerInfo, error) {
	infos := []rpctypes.PeerInfo{}
	for _, s := range a.Peers.Peers() {
		if p.Address == "" || isAt(transport.FormatAddr(s.Peer.RemoteAddr()), p.Address) {
			infos = append(infos, describePeer(&s))
		}
	}
	return infos, nil
}

// isAt reports whether a peer at host:port is meant by want, which is the same or
// the host alone, in any of the ways in which addresses are written.
func isAt(addr, want string) bool {
	if addr == want {
		return true
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host == want
	}
	if ap, err := netip.ParseAddrPort(want); err == nil {
		own, err := netip.ParseAddrPort(addr)
		return err == nil && own.Port() == ap.Port() && ip.Unmap() == ap.Addr().Unmap()
	}
	w, err := netip.ParseAddr(strings.Trim(want, "[]"))
	return err == nil && ip.Unmap() == w.Unmap()
}

func describePeer(s *server.PeerInfo) rpctypes.PeerInfo {
	p := s.Peer
	stats, prefs, link := p.Stats(), p.Prefs(), p.Link()
	info := rpctypes.PeerInfo{
		ID: p.ID(), Addr: transport.FormatAddr(p.RemoteAddr()), Network: s.Network,
		LastSend: unix(stats.LastSend), LastRecv: unix(stats.LastRecv),
		LastInvSequence: s.Relay.Sequence, InvToSend: s.Relay.Waiting, LastTransaction: unix(s.LastTx), LastBlock: unix(s.LastBlock),
		BytesSent: stats.BytesOut, BytesRecv: stats.BytesIn, ConnTime: unix(stats.Connected),
		Inbound: p.Kind() == peer.Inbound, HBTo: s.Sync.CompactTo, HBFrom: prefs.CompactAnnounce,
		StartingHeight: -1, Presynced: s.Sync.PresyncHeight, SyncedHeaders: s.Sync.BestHeader, SyncedBlocks: s.Sync.CommonBlock,
		InFlight: s.Sync.InFlight, AddrProcessed: s.AddrProcessed, AddrLimited: s.AddrLimited, AddrRelay: s.AddrRelay,
		Permissions: p.Permissions().Names(), MinFeeFilter: rpctypes.Amount(prefs.FeeFilter),
		SentPerMsg: counts(stats.BytesOutBy), RecvPerMsg: counts(stats.BytesInBy),
		ConnectionType: p.Kind().String(), Transport: link.Protocol, SessionID: link.SessionID,
		PingTime: seconds(stats.Ping), MinPing: seconds(stats.MinPing), PingWait: seconds(stats.PingWait),
		ServicesNames: []string{},
	}
	if bind := p.LocalAddr(); bind != nil {
		info.AddrBind = transport.FormatAddr(bind)
	}
	if info.InFlight == nil {
		info.InFlight = []int32{}
	}
	if info.Permissions == nil {
		info.Permissions = []string{}
	}
	var services wire.ServiceFlag
	if r := p.Remote(); r != nil {
		services = r.Services
		info.ServicesNames, info.RelayTxes = serviceNames(services), s.RelaysTxs && s.Relay.Wants
		info.TimeOffset = int64(r.TimeOffset / time.Second)
		info.Version, info.SubVer, info.StartingHeight = r.Version, r.UserAgent, r.StartHeight
		if r.AddrLocal.IsValid() {
			info.AddrLocal = r.AddrLocal.String()
		}
	}
	info.Services = fmt.Sprintf("%016x", uint64(services))
	return info
}

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// seconds returns a duration for JSON, or nil for none.
func seconds(d time.Duration) *jsonrpc.Float {
	if d <= 0 {
		return nil
	}
	f := jsonrpc.Float(d.Round(time.Microsecond).Seconds())
	return &f
}

func counts(m map[string]uint64) jsonrpc.Map[uint64] {
	o := jsonrpc.Map[uint64]{}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		o = append(o, jsonrpc.Entry[uint64]{Name: k, Value: m[k]})
	}
	return o
}

// serviceNames lists the names of service bits.
func serviceNames(f wire.ServiceFlag) []string {
	names := []string{}
	for bit := range 64 {
		one := wire.ServiceFlag(1) << bit
		if f&one == 0 {
			continue
		}
		switch one {
		case wire.NodeNetwork:
			names = append(names, "NETWORK")
		case wire.NodeBloom:
			names = append(names, "BLOOM")
		case wire.NodeWitness:
			names = append(names, "WITNESS")
		case wire.NodeCompactFilters:
			names = append(names, "COMPACT_FILTERS")
		case wire.NodeNetworkLimited:
			names = append(names, "NETWORK_LIMITED")
		case wire.NodeP2PV2:
			names = append(names, "P2P_V2")
		default:
			names = append(names, fmt.Sprintf("UNKNOWN[2^%d]", bit))
		}
	}
	return names
}
