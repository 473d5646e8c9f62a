package rpc

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"starling/peer"
	"starling/server"
	"starling/transport"
	"starling/wire"
)

type peerInfo struct {
	ID              uint64   `json:"id"`
	Addr            string   `json:"addr" help:"the peer's address and port"`
	AddrBind        string   `json:"addrbind,omitempty" help:"this end of the link"`
	AddrLocal       string   `json:"addrlocal,omitempty" help:"this node's address as the peer sees it"`
	Network         string   `json:"network" help:"ipv4, ipv6, onion, i2p, cjdns or not_publicly_routable"`
	Services        string   `json:"services" help:"what the peer offers, in hexadecimal digits"`
	ServicesNames   []string `json:"servicesnames"`
	RelayTxes       bool     `json:"relaytxes" help:"whether it wants transactions"`
	LastInvSequence uint64   `json:"last_inv_sequence" help:"state of the mempool when it was last told of something"`
	InvToSend       int      `json:"inv_to_send" help:"transactions that it is to be told of"`
	LastSend        int64    `json:"lastsend" help:"when something was last sent, in seconds since 1970"`
	LastRecv        int64    `json:"lastrecv" help:"when something last came"`
	LastTransaction int64    `json:"last_transaction" help:"when a new transaction last came"`
	LastBlock       int64    `json:"last_block" help:"when a new block last came"`
	BytesSent       uint64   `json:"bytessent"`
	BytesRecv       uint64   `json:"bytesrecv"`
	ConnTime        int64    `json:"conntime" help:"since when, in seconds since 1970"`
	TimeOffset      int64    `json:"timeoffset" help:"by how much its clock is ahead, in seconds"`
	PingTime        *Float   `json:"pingtime,omitempty" help:"last round trip in seconds"`
	MinPing         *Float   `json:"minping,omitempty" help:"shortest round trip in seconds"`
	PingWait        *Float   `json:"pingwait,omitempty" help:"for how long an answer has been outstanding, in seconds"`
	Version         int32    `json:"version" help:"protocol version"`
	SubVer          string   `json:"subver" help:"the name that it gives itself"`
	Inbound         bool     `json:"inbound" help:"whether it made the connection"`
	HBTo            bool     `json:"bip152_hb_to" help:"whether it was asked for compact blocks at once"`
	HBFrom          bool     `json:"bip152_hb_from" help:"whether it asked for them"`
	StartingHeight  int32    `json:"startingheight" help:"its height when the session began"`
	Presynced       int32    `json:"presynced_headers" help:"height up to which its headers are being checked for work, or -1"`
	SyncedHeaders   int32    `json:"synced_headers" help:"last header in common, or -1"`
	SyncedBlocks    int32    `json:"synced_blocks" help:"last block in common, or -1"`
	InFlight        []int32  `json:"inflight" help:"heights of blocks asked of it"`
	AddrRelay       bool     `json:"addr_relay_enabled" help:"whether addresses are exchanged with it"`
	AddrProcessed   uint64   `json:"addr_processed" help:"addresses from it that were looked at"`
	AddrLimited     uint64   `json:"addr_rate_limited" help:"addresses from it that were too many"`
	Permissions     []string `json:"permissions" help:"what it may do beyond others"`
	MinFeeFilter    Amount   `json:"minfeefilter" help:"least fee rate that it wants to hear of, in coins per 1,000 virtual bytes"`
	SentPerMsg      Object   `json:"bytessent_per_msg"`
	RecvPerMsg      Object   `json:"bytesrecv_per_msg"`
	ConnectionType  string   `json:"connection_type" help:"outbound-full-relay, block-relay-only, inbound, manual or feeler"`
	Transport       string   `json:"transport_protocol_type" help:"how messages travel: v1, v2 or a transport of its own"`
	SessionID       string   `json:"session_id" help:"to compare with the peer's, on encrypted links"`
}

func (a *netAPI) getPeerInfo(context.Context, none) ([]peerInfo, error) {
	infos := []peerInfo{}
	for _, p := range a.Peers.Peers() {
		infos = append(infos, describePeer(&p))
	}
	return infos, nil
}

func describePeer(s *server.PeerInfo) peerInfo {
	p := s.Peer
	stats, prefs, link := p.Stats(), p.Prefs(), p.Link()
	info := peerInfo{
		ID: p.ID(), Addr: transport.FormatAddr(p.RemoteAddr()), Network: networkOf(p),
		LastSend: unix(stats.LastSend), LastRecv: unix(stats.LastRecv),
		LastInvSequence: s.Relay.Sequence, InvToSend: s.Relay.Waiting, LastTransaction: unix(s.LastTx), LastBlock: unix(s.LastBlock),
		BytesSent: stats.BytesOut, BytesRecv: stats.BytesIn, ConnTime: unix(stats.Connected),
		Inbound: p.Kind() == peer.Inbound, HBTo: s.Sync.CompactTo, HBFrom: prefs.CompactAnnounce,
		StartingHeight: -1, Presynced: s.Sync.PresyncHeight, SyncedHeaders: s.Sync.BestHeader, SyncedBlocks: s.Sync.CommonBlock,
		InFlight: s.Sync.InFlight, AddrProcessed: s.AddrProcessed, AddrLimited: s.AddrLimited,
		Permissions: p.Permissions().Names(), MinFeeFilter: Amount(prefs.FeeFilter),
		SentPerMsg: perMessage(stats.BytesOutBy), RecvPerMsg: perMessage(stats.BytesInBy),
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
		info.ServicesNames, info.RelayTxes = serviceNames(services), r.Relay
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
func seconds(d time.Duration) *Float {
	if d <= 0 {
		return nil
	}
	f := Float(d.Round(time.Microsecond).Seconds())
	return &f
}

func perMessage(m map[string]uint64) Object {
	o := Object{}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		o = append(o, Member{k, m[k]})
	}
	return o
}

// networkOf names the network that a peer is reached through, in Core's words.
func networkOf(p *peer.Peer) string {
	ip, ok := transport.IP(p.RemoteAddr())
	switch {
	case !ok:
		return "not_publicly_routable"
	case ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsUnspecified():
		return "not_publicly_routable"
	case ip.Unmap().Is4():
		return "ipv4"
	default:
		return "ipv6"
	}
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
