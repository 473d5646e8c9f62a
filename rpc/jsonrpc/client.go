package jsonrpc

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"starling/internal/plain"
)

// Client calls a node by HTTP. It is safe for concurrent use, and tries nothing
// twice.
type Client struct {
	// Address is the node's host:port.
	Address string
	// User and Password are sent with each call; if User is empty, they are
	// read from the file at CookiePath each time, since the node makes a new
	// one at each start.
	User, Password string
	CookiePath     string
	// HTTP carries the calls; nil means one that goes straight to the node, through
	// no proxy of the environment: the password is for the node alone.
	HTTP *http.Client
	// MaxAnswer is how many bytes of an answer are read at most; 0 means
	// [DefaultMaxAnswer].
	MaxAnswer int64

	once sync.Once
	own  *http.Client // if HTTP is nil
}

// DefaultMaxAnswer bounds the answers that a [Client] reads. It leaves room for
// all of a full mempool in every detail, the longest that a node has to say.
const DefaultMaxAnswer = 1 << 30

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

// BadAnswerError says that what answered does not speak JSON-RPC.
type BadAnswerError struct {
	Address string
	Status  string // of HTTP
	// Said is the first line of an answer in plain text, fit to be shown: a node
	// that refuses a call before it reads it says why. "" if there is none.
	Said string
}

// Error implements the error interface.
func (e *BadAnswerError) Error() string {
	if e.Said != "" {
		return fmt.Sprintf("%s answered: %s (HTTP status %s)", e.Address, e.Said, e.Status)
	}
	return fmt.Sprintf("%s did not answer like a node: HTTP status %s", e.Address, e.Status)
}

// maxSaid is how much of an answer that is no JSON is shown.
const maxSaid = 300

// badAnswer returns the error for an answer that does not speak JSON-RPC.
func (c *Client) badAnswer(a *received) *BadAnswerError {
	e := &BadAnswerError{Address: c.Address, Status: a.status}
	if kind, _, _ := strings.Cut(a.kind, ";"); kind == "text/plain" {
		line, _, _ := strings.Cut(string(a.body[:min(len(a.body), maxSaid)]), "\n")
		e.Said = plain.Line(strings.TrimSpace(line))
	}
	return e
}

// TooLargeError says that an answer was longer than what is read of one.
type TooLargeError struct{ Limit int64 }

// Error implements the error interface.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the node's answer is longer than %d bytes", e.Limit)
}

// call is a request as it is sent.
type call struct {
	Version string `json:"jsonrpc"`
	ID      int    `json:"id"`
	Method  string `json:"method"`
	Params  any    `json:"params"`
}

// reply is an answer as it comes.
type reply struct {
	ID     json.RawMessage `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *Error          `json:"error"`
}

// Call runs a method. params is anything that encodes to a JSON array or
// object. A failed call is an *[Error].
func (c *Client) Call(ctx context.Context, method string, params any) (json.RawMessage, error) {
	a, err := c.post(ctx, call{"2.0", 1, method, params})
	if err != nil {
		return nil, err
	}
	var r reply
	if err := json.Unmarshal(a.body, &r); err != nil {
		return nil, c.badAnswer(a)
	}
	if r.Error != nil {
		return nil, r.Error
	}
	return r.Result, nil
}

// BatchCall is one call of a batch.
type BatchCall struct {
	Method string
	Params any // encodes to a JSON array or object
}

// BatchReply is what became of one call of a batch.
type BatchReply struct {
	Result json.RawMessage
	Err    error // an *[Error] if the call failed
}

// Batch sends several calls in one request, which the node answers one after
// the other, and returns the replies in the order of the calls. The error is
// about the request as a whole.
func (c *Client) Batch(ctx context.Context, calls []BatchCall) ([]BatchReply, error) {
	if len(calls) == 0 {
		return nil, nil
	}
	body := make([]call, len(calls))
	for i, b := range calls {
		body[i] = call{"2.0", i, b.Method, b.Params}
	}
	a, err := c.post(ctx, body)
	if err != nil {
		return nil, err
	}
	bad := c.badAnswer(a)
	if TypeOf(a.body) == TypeObject { // the node did not take it for a batch
		var r reply
		if json.Unmarshal(a.body, &r) == nil && r.Error != nil {
			return nil, r.Error
		}
		return nil, bad
	}
	var answers []reply
	if err := json.Unmarshal(a.body, &answers); err != nil {
		return nil, bad
	}
	replies := make([]BatchReply, len(calls))
	for i := range replies {
		replies[i].Err = bad // until there is an answer
	}
	for _, r := range answers {
		i, err := strconv.Atoi(string(r.ID))
		switch {
		case err != nil || i < 0 || i >= len(replies):
			return nil, bad
		case r.Error != nil:
			replies[i] = BatchReply{Err: r.Error}
		default:
			replies[i] = BatchReply{Result: r.Result}
		}
	}
	return replies, nil
}

// received is what comes back over HTTP.
type received struct {
	status string
	kind   string // the type of the body's content
	body   []byte
}

// carrier returns what carries the calls.
func (c *Client) carrier() *http.Client {
	if c.HTTP != nil {
		return c.HTTP
	}
	c.once.Do(func() {
		c.own = &http.Client{
			Transport: &http.Transport{IdleConnTimeout: idleTime},
			// A node sends nobody elsewhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	})
	return c.own
}

// idleTime is how long a connection is kept for the next call.
const idleTime = 90 * time.Second

// post sends a body and returns what comes back.
func (c *Client) post(ctx context.Context, v any) (*received, error) {
	user, password := c.User, c.Password
	if user == "" {
		var err error
		if user, password, err = ReadCookie(c.CookiePath); err != nil {
			return nil, &AuthError{Cause: err}
		}
	}
	var body bytes.Buffer
	if err := encodeJSON(&body, v); err != nil {
		return nil, err
	}
	to := url.URL{Scheme: "http", Host: c.Address, Path: PathOf(ctx)}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), &body)
	if err != nil {
		return nil, err
	}
	req.SetBasicAuth(user, password)
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.carrier().Do(req)
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
	limit := cmp.Or(c.MaxAnswer, DefaultMaxAnswer)
	// One byte more tells a longer answer from one that just fits.
	data, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, &UnreachableError{Address: c.Address, Cause: err}
	case int64(len(data)) > limit:
		return nil, &TooLargeError{Limit: limit}
	}
	return &received{resp.Status, resp.Header.Get("Content-Type"), data}, nil
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
