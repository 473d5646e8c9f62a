package rpc

import (
	"encoding/json"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"

	"github.com/cockroachdb/pebble/v2/vfs"
	ma "github.com/multiformats/go-multiaddr"

	"starling/params"
	"starling/server"
	"starling/transport"
)

func TestPeerControl(t *testing.T) {
	n := newTestNode(t, params.Regtest())
	n.want("0", "getconnectioncount")
	n.want("[]", "getpeerinfo")
	n.want("null", "ping")
	n.want("false", "setnetworkactive", false) // so that nothing is dialled
	n.want("null", "addnode", "127.0.0.1:1", "add")
	n.fails(jsonrpc.CodeClientNodeAlreadyAdded, "Error: Node already added", "addnode", "127.0.0.1:1", "add")
	n.want(`[{"addednode":"127.0.0.1:1","connected":false,"addresses":[]}]`, "getaddednodeinfo")
	n.want(`[{"addednode":"127.0.0.1:1","connected":false,"addresses":[]}]`, "getaddednodeinfo", true, "127.0.0.1:1")
	n.fails(jsonrpc.CodeClientNodeNotAdded, "Error: Node has not been added.", "getaddednodeinfo", "127.0.0.1:2")
	n.fails(jsonrpc.CodeClientNodeNotAdded, "Error: Node has not been added.", "getaddednodeinfo", true, "127.0.0.1:2")
	n.want("null", "addnode", "127.0.0.1:1", "remove")
	n.fails(jsonrpc.CodeClientNodeNotAdded, "Error: Node could not be removed. It has not been added previously.", "addnode", "127.0.0.1:1", "remove")
	n.fails(jsonrpc.CodeClientNodeNotConnected, "Node not found in connected nodes", "disconnectnode", "127.0.0.1:1")
	n.fails(jsonrpc.CodeInvalidParams, "Only one of address and nodeid should be provided.", "disconnectnode")

	n.clk.Set(time.Unix(1_700_000_000, 0))
	n.want("null", "setban", "10.0.0.0/8", "add", 1000)
	n.want("null", "setban", "192.168.0.6", "add", 1_700_000_500, true)
	n.want(`[{"address":"10.0.0.0/8","ban_created":1700000000,"banned_until":1700001000,"ban_duration":1000,"time_remaining":1000},`+
		`{"address":"192.168.0.6/32","ban_created":1700000000,"banned_until":1700000500,"ban_duration":500,"time_remaining":500}]`, "listbanned")
	n.fails(jsonrpc.CodeClientNodeAlreadyAdded, "Error: IP/Subnet already banned", "setban", "10.0.0.0/8", "add", 10)
	n.fails(jsonrpc.CodeClientNodeAlreadyAdded, "Error: IP/Subnet already banned", "setban", "10.0.0.0/8", "add", 10_000)
	n.fails(jsonrpc.CodeClientNodeAlreadyAdded, "Error: IP/Subnet already banned", "setban", "10.1.2.3", "add", 10_000)
	n.fails(jsonrpc.CodeInvalidParam, "Error: Absolute timestamp is in the past", "setban", "11.0.0.1", "add", 10, true)
	n.fails(jsonrpc.CodeClientInvalidIPSubnet, "Error: Invalid IP/Subnet", "setban", "host", "add")
	n.want("null", "setban", "10.0.0.0/8", "remove")
	n.fails(jsonrpc.CodeClientInvalidIPSubnet, "Error: Unban failed. Requested address/subnet was not previously manually banned.", "setban", "10.0.0.0/8", "remove")
	n.want("null", "clearbanned")
	n.want("[]", "listbanned")
	n.want(`{"last":0,"messages":[]}`, "getpeermessages", 0, 1)
}

// TestPeerInfo looks at a session between two nodes.
func TestPeerInfo(t *testing.T) {
	a := runTestNode(t, server.Config{Network: params.Regtest(), Listen: []ma.Multiaddr{ma.StringCast("/ip4/127.0.0.1/tcp/0")}})
	addr := a.node.Listening()[0]
	b := runTestNode(t, server.Config{Network: params.Regtest(), Peers: []ma.Multiaddr{addr}})
	get[[]string](a, "generatetoaddress", 1, regtestAddress(t))
	b.want(`{"hash":`+asJSON(a.chain.Tip().Hash)+`,"height":1}`, "waitforblockheight", 1, 30_000)

	raw, err := b.call("getpeerinfo")
	if err != nil {
		t.Fatal(err)
	}
	var peers []json.RawMessage
	if err := json.Unmarshal([]byte(raw), &peers); err != nil || len(peers) != 1 {
		t.Fatal(raw, err)
	}
	ms, err := jsonrpc.DecodeObject(peers[0])
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range ms {
		// These come with the first ping's answer.
		if !strings.Contains(m.Name, "ping") {
			names = append(names, m.Name)
		}
	}
	want := strings.Fields(`id addr addrbind addrlocal network services servicesnames relaytxes last_inv_sequence inv_to_send
		lastsend lastrecv last_transaction
		last_block bytessent bytesrecv conntime timeoffset version subver inbound bip152_hb_to bip152_hb_from startingheight
		presynced_headers synced_headers synced_blocks inflight addr_relay_enabled addr_processed addr_rate_limited permissions
		minfeefilter bytessent_per_msg bytesrecv_per_msg connection_type transport_protocol_type session_id`)
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]string{
		"addr": asJSON(transport.FormatAddr(addr)), "services": `"0000000000000409"`, "inbound": "false",
		"subver": asJSON(server.DefaultUserAgent), "connection_type": `"manual"`, "transport_protocol_type": `"v1"`,
		"network": `"not_publicly_routable"`, "version": "70017",
	} {
		if got := string(jsonrpc.Get(ms, name)); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	a.want("1", "getconnectioncount")
	info := get[rpctypes.NetworkInfo](a, "getnetworkinfo")
	if info.Version != 319900 || info.SubVersion != "/Satoshi:31.99.0"+server.DefaultUserAgent {
		t.Errorf("version %d, %s", info.Version, info.SubVersion)
	}
	if info.Connections != 1 || info.ConnectionsIn != 1 || info.ConnectionsOut != 0 || !info.NetworkActive {
		t.Errorf("%+v", info)
	}
	passed := get[rpctypes.PeerMessages](b, "getpeermessages", 0, 1000)
	if len(passed.Messages) < 4 || passed.Messages[0].Command != "version" || passed.Messages[0].Dir != "out" || passed.Last != uint64(len(passed.Messages)) {
		t.Errorf("%+v", passed)
	}
	b.want(`{"last":18446744073709551615,"messages":[]}`, "getpeermessages", uint64(math.MaxUint64), 1)
	b.want("null", "disconnectnode", transport.FormatAddr(addr))
}

// TestBanNotSaved bans a peer while the ban list cannot be written: that is told, and
// the ban holds all the same.
func TestBanNotSaved(t *testing.T) {
	fs := vfs.NewMem()
	a := runTestNode(t, server.Config{Network: params.Regtest(), FS: fs, Listen: []ma.Multiaddr{ma.StringCast("/ip4/127.0.0.1/tcp/0")}})
	runTestNode(t, server.Config{Network: params.Regtest(), Peers: a.node.Listening()})
	for len(get[[]rpctypes.PeerInfo](a, "getpeerinfo")) == 0 {
		runtime.Gosched()
	}
	if err := fs.MkdirAll("/node/bans.dat", 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := a.call("setban", "127.0.0.1", "add"); err == nil {
		t.Error("it is not told that the ban is not saved")
	}
	for len(get[[]rpctypes.PeerInfo](a, "getpeerinfo")) > 0 {
		runtime.Gosched()
	}
}

// TestEncryptedPeers has two nodes meet over version 2 of the transport, and in
// the clear where a client asks for that.
func TestEncryptedPeers(t *testing.T) {
	a := runTestNode(t, server.Config{Network: params.Regtest(), V2: true, Listen: []ma.Multiaddr{ma.StringCast("/ip4/127.0.0.1/tcp/0")}})
	b := runTestNode(t, server.Config{Network: params.Regtest(), V2: true})
	at := transport.FormatAddr(a.node.Listening()[0])
	meet := func(how ...any) (here, there rpctypes.PeerInfo) {
		t.Helper()
		b.want("null", "addnode", append([]any{at, "add"}, how...)...)
		get[[]string](a, "generatetoaddress", 1, regtestAddress(t))
		b.want(`{"hash":`+asJSON(a.chain.Tip().Hash)+`,"height":`+fmt.Sprint(a.chain.Tip().Height)+`}`, "waitforblockheight", a.chain.Tip().Height, 30_000)
		return get[[]rpctypes.PeerInfo](b, "getpeerinfo")[0], get[[]rpctypes.PeerInfo](a, "getpeerinfo")[0]
	}
	here, there := meet()
	if here.Transport != "v2" || there.Transport != "v2" || len(here.SessionID) != 64 || here.SessionID != there.SessionID {
		t.Errorf("%s with session %q, and at the other end %s with %q", here.Transport, here.SessionID, there.Transport, there.SessionID)
	}
	if here.Services != "0000000000000c09" {
		t.Errorf("services %s", here.Services)
	}
	b.want("null", "addnode", at, "remove")
	b.want("null", "disconnectnode", at)
	for len(get[[]rpctypes.PeerInfo](b, "getpeerinfo")) > 0 || len(get[[]rpctypes.PeerInfo](a, "getpeerinfo")) > 0 {
		runtime.Gosched()
	}
	here, there = meet(false)
	if here.Transport != "v1" || there.Transport != "v1" || here.SessionID != "" {
		t.Errorf("%s, and at the other end %s", here.Transport, there.Transport)
	}
	// A wish of which nothing comes changes nothing for the next dial.
	b.fails(jsonrpc.CodeClientNodeAlreadyAdded, "Error: Node already added", "addnode", at, "add", true)
	b.want("null", "disconnectnode", at)
	for peers := []rpctypes.PeerInfo{}; len(peers) == 0 || peers[0].ID == here.ID || peers[0].Version == 0; {
		peers = get[[]rpctypes.PeerInfo](b, "getpeerinfo")
		if len(peers) > 0 && peers[0].Transport == "v2" {
			t.Fatal("it is encrypted")
		}
		runtime.Gosched()
	}
	c := runTestNode(t, server.Config{Network: params.Regtest()})
	c.fails(jsonrpc.CodeInvalidParam, "Error: v2transport requested but not enabled (see -v2transport)", "addnode", at, "add", true)
}
