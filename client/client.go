package client

import (
	"context"
	"encoding/json"
	"net/http"

	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
)

// Caller runs a method. params encodes to a JSON array or object. A failed call
// is an *[Error]. The path of the call is in ctx, see [jsonrpc.WithPath].
// [jsonrpc.Client] and [jsonrpc.Local] are callers.
type Caller interface {
	Call(ctx context.Context, method string, params any) (json.RawMessage, error)
}

// Options say where a node is and how to get in.
type Options struct {
	// Address is the node's host:port.
	Address string
	// User and Password are sent with each call. If User is empty they are read
	// from the file at CookiePath each time, as a node makes a new one at each
	// start.
	User, Password string
	CookiePath     string
	// HTTP carries the calls; nil means one that goes through no proxy.
	HTTP *http.Client
	// MaxAnswer is how many bytes of an answer are read at most; 0 means
	// [jsonrpc.DefaultMaxAnswer].
	MaxAnswer int64
}

// Client calls a node. It is safe for concurrent use.
type Client struct {
	caller Caller
	path   string // where calls go; empty for where ctx says
}

// New returns a client for a node that is reached by HTTP. Nothing is sent yet.
func New(o Options) *Client {
	return Over(&jsonrpc.Client{
		Address: o.Address, User: o.User, Password: o.Password, CookiePath: o.CookiePath, HTTP: o.HTTP, MaxAnswer: o.MaxAnswer,
	})
}

// Over returns a client whose calls are made by another, such as
// [jsonrpc.Local].
func Over(c Caller) *Client { return &Client{caller: c} }

// WithWallet returns a client whose calls are for the wallet of that name. It
// shares the rest with c. Without it calls are for the only wallet that is
// loaded.
func (c *Client) WithWallet(name string) *Client {
	return &Client{caller: c.caller, path: rpctypes.WalletPath + name}
}

// Call runs any method with arguments by position, and reads its result into
// what result points to; nil drops it. A nil argument is one that is left out.
func (c *Client) Call(ctx context.Context, method string, result any, args ...any) error {
	if args == nil {
		args = []any{}
	}
	return c.call(ctx, method, args, result)
}

// CallNamed is [Client.Call] with arguments by name: a struct with JSON tags, a
// map, or a [jsonrpc.Object].
func (c *Client) CallNamed(ctx context.Context, method string, result, args any) error {
	return c.call(ctx, method, args, result)
}

func (c *Client) call(ctx context.Context, method string, params, result any) error {
	raw, err := c.caller.Call(c.in(ctx), method, params)
	if err != nil {
		return err
	}
	return read(method, raw, result)
}

// in returns a context for calls to the client's path.
func (c *Client) in(ctx context.Context) context.Context {
	if c.path == "" {
		return ctx
	}
	return jsonrpc.WithPath(ctx, c.path)
}

// read reads the result of a call.
func read(method string, raw json.RawMessage, result any) error {
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(raw, result); err != nil {
		return &ResultError{Method: method, Cause: err}
	}
	return nil
}

// get calls a method with named arguments and returns its result.
func get[R any](ctx context.Context, c *Client, method string, args any) (r R, err error) {
	err = c.call(ctx, method, args, &r)
	return r, err
}

// none are the arguments of a call without any.
type none struct{}
