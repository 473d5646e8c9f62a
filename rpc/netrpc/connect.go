package netrpc

import (
	"context"
	"encoding/hex"
	"errors"

	"starling/connmgr"
	"starling/peer"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
	"starling/transport"
	"starling/wire"
)

// testMethods are those for tests of the network, which exist only where blocks
// are made on demand.
func (a *api) testMethods() []*jsonrpc.Method {
	return []*jsonrpc.Method{
		jsonrpc.Define(jsonrpc.Method{Name: "addconnection", Category: category,
			Summary:  "Makes one connection of some kind. It is for tests, where blocks are made on demand.",
			Examples: [][]any{{"192.168.0.6:18444", "outbound-full-relay", true}}}, a.addConnection),
		jsonrpc.Define(jsonrpc.Method{Name: "sendmsgtopeer", Category: category,
			Summary:  "Sends a peer a message of any content. It is for tests, where blocks are made on demand.",
			Examples: [][]any{{0, "addr", "ffffff"}}}, a.sendMsgToPeer),
	}
}

// onlyTests refuses what is for tests on other networks.
func (a *api) onlyTests(method string) error {
	if a.network().MineOnDemand {
		return nil
	}
	return jsonrpc.Errorf(jsonrpc.CodeMisc, "%s is for regression testing (-regtest mode) only.", method)
}

type addConnectionParams struct {
	Address string `rpc:"address" help:"The IP address and port"`
	Type    string `rpc:"connection_type" help:"outbound-full-relay, block-relay-only, addr-fetch or feeler"`
	V2      *bool  `rpc:"v2transport" help:"Whether to try the encrypted transport first"`
}

// openKinds are the kinds of link that can be asked for, and how many there may
// be of each, which are Core's figures.
var openKinds = map[peer.Kind]int{
	peer.OutboundFull: connmgr.DefaultFull, peer.BlockRelayOnly: connmgr.DefaultBlockRelay, peer.AddrFetch: 1, peer.Feeler: 1,
}

// openKind returns the kind of a name.
func openKind(name string) (peer.Kind, bool) {
	for k := range openKinds {
		if k.String() == name {
			return k, true
		}
	}
	return 0, false
}

func (a *api) addConnection(_ context.Context, p addConnectionParams) (rpctypes.AddedConnection, error) {
	r := rpctypes.AddedConnection{Address: p.Address, Type: p.Type}
	if err := a.onlyTests("addconnection"); err != nil {
		return r, err
	}
	kind, ok := openKind(p.Type)
	if !ok {
		return r, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "connection_type must be outbound-full-relay, block-relay-only, addr-fetch or feeler")
	}
	if p.V2 != nil && *p.V2 && !a.Peers.LocalServices().Has(wire.NodeP2PV2) {
		return r, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Error: Adding v2transport connections requires -v2transport init flag to be set.")
	}
	addr, err := a.parseNode(p.Address)
	if err != nil {
		return r, err
	}
	count := 0
	for _, s := range a.Peers.Peers() {
		if s.Peer.Kind() == kind {
			count++
		}
	}
	if count >= openKinds[kind] {
		return r, jsonrpc.Errorf(jsonrpc.CodeClientCapacity, "Error: Already at capacity for specified connection type.")
	}
	undo := a.Peers.DialV2(addr, p.V2)
	r.Address = transport.FormatAddr(addr)
	err = a.Conns.Open(addr, kind)
	if err != nil {
		undo()
	}
	switch {
	case errors.Is(err, connmgr.ErrTooMany):
		return r, jsonrpc.Errorf(jsonrpc.CodeClientCapacity, "Error: %v", err)
	default:
		return r, err
	}
}

type sendMsgParams struct {
	ID   uint64 `rpc:"peer_id" help:"The peer's number, as getpeerinfo gives it"`
	Type string `rpc:"msg_type" help:"The message's type, such as addr"`
	Msg  string `rpc:"msg" help:"Its content, in hexadecimal digits"`
}

// maxType is the longest type of a message.
const maxType = 12

func (a *api) sendMsgToPeer(_ context.Context, p sendMsgParams) (struct{}, error) {
	if err := a.onlyTests("sendmsgtopeer"); err != nil {
		return struct{}{}, err
	}
	if len(p.Type) > maxType {
		return struct{}{}, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Error: msg_type too long, max length is %d", maxType)
	}
	payload, err := hex.DecodeString(p.Msg)
	if err != nil {
		return struct{}{}, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Error parsing input for msg")
	}
	if len(payload) > wire.MaxPayloadSize {
		// Sending it would end the link.
		return struct{}{}, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Error: msg too long, max length is %d bytes", wire.MaxPayloadSize)
	}
	for _, s := range a.Peers.Peers() {
		if s.Peer.ID() == p.ID && s.Peer.Send(&wire.MsgUnknown{Cmd: p.Type, Payload: payload}) == nil {
			return struct{}{}, nil
		}
	}
	return struct{}{}, jsonrpc.Errorf(jsonrpc.CodeMisc, "Error: Could not send message to peer")
}
