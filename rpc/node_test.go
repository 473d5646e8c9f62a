package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
	"github.com/holiman/uint256"

	"starling/chain"
	"starling/clock"
	"starling/internal/loglevel"
	"starling/mining"
	"starling/params"
	"starling/peer"
	"starling/rpc/chainrpc"
	"starling/rpc/jsonrpc"
	"starling/rpc/mempoolrpc"
	"starling/rpc/miningrpc"
	"starling/rpc/netrpc"
	"starling/rpc/noderpc"
	"starling/rpc/txfind"
	"starling/rpc/txrpc"
	"starling/rpc/walletrpc"
	"starling/server"
	"starling/wire"
)

var update = flag.Bool("update", false, "write the golden files anew")

// testNode is a node in memory, with its methods.
type testNode struct {
	t      *testing.T
	node   *server.Server
	chain  *chain.Chain
	tap    *netrpc.Tap
	levels noderpc.LogLevels
	table  *jsonrpc.Table
	clk    *clock.Settable
}

// newTestNode runs a node in memory until the test ends.
func newTestNode(t *testing.T, net *params.Network, load ...string) *testNode {
	t.Helper()
	return runTestNode(t, server.Config{Network: net, Load: load})
}

func runTestNode(t *testing.T, cfg server.Config) *testNode {
	t.Helper()
	cfg.Network.MinimumChainWork = new(uint256.Int)
	cfg.Network.AssumeValid = wire.Hash{}
	n := &testNode{t: t, clk: clock.NewSettable()}
	n.tap = netrpc.NewTap(n.clk)
	if cfg.FS == nil {
		cfg.FS = vfs.NewMem()
	}
	cfg.Dir, cfg.Clock = "/node", n.clk
	cfg.PeerObservers = []peer.Observer{n.tap}
	node, err := server.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	n.node, n.chain = node, node.Chain()
	if n.levels, err = loglevel.New([]string{"chain", "net"}, nil); err != nil {
		t.Fatal(err)
	}
	n.mineWith(mining.Config{})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- node.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("node: %v", err)
		}
	})
	return n
}

// mineWith makes the methods anew, with a miner of that configuration.
func (n *testNode) mineWith(cfg mining.Config) {
	cfg.Chain, cfg.Clock = n.chain, n.clk
	net, pool := n.chain.Network(), n.node.Mempool()
	txs := &txfind.Finder{Chain: n.chain, Pool: pool}
	n.table = NewMethods(Groups{
		Chain:   chainrpc.Deps{Chain: n.chain, Txs: txs, Log: slog.New(slog.DiscardHandler)},
		Txs:     txrpc.Deps{Network: net, Tip: n.chain.Tip, Txs: txs},
		Mempool: mempoolrpc.Deps{Pool: pool, Coins: n.chain, Relay: n.node, Orphans: n.node.TxDownload(), Fees: n.node.Fees()},
		Mining: miningrpc.Deps{Chain: n.chain, Miner: mining.New(cfg), Clock: n.clk, Txs: txs,
			Peers: func() int { return len(n.node.Peers()) }},
		Net: netrpc.Deps{Network: net, Peers: n.node, Conns: n.node.Conns(), Fees: pool, Chain: n.chain, Tap: n.tap, Clock: n.clk},
		Node: noderpc.Deps{Network: net, Clock: n.clk, Logs: n.levels, Stop: func() {}, Uptime: n.node.Uptime,
			Active: func() []jsonrpc.ActiveCall { return nil }},
		Wallet: walletrpc.Deps{Network: net, Chain: n.chain, Txs: txs},
	})
}

// call runs a method and returns its result as JSON.
func (n *testNode) call(method string, args ...any) (string, error) {
	n.t.Helper()
	if args == nil {
		args = []any{}
	}
	r, err := (&jsonrpc.Local{Table: n.table}).Call(n.t.Context(), method, args)
	if err == nil {
		if err := RoundTrip(n.table.Lookup(method), r); err != nil {
			n.t.Error(err)
		}
	}
	return string(r), err
}

// want runs a method that must succeed with the given result.
func (n *testNode) want(result, method string, args ...any) {
	n.t.Helper()
	got, err := n.call(method, args...)
	if err != nil {
		n.t.Errorf("%s: %v", method, err)
	} else if diff := cmp.Diff(result, got); diff != "" {
		n.t.Errorf("%s: %s", method, diff)
	}
}

// fails runs a method that must fail.
func (n *testNode) fails(code jsonrpc.Code, message, method string, args ...any) {
	n.t.Helper()
	got, err := n.call(method, args...)
	if err == nil {
		n.t.Errorf("%s: no error, but %s", method, got)
		return
	}
	if diff := cmp.Diff(error(&jsonrpc.Error{Code: code, Message: message}), err); diff != "" {
		n.t.Errorf("%s: %s", method, diff)
	}
}

// get runs a method that must succeed and decodes its result.
func get[T any](n *testNode, method string, args ...any) (v T) {
	n.t.Helper()
	got, err := n.call(method, args...)
	if err == nil {
		err = json.Unmarshal([]byte(got), &v)
	}
	if err != nil {
		n.t.Fatalf("%s: %v", method, err)
	}
	return v
}

// golden compares a result with a file.
func (n *testNode) golden(file, method string, args ...any) {
	n.t.Helper()
	got, err := n.call(method, args...)
	if err != nil {
		n.t.Errorf("%s: %v", method, err)
		return
	}
	var buf bytes.Buffer
	if err := json.Indent(&buf, []byte(got), "", "  "); err != nil {
		n.t.Fatal(err)
	}
	buf.WriteByte('\n')
	// The size on disk is the database's own matter.
	text := regexp.MustCompile(`"disk_size": \d+`).ReplaceAllString(buf.String(), `"disk_size": 0`)
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			n.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		n.t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		n.t.Errorf("%s: %s", file, diff)
	}
}

// asJSON returns a value as results are written.
func asJSON(v any) string {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "null"
	}
	return strings.TrimSpace(buf.String())
}
