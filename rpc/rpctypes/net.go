package rpctypes

import (
	"starling/rpc/jsonrpc"
)

type NetworkInfo struct {
	Version         int            `json:"version" help:"the version of Bitcoin Core that these methods are those of, as a number"`
	SubVersion      string         `json:"subversion" help:"the name of that Core, then the name that peers see"`
	ProtocolVersion int            `json:"protocolversion"`
	LocalServices   string         `json:"localservices" help:"what this node offers, in hexadecimal digits"`
	ServicesNames   []string       `json:"localservicesnames"`
	LocalRelay      bool           `json:"localrelay" help:"whether transactions are asked for"`
	TimeOffset      int64          `json:"timeoffset" help:"median of how far peers' clocks are ahead, in seconds"`
	NetworkActive   bool           `json:"networkactive"`
	Connections     int            `json:"connections" help:"number of peers"`
	ConnectionsIn   int            `json:"connections_in" help:"of those, that connected to this node"`
	ConnectionsOut  int            `json:"connections_out" help:"of those, that this node connected to"`
	Networks        []Network      `json:"networks"`
	RelayFee        Amount         `json:"relayfee" help:"least fee rate that is relayed, in coins per 1,000 virtual bytes"`
	IncrementalFee  Amount         `json:"incrementalfee" help:"by how much a replacement must pay more"`
	LocalAddresses  []LocalAddress `json:"localaddresses" help:"this node's own addresses"`
	Warnings        []string       `json:"warnings"`
}

type Network struct {
	Name                 string `json:"name"`
	Limited              bool   `json:"limited" help:"whether it is left out on purpose"`
	Reachable            bool   `json:"reachable"`
	Proxy                string `json:"proxy"`
	RandomizeCredentials bool   `json:"proxy_randomize_credentials"`
}

type LocalAddress struct {
	Address string `json:"address"`
	Port    uint16 `json:"port"`
	Score   int    `json:"score"`
}

type NetTotals struct {
	Received uint64       `json:"totalbytesrecv"`
	Sent     uint64       `json:"totalbytessent"`
	Millis   int64        `json:"timemillis" help:"the time, in milliseconds since 1970"`
	Target   uploadTarget `json:"uploadtarget"`
}

// uploadTarget describes a limit on what is served. There is none.
type uploadTarget struct {
	Timeframe     int64 `json:"timeframe"`
	Target        int64 `json:"target" help:"0 for no limit"`
	Reached       bool  `json:"target_reached"`
	ServeHistoric bool  `json:"serve_historical_blocks"`
	BytesLeft     int64 `json:"bytes_left_in_cycle"`
	TimeLeft      int64 `json:"time_left_in_cycle"`
}

type AddedNode struct {
	Node      string         `json:"addednode"`
	Connected bool           `json:"connected"`
	Addresses []AddedAddress `json:"addresses" help:"only while it is connected"`
	Failures  int            `json:"failures,omitempty" help:"how often in a row it could not be reached, or was left at once"`
	Reason    string         `json:"reason,omitempty" help:"why the last connection ended or was not made"`
}

type AddedAddress struct {
	Address   string `json:"address"`
	Connected string `json:"connected" help:"inbound or outbound"`
}

type Ban struct {
	Address   string `json:"address" help:"the subnet"`
	Created   int64  `json:"ban_created" help:"in seconds since 1970"`
	Until     int64  `json:"banned_until" help:"in seconds since 1970"`
	Duration  int64  `json:"ban_duration" help:"in seconds"`
	Remaining int64  `json:"time_remaining" help:"in seconds"`
}

type PeerInfo struct {
	ID              uint64         `json:"id"`
	Addr            string         `json:"addr" help:"the peer's address and port"`
	AddrBind        string         `json:"addrbind,omitempty" help:"this end of the link"`
	AddrLocal       string         `json:"addrlocal,omitempty" help:"this node's address as the peer sees it"`
	Network         string         `json:"network" help:"ipv4, ipv6, onion, i2p, cjdns or not_publicly_routable"`
	Services        string         `json:"services" help:"what the peer offers, in hexadecimal digits"`
	ServicesNames   []string       `json:"servicesnames"`
	RelayTxes       bool           `json:"relaytxes" help:"whether it wants transactions"`
	LastInvSequence uint64         `json:"last_inv_sequence" help:"state of the mempool when it was last told of something"`
	InvToSend       int            `json:"inv_to_send" help:"transactions that it is to be told of"`
	LastSend        int64          `json:"lastsend" help:"when something was last sent, in seconds since 1970"`
	LastRecv        int64          `json:"lastrecv" help:"when something last came"`
	LastTransaction int64          `json:"last_transaction" help:"when a new transaction last came"`
	LastBlock       int64          `json:"last_block" help:"when a new block last came"`
	BytesSent       uint64         `json:"bytessent"`
	BytesRecv       uint64         `json:"bytesrecv"`
	ConnTime        int64          `json:"conntime" help:"since when, in seconds since 1970"`
	TimeOffset      int64          `json:"timeoffset" help:"by how much its clock is ahead, in seconds"`
	PingTime        *jsonrpc.Float `json:"pingtime,omitempty" help:"last round trip in seconds"`
	MinPing         *jsonrpc.Float `json:"minping,omitempty" help:"shortest round trip in seconds"`
	PingWait        *jsonrpc.Float `json:"pingwait,omitempty" help:"for how long an answer has been outstanding, in seconds"`
	Version         int32          `json:"version" help:"protocol version"`
	SubVer          string         `json:"subver" help:"the name that it gives itself"`
	Inbound         bool           `json:"inbound" help:"whether it made the connection"`
	HBTo            bool           `json:"bip152_hb_to" help:"whether it was asked for compact blocks at once"`
	HBFrom          bool           `json:"bip152_hb_from" help:"whether it asked for them"`
	StartingHeight  int32          `json:"startingheight" help:"its height when the session began"`
	Presynced       int32          `json:"presynced_headers" help:"height up to which its headers are being checked for work, or -1"`
	SyncedHeaders   int32          `json:"synced_headers" help:"last header in common, or -1"`
	SyncedBlocks    int32          `json:"synced_blocks" help:"last block in common, or -1"`
	InFlight        []int32        `json:"inflight" help:"heights of blocks asked of it"`
	AddrRelay       bool           `json:"addr_relay_enabled" help:"whether addresses are exchanged with it"`
	AddrProcessed   uint64         `json:"addr_processed" help:"addresses from it that were looked at"`
	AddrLimited     uint64         `json:"addr_rate_limited" help:"addresses from it that were too many"`
	Permissions     []string       `json:"permissions" help:"what it may do beyond others"`
	MinFeeFilter    Amount         `json:"minfeefilter" help:"least fee rate that it wants to hear of, in coins per 1,000 virtual bytes"`
	SentPerMsg      jsonrpc.Object `json:"bytessent_per_msg"`
	RecvPerMsg      jsonrpc.Object `json:"bytesrecv_per_msg"`
	ConnectionType  string         `json:"connection_type" help:"outbound-full-relay, block-relay-only, inbound, manual or feeler"`
	Transport       string         `json:"transport_protocol_type" help:"how messages travel: v1, v2 or a transport of its own"`
	SessionID       string         `json:"session_id" help:"to compare with the peer's, on encrypted links"`
}

type PeerMessages struct {
	Last     uint64        `json:"last" help:"the number to go on from"`
	Messages []PeerMessage `json:"messages" help:"none if the time was up"`
}

type PeerMessage struct {
	Seq     uint64 `json:"seq" help:"its number; a gap means that some are forgotten"`
	Time    int64  `json:"time" help:"in microseconds since 1970"`
	Peer    uint64 `json:"peer" help:"the peer's id"`
	Addr    string `json:"addr" help:"the peer's address"`
	Dir     string `json:"dir" help:"in or out"`
	Command string `json:"command" help:"the message's type"`
	Size    int    `json:"size" help:"bytes on the wire"`
}
