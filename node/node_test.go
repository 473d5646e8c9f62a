package node

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"runtime"
	"testing"

	"starling/rpc/jsonrpc"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"starling/internal/layered"
	"starling/params"
	"starling/server"
	"starling/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestLife opens a node, asks it over RPC, and stops it over RPC.
func TestLife(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	n, err := Open(ctx, Config{
		Server:    server.Config{Network: params.Regtest(), Dir: t.TempDir()},
		RPCListen: "127.0.0.1:0", RPC: jsonrpc.Options{User: "u", Password: "p"},
		Stop: stop,
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	c := &jsonrpc.Client{Address: n.RPCAddr().String(), User: "u", Password: "p"}
	for _, method := range []string{"getblockcount", "stop"} {
		_, err := c.Call(t.Context(), method, []any{})
		for errors.Is(err, &jsonrpc.Error{Code: jsonrpc.CodeInWarmup}) {
			runtime.Gosched()
			_, err = c.Call(t.Context(), method, []any{})
		}
		if err != nil {
			t.Fatal(method, err)
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestCloseUnrun opens a node with all that it can have and never runs it.
func TestCloseUnrun(t *testing.T) {
	dir := t.TempDir()
	for range 2 { // the second time would fail if something were left open
		n, err := Open(t.Context(), Config{
			Server:    server.Config{Network: params.Regtest(), Dir: dir},
			RPCListen: "127.0.0.1:0",
			Metrics:   "127.0.0.1:0",
			TxIndex:   true,
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestOpenFails(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	taken := ln.Addr().String()
	peers, err := ParseAddrs("listen", []string{taken})
	if err != nil {
		t.Fatal(err)
	}
	node := server.Config{Network: params.Regtest(), FS: vfs.NewMem(), Dir: "/node"}
	listening := node
	listening.Listen = peers
	for _, c := range []struct {
		name, want string
		cfg        Config
	}{
		{"rpc", "rpc-listen: " + taken + ": address already in use", Config{Server: node, RPCListen: taken}},
		{"metrics", "metrics-listen: " + taken + ": address already in use", Config{Server: node, RPCListen: "127.0.0.1:0", Metrics: taken}},
		{"peers", "listen: " + taken + ": address already in use", Config{Server: listening, RPCListen: "127.0.0.1:0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Open(t.Context(), c.cfg)
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	_, err = ParseAddrs("listen", []string{"/nonsense"})
	var bad *layered.Error
	if !errors.As(err, &bad) || bad.Name != "listen" {
		t.Errorf("got %v", err)
	}
}

// TestNoStop asks a node to stop that nobody has said how: it does not pretend.
func TestNoStop(t *testing.T) {
	n, err := Open(t.Context(), Config{Server: server.Config{Network: params.Regtest(), FS: vfs.NewMem(), Dir: "/node"}})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	local := jsonrpc.Local{Table: n.Table}
	if answer, err := local.Call(t.Context(), "stop", []any{}); err == nil {
		t.Errorf("answered %s", answer)
	}
}

// meanwhile is a file system on which something happens when a file is made.
type meanwhile struct {
	vfs.FS
	file string
	then func()
}

func (m *meanwhile) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if filepath.Base(name) == m.file && m.then != nil {
		then := m.then
		m.then = nil
		then()
	}
	return m.FS.Create(name, c)
}

// TestTwoStart starts a second node on a data directory while the first one leaves word
// of itself: the second one fails, and the word of the first stays.
func TestTwoStart(t *testing.T) {
	cfg := Config{Server: server.Config{Network: params.Regtest(), Dir: t.TempDir()}, RPCListen: "127.0.0.1:0"}
	first := cfg
	first.Server.FS = &meanwhile{FS: vfs.Default, file: contactFile + ".new", then: func() {
		second, err := Open(t.Context(), cfg)
		var locked *store.LockedError
		if !errors.As(err, &locked) {
			t.Errorf("the second: %v", err)
		}
		if second != nil {
			t.Cleanup(func() { second.Close() })
		}
	}}
	n, err := Open(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	if got := Contact(cfg.Server.Dir); got != n.RPCAddr().String() {
		t.Errorf("the word left is %q, want %s", got, n.RPCAddr())
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}
