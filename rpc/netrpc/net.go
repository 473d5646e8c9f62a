package netrpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"

	ma "github.com/multiformats/go-multiaddr"

	"starling/connmgr"
	"starling/peer"
	"starling/transport"
	"starling/wire"
)

const category = "Network"

func (a *api) methods() []*jsonrpc.Method {
	return slices.Concat(a.linkMethods(), a.bookMethods(), a.testMethods())
}

// linkMethods are those about peers, links and bans.
func (a *api) linkMethods() []*jsonrpc.Method {
	return []*jsonrpc.Method{
		// Not getinfo, which Bitcoin Core has no more: clients such as btcsuite's
		// rpcclient take whoever answers that for a btcd, and ask it for less.
		jsonrpc.Define(jsonrpc.Method{Name: "getnodeinfo", Category: category,
			Summary: "Says in short how the node is doing, and what its operator should know."}, a.getInfo),
		jsonrpc.Define(jsonrpc.Method{Name: "getpeerinfo", Category: category,
			Summary:  "Describes each peer, or those at an address.",
			Examples: [][]any{{}, {"192.168.0.6"}, {"192.168.0.6:8333"}}}, a.getPeerInfo),
		jsonrpc.Define(jsonrpc.Method{Name: "getconnectioncount", Category: category,
			Summary: "Returns the number of peers.", Returns: "The number"},
			func(context.Context, jsonrpc.None) (int, error) { return len(a.Peers.Peers()), nil }),
		jsonrpc.Define(jsonrpc.Method{Name: "getnetworkinfo", Category: category,
			Summary: "Describes this node's side of the network."}, a.getNetworkInfo),
		jsonrpc.Define(jsonrpc.Method{Name: "getnettotals", Category: category,
			Summary: "Returns how much has been received and sent."}, a.getNetTotals),
		jsonrpc.Define(jsonrpc.Method{Name: "addnode", Category: category,
			Summary:  "Keeps a connection to a peer (add), stops doing so (remove), or tries once (onetry).",
			Examples: [][]any{{"192.168.0.6:8333", "onetry"}}}, a.addNode),
		jsonrpc.Define(jsonrpc.Method{Name: "getaddednodeinfo", Category: category,
			Summary:  "Describes the peers that were added.",
			Examples: [][]any{{}, {"192.168.0.201"}}}, a.getAddedNodeInfo),
		jsonrpc.Define(jsonrpc.Method{Name: "disconnectnode", Category: category,
			Summary:  "Ends the connection to a peer, given by address or by id.",
			Examples: [][]any{{"192.168.0.6:8333"}, {"", 1}}}, a.disconnectNode),
		jsonrpc.Define(jsonrpc.Method{Name: "setnetworkactive", Category: category,
			Summary:  "Switches all traffic with peers off or on.",
			Returns:  "Whether it is on now",
			Examples: [][]any{{false}}}, a.setNetworkActive),
		jsonrpc.Define(jsonrpc.Method{Name: "setban", Category: category,
			Summary:  "Bans an address or a subnet (add), or lifts the ban (remove).",
			Examples: [][]any{{"192.168.0.6", "add", 86400}, {"192.168.0.0/24", "add"}}}, a.setBan),
		jsonrpc.Define(jsonrpc.Method{Name: "listbanned", Category: category,
			Summary: "Lists the bans."}, a.listBanned),
		jsonrpc.Define(jsonrpc.Method{Name: "clearbanned", Category: category,
			Summary: "Lifts all bans."}, a.clearBanned),
		jsonrpc.Define(jsonrpc.Method{Name: "ping", Category: category,
			Summary: "Has every peer pinged; getpeerinfo shows the results."}, a.ping),
		jsonrpc.Define(jsonrpc.Method{Name: "getpeermessages", Category: category, Waits: true,
			Summary:  "Returns the messages that have passed after one of a given number, and waits if there is none.\nIt is what \"starling peers --messages\" shows.",
			Examples: [][]any{{0, 1000}}}, a.getPeerMessages),
	}
}

// Clients look at Core's version to see what they may ask for: at the number,
// or at the name that a Core of that version has. Both are those of the Core
// whose methods these are.
const (
	coreVersion = 319900
	coreName    = "/Satoshi:31.99.0"
)

func (a *api) getNetworkInfo(context.Context, jsonrpc.None) (rpctypes.NetworkInfo, error) {
	services, pool := a.Peers.LocalServices(), a.Fees.Info()
	info := rpctypes.NetworkInfo{
		Version: coreVersion, SubVersion: coreName + a.Peers.UserAgent(), ProtocolVersion: wire.ProtocolVersion,
		LocalServices: fmt.Sprintf("%016x", uint64(services)), ServicesNames: serviceNames(services),
		NetworkActive: a.Conns.Active(),
		LocalRelay:    a.Peers.WantsTxs(),
		RelayFee:      rpctypes.Amount(pool.MinRelayFee), IncrementalFee: rpctypes.Amount(pool.Incremental),
		LocalAddresses: []rpctypes.LocalAddress{},
	}
	at := a.situation()
	info.TimeOffset, info.Warnings = int64(at.offset/time.Second), at.warnings()
	for _, l := range a.Peers.Local().All() {
		info.LocalAddresses = append(info.LocalAddresses, rpctypes.LocalAddress{Address: l.Addr.Host(), Port: l.Addr.Port(), Score: l.Score})
	}
	for _, p := range a.Peers.Peers() {
		info.Connections++
		if p.Peer.Kind() == peer.Inbound {
			info.ConnectionsIn++
		} else {
			info.ConnectionsOut++
		}
	}
	for _, n := range a.Peers.Networks() {
		net := rpctypes.Network{Name: n.ID.String(), Limited: !n.Reachable, Reachable: n.Reachable}
		if n.Proxy != nil {
			net.Proxy, net.RandomizeCredentials = n.Proxy.Address, n.Proxy.Isolate
		}
		info.Networks = append(info.Networks, net)
	}
	return info, nil
}

func (a *api) getNetTotals(context.Context, jsonrpc.None) (rpctypes.NetTotals, error) {
	t := rpctypes.NetTotals{Millis: a.Clock.Now().UnixMilli()}
	u := a.Peers.Upload()
	t.Target = rpctypes.UploadTarget{
		Timeframe: int64(u.Cycle.Seconds()), Target: int64(u.Limit), Reached: u.Limit > 0 && u.BytesLeft == 0,
		ServeHistoric: u.ServesOld, BytesLeft: int64(u.BytesLeft), TimeLeft: int64(u.Left.Seconds()),
	}
	t.Received, t.Sent = a.Peers.Totals()
	return t, nil
}

type addNodeParams struct {
	Node    string `rpc:"node" help:"The peer's host:port"`
	Command string `rpc:"command" help:"add, remove or onetry"`
	V2      *bool  `rpc:"v2transport" help:"Whether to try the encrypted transport first"`
}

// parseNode reads a peer's address with the network's port as the default.
func (a *api) parseNode(s string) (ma.Multiaddr, error) {
	addr, err := transport.ParseAddrDefault(s, a.network().DefaultPort)
	if err != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Error: %v", err)
	}
	return addr, nil
}

func (a *api) addNode(_ context.Context, p addNodeParams) (jsonrpc.Null, error) {
	addr, err := a.parseNode(p.Node)
	if err != nil {
		return nil, err
	}
	v2 := a.Peers.LocalServices().Has(wire.NodeP2PV2)
	if p.V2 != nil && *p.V2 && !v2 {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Error: v2transport requested but not enabled (see -v2transport)")
	}
	undo := func() {}
	if p.Command == "add" || p.Command == "onetry" {
		// Before the dial, which is made at once.
		undo = a.Peers.DialV2(addr, p.V2)
	}
	switch p.Command {
	case "onetry":
		err = a.Conns.TryOnce(addr)
		if err != nil {
			undo()
		}
		if errors.Is(err, connmgr.ErrLinked) {
			err = nil // there is nothing left to try
		}
	case "add":
		if err = a.Conns.Add(addr); err != nil {
			undo()
		}
	case "remove":
		err = a.Conns.Remove(addr)
	default:
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "command must be add, remove or onetry")
	}
	switch {
	case errors.Is(err, connmgr.ErrAdded):
		return nil, jsonrpc.Errorf(jsonrpc.CodeClientNodeAlreadyAdded, "Error: Node already added")
	case errors.Is(err, connmgr.ErrNotAdded):
		return nil, jsonrpc.Errorf(jsonrpc.CodeClientNodeNotAdded, "Error: Node could not be removed. It has not been added previously.")
	}
	return nil, err
}

// peerArg is a peer's address, or the boolean that older clients send before it.
type peerArg string

func (*peerArg) ArgType() jsonrpc.Type { return "" }
func (*peerArg) ArgWord() string       { return "string" }

func (p *peerArg) DecodeArg(_ string, raw json.RawMessage) error {
	switch jsonrpc.TypeOf(raw) {
	case jsonrpc.TypeBool:
		return nil
	case jsonrpc.TypeString:
		s, err := jsonrpc.DecodeString(raw)
		*p = peerArg(s)
		return err
	default:
		return jsonrpc.Errorf(jsonrpc.CodeType, "JSON value of type %s is not of expected type string", jsonrpc.TypeOf(raw))
	}
}

type addedParams struct {
	Node  peerArg `rpc:"node|dns" default:"\"\"" help:"One of the peers; all if left out"`
	Node2 string  `rpc:"node_after_dns" default:"\"\"" help:"The peer, if a boolean stands before it, as older clients have it"`
}

func (a *api) getAddedNodeInfo(_ context.Context, p addedParams) ([]rpctypes.AddedNode, error) {
	nodes := []rpctypes.AddedNode{}
	want := ""
	node := string(p.Node)
	if p.Node2 != "" {
		node = p.Node2
	}
	if node != "" {
		addr, err := a.parseNode(node)
		if err != nil {
			return nil, err
		}
		want = transport.FormatAddr(addr)
	}
	for _, s := range a.Conns.Outgoing() {
		if s.Once {
			continue
		}
		n := rpctypes.AddedNode{Node: transport.FormatAddr(s.Addr), Addresses: []rpctypes.AddedAddress{}}
		if want != "" && n.Node != want {
			continue
		}
		if n.Connected = s.State == connmgr.Established; n.Connected {
			n.Addresses = append(n.Addresses, rpctypes.AddedAddress{Address: n.Node, Connected: "outbound"})
		} else if s.Err != nil {
			n.Failures, n.Reason = s.Failures, s.Err.Error()
		}
		nodes = append(nodes, n)
	}
	if want != "" && len(nodes) == 0 {
		return nil, jsonrpc.Errorf(jsonrpc.CodeClientNodeNotAdded, "Error: Node has not been added.")
	}
	return nodes, nil
}

type disconnectParams struct {
	Address string  `rpc:"address" default:"\"\"" help:"The peer's address and port"`
	ID      *uint64 `rpc:"nodeid" help:"Its number, as getpeerinfo gives it"`
}

func (a *api) disconnectNode(_ context.Context, p disconnectParams) (jsonrpc.Null, error) {
	if (p.Address == "") == (p.ID == nil) {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParams, "Only one of address and nodeid should be provided.")
	}
	found := false
	for _, info := range a.Peers.Peers() {
		s := info.Peer
		if p.ID != nil && s.ID() == *p.ID || p.ID == nil && transport.FormatAddr(s.RemoteAddr()) == p.Address {
			s.Disconnect(peer.Requested, "by command")
			found = true
		}
	}
	if !found {
		return nil, jsonrpc.Errorf(jsonrpc.CodeClientNodeNotConnected, "Node not found in connected nodes")
	}
	return nil, nil
}

type activeParams struct {
	State bool `rpc:"state" help:"true for on"`
}

func (a *api) setNetworkActive(_ context.Context, p activeParams) (bool, error) {
	a.Conns.SetActive(p.State)
	if !p.State {
		for _, s := range a.Peers.Peers() {
			s.Peer.Disconnect(peer.Requested, "the network was switched off")
		}
	}
	return a.Conns.Active(), nil
}

type banParams struct {
	Subnet   string `rpc:"subnet" help:"An IP address, or a subnet such as 10.0.0.0/8"`
	Command  string `rpc:"command" help:"add or remove"`
	BanTime  int64  `rpc:"bantime" default:"0" help:"For how many seconds; 0 for the usual time"`
	Absolute bool   `rpc:"absolute" default:"false" help:"Whether bantime is a time, in seconds since 1970"`
}

// maxBan bounds how far in the future a ban may end: a century from now.
const maxBan = 100 * 365 * 24 * 60 * 60

func (a *api) setBan(_ context.Context, p banParams) (jsonrpc.Null, error) {
	subnet, err := connmgr.ParseSubnet(p.Subnet)
	if err != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeClientInvalidIPSubnet, "Error: Invalid IP/Subnet")
	}
	switch p.Command {
	case "remove":
		if err := a.Conns.Unban(subnet); errors.Is(err, connmgr.ErrNotBanned) {
			return nil, jsonrpc.Errorf(jsonrpc.CodeClientInvalidIPSubnet, "Error: Unban failed. Requested address/subnet was not previously manually banned.")
		} else if err != nil {
			return nil, err
		}
		return nil, nil
	case "add":
	default:
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "command must be add or remove")
	}
	var until time.Time
	now := a.Clock.Now()
	switch {
	case p.Absolute && p.BanTime <= now.Unix():
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Error: Absolute timestamp is in the past")
	case p.Absolute:
		until = time.Unix(min(p.BanTime, now.Unix()+maxBan), 0)
	case p.BanTime > 0:
		until = now.Add(time.Duration(min(p.BanTime, maxBan)) * time.Second)
	}
	err = a.Conns.Ban(subnet, until, "by command")
	if errors.Is(err, connmgr.ErrBanned) {
		return nil, jsonrpc.Errorf(jsonrpc.CodeClientNodeAlreadyAdded, "Error: IP/Subnet already banned")
	}
	// Also if it could not be saved: it is in force, and saved when that is possible.
	for _, s := range a.Peers.Peers() {
		if ip, ok := transport.IP(s.Peer.RemoteAddr()); ok && subnet.Contains(ip.Unmap()) {
			s.Peer.Disconnect(peer.Requested, "banned by command")
		}
	}
	return nil, err
}

func (a *api) listBanned(context.Context, jsonrpc.None) ([]rpctypes.Ban, error) {
	now := a.Clock.Now()
	bans := []rpctypes.Ban{}
	for _, b := range a.Conns.Bans() {
		bans = append(bans, rpctypes.Ban{
			Address: b.Subnet.String(), Created: b.Created.Unix(), Until: b.Until.Unix(),
			Duration: b.Until.Unix() - b.Created.Unix(), Remaining: b.Until.Unix() - now.Unix(),
		})
	}
	return bans, nil
}

func (a *api) clearBanned(context.Context, jsonrpc.None) (jsonrpc.Null, error) {
	return nil, a.Conns.ClearBans()
}

func (a *api) ping(context.Context, jsonrpc.None) (jsonrpc.Null, error) {
	a.Peers.PingAll()
	return nil, nil
}
