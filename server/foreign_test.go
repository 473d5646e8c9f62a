package server

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/chain/chaintest"
	"starling/params"
	"starling/params/netfile"
	"starling/wire"
)

// told collects what a node logs.
type told struct {
	mu      sync.Mutex
	lines   []string
	changed chan struct{}
}

func newTold() *told { return &told{changed: make(chan struct{})} }

func (l *told) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(p))
	close(l.changed)
	l.changed = make(chan struct{})
	return len(p), nil
}

// log returns a logger of what is told without being asked for.
func (l *told) log() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// count returns how many lines have all of the given parts.
func (l *told) count(parts ...string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		all := true
		for _, p := range parts {
			all = all && strings.Contains(line, p)
		}
		if all {
			n++
		}
	}
	return n
}

// await waits until there is a line with all parts.
func (l *told) await(t *testing.T, parts ...string) {
	t.Helper()
	timeout := time.After(time.Minute)
	for {
		l.mu.Lock()
		changed := l.changed
		l.mu.Unlock()
		if l.count(parts...) > 0 {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("no line has %q: %q", parts, l.lines)
		}
	}
}

// TestOtherGenesis dials a node whose network has the same magic and another
// first block, again and again. It is told of once, and is no peer.
func TestOtherGenesis(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 0)
		pays := []wire.TxOut{{Value: params.Coin, Script: chaintest.AnyoneCanSpend}}
		other, err := netfile.Create(context.Background(), netfile.Spec{Network: params.Own("other"), Time: time.Now(), Outputs: pays}, nil)
		if err != nil {
			t.Fatal(err)
		}
		logs := newTold()
		w.startWith(1, vfs.NewMem(), func(c *Config) { c.Network = other })
		b := w.startWith(2, vfs.NewMem(), func(c *Config) { c.Log = logs.log() }, 1)
		time.Sleep(10 * time.Minute)
		ours, theirs := w.par.GenesisHash.String(), other.GenesisHash.String()
		if n := logs.count("wrong network", theirs, ours); n != 1 {
			t.Errorf("%d lines tell of the other network, want 1: %q", n, logs.lines)
		}
		if n := logs.count("peer connected"); n != 1 {
			t.Errorf("%d lines tell of the link, want 1", n)
		}
		if n := logs.count("caught up"); n != 0 {
			t.Error("caught up with another network")
		}
		out := b.Conns().Outgoing()
		if len(out) != 1 || out[0].Err == nil || !strings.Contains(out[0].Err.Error(), theirs) || out[0].Failures < 5 {
			t.Errorf("the address stands at %+v", out)
		}
	})
}

// TestOtherMagic dials a node of another network over real sockets. Both sides
// say what is wrong.
func TestOtherMagic(t *testing.T) {
	inside, outside := newTold(), newTold()
	cfg := config(t, 0)
	cfg.Network, cfg.Log = params.Signet(), inside.log()
	a, stopA := running(t, cfg)
	defer stopA()
	cfg = config(t, 0)
	cfg.Peers, cfg.Log = a.Listening(), outside.log()
	_, stopB := running(t, cfg)
	defer stopB()
	outside.await(t, "peer cannot be reached", "another network")
	inside.await(t, "a node of another network has connected", "wrong magic: got fabfb5da")
}

// TestCaughtUp: a node whose own blocks are recent is caught up with nobody as
// long as it has no peer.
func TestCaughtUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 3)
		blocks := w.gen.Chain(w.gen.Genesis(), 3)
		logs := newTold()
		a := w.startWith(1, vfs.NewMem(), func(c *Config) { c.Log = logs.log() })
		a.give(blocks...)
		time.Sleep(time.Hour)
		if a.Chain().IsInitialDownload() {
			t.Fatal("the blocks are not recent enough for this test")
		}
		if n := logs.count("caught up"); n != 0 {
			t.Errorf("caught up with nobody: %q", logs.lines)
		}
		logs = newTold()
		b := w.startWith(2, vfs.NewMem(), func(c *Config) { c.Log = logs.log() }, 1)
		b.reach(last(blocks), time.Minute)
		time.Sleep(time.Minute)
		if n := logs.count("caught up with the network", "height=3", "peers=1"); n != 1 {
			t.Errorf("%d lines say that it has caught up, want 1: %q", n, logs.lines)
		}
	})
}

func TestStrangers(t *testing.T) {
	var s strangers
	now := time.Unix(1_700_000_000, 0)
	for i, c := range []struct {
		after time.Duration
		count int
		tell  bool
	}{{0, 1, true}, {time.Minute, 0, false}, {time.Minute, 0, false}, {time.Hour, 3, true}, {time.Second, 0, false}} {
		now = now.Add(c.after)
		if count, tell := s.another(now); count != c.count || tell != c.tell {
			t.Errorf("step %d: %d, %v; want %d, %v", i, count, tell, c.count, c.tell)
		}
	}
}
