package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// T is what the harness needs of a *testing.T; a benchmark program brings its
// own.
type T interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
	TempDir() string
	Cleanup(func())
}

// User and Password of every node's RPC.
const (
	User     = "interop"
	Password = "interop"
)

// pollEvery is how often a condition of another process is looked at.
const pollEvery = 50 * time.Millisecond

// binaries are built once for each run of the test binary.
var binaries struct {
	once           sync.Once
	starling, btcd string
	err            error
}

// Build builds both programs and returns their paths.
func Build(t T) (starling, btcd string) {
	t.Helper()
	binaries.once.Do(func() {
		dir, err := os.MkdirTemp("", "starling-interop-")
		if err != nil {
			binaries.err = err
			return
		}
		suffix := ""
		if runtime.GOOS == "windows" {
			suffix = ".exe"
		}
		build := func(name, pkg, in string) string {
			out := filepath.Join(dir, name+suffix)
			cmd := exec.Command("go", "build", "-o", out, pkg)
			cmd.Dir = in
			if msg, err := cmd.CombinedOutput(); err != nil && binaries.err == nil {
				binaries.err = fmt.Errorf("build %s: %w\n%s", pkg, err, msg)
			}
			return out
		}
		root, err := moduleRoot()
		if err != nil {
			binaries.err = err
			return
		}
		binaries.starling = build("starling", "./cmd/starling", root)
		binaries.btcd = build("btcd", "github.com/btcsuite/btcd", filepath.Join(root, "interop"))
	})
	if binaries.err != nil {
		t.Fatal(binaries.err)
	}
	return binaries.starling, binaries.btcd
}

// moduleRoot finds the root of the repository, above this module.
func moduleRoot() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", err
	}
	return filepath.Dir(filepath.Dir(strings.TrimSpace(string(out)))), nil
}

// FreeAddr returns a loopback address that nobody listens on.
func FreeAddr(t T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Node is a running program.
type Node struct {
	Name     string
	Dir      string // data directory
	P2P, RPC string // host:port
	t        T
	binary   string
	args     []string
	cmd      *exec.Cmd
	out      *output
	exited   chan error
}

// output keeps what a program printed last.
type output struct {
	mu   sync.Mutex
	buf  []byte
	want []byte // what seen waits for
	seen chan struct{}
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.want != nil && bytes.Contains(p, o.want) {
		close(o.seen)
		o.want = nil
	}
	o.buf = append(o.buf, p...)
	if over := len(o.buf) - 1<<20; over > 0 {
		o.buf = o.buf[over:]
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.buf)
}

// Starling starts a Starling on a network with further flags, and waits until
// its RPC answers. It is stopped when the test ends.
func Starling(t T, network string, flags ...string) *Node {
	t.Helper()
	n := NewStarling(t, network, flags...)
	n.Start()
	return n
}

// NewStarling prepares a Starling without starting it.
func NewStarling(t T, network string, flags ...string) *Node {
	t.Helper()
	return NewStarlingAt(t, FreeAddr(t), network, flags...)
}

// NewStarlingAt is [NewStarling] with the address at which peers connect.
func NewStarlingAt(t T, p2p, network string, flags ...string) *Node {
	t.Helper()
	starling, _ := Build(t)
	n := &Node{Name: "starling", Dir: t.TempDir(), P2P: p2p, RPC: FreeAddr(t), t: t, binary: starling}
	n.args = append([]string{"node", "--network", network, "--datadir", n.Dir, "--listen", n.P2P,
		"--rpc-listen", n.RPC, "--rpc-user", User, "--rpc-password", Password}, flags...)
	t.Cleanup(n.Stop)
	return n
}

// Btcd starts a btcd on a network ("regtest", or "main") with further flags,
// and waits until its RPC answers. It is stopped when the test ends.
func Btcd(t T, network string, flags ...string) *Node {
	t.Helper()
	n := NewBtcd(t, network, flags...)
	n.Start()
	return n
}

// NewBtcd prepares a btcd without starting it.
func NewBtcd(t T, network string, flags ...string) *Node {
	t.Helper()
	_, btcd := Build(t)
	n := &Node{Name: "btcd", Dir: t.TempDir(), P2P: FreeAddr(t), RPC: FreeAddr(t), t: t, binary: btcd}
	n.args = append([]string{"--datadir", filepath.Join(n.Dir, "data"), "--logdir", filepath.Join(n.Dir, "logs"),
		"--configfile", filepath.Join(n.Dir, "btcd.conf"), "--listen", n.P2P, "--rpclisten", n.RPC,
		"--rpcuser", User, "--rpcpass", Password, "--notls", "--nodnsseed", "--nobanning"}, flags...)
	if network != "main" {
		n.args = append(n.args, "--"+network)
	}
	if err := os.WriteFile(filepath.Join(n.Dir, "btcd.conf"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Stop)
	return n
}

// Start starts the program, again if it has been stopped, and waits until its
// RPC answers.
func (n *Node) Start(more ...string) {
	n.t.Helper()
	n.Launch(more...)
	n.WaitReady()
}

// Launch starts the program and does not wait for it.
func (n *Node) Launch(more ...string) {
	n.t.Helper()
	n.out = &output{}
	n.cmd = exec.Command(n.binary, append(append([]string(nil), n.args...), more...)...)
	n.cmd.Stdout, n.cmd.Stderr = n.out, n.out
	if err := n.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.exited = make(chan error, 1)
	go func(cmd *exec.Cmd, exited chan error) {
		exited <- cmd.Wait()
		close(exited)
	}(n.cmd, n.exited)
}

// WaitReady waits until the program's RPC answers.
func (n *Node) WaitReady() {
	n.t.Helper()
	n.Eventually("its RPC answers", 30*time.Second, func() bool {
		var height int
		return n.call(&height, "getblockcount") == nil
	})
}

// PID returns the process id.
func (n *Node) PID() int { return n.cmd.Process.Pid }

// Output returns what the program has printed since it was started.
func (n *Node) Output() string { return n.out.String() }

// Printed returns a channel that is closed when the program next prints text.
// A line that is being written when this is called may count or not.
func (n *Node) Printed(text string) <-chan struct{} {
	n.out.mu.Lock()
	defer n.out.mu.Unlock()
	n.out.want, n.out.seen = []byte(text), make(chan struct{})
	return n.out.seen
}

// Wipe empties the data directory of a program that does not run.
func (n *Node) Wipe() {
	n.t.Helper()
	if err := os.RemoveAll(n.Dir); err != nil {
		n.t.Fatal(err)
	}
	if err := os.MkdirAll(n.Dir, 0o755); err != nil {
		n.t.Fatal(err)
	}
}

// Stop ends the program cleanly and waits for it. It may be called again.
func (n *Node) Stop() { n.end(os.Interrupt) }

// Kill ends the program at once (kill -9) and waits for it.
func (n *Node) Kill() { n.end(syscall.SIGKILL) }

func (n *Node) end(sig os.Signal) {
	if n.cmd == nil {
		return
	}
	n.cmd.Process.Signal(sig)
	select {
	case err := <-n.exited:
		var exit *exec.ExitError
		if sig == os.Interrupt && errors.As(err, &exit) && n.Name == "starling" {
			n.t.Errorf("%s: stopped with %v\n%s", n.Name, err, tail(n.Output()))
		}
	case <-time.After(60 * time.Second):
		n.t.Errorf("%s does not stop\n%s", n.Name, tail(n.Output()))
		n.cmd.Process.Kill()
		<-n.exited
	}
	n.cmd = nil
}

func tail(s string) string {
	if len(s) > 4000 {
		s = "…" + s[len(s)-4000:]
	}
	return s
}

// Call calls an RPC method and decodes the result, if result is not nil. An
// error ends the test.
func (n *Node) Call(result any, method string, params ...any) {
	n.t.Helper()
	if err := n.call(result, method, params...); err != nil {
		n.t.Fatalf("%s: %s: %v\n%s", n.Name, method, err, tail(n.Output()))
	}
}

// TryCall is Call with the error returned.
func (n *Node) TryCall(result any, method string, params ...any) error {
	return n.call(result, method, params...)
}

// client does not keep connections: a node that was killed has closed them.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

func (n *Node) call(result any, method string, params ...any) error {
	if params == nil {
		params = []any{}
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "1.0", "id": 1, "method": method, "params": params})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "POST", "http://"+n.RPC, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.SetBasicAuth(User, Password)
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var reply struct {
		Result json.RawMessage
		Error  *struct {
			Code    int
			Message string
		}
	}
	if err := json.Unmarshal(raw, &reply); err != nil {
		return fmt.Errorf("%s: %.200s", resp.Status, raw)
	}
	if reply.Error != nil {
		return fmt.Errorf("%s (%d)", reply.Error.Message, reply.Error.Code)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(reply.Result, result)
}

// Eventually waits until cond holds, and ends the test if it does not within
// limit, or if the program ends first.
func (n *Node) Eventually(what string, limit time.Duration, cond func() bool) {
	n.t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for !cond() {
		select {
		case <-deadline.C:
			n.t.Fatalf("%s: not within %v: %s\n%s", n.Name, limit, what, tail(n.Output()))
		case err := <-n.exited:
			n.cmd = nil
			n.t.Fatalf("%s ended (%v) before %s\n%s", n.Name, err, what, tail(n.Output()))
		case <-tick.C:
		}
	}
}

// Best returns the hash of the best block.
func (n *Node) Best() string {
	n.t.Helper()
	var hash string
	n.Call(&hash, "getbestblockhash")
	return hash
}

// Height returns the height of the best block.
func (n *Node) Height() int {
	n.t.Helper()
	var h int
	n.Call(&h, "getblockcount")
	return h
}

// WaitBest waits until the best block is the one given.
func (n *Node) WaitBest(hash string, limit time.Duration) {
	n.t.Helper()
	n.Eventually("the best block is "+hash, limit, func() bool { return n.Best() == hash })
}

// Connect makes n dial other and waits until both see the link.
func (n *Node) Connect(other *Node) {
	n.t.Helper()
	n.Call(nil, "addnode", other.P2P, "add")
	n.Eventually("it is connected to "+other.P2P, 60*time.Second, func() bool { return n.linkedTo(other) })
}

// Disconnect cuts the link that [Node.Connect] made.
func (n *Node) Disconnect(other *Node) {
	n.t.Helper()
	n.Call(nil, "addnode", other.P2P, "remove")
	if n.linkedTo(other) {
		if n.Name == "btcd" {
			n.TryCall(nil, "node", "disconnect", other.P2P)
		} else {
			n.TryCall(nil, "disconnectnode", other.P2P)
		}
	}
	n.Eventually("it has let go of "+other.P2P, 60*time.Second, func() bool { return !n.linkedTo(other) })
}

func (n *Node) linkedTo(other *Node) bool {
	n.t.Helper()
	var peers []struct {
		Addr    string `json:"addr"`
		Version int    `json:"version"`
	}
	n.Call(&peers, "getpeerinfo")
	for _, p := range peers {
		if p.Addr == other.P2P && p.Version != 0 {
			return true
		}
	}
	return false
}
