package client

import (
	"context"
	"encoding/json"

	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
)

// Help explains a method, or lists all if none is named.
func (c *Client) Help(ctx context.Context, method string) (string, error) {
	return get[string](ctx, c, "help", struct {
		Method string `json:"command,omitempty"`
	}{method})
}

// Stop stops the node. It answers with a farewell.
func (c *Client) Stop(ctx context.Context) (string, error) {
	return get[string](ctx, c, "stop", none{})
}

// Uptime returns for how many seconds the node has been running.
func (c *Client) Uptime(ctx context.Context) (int64, error) {
	return get[int64](ctx, c, "uptime", none{})
}

// Logging switches debug messages of parts of the node on, then those of others
// off, and tells for which they are on. "all" stands for every part.
func (c *Client) Logging(ctx context.Context, on, off []string) (jsonrpc.Map[bool], error) {
	return get[jsonrpc.Map[bool]](ctx, c, "logging", struct {
		On  []string `json:"include,omitempty"`
		Off []string `json:"exclude,omitempty"`
	}{on, off})
}

// GetRPCInfo returns the calls that are being answered.
func (c *Client) GetRPCInfo(ctx context.Context) (rpctypes.RPCInfo, error) {
	return get[rpctypes.RPCInfo](ctx, c, "getrpcinfo", none{})
}

// ValidateAddress tells what an address of the node's network pays to, or what is
// wrong with a text that is none: one of the two is nil.
func (c *Client) ValidateAddress(ctx context.Context, text string) (*rpctypes.ValidAddress, *rpctypes.InvalidAddress, error) {
	raw, err := get[json.RawMessage](ctx, c, "validateaddress", struct {
		Text string `json:"address"`
	}{text})
	if err != nil {
		return nil, nil, err
	}
	var valid rpctypes.ValidAddress
	if err := read("validateaddress", raw, &valid); err != nil || valid.IsValid {
		return &valid, nil, err
	}
	var invalid rpctypes.InvalidAddress
	return nil, &invalid, read("validateaddress", raw, &invalid)
}

// GetIndexInfo tells how far the indexes are, or one of them if it is named.
func (c *Client) GetIndexInfo(ctx context.Context, name string) (jsonrpc.Map[rpctypes.IndexInfo], error) {
	return get[jsonrpc.Map[rpctypes.IndexInfo]](ctx, c, "getindexinfo", struct {
		Name string `json:"index_name,omitempty"`
	}{name})
}

// SetMockTime stops the node's clock at a time, in seconds since 1970, where
// blocks are made on demand; 0 lets it run again.
func (c *Client) SetMockTime(ctx context.Context, seconds int64) error {
	return c.call(ctx, "setmocktime", struct {
		Seconds int64 `json:"timestamp"`
	}{seconds}, nil)
}
