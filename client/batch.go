package client

import (
	"context"

	"starling/rpc/jsonrpc"
)

// Request is one call of a batch.
type Request struct {
	Method string
	// Args are the arguments: a slice by position, or by name a struct with JSON
	// tags, a map, or a [jsonrpc.Object]; nil for none.
	Args any
	// Result points to where the result goes; nil drops it.
	Result any
	// Err says after [Client.Batch] what became of the call.
	Err error
}

// batcher is a [Caller] that can send several calls in one request.
type batcher interface {
	Batch(ctx context.Context, calls []jsonrpc.BatchCall) ([]jsonrpc.BatchReply, error)
}

// Batch runs several calls, one after the other, and sets the result and the
// error of each. Over HTTP they are one request, which is answered as a whole.
// The error that is returned is about the whole batch; then the requests are as
// they were.
func (c *Client) Batch(ctx context.Context, requests ...*Request) error {
	calls := make([]jsonrpc.BatchCall, len(requests))
	for i, r := range requests {
		calls[i] = jsonrpc.BatchCall{Method: r.Method, Params: r.Args}
		if r.Args == nil {
			calls[i].Params = none{}
		}
	}
	replies, err := c.batch(c.in(ctx), calls)
	if err != nil {
		return err
	}
	for i, r := range requests {
		if r.Err = replies[i].Err; r.Err == nil {
			r.Err = read(r.Method, replies[i].Result, r.Result)
		}
	}
	return nil
}

func (c *Client) batch(ctx context.Context, calls []jsonrpc.BatchCall) ([]jsonrpc.BatchReply, error) {
	if b, ok := c.caller.(batcher); ok {
		return b.Batch(ctx, calls)
	}
	replies := make([]jsonrpc.BatchReply, len(calls))
	for i, b := range calls {
		replies[i].Result, replies[i].Err = c.caller.Call(ctx, b.Method, b.Params)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return replies, nil
}
