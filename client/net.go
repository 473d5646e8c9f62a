package client

import (
	"context"
	"time"

	"starling/rpc/rpctypes"
)

// GetNodeInfo says in short how the node is doing.
func (c *Client) GetNodeInfo(ctx context.Context) (rpctypes.Info, error) {
	return get[rpctypes.Info](ctx, c, "getnodeinfo", none{})
}

// GetPeerInfo describes each peer.
func (c *Client) GetPeerInfo(ctx context.Context) ([]rpctypes.PeerInfo, error) {
	return get[[]rpctypes.PeerInfo](ctx, c, "getpeerinfo", none{})
}

// GetPeerInfoAt describes the peers at an address, with or without a port.
func (c *Client) GetPeerInfoAt(ctx context.Context, address string) ([]rpctypes.PeerInfo, error) {
	return get[[]rpctypes.PeerInfo](ctx, c, "getpeerinfo", struct {
		Address string `json:"address"`
	}{address})
}

// GetConnectionCount returns the number of peers.
func (c *Client) GetConnectionCount(ctx context.Context) (int, error) {
	return get[int](ctx, c, "getconnectioncount", none{})
}

// GetNetworkInfo describes the node's side of the network.
func (c *Client) GetNetworkInfo(ctx context.Context) (rpctypes.NetworkInfo, error) {
	return get[rpctypes.NetworkInfo](ctx, c, "getnetworkinfo", none{})
}

// GetNetTotals returns how much has been received and sent.
func (c *Client) GetNetTotals(ctx context.Context) (rpctypes.NetTotals, error) {
	return get[rpctypes.NetTotals](ctx, c, "getnettotals", none{})
}

// AddNode keeps a connection to a peer (add), stops doing so (remove), or tries
// once (onetry).
func (c *Client) AddNode(ctx context.Context, node, command string) error {
	return c.call(ctx, "addnode", struct {
		Node    string `json:"node"`
		Command string `json:"command"`
	}{node, command}, nil)
}

// GetAddedNodeInfo describes the peers that were added, or one of them if it is
// named.
func (c *Client) GetAddedNodeInfo(ctx context.Context, node string) ([]rpctypes.AddedNode, error) {
	return get[[]rpctypes.AddedNode](ctx, c, "getaddednodeinfo", struct {
		Node string `json:"node,omitempty"`
	}{node})
}

// DisconnectNode ends the connection to a peer with an address.
func (c *Client) DisconnectNode(ctx context.Context, address string) error {
	return c.call(ctx, "disconnectnode", struct {
		Address string `json:"address"`
	}{address}, nil)
}

// DisconnectNodeByID ends the connection to a peer with a number.
func (c *Client) DisconnectNodeByID(ctx context.Context, id uint64) error {
	return c.call(ctx, "disconnectnode", struct {
		ID uint64 `json:"nodeid"`
	}{id}, nil)
}

// SetNetworkActive switches all traffic with peers off or on, and reports whether
// it is on now.
func (c *Client) SetNetworkActive(ctx context.Context, on bool) (bool, error) {
	return get[bool](ctx, c, "setnetworkactive", struct {
		On bool `json:"state"`
	}{on})
}

// BanOptions say how long a ban lasts.
type BanOptions struct {
	Time     int64 `json:"bantime,omitempty"`  // in seconds; 0 for the usual time
	Absolute bool  `json:"absolute,omitempty"` // Time is in seconds since 1970
}

// SetBan bans an address or a subnet (add), or lifts the ban (remove).
func (c *Client) SetBan(ctx context.Context, subnet, command string, o *BanOptions) error {
	return c.call(ctx, "setban", struct {
		Subnet  string `json:"subnet"`
		Command string `json:"command"`
		*BanOptions
	}{subnet, command, o}, nil)
}

// ListBanned lists the bans.
func (c *Client) ListBanned(ctx context.Context) ([]rpctypes.Ban, error) {
	return get[[]rpctypes.Ban](ctx, c, "listbanned", none{})
}

// ClearBanned lifts all bans.
func (c *Client) ClearBanned(ctx context.Context) error {
	return c.call(ctx, "clearbanned", none{}, nil)
}

// Ping has every peer pinged; GetPeerInfo shows the results.
func (c *Client) Ping(ctx context.Context) error { return c.call(ctx, "ping", none{}, nil) }

// GetPeerMessages returns the messages that have passed after the one of a
// number, nil for the last there was, and waits if there is none.
func (c *Client) GetPeerMessages(ctx context.Context, after *uint64, timeout time.Duration) (rpctypes.PeerMessages, error) {
	return get[rpctypes.PeerMessages](ctx, c, "getpeermessages", struct {
		After   *uint64 `json:"after,omitempty"`
		Timeout int64   `json:"timeout"`
	}{after, timeout.Milliseconds()})
}
