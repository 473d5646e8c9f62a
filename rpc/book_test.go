package rpc

import (
	"strings"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"starling/params"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
	"starling/server"
	"starling/transport"
	"starling/wire"
)

// TestAddressBook fills the address book by hand and asks for what is in it.
func TestAddressBook(t *testing.T) {
	n := newTestNode(t, params.Regtest())
	n.clk.Set(time.Unix(1_700_000_000, 0))
	n.want("[]", "getnodeaddresses")
	n.want(`{"success":true}`, "addpeeraddress", "1.2.3.4", 8333)
	n.want(`{"success":true}`, "addpeeraddress", "2a00::5", 18444, true)
	n.want(`{"success":false,"error":"failed-adding-to-new"}`, "addpeeraddress", "1.2.3.4", 8333)
	n.want(`{"success":false,"error":"failed-adding-to-new"}`, "addpeeraddress", "10.0.0.1", 8333) // nobody's
	n.fails(jsonrpc.CodeClientInvalidIPSubnet, "Invalid IP address", "addpeeraddress", "host", 8333)
	n.want(`[{"time":1700000000,"services":9,"address":"1.2.3.4","port":8333,"network":"ipv4"}]`, "getnodeaddresses", 0, "ipv4")
	n.want(`[{"time":1700000000,"services":9,"address":"2a00::5","port":18444,"network":"ipv6"}]`, "getnodeaddresses", 5, "IPv6")
	n.want("[]", "getnodeaddresses", 1, "onion")
	if got := get[[]rpctypes.NodeAddress](n, "getnodeaddresses"); len(got) != 1 {
		t.Errorf("%d addresses, want 1 unless more are asked for", len(got))
	}
	n.fails(jsonrpc.CodeInvalidParam, "Address count out of range", "getnodeaddresses", -1)
	n.fails(jsonrpc.CodeInvalidParam, "Network not recognized: foo", "getnodeaddresses", 1, "foo")
	n.want(`{"ipv4":{"new":1,"tried":0,"total":1},"ipv6":{"new":0,"tried":1,"total":1},"onion":{"new":0,"tried":0,"total":0},`+
		`"i2p":{"new":0,"tried":0,"total":0},"cjdns":{"new":0,"tried":0,"total":0},"all_networks":{"new":1,"tried":1,"total":2}}`, "getaddrmaninfo")
	raw := get[rpctypes.RawBook](n, "getrawaddrman")
	if len(raw.New) != 1 || len(raw.Tried) != 1 || raw.New[0].Value.Address != "1.2.3.4" || raw.Tried[0].Value.Source != "2a00::5" {
		t.Errorf("%+v", raw)
	}
	n.want("null", "setban", "1.2.3.4", "add")
	n.want("[]", "getnodeaddresses", 0, "ipv4")

	main := newTestNode(t, params.Main())
	main.fails(jsonrpc.CodeMisc, "addpeeraddress is for tests, and not for the main network", "addpeeraddress", "1.2.3.4", 8333)
	main.fails(jsonrpc.CodeMisc, "addconnection is for regression testing (-regtest mode) only.", "addconnection", "1.2.3.4:1", "feeler")
	main.fails(jsonrpc.CodeMisc, "sendmsgtopeer is for regression testing (-regtest mode) only.", "sendmsgtopeer", 0, "ping", "")
}

// TestConnections makes links of several kinds by hand, and speaks over one.
func TestConnections(t *testing.T) {
	a := runTestNode(t, server.Config{Network: params.Regtest(), Listen: []ma.Multiaddr{ma.StringCast("/ip4/127.0.0.1/tcp/0")}})
	b := newTestNode(t, params.Regtest())
	addr := transport.FormatAddr(a.node.Listening()[0])
	get[[]string](a, "generatetoaddress", 1, regtestAddress(t))
	info := get[rpctypes.Info](b, "getnodeinfo")
	if info.Network != "regtest" || info.Blocks != 0 || info.Connections != 0 || len(info.Warnings) != 1 {
		t.Errorf("%+v", info)
	}
	if got := asJSON(info.Links); got != `{"dials":{},"refused":{},"ended":{}}` {
		t.Errorf("links: %s", got)
	}
	b.want(`{"address":`+asJSON(addr)+`,"connection_type":"block-relay-only"}`, "addconnection", addr, "block-relay-only")
	b.want(`{"hash":`+asJSON(a.chain.Tip().Hash)+`,"height":1}`, "waitforblockheight", 1, 30_000)
	peers := get[[]rpctypes.PeerInfo](b, "getpeerinfo", addr)
	if len(peers) != 1 || peers[0].ID != 0 || peers[0].ConnectionType != "block-relay-only" || peers[0].RelayTxes {
		t.Fatalf("%+v", peers)
	}
	for want, at := range map[int][]string{1: {"127.0.0.1", "::ffff:127.0.0.1", "[::ffff:127.0.0.1]"}, 0: {"127.0.0.2", "127.0.0.1:1", "x", "127.0.0.1:x"}} {
		for _, at := range at {
			if got := get[[]rpctypes.PeerInfo](b, "getpeerinfo", at); len(got) != want {
				t.Errorf("%d peers at %s, want %d", len(got), at, want)
			}
		}
	}
	if in := get[[]rpctypes.PeerInfo](a, "getpeerinfo"); len(in) != 1 || in[0].RelayTxes {
		t.Errorf("%+v", in)
	}
	if info := get[rpctypes.Info](b, "getnodeinfo"); info.Connections != 1 || info.Blocks != 1 || len(info.Warnings) != 0 {
		t.Errorf("%+v", info)
	}
	b.want("{}", "sendmsgtopeer", 0, "feefilter", "e803000000000000")
	b.fails(jsonrpc.CodeInvalidParam, "Error: msg_type too long, max length is 12", "sendmsgtopeer", 0, "1234567890123", "")
	b.fails(jsonrpc.CodeInvalidParam, "Error: msg too long, max length is 4000000 bytes", "sendmsgtopeer", 0, "tx", strings.Repeat("00", wire.MaxPayloadSize+1))
	b.fails(jsonrpc.CodeInvalidParam, "Error parsing input for msg", "sendmsgtopeer", 0, "ping", "0")
	b.fails(jsonrpc.CodeMisc, "Error: Could not send message to peer", "sendmsgtopeer", 7, "ping", "")
	for {
		if in := get[[]rpctypes.PeerInfo](a, "getpeerinfo"); in[0].MinFeeFilter == 1000 {
			break
		}
		get[rpctypes.PeerMessages](a, "getpeermessages", 0, 10)
	}
	b.fails(jsonrpc.CodeInvalidParam, "connection_type must be outbound-full-relay, block-relay-only, addr-fetch or feeler", "addconnection", addr, "manual")
}
