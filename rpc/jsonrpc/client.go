package jsonrpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
)

// Client calls a node. It is safe for concurrent use.
type Client struct {
	// Address is the node's host:port.
	Address string
	// User and Password are sent with each call; if User is empty, they are
	// read from the file at CookiePath each time, since the node makes a new
	// one at each start.
	User, Password string
	CookiePath     string
	// HTTP carries the calls; nil means http.DefaultClient.
	HTTP *http.Client
}

// UnreachableError says that no node answered.
type UnreachableError struct {
	Address string
	Cause   error
}

// Error implements the error interface.
func (e *UnreachableError) Error() string {
	return fmt.Sprintf("no node answers at %s (is it running, and is --rpc-listen the same?): %v", e.Address, e.Cause)
}

// Unwrap returns the cause.
func (e *UnreachableError) Unwrap() error { return e.Cause }

// AuthError says that the node refused the user and password.
type AuthError struct{ Cause error }

// Error implements the error interface.
func (e *AuthError) Error() string {
	if errors.Is(e.Cause, fs.ErrPermission) {
		return fmt.Sprintf("no permission to read the node's credentials: %v; run this as the user who runs the node, or give --rpc-user and --rpc-password", e.Cause)
	}
	if e.Cause != nil {
		return fmt.Sprintf("no credentials for the node (is it running, and is --datadir or --network the same?): %v", e.Cause)
	}
	return "the node refused the user and password"
}

// Unwrap returns the cause, which may be nil.
func (e *AuthError) Unwrap() error { return e.Cause }

// Call runs a method. params is anything that encodes to a JSON array or
// object. A failed call is an *[Error].
func (c *Client) Call(ctx context.Context, method string, params any) (json.RawMessage, error) {
	user, password := c.User, c.Password
	if user == "" {
		var err error
		if user, password, err = ReadCookie(c.CookiePath); err != nil {
			return nil, &AuthError{Cause: err}
		}
	}
	var body bytes.Buffer
	err := encodeJSON(&body, struct {
		Version string `json:"jsonrpc"`
		ID      int    `json:"id"`
		Method  string `json:"method"`
		Params  any    `json:"params"`
	}{"2.0", 1, method, params})
	if err != nil {
		return nil, err
	}
	to := url.URL{Scheme: "http", Host: c.Address, Path: PathOf(ctx)}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), &body)
	if err != nil {
		return nil, err
	}
	req.SetBasicAuth(user, password)
	req.Header.Set("Content-Type", "application/json")
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &UnreachableError{Address: c.Address, Cause: err}
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusUnauthorized {
		return nil, &AuthError{}
	}
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	var reply struct {
		Result json.RawMessage `json:"result"`
		Error  *Error          `json:"error"`
	}
	if err := json.Unmarshal(data, &reply); err != nil {
		return nil, fmt.Errorf("%s did not answer like a node: HTTP status %s", c.Address, resp.Status)
	}
	if reply.Error != nil {
		return nil, reply.Error
	}
	return reply.Result, nil
}

// ParseArgs turns the words of a command line into parameters for
// [Client.Call]. Words are passed on as strings where the method takes
// strings, and read as JSON elsewhere. With named set, words of the form
// name=value become named parameters, and the others come before them.
func (t *Table) ParseArgs(method string, words []string, named bool) (any, error) {
	m := t.Lookup(method)
	positional := []any{}
	byName := map[string]any{}
	for _, w := range words {
		if name, value, ok := strings.Cut(w, "="); named && ok {
			var p *Param
			if m != nil {
				p = m.byName(name)
			}
			v, err := parseWord(p, name, value)
			if err != nil {
				return nil, err
			}
			byName[name] = v
			continue
		}
		var p *Param
		name := fmt.Sprintf("argument %d", len(positional)+1)
		if m != nil && len(positional) < len(m.Params) {
			p = m.Params[len(positional)]
			name = p.Name()
		}
		v, err := parseWord(p, name, w)
		if err != nil {
			return nil, err
		}
		positional = append(positional, v)
	}
	if !named {
		return positional, nil
	}
	if len(positional) > 0 {
		byName["args"] = positional
	}
	return byName, nil
}

// parseWord reads one word for a parameter, which is nil if unknown.
func parseWord(p *Param, name, w string) (any, error) {
	if p != nil && p.TakesString() {
		return w, nil
	}
	if json.Valid([]byte(w)) {
		return json.RawMessage(w), nil
	}
	if p == nil || p.jsonType() == "" {
		return w, nil
	}
	return nil, fmt.Errorf("%s: %q is not a valid %s", name, w, p.word())
}
