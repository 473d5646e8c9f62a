package rpctypes

import "starling/rpc/jsonrpc"

// NodeAddress is an address of a node in the result of getnodeaddresses.
type NodeAddress struct {
	Time     int64  `json:"time" help:"when a node was last known to be there, in seconds since 1970"`
	Services uint64 `json:"services" help:"what it offers, as a number"`
	Address  string `json:"address" help:"the address, without the port"`
	Port     uint16 `json:"port" help:"the port"`
	Network  string `json:"network" help:"ipv4, ipv6, onion, i2p or cjdns"`
}

// BookCount is how many addresses of a network there are, in the result of
// getaddrmaninfo.
type BookCount struct {
	New   int `json:"new" help:"those that others told of"`
	Tried int `json:"tried" help:"those at which a node has answered"`
	Total int `json:"total" help:"both together"`
}

// AddedAddr is the result of addpeeraddress.
type AddedAddr struct {
	Success bool   `json:"success" help:"whether the address is in the book now, in the table that was asked for"`
	Error   string `json:"error,omitempty" help:"why not; left out if it is"`
}

// RawBook is the result of getrawaddrman.
type RawBook struct {
	New   jsonrpc.Map[RawAddr] `json:"new" key:"bucket/position" help:"the table of addresses that others told of"`
	Tried jsonrpc.Map[RawAddr] `json:"tried" key:"bucket/position" help:"the table of addresses at which a node has answered"`
}

// RawAddr is a place of the address book in the result of getrawaddrman.
type RawAddr struct {
	Address       string `json:"address" help:"the address, without the port"`
	MappedAS      uint32 `json:"mapped_as,omitempty" help:"the autonomous system that it belongs to; left out where none is known"`
	Port          uint16 `json:"port" help:"the port"`
	Network       string `json:"network" help:"ipv4, ipv6, onion, i2p or cjdns"`
	Services      uint64 `json:"services" help:"what the node offers, as a number"`
	Time          int64  `json:"time" help:"when it was last known to be there, in seconds since 1970"`
	Source        string `json:"source" help:"who told of it first; empty for a DNS seed or another name"`
	SourceNetwork string `json:"source_network" help:"the network of that one; internal for a name"`
	SourceAS      uint32 `json:"source_mapped_as,omitempty" help:"the autonomous system of that one; left out where none is known"`
}

// AddedConnection is the result of addconnection.
type AddedConnection struct {
	Address string `json:"address" help:"the address that is dialled"`
	Type    string `json:"connection_type" help:"the kind of connection"`
}

// LinkCounts is what has become of connections.
type LinkCounts struct {
	Dials   jsonrpc.Map[uint64] `json:"dials" help:"dials that are over, by outcome"`
	Refused jsonrpc.Map[uint64] `json:"refused" help:"newcomers that were turned away, by reason"`
	Ended   jsonrpc.Map[uint64] `json:"ended" help:"connections that have ended, by reason"`
}

// Info is the result of getnodeinfo.
type Info struct {
	Version         int           `json:"version" help:"the version of Bitcoin Core that these methods are those of, as a number"`
	SubVersion      string        `json:"subversion" help:"the name that peers see"`
	ProtocolVersion int           `json:"protocolversion" help:"the version of the protocol that this node speaks"`
	Network         string        `json:"network" help:"the network's name"`
	Testnet         bool          `json:"testnet" help:"whether it is another than the main network"`
	Blocks          int32         `json:"blocks" help:"height of the tip"`
	Difficulty      jsonrpc.Float `json:"difficulty" help:"the tip's difficulty, as a multiple of the least one"`
	Connections     int           `json:"connections" help:"number of peers"`
	Addresses       int           `json:"addresses" help:"number of nodes in the address book"`
	Links           LinkCounts    `json:"links" help:"what has become of connections since the start"`
	TimeOffset      int64         `json:"timeoffset" help:"median of how far peers' clocks are ahead, in seconds"`
	Proxy           string        `json:"proxy" help:"the proxy to IPv4 addresses; empty if there is none"`
	RelayFee        Amount        `json:"relayfee" help:"least fee rate that is relayed, in coins for 1,000 virtual bytes"`
	Warnings        []string      `json:"warnings" help:"what the operator should know"`
	Errors          string        `json:"errors" help:"the same as one text, as older clients have it"`
}
