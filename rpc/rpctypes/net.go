package rpctypes

import (
	"starling/rpc/jsonrpc"
)

// NetworkInfo is the result of getnetworkinfo.
type NetworkInfo struct {
	Version         int            `json:"version" help:"the version of Bitcoin Core that these methods are those of, as a number"`
	SubVersion      string         `json:"subversion" help:"the name of that Core, then the name that peers see"`
	ProtocolVersion int            `json:"protocolversion" help:"the version of the protocol that this node speaks"`
	LocalServices   string         `json:"localservices" help:"what this node offers, in hexadecimal digits"`
	ServicesNames   []string       `json:"localservicesnames" help:"the same by names"`
	LocalRelay      bool           `json:"localrelay" help:"whether transactions are asked for"`
	TimeOffset      int64          `json:"timeoffset" help:"median of how far peers' clocks are ahead, in seconds"`
	NetworkActive   bool           `json:"networkactive" help:"whether traffic with peers is on"`
	Connections     int            `json:"connections" help:"number of peers"`
	ConnectionsIn   int            `json:"connections_in" help:"number of those that connected to this node"`
	ConnectionsOut  int            `json:"connections_out" help:"number of those that this node connected to"`
	Networks        []Network      `json:"networks" help:"the networks through which peers can be reached"`
	RelayFee        Amount         `json:"relayfee" help:"least fee rate that is relayed, in coins for 1,000 virtual bytes"`
	IncrementalFee  Amount         `json:"incrementalfee" help:"what a replacement must pay on top, in coins for 1,000 virtual bytes"`
	LocalAddresses  []LocalAddress `json:"localaddresses" help:"this node's own addresses"`
	Warnings        []string       `json:"warnings" help:"what the operator should know"`
}

// Network is a network through which peers are reached, in the result of
// getnetworkinfo.
type Network struct {
	Name                 string `json:"name" help:"ipv4, ipv6, onion, i2p or cjdns"`
	Limited              bool   `json:"limited" help:"whether peers of it are not looked for"`
	Reachable            bool   `json:"reachable" help:"whether it can be reached"`
	Proxy                string `json:"proxy" help:"the proxy to it; empty if there is none"`
	RandomizeCredentials bool   `json:"proxy_randomize_credentials" help:"whether each connection shows the proxy other credentials"`
}

// LocalAddress is an address of this node in the result of getnetworkinfo.
type LocalAddress struct {
	Address string `json:"address" help:"the IP address"`
	Port    uint16 `json:"port" help:"the port"`
	Score   int    `json:"score" help:"how much speaks for it"`
}

// NetTotals is the result of getnettotals.
type NetTotals struct {
	Received uint64       `json:"totalbytesrecv" help:"bytes received from peers"`
	Sent     uint64       `json:"totalbytessent" help:"bytes sent to peers"`
	Millis   int64        `json:"timemillis" help:"the time, in milliseconds since 1970"`
	Target   UploadTarget `json:"uploadtarget" help:"the limit on what is sent"`
}

// UploadTarget is a limit on what is sent, in the result of getnettotals.
type UploadTarget struct {
	Timeframe     int64 `json:"timeframe" help:"the time that it is for, in seconds"`
	Target        int64 `json:"target" help:"the limit in bytes; 0 for none"`
	Reached       bool  `json:"target_reached" help:"whether it is reached"`
	ServeHistoric bool  `json:"serve_historical_blocks" help:"whether old blocks are sent"`
	BytesLeft     int64 `json:"bytes_left_in_cycle" help:"bytes left until it is reached; 0 for no limit"`
	TimeLeft      int64 `json:"time_left_in_cycle" help:"seconds until it begins anew; 0 for no limit"`
}

// AddedNode is a peer in the result of getaddednodeinfo.
type AddedNode struct {
	Node      string         `json:"addednode" help:"the peer's address, as addnode was told it"`
	Connected bool           `json:"connected" help:"whether it is connected"`
	Addresses []AddedAddress `json:"addresses" help:"where it is connected; empty if it is not"`
	Failures  int            `json:"failures,omitempty" help:"how often in a row it could not be reached, or was left at once; left out for 0"`
	Reason    string         `json:"reason,omitempty" help:"why the last connection ended or was not made"`
}

// AddedAddress is an address of a peer in the result of getaddednodeinfo.
type AddedAddress struct {
	Address   string `json:"address" help:"the address and port"`
	Connected string `json:"connected" help:"inbound or outbound"`
}

// Ban is a ban in the result of listbanned.
type Ban struct {
	Address   string `json:"address" help:"the subnet"`
	Created   int64  `json:"ban_created" help:"when it was made, in seconds since 1970"`
	Until     int64  `json:"banned_until" help:"when it ends, in seconds since 1970"`
	Duration  int64  `json:"ban_duration" help:"how long it is in all, in seconds"`
	Remaining int64  `json:"time_remaining" help:"how much of that is left, in seconds"`
}

// PeerInfo is a peer in the result of getpeerinfo.
type PeerInfo struct {
	ID              uint64              `json:"id" help:"the peer's number, which no other gets until the node restarts"`
	Addr            string              `json:"addr" help:"the peer's address and port"`
	AddrBind        string              `json:"addrbind,omitempty" help:"this end of the link"`
	AddrLocal       string              `json:"addrlocal,omitempty" help:"this node's address as the peer sees it"`
	Network         string              `json:"network" help:"ipv4, ipv6, onion, i2p, cjdns or not_publicly_routable"`
	Services        string              `json:"services" help:"what the peer offers, in hexadecimal digits"`
	ServicesNames   []string            `json:"servicesnames" help:"the same by names"`
	RelayTxes       bool                `json:"relaytxes" help:"whether it wants transactions"`
	LastInvSequence uint64              `json:"last_inv_sequence" help:"state of the mempool when it was last told of something"`
	InvToSend       int                 `json:"inv_to_send" help:"number of transactions that it is to be told of"`
	LastSend        int64               `json:"lastsend" help:"when something was last sent, in seconds since 1970"`
	LastRecv        int64               `json:"lastrecv" help:"when something last came, in seconds since 1970"`
	LastTransaction int64               `json:"last_transaction" help:"when a new transaction last came, in seconds since 1970; 0 for never"`
	LastBlock       int64               `json:"last_block" help:"when a new block last came, in seconds since 1970; 0 for never"`
	BytesSent       uint64              `json:"bytessent" help:"bytes sent to it"`
	BytesRecv       uint64              `json:"bytesrecv" help:"bytes received from it"`
	ConnTime        int64               `json:"conntime" help:"since when it is connected, in seconds since 1970"`
	TimeOffset      int64               `json:"timeoffset" help:"by how much its clock is ahead, in seconds"`
	PingTime        *jsonrpc.Float      `json:"pingtime,omitempty" help:"last round trip, in seconds"`
	MinPing         *jsonrpc.Float      `json:"minping,omitempty" help:"shortest round trip, in seconds"`
	PingWait        *jsonrpc.Float      `json:"pingwait,omitempty" help:"for how long an answer has been outstanding, in seconds"`
	Version         int32               `json:"version" help:"protocol version"`
	SubVer          string              `json:"subver" help:"the name that it gives itself"`
	Inbound         bool                `json:"inbound" help:"whether it made the connection"`
	HBTo            bool                `json:"bip152_hb_to" help:"whether it was asked for compact blocks at once"`
	HBFrom          bool                `json:"bip152_hb_from" help:"whether it asked for them"`
	StartingHeight  int32               `json:"startingheight" help:"height of its tip when the session began"`
	Presynced       int32               `json:"presynced_headers" help:"height up to which its headers are being checked for work, or -1"`
	SyncedHeaders   int32               `json:"synced_headers" help:"height of the last header in common, or -1"`
	SyncedBlocks    int32               `json:"synced_blocks" help:"height of the last block in common, or -1"`
	InFlight        []int32             `json:"inflight" help:"heights of the blocks asked of it"`
	AddrRelay       bool                `json:"addr_relay_enabled" help:"whether addresses are exchanged with it"`
	AddrProcessed   uint64              `json:"addr_processed" help:"number of addresses from it that were looked at"`
	AddrLimited     uint64              `json:"addr_rate_limited" help:"number of addresses from it that were too many"`
	Permissions     []string            `json:"permissions" help:"what it may do beyond others"`
	MinFeeFilter    Amount              `json:"minfeefilter" help:"least fee rate that it wants to hear of, in coins for 1,000 virtual bytes"`
	SentPerMsg      jsonrpc.Map[uint64] `json:"bytessent_per_msg" key:"msg" help:"bytes sent to it, by type of message"`
	RecvPerMsg      jsonrpc.Map[uint64] `json:"bytesrecv_per_msg" key:"msg" help:"bytes received from it, by type of message"`
	ConnectionType  string              `json:"connection_type" help:"outbound-full-relay, block-relay-only, inbound, manual or feeler"`
	Transport       string              `json:"transport_protocol_type" help:"how messages travel: v1, v2 or a transport of its own"`
	SessionID       string              `json:"session_id" help:"to compare with the peer's, on encrypted links; else empty"`
}

// PeerMessages is the result of getpeermessages.
type PeerMessages struct {
	Last     uint64        `json:"last" help:"the number to go on from"`
	Messages []PeerMessage `json:"messages" help:"the messages; none if the time was up"`
}

// PeerMessage is a message in the result of getpeermessages.
type PeerMessage struct {
	Seq     uint64 `json:"seq" help:"its number; a gap means that some are forgotten"`
	Time    int64  `json:"time" help:"when it passed, in microseconds since 1970"`
	Peer    uint64 `json:"peer" help:"the peer's id"`
	Addr    string `json:"addr" help:"the peer's address"`
	Dir     string `json:"dir" help:"in or out"`
	Command string `json:"command" help:"the message's type"`
	Size    int    `json:"size" help:"bytes on the wire"`
}
