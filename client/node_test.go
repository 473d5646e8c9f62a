package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/holiman/uint256"
	"go.uber.org/goleak"

	"starling/client"
	"starling/clock"
	"starling/node"
	"starling/params"
	"starling/rpc/jsonrpc"
	"starling/server"
	"starling/wallet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// runNode runs a node in memory that answers calls over HTTP.
func runNode(dir string, fs vfs.FS) (n *node.Node, stop func() error, err error) {
	net := params.Regtest()
	net.MinimumChainWork = new(uint256.Int)
	clk := clock.NewSettable()
	clk.Set(time.Unix(1_700_000_000, 0))
	n, err = node.Open(context.Background(), node.Config{
		Server: server.Config{Network: net, FS: fs, Dir: dir}, Clock: clk, TxIndex: true, BlockFilters: true, Stop: func() {},
		RPCListen: "127.0.0.1:0", RPC: jsonrpc.Options{User: "u", Password: "p"}, Wallet: wallet.Config{PassphraseCost: 4},
	})
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	c := client.New(over(n))
	for {
		if _, err := c.Uptime(ctx); !errors.Is(err, &client.Error{Code: jsonrpc.CodeInWarmup}) {
			break // it has started, or the first call will say what is wrong
		}
		runtime.Gosched()
	}
	return n, func() error { cancel(); return <-done }, nil
}

// newNode does so until the test ends.
func newNode(t *testing.T) *node.Node {
	t.Helper()
	n, stop, err := runNode("/node", vfs.NewMem())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// over returns how to reach a node.
func over(n *node.Node) client.Options {
	return client.Options{Address: n.RPCAddr().String(), User: "u", Password: "p"}
}

// recorder counts the methods that succeed.
type recorder struct {
	client.Caller
	mu   sync.Mutex
	good map[string]int
}

func (r *recorder) Call(ctx context.Context, method string, params any) (json.RawMessage, error) {
	raw, err := r.Caller.Call(ctx, method, params)
	if err == nil {
		r.mu.Lock()
		r.good[method]++
		r.mu.Unlock()
	}
	return raw, err
}

// must returns what a call answers. It panics if the call fails, so that a story
// of many calls ends there.
func must[T any](v T, err error) T {
	check(err)
	return v
}

func check(err error) {
	if err != nil {
		panic(fmt.Errorf("a call failed: %w", err))
	}
}
