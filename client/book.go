package client

import (
	"context"

	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
)

// GetNodeAddresses returns addresses of nodes, chosen by chance: at most count
// of them, 0 for all that are known, and of one network if it is named.
func (c *Client) GetNodeAddresses(ctx context.Context, count int, network string) ([]rpctypes.NodeAddress, error) {
	return get[[]rpctypes.NodeAddress](ctx, c, "getnodeaddresses", struct {
		Count   int    `json:"count"`
		Network string `json:"network,omitempty"`
	}{count, network})
}

// GetAddrManInfo returns how many addresses of each network are in the address
// book.
func (c *Client) GetAddrManInfo(ctx context.Context) (jsonrpc.Map[rpctypes.BookCount], error) {
	return get[jsonrpc.Map[rpctypes.BookCount]](ctx, c, "getaddrmaninfo", none{})
}

// GetRawAddrMan returns every place of the address book that is taken.
func (c *Client) GetRawAddrMan(ctx context.Context) (rpctypes.RawBook, error) {
	return get[rpctypes.RawBook](ctx, c, "getrawaddrman", none{})
}

// AddPeerAddress puts the address of a node in the address book, as one at which
// a node has answered if tried is set.
func (c *Client) AddPeerAddress(ctx context.Context, ip string, port uint16, tried bool) (rpctypes.AddedAddr, error) {
	return get[rpctypes.AddedAddr](ctx, c, "addpeeraddress", struct {
		Address string `json:"address"`
		Port    uint16 `json:"port"`
		Tried   bool   `json:"tried"`
	}{ip, port, tried})
}

// AddConnection makes one connection of some kind, such as block-relay-only.
func (c *Client) AddConnection(ctx context.Context, address, kind string) (rpctypes.AddedConnection, error) {
	return get[rpctypes.AddedConnection](ctx, c, "addconnection", struct {
		Address string `json:"address"`
		Kind    string `json:"connection_type"`
	}{address, kind})
}

// SendMsgToPeer sends a peer a message of any content, which is given in
// hexadecimal digits.
func (c *Client) SendMsgToPeer(ctx context.Context, id uint64, command, content string) error {
	return c.call(ctx, "sendmsgtopeer", struct {
		ID      uint64 `json:"peer_id"`
		Command string `json:"msg_type"`
		Content string `json:"msg"`
	}{id, command, content}, nil)
}
