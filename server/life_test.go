package server

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	ma "github.com/multiformats/go-multiaddr"

	"starling/chain"
	"starling/chain/chaintest"
	"starling/clock"
	"starling/params"
	"starling/store"
)

// config returns the configuration of a node on a real disk and real sockets,
// at a time when a chain of the given height is up to date.
func config(t *testing.T, height int) Config {
	par := params.Regtest()
	return Config{
		Network: par, Dir: t.TempDir(), DBCache: chain.MinDBCache, Workers: 1,
		Listen: []ma.Multiaddr{ma.StringCast("/ip4/127.0.0.1/tcp/0")},
		Clock:  clock.NewMock(par.Genesis.Header.Time().Add(time.Duration(height)*10*time.Minute + time.Hour)),
	}
}

// running starts a node and returns it with a function that stops it.
func running(t *testing.T, cfg Config) (n *Server, stop func()) {
	t.Helper()
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	return n, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// blockFile writes blocks as block files have them, with something between
// them.
func blockFile(t *testing.T, par *params.Network, blocks []chaintest.Block) string {
	var b []byte
	for _, k := range blocks {
		b = append(b, par.Magic[:]...)
		n := len(k.Bytes())
		b = append(b, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
		b = append(b, k.Bytes()...)
		b = append(b, 0, 0, 0)
	}
	name := filepath.Join(t.TempDir(), "blocks.dat")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestLoopback loads blocks from a file and syncs them over real TCP.
func TestLoopback(t *testing.T) {
	cfg := config(t, 150)
	gen := chaintest.New(cfg.Network)
	blocks := gen.Chain(gen.Genesis(), 150)
	name := blockFile(t, cfg.Network, blocks)
	cfg.Load = []string{name}
	a, stopA := running(t, cfg)
	defer stopA()
	cfg = config(t, 150)
	cfg.Peers = a.Listening()
	b, stopB := running(t, cfg)
	defer stopB()
	timeout := time.After(time.Minute)
	for {
		changed := b.Chain().TipChanged()
		if b.Chain().Tip().Hash == last(blocks).Hash() {
			break
		}
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("height %d after a minute", b.Chain().Tip().Height)
		}
	}
	if a.Loading() {
		t.Error("it loads still")
	}
	in, out := a.Totals()
	if in == 0 || out < 150*200 {
		t.Errorf("%d bytes came, %d went", in, out)
	}
}

// hide makes of a file of blocks one as Bitcoin Core writes them, with a key
// beside it.
func hide(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	key := []byte{0x2a, 0xf3, 0, 0x81, 7, 0x55, 0xee, 0x90}
	for i := range b {
		b[i] ^= key[i%len(key)]
	}
	dir := t.TempDir()
	name := filepath.Join(dir, "blk00000.dat")
	if err := errors.Join(os.WriteFile(name, b, 0o600), os.WriteFile(filepath.Join(dir, store.XORFile), key, 0o600)); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestLoadHidden loads blocks from a file that Bitcoin Core has hidden.
func TestLoadHidden(t *testing.T) {
	cfg := config(t, 40)
	gen := chaintest.New(cfg.Network)
	blocks := gen.Chain(gen.Genesis(), 40)
	cfg.Load = []string{hide(t, blockFile(t, cfg.Network, blocks))}
	n, stop := running(t, cfg)
	defer stop()
	timeout := time.After(time.Minute)
	for {
		changed := n.Chain().TipChanged()
		if n.Chain().Tip().Hash == last(blocks).Hash() {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("height %d after a minute", n.Chain().Tip().Height)
		}
	}
}

// TestLoadFails gives files that cannot be loaded. The node says so in one line
// and stops.
func TestLoadFails(t *testing.T) {
	cfg := config(t, 0)
	gen := chaintest.New(cfg.Network)
	bad := gen.Next(gen.Genesis(), 1)
	empty := blockFile(t, cfg.Network, nil)
	other := params.Signet()
	foreign := blockFile(t, other, chaintest.New(cfg.Network).Chain(gen.Genesis(), 3))
	hidden := hide(t, blockFile(t, cfg.Network, gen.Chain(gen.Genesis(), 3)))
	if err := os.WriteFile(filepath.Join(filepath.Dir(hidden), store.XORFile), []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		file string
		want string
	}{
		{filepath.Join(cfg.Dir, "none"), "no such file"},
		{blockFile(t, cfg.Network, []chaintest.Block{bad}), "bad-cb-amount"},
		{empty, "it holds no block of network regtest"},
		{foreign, "it holds no block of network regtest"},
		{hidden, "xor.dat has 5 bytes"},
	} {
		cfg := config(t, 0)
		cfg.Load = []string{tc.file}
		n, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		err = n.Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), tc.file) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, want %q", tc.file, err, tc.want)
		}
	}
	cfg.Load = []string{filepath.Join(cfg.Dir, "none")}
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Run(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// TestNewFails asks for what cannot be had. Nothing stays open.
func TestNewFails(t *testing.T) {
	cfg := config(t, 0)
	first, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var locked *store.LockedError
	if _, err := New(cfg); !errors.As(err, &locked) {
		t.Errorf("a second node on the same data: %v", err)
	}
	taken := config(t, 0)
	taken.Listen = first.Listening()
	for range 2 { // the first failure must not leave the data locked
		if _, err := New(taken); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("a port in use: %v", err)
		}
	}
	if _, err := New(Config{}); err == nil {
		t.Error("a node of nothing")
	}
	foreign := config(t, 0)
	foreign.Listen = []ma.Multiaddr{ma.StringCast("/ip4/127.0.0.1/udp/1/quic-v1")}
	if _, err := New(foreign); err == nil {
		t.Error("listening where no transport can")
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	again, err := New(cfg)
	if err != nil {
		t.Fatal("after Close:", err)
	}
	again.Close()
}

// TestStopAtOnce runs a node that is to stop already.
func TestStopAtOnce(t *testing.T) {
	cfg := config(t, 0)
	cfg.FS = vfs.NewMem()
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := n.Run(ctx); err != nil {
		t.Error(err)
	}
	if n.Uptime() <= 0 {
		t.Error("it was never up")
	}
}
