package attach

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	ma "github.com/multiformats/go-multiaddr"

	"starling/clock"
	"starling/connmgr"
	"starling/node"
	"starling/node/settings"
	"starling/params"
	"starling/params/netfile"
	"starling/rpc/jsonrpc"
	"starling/server"
	"starling/store"
	"starling/wire"
)

// ownNetwork makes a network of one's own.
func ownNetwork(t *testing.T, name string) *params.Network {
	t.Helper()
	n, err := netfile.Create(t.Context(), netfile.Spec{
		Network: params.Own(name), Time: clock.System().Now(),
		Outputs: []wire.TxOut{{Value: 50 * params.Coin, Script: []byte{0x51}}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// runOwn runs a node until the test ends, with the peers that are given.
func runOwn(t *testing.T, net *params.Network, peers ...*node.Node) *node.Node {
	t.Helper()
	return runWith(t, server.Config{Network: net}, peers...)
}

func runWith(t *testing.T, sc server.Config, peers ...*node.Node) *node.Node {
	t.Helper()
	sc.Dir = t.TempDir()
	var err error
	if sc.Listen, err = node.ParseAddrs("listen", []string{"127.0.0.1:0"}); err != nil {
		t.Fatal(err)
	}
	for _, p := range peers {
		sc.Peers = append(sc.Peers, p.Server.Listening()...)
	}
	n, err := node.Open(t.Context(), node.Config{Server: sc})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return n
}

// reach waits until a node's tip is a given block.
func reach(t *testing.T, n *node.Node, want wire.Hash) {
	t.Helper()
	c := n.Server.Chain()
	for {
		changed := c.TipChanged()
		if c.Tip().Hash == want {
			return
		}
		select {
		case <-changed:
		case <-time.After(time.Minute):
			t.Fatalf("stands at height %d", c.Tip().Height)
		}
	}
}

// TestTwoNetworks runs two networks in one process, whose nodes know of each
// other and yet never exchange a block.
func TestTwoNetworks(t *testing.T) {
	red, blue := ownNetwork(t, "red"), ownNetwork(t, "blue")
	redMiner, blueMiner := runOwn(t, red), runOwn(t, blue)
	redDials, blueDials := make(dials, 10), make(dials, 10)
	redNode := runWith(t, server.Config{Network: red, ConnObserver: redDials}, redMiner, blueMiner)
	blueNode := runWith(t, server.Config{Network: blue, ConnObserver: blueDials}, redMiner, blueMiner)

	mine := func(n *node.Node, count int) wire.Hash {
		local := &jsonrpc.Local{Table: n.Table}
		raw, err := local.Call(t.Context(), "generatetodescriptor", []any{count, "raw(51)"})
		if err != nil {
			t.Fatal(err)
		}
		var blocks []wire.Hash
		if err := json.Unmarshal(raw, &blocks); err != nil {
			t.Fatal(err)
		}
		return blocks[count-1]
	}
	redTip, blueTip := mine(redMiner, 3), mine(blueMiner, 5)
	reach(t, redNode, redTip)
	reach(t, blueNode, blueTip)
	for _, c := range []struct {
		node, own, other *node.Node
		dials            dials
		foreign          wire.Hash
	}{
		{redNode, redMiner, blueMiner, redDials, blueTip},
		{blueNode, blueMiner, redMiner, blueDials, redTip},
	} {
		// The dial of the other network's node has failed, before anything is said
		// of who is connected.
		if end := <-c.dials; end.wasUp || !end.addr.Equal(c.other.Server.Listening()[0]) {
			t.Errorf("a dial of %v ended, and was up: %v", end.addr, end.wasUp)
		}
		got := greeted(c.node)
		if len(got) != 1 || !got[0].RemoteAddr().Equal(c.own.Server.Listening()[0]) {
			t.Errorf("peers %v, want only the miner of the own network", got)
		}
		if c.node.Server.Chain().Headers().Lookup(c.foreign) != nil {
			t.Error("it knows a header of the other network")
		}
	}
}

// dialEnd is the end of a dial, or of the link that came of it.
type dialEnd struct {
	addr  ma.Multiaddr
	wasUp bool
}

// dials tells of the first dials that have ended.
type dials chan dialEnd

func (dials) Refused(ma.Multiaddr, error)                   {}
func (dials) DialStarted(ma.Multiaddr)                      {}
func (dials) Offended(netip.Addr, connmgr.Offence, float64) {}
func (dials) Banned(connmgr.Ban)                            {}
func (d dials) DialEnded(addr ma.Multiaddr, wasUp bool, _ error) {
	select {
	case d <- dialEnd{addr, wasUp}:
	default:
	}
}

// TestLockedByAnother opens a data directory that a node uses which does not
// answer calls.
func TestLockedByAnother(t *testing.T) {
	cfg := &settings.Settings{Server: server.Config{Network: params.Regtest(), Dir: t.TempDir()}, RPCListen: "127.0.0.1:1"}
	held, err := node.Open(t.Context(), node.Config{Server: server.Config{Network: cfg.Server.Network, Dir: cfg.Server.Dir}})
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	_, _, err = openLocal(t.Context(), Options{Settings: cfg})
	var locked *store.LockedError
	if !errors.As(err, &locked) {
		t.Errorf("got %v", err)
	}
}

// Of a data directory that is in use and on which no node answers, nobody is told
// that there is a node.
func TestInUse(t *testing.T) {
	var busy *BusyError
	if err := inUse(t.Context(), t.TempDir(), "127.0.0.1:1"); !errors.As(err, &busy) {
		t.Errorf("got %v", err)
	}
}

// TestWrongPassword asks a node that runs with a wrong password, and with none where
// the cookie cannot be read: no attempt is made to wait for it.
func TestWrongPassword(t *testing.T) {
	dir, rpc := t.TempDir(), jsonrpc.Options{CookiePath: filepath.Join(t.TempDir(), "cookie")}
	held, err := node.Open(t.Context(), node.Config{
		Server:    server.Config{Network: params.Regtest(), Dir: dir},
		RPCListen: "127.0.0.1:0", RPC: rpc,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- held.Run(ctx) }()
	defer func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	for _, tc := range []struct {
		about, dir string
		tries      int
	}{{"its directory", dir, 1}, {"no directory", filepath.Join(t.TempDir(), "none"), 0}} {
		fsys := &lender{FS: vfs.Default, held: io.NopCloser(nil)}
		cfg := &settings.Settings{
			Server: server.Config{Network: params.Regtest(), Dir: tc.dir, FS: fsys}, RPCListen: held.RPCAddr().String(),
			RPC: jsonrpc.Options{User: "u", Password: "wrong"},
		}
		_, _, err = Open(t.Context(), Options{Settings: cfg})
		var auth *jsonrpc.AuthError
		if !errors.As(err, &auth) || fsys.refused != tc.tries {
			t.Errorf("%s: %v after %d attempts", tc.about, err, fsys.refused)
		}
	}
	for _, tc := range []struct {
		cause error
		want  bool
	}{{fs.ErrPermission, true}, {fs.ErrNotExist, false}, {nil, false}} {
		if got := isForbidden(&jsonrpc.AuthError{Cause: tc.cause}); got != tc.want {
			t.Errorf("%v: %v", tc.cause, got)
		}
	}
}

// TestSettingsOfTheNode opens the data of a node whose settings say that blocks are
// to be loaded and all is to be rebuilt: that is for the node to do, not for a
// command that wants to know something.
func TestSettingsOfTheNode(t *testing.T) {
	cfg := &settings.Settings{Server: server.Config{Network: params.Regtest(), Dir: t.TempDir()}, RPCListen: "127.0.0.1:1"}
	local, closeLocal, err := openLocal(t.Context(), Options{Settings: cfg})
	if err != nil {
		t.Fatal(err)
	}
	_, err = local.Call(t.Context(), "generatetodescriptor", []any{1, "raw(51)"})
	if err := errors.Join(err, closeLocal()); err != nil {
		t.Fatal(err)
	}
	cfg.Server.Reindex, cfg.Server.Load = true, []string{"none"}
	for _, rebuild := range []bool{false, true} {
		// What a rebuild would delete.
		undo := filepath.Join(cfg.Server.Dir, "blocks", "rev00000.dat")
		if err := os.Chtimes(undo, time.Unix(1, 0), time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
		_, closeLocal, err := openLocal(t.Context(), Options{Settings: cfg, Rebuild: rebuild})
		if err != nil {
			t.Fatal(err)
		}
		if err := closeLocal(); err != nil {
			t.Error(err)
		}
		st, err := os.Stat(undo)
		if err != nil {
			t.Fatal(err)
		}
		if anew := st.ModTime().Unix() != 1; anew != rebuild {
			t.Errorf("rebuilt %v, want %v", anew, rebuild)
		}
	}
}

// lender is a file system whose lock is given back once somebody has asked for
// it in vain.
type lender struct {
	vfs.FS
	held    io.Closer
	refused int
}

func (l *lender) Lock(name string) (io.Closer, error) {
	c, err := l.FS.Lock(name)
	if err != nil {
		l.refused++
		l.held.Close()
	}
	return c, err
}

// TestNodeAfterCommand starts a node while something else has its directory: a
// command is waited for, a node is not.
func TestNodeAfterCommand(t *testing.T) {
	for _, tc := range []struct {
		about  string
		node   bool
		killed bool // a node that was killed left word of itself
	}{{"command", false, false}, {"node", true, false}, {"command after a node was killed", false, true}} {
		t.Run(tc.about, func(t *testing.T) {
			cfg := node.Config{Server: server.Config{Network: params.Regtest(), Dir: t.TempDir()}}
			if tc.node {
				other, err := node.Open(t.Context(), node.Config{Server: cfg.Server, RPCListen: "127.0.0.1:0"})
				if err != nil {
					t.Fatal(err)
				}
				defer other.Close()
				cfg.Server.FS = &lender{FS: vfs.Default, held: io.NopCloser(nil)}
			} else {
				held, err := store.LockDir(vfs.Default, cfg.Server.Dir)
				if err != nil {
					t.Fatal(err)
				}
				cfg.Server.FS = &lender{FS: vfs.Default, held: held}
			}
			if tc.killed {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				l.Close() // nobody answers there
				word := l.Addr().String() + "\n" + cfg.Server.Dir + "\n"
				if err := os.WriteFile(filepath.Join(cfg.Server.Dir, ".rpc"), []byte(word), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			n, err := Start(t.Context(), cfg)
			var locked *store.LockedError
			if errors.As(err, &locked) != tc.node || (err != nil) != tc.node {
				t.Errorf("got %v", err)
			}
			if got := cfg.Server.FS.(*lender).refused; got != 1 {
				t.Errorf("refused %d times, want 1", got)
			}
			if n != nil {
				n.Close()
			}
		})
	}
}

// badDisk is a file system on which block files cannot be read once it is bad.
type badDisk struct {
	vfs.FS
	bad atomic.Bool
}

var errBadDisk = errors.New("input/output error")

func (d *badDisk) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := d.FS.Open(name, opts...)
	if err != nil || !strings.HasPrefix(filepath.Base(name), "blk") {
		return f, err
	}
	return badFile{f, d}, nil
}

type badFile struct {
	vfs.File
	disk *badDisk
}

func (f badFile) ReadAt(b []byte, off int64) (int, error) {
	if f.disk.bad.Load() {
		return 0, errBadDisk
	}
	return f.File.ReadAt(b, off)
}

// TestFailsWhileRebuilding has the disk fail under a node that a command has
// opened, and that rebuilds its index: the command ends, and says why once.
func TestFailsWhileRebuilding(t *testing.T) {
	cfg := &settings.Settings{Server: server.Config{Network: params.Regtest(), Dir: t.TempDir()}, RPCListen: "127.0.0.1:1"}
	node, closeNode, err := openLocal(t.Context(), Options{Settings: cfg})
	if err != nil {
		t.Fatal(err)
	}
	_, err = node.Call(t.Context(), "generatetodescriptor", []any{3, "raw(51)"})
	if err := errors.Join(err, closeNode()); err != nil {
		t.Fatal(err)
	}
	disk := &badDisk{FS: vfs.Default}
	disk.bad.Store(true)
	cfg.Server.FS = disk
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // it may hang
	defer cancel()
	_, _, err = openLocal(ctx, Options{Settings: cfg, Rebuild: true})
	if !errors.Is(err, errBadDisk) || errors.Is(err, context.DeadlineExceeded) || strings.Count(err.Error(), errBadDisk.Error()) != 1 {
		t.Errorf("got %v", err)
	}
}
