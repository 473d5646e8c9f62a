package client_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"starling/client"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
)

// TestBatch: results in order, one error each, over HTTP and in the same process.
func TestBatch(t *testing.T) {
	n := newNode(t)
	for name, c := range map[string]*client.Client{"http": client.New(over(n)), "local": client.Over(&jsonrpc.Local{Table: n.Table})} {
		var height int32
		var info rpctypes.BlockchainInfo
		var wrong string
		reqs := []*client.Request{
			{Method: "getblockcount", Result: &height},
			{Method: "nonsense"},
			{Method: "getblockhash", Args: []any{-1}},
			{Method: "getblockchaininfo", Result: &info},
			{Method: "getblockcount", Result: &wrong},
			{Method: "help", Args: map[string]any{"command": "ping"}},
		}
		height = -1
		if err := c.Batch(t.Context(), reqs...); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if height != 0 || info.Chain != "regtest" {
			t.Errorf("%s: got %d, %q", name, height, info.Chain)
		}
		var result *client.ResultError
		for i, ok := range []bool{
			reqs[0].Err == nil, errors.Is(reqs[1].Err, &client.Error{Code: jsonrpc.CodeMethodNotFound}),
			errors.Is(reqs[2].Err, &client.Error{Code: jsonrpc.CodeInvalidParam}), reqs[3].Err == nil,
			errors.As(reqs[4].Err, &result) && result.Method == "getblockcount", reqs[5].Err == nil,
		} {
			if !ok {
				t.Errorf("%s: request %d: %v", name, i, reqs[i].Err)
			}
		}
		if err := c.Batch(t.Context()); err != nil {
			t.Errorf("%s: an empty batch: %v", name, err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := c.Batch(ended, reqs...); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: an ended context: %v", name, err)
		}
	}
}

// TestBatchIsOneRequest counts the requests, and answers out of order, with one
// answer missing.
func TestBatchIsOneRequest(t *testing.T) {
	requests := 0
	c := answering(t, 0, func(w http.ResponseWriter, _ *http.Request) {
		requests++
		w.Write([]byte(`[{"id":2,"result":"c"},{"id":0,"result":"a"}]`))
	})
	var a, b, d string
	reqs := []*client.Request{{Method: "a", Result: &a}, {Method: "b", Result: &b}, {Method: "c", Result: &d}}
	if err := c.Batch(t.Context(), reqs...); err != nil || requests != 1 {
		t.Fatalf("%d requests, %v", requests, err)
	}
	var bad *client.BadAnswerError
	if a != "a" || d != "c" || !errors.As(reqs[1].Err, &bad) {
		t.Errorf("got %q %q %q, %v", a, b, d, reqs[1].Err)
	}
}

// answering returns a client of a server that answers as it is told.
func answering(t *testing.T, most int64, h http.HandlerFunc) *client.Client {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return client.New(client.Options{Address: strings.TrimPrefix(s.URL, "http://"), User: "u", Password: "p", HTTP: s.Client(), MaxAnswer: most})
}

// TestErrors: each way in which a call can fail has its type, and nothing is
// tried twice.
func TestErrors(t *testing.T) {
	ctx := t.Context()
	const answer = `{"jsonrpc":"2.0","result":1234567,"id":1}`
	for _, most := range []int64{int64(len(answer)), int64(len(answer)) - 1} {
		c := answering(t, most, func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(answer)) })
		got, err := c.GetBlockCount(ctx)
		var large *client.TooLargeError
		if fits := most == int64(len(answer)); fits && (err != nil || got != 1234567) || !fits && (!errors.As(err, &large) || large.Limit != most) {
			t.Errorf("%d bytes at most: %d, %v", most, got, err)
		}
	}
	calls := 0
	var bad *client.BadAnswerError
	if _, err := answering(t, 0, func(w http.ResponseWriter, _ *http.Request) { calls++; w.WriteHeader(http.StatusBadGateway) }).GetBlockCount(ctx); !errors.As(err, &bad) || calls != 1 {
		t.Errorf("no node: %v after %d calls", err, calls)
	}
	var auth *client.AuthError
	if _, err := answering(t, 0, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }).GetBlockCount(ctx); !errors.As(err, &auth) {
		t.Errorf("a wrong password: %v", err)
	}
	missing := client.New(client.Options{Address: "127.0.0.1:1", CookiePath: filepath.Join(t.TempDir(), "none")})
	if _, err := missing.GetBlockCount(ctx); !errors.As(err, &auth) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no cookie: %v", err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	var gone *client.UnreachableError
	if _, err := client.New(client.Options{Address: ln.Addr().String(), User: "u"}).GetBlockCount(ctx); !errors.As(err, &gone) {
		t.Errorf("nobody there: %v", err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := client.New(client.Options{Address: ln.Addr().String(), User: "u"}).GetBlockCount(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
}

// TestMiddleOfAnswer ends the context while the answer is being read.
func TestMiddleOfAnswer(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := answering(t, 0, func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte(`{"result":`))
		w.(http.Flusher).Flush()
		cancel()
		<-r.Context().Done()
	})
	if _, err := c.GetBlockCount(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestAnyCall: methods without a typed call, by position and by name, by several
// goroutines at once and for a wallet.
func TestAnyCall(t *testing.T) {
	n := newNode(t)
	for _, c := range []*client.Client{client.New(over(n)), client.Over(&jsonrpc.Local{Table: n.Table})} {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				var byPlace, byName string
				if err := c.Call(t.Context(), "getblockhash", &byPlace, 0); err != nil {
					t.Error(err)
				}
				if err := c.CallNamed(t.Context(), "getblockhash", &byName, map[string]any{"height": 0}); err != nil || byName != byPlace {
					t.Errorf("%q and %q: %v", byPlace, byName, err)
				}
				if err := c.Call(t.Context(), "uptime", nil); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if _, err := c.WithWallet("no such").GetBalance(t.Context(), 0); !errors.Is(err, &client.Error{Code: jsonrpc.CodeWalletNotFound}) {
			t.Errorf("an unknown wallet: %v", err)
		}
	}
}
