package devnet

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"starling/internal/cputime"
	"starling/params"
)

// events collects what a network tells.
type events struct {
	mu  sync.Mutex
	all []Event
}

func (e *events) add(ev Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, ev)
}

func (e *events) count(kind string) (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, ev := range e.all {
		if ev.Kind == kind {
			n++
		}
	}
	return n
}

// start runs a network until the function that it returns is called.
func start(t *testing.T, cfg Config) (d *Net, stop func()) {
	t.Helper()
	if cfg.State == "" && cfg.Control == "" {
		cfg.Control = filepath.Join(t.TempDir(), "control")
	}
	cfg.Since, cfg.Version = cputime.Start(), "0"
	d, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- d.Run(context.WithoutCancel(t.Context())) }()
	stop = sync.OnceFunc(func() {
		d.Stop()
		if err := <-done; err != nil {
			t.Errorf("the network ended with: %v", err)
		}
	})
	t.Cleanup(stop)
	select {
	case <-d.Ready():
	case err := <-done:
		t.Fatalf("the network ended early: %v", err)
	}
	return d, stop
}

// paid waits until a node's wallet sees its payment confirmed.
func (d *Net) paid(t *testing.T, node, txid string) bool {
	t.Helper()
	n, err := d.find(node)
	if err != nil {
		t.Fatal(err)
	}
	w, err := n.wallet()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), spreadPatience)
	defer cancel()
	return n.await(ctx, func() bool {
		if err := w.Sync(ctx); err != nil {
			t.Error(err)
		}
		for _, e := range w.History() {
			if e.ID.String() == txid {
				return e.Depth > 0
			}
		}
		return false
	}) == nil
}

// TestNetwork goes through what one can do with a network that is not kept.
func TestNetwork(t *testing.T) {
	var told events
	control := filepath.Join(t.TempDir(), "new", "control")
	d, stop := start(t, Config{Control: control, Events: told.add})
	ctx := t.Context()
	c, err := Dial(control)
	if err != nil {
		t.Fatal(err)
	}
	do := func(action string, q Request) Reply {
		t.Helper()
		r, err := c.Do(ctx, action, q)
		if err != nil {
			t.Fatalf("%s: %v", action, err)
		}
		return r
	}
	heights := func() (h [3]int32) {
		for i, n := range do("status", Request{}).Status.Nodes {
			h[i] = n.Height
		}
		return h
	}

	info := do("info", Request{}).Info
	for i, n := range info.Nodes {
		if len(strings.Fields(n.Mnemonic)) != 12 || n.Address == "" || n.Balance == "0" || n.Mines != (i == 2) {
			t.Errorf("node %d: %+v", i, n)
		}
	}
	if heights() != [3]int32{1, 1, 1} {
		t.Fatalf("at the beginning: %v", heights())
	}
	if got := do("mine", Request{N: 2}).Hashes; len(got) != 2 || heights() != [3]int32{3, 3, 3} {
		t.Fatalf("%d blocks: %v", len(got), heights())
	}
	p := do("pay", Request{To: "miner", Amount: params.Coin, Node: "wallet", Wait: true}).Payment
	if p.Fee <= 0 || p.From != "wallet" || p.Amount != "1" || heights()[1] != 4 {
		t.Errorf("%+v, %v", p, heights())
	}

	// Two sides of a partition go their own ways; the longer one wins.
	if got := do("partition", Request{Groups: [][]string{{"miner"}}}).Groups; len(got) != 2 {
		t.Errorf("groups %v", got)
	}
	do("mine", Request{Node: "central", N: 3})
	do("mine", Request{Node: "miner", N: 1})
	if heights() != [3]int32{7, 7, 5} {
		t.Errorf("in a partition: %v", heights())
	}
	s := do("status", Request{}).Status
	if len(s.Partition) != 2 || s.Nodes[2].Cut != 1 || s.Nodes[0].Cut != 0 {
		t.Errorf("in a partition: %+v", s)
	}
	do("heal", Request{})
	if heights() != [3]int32{7, 7, 7} {
		t.Errorf("healed: %v", heights())
	}

	// Payments whose blocks lost are mined on the other side's chain.
	do("partition", Request{Groups: [][]string{{"miner"}}})
	var lost []string
	for range 5 {
		lost = append(lost, do("pay", Request{To: "wallet", Amount: 2 * params.Coin}).Payment.TxID)
		do("mine", Request{Node: "central", N: 1})
	}
	do("mine", Request{Node: "miner", N: 6})
	do("heal", Request{})
	do("mine", Request{N: 1})
	for _, txid := range lost {
		if !d.paid(t, "central", txid) {
			t.Error("a payment was lost with its block")
		}
	}

	// A reorganisation keeps the payment, in another block.
	before := d.nodes[1].tip()
	if got := do("reorg", Request{N: 5}).Hashes; len(got) < 6 || len(got) == 0 {
		t.Errorf("%d new blocks", len(got))
	}
	if at := d.nodes[1].tip(); before.IsAncestorOf(at) {
		t.Error("no reorganisation")
	}
	if told.count("reorg") < 3 {
		t.Errorf("%d reorganisations were told", told.count("reorg"))
	}
	if !d.paid(t, "wallet", p.TxID) {
		t.Error("a payment was lost in the reorganisation")
	}

	do("path", Request{Path: PathChange{Latency: new(5 * time.Millisecond), Loss: new(0.02)}})
	do("path", Request{Path: PathChange{Loss: new(0.01)}})
	if got, want := d.Status().Path, (Path{Latency: 5 * time.Millisecond, Loss: 0.01}); got != want {
		t.Errorf("between the nodes lies %+v, want %+v", got, want)
	}
	do("mine", Request{N: 1})

	for name, q := range map[string]Request{
		"mine":      {Node: "nobody", N: 1},
		"reorg":     {N: 1 << 20},
		"pay":       {To: "nobody", Amount: 1},
		"path":      {Path: PathChange{Loss: new(1.0)}},
		"partition": {Groups: [][]string{{"central", "wallet", "miner"}}},
		"dance":     {},
	} {
		if _, err := c.Do(ctx, name, q); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := d.Mine(ctx, "", 0); err == nil {
		t.Error("no blocks were made")
	}

	// Others keep out, and nothing is left at the end.
	var running *RunningError
	if _, err := Open(ctx, Config{Control: control}); !errors.As(err, &running) || running.PID != os.Getpid() {
		t.Errorf("a second network: %v", err)
	}
	bad := *c
	bad.contact.Token = "guess"
	if _, err := bad.Do(ctx, "stop", Request{}); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("a wrong token: %v", err)
	}
	if resp, err := http.Get("http://" + c.contact.Address + "/status"); err != nil || resp.StatusCode == http.StatusOK {
		t.Errorf("a page that anybody's browser could ask for: %v", err)
	} else {
		resp.Body.Close()
	}
	http.DefaultClient.CloseIdleConnections()
	dir := info.Dir
	if err := c.Stop(ctx); err != nil {
		t.Error(err)
	}
	stop()
	for _, path := range []string{dir, control, filepath.Dir(control)} {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left: %v", path, err)
		}
	}
	var gone *NotRunningError
	if _, err := c.Do(ctx, "status", Request{}); !errors.As(err, &gone) {
		t.Errorf("a command after the end: %v", err)
	}
}

// TestState keeps a network, and takes it up again with another node.
func TestState(t *testing.T) {
	state := t.TempDir()
	hand := Mode{kind: hand}
	d, stop := start(t, Config{State: state, Nodes: 2, Mode: hand, Topology: Star})
	if _, err := d.Mine(t.Context(), "central", 3); err != nil {
		t.Fatal(err)
	}
	tip, before := d.nodes[1].tip().Hash, d.describe(t.Context())
	stop()
	d, stop = start(t, Config{State: state, Nodes: 3, Mode: hand})
	if got := d.nodes[1].tip().Hash; got != tip {
		t.Errorf("tip %v, was %v", got, tip)
	}
	if d.plan.Topology != Star {
		t.Errorf("the topology is %s now", d.plan.Topology)
	}
	after := d.describe(t.Context())
	for i, n := range before.Nodes {
		if a := after.Nodes[i]; a.Mnemonic != n.Mnemonic || a.Balance != n.Balance || a.P2P != n.P2P || a.RPC != n.RPC {
			t.Errorf("node %s is %+v, was %+v", n.Name, a, n)
		}
	}
	// The new node catches up and can be paid.
	if _, err := d.Pay(t.Context(), "wallet", "miner", params.Coin, false); err != nil {
		t.Error(err)
	}
	if err := d.miner().await(t.Context(), func() bool { return d.miner().Server.Mempool().Len() == 1 }); err != nil {
		t.Error(err)
	}
	if _, err := d.Mine(t.Context(), "", 1); err != nil {
		t.Error(err)
	}
	d.describe(t.Context()) // once the wallets have looked at the block
	if h := d.Status(); h.Nodes[2].Height != 5 || h.Nodes[2].Balance == "0" {
		t.Errorf("%+v", h.Nodes[2])
	}
	stop()
	if _, err := Open(t.Context(), Config{State: state, Nodes: 2}); err == nil || !strings.Contains(err.Error(), "has 3 nodes") {
		t.Errorf("fewer nodes: %v", err)
	}
}

// TestPaidLater keeps a network whose first starts come to nothing: the wallets are
// paid by the first one that gets so far, and only once.
func TestPaidLater(t *testing.T) {
	cfg := Config{State: t.TempDir(), Version: "0", Mode: Mode{kind: hand}}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	busy := cfg
	busy.Ports = taken.Addr().(*net.TCPAddr).Port - 2 // what the second node gets
	if d, err := Open(t.Context(), busy); err == nil {
		t.Error("took a port that is taken")
		d.Close()
	}
	d, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	if err := d.Run(ctx); err != nil {
		t.Errorf("interrupted at once: %v", err)
	}
	want := coins(fundOutputs * fundCoins)
	for i := range 2 {
		d, stop := start(t, cfg)
		for _, n := range d.describe(t.Context()).Nodes[1:2] {
			if n.Balance != want {
				t.Errorf("start %d: %s has %s, want %s", i+1, n.Name, n.Balance, want)
			}
		}
		if h := d.Status().Height; h != 1 {
			t.Errorf("start %d: height %d, want 1", i+1, h)
		}
		stop()
	}
}

// TestPaidUnconfirmed takes a network up that was stopped when its wallets had been
// paid but no block held that: they are not paid twice.
func TestPaidUnconfirmed(t *testing.T) {
	cfg := Config{State: t.TempDir(), Version: "0", Nodes: 2, Mode: Mode{kind: hand}}
	d, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	d.cfg.Events = func(e Event) {
		if e.Kind == "ready" {
			t.Error("it took the payment for confirmed")
		}
	}
	go func() {
		defer interrupt()
		pool := d.nodes[0].Server.Mempool()
		for changed := pool.Changed(); pool.Len() == 0; changed = pool.Changed() {
			<-changed
		}
	}()
	// Cut off, the miner never hears of the payment.
	if err := d.faults.Partition([][]int{{0}, {1}}); err != nil {
		t.Fatal(err)
	}
	if err := d.Run(ctx); err != nil {
		t.Fatal(err)
	}
	d, _ = start(t, cfg)
	if got, want := d.describe(t.Context()).Nodes[1].Balance, coins(fundOutputs*fundCoins); got != want {
		t.Errorf("the wallet has %s, want %s", got, want)
	}
}

// TestLeftovers clears up after a network that was killed.
func TestLeftovers(t *testing.T) {
	control := t.TempDir()
	temp, err := os.MkdirTemp("", tempPrefix+"*")
	if err != nil {
		t.Fatal(err)
	}
	other := t.TempDir() // not one of ours, whatever the file says
	for _, dir := range []string{temp, other} {
		b, err := json.Marshal(contact{PID: 1, Address: "127.0.0.1:1", Token: "t", Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(control, controlFile), b, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Dial(control)
		if err != nil {
			t.Fatal(err)
		}
		var gone *NotRunningError
		if _, err := c.Do(t.Context(), "status", Request{}); !errors.As(err, &gone) {
			t.Errorf("a command: %v", err)
		}
		_, stop := start(t, Config{Control: control, Nodes: 1})
		stop()
	}
	if _, err := os.Stat(temp); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is left", temp)
	}
	if _, err := os.Stat(other); err != nil {
		t.Error(err)
	}
}

// TestPayments makes up payments, with blocks at intervals.
func TestPayments(t *testing.T) {
	var told events
	mode, err := ParseMode("interval=50ms")
	if err != nil {
		t.Fatal(err)
	}
	d, _ := start(t, Config{Nodes: 4, Topology: Ring, Mode: mode, TxRate: 50, Events: told.add})
	central := d.nodes[0]
	if err := central.await(t.Context(), func() bool { return d.payments.Load() >= 20 && central.tip().Height >= 5 }); err != nil {
		t.Error(err)
	}
	if told.count("payment") < 20 || told.count("block") < 5 {
		t.Errorf("%d payments and %d blocks were told", told.count("payment"), told.count("block"))
	}
}

func TestParseMode(t *testing.T) {
	for _, s := range []string{"instant", "hand", "interval=5s", "poisson=1m30s"} {
		m, err := ParseMode(s)
		if err != nil || m.String() != s {
			t.Errorf("%s: %v, %v", s, m, err)
		}
	}
	for _, s := range []string{"", "instant=1s", "interval", "interval=", "interval=0s", "poisson=-1s", "poisson=48h", "often"} {
		if _, err := ParseMode(s); err == nil {
			t.Errorf("%q is taken", s)
		}
	}
	if (Mode{}).String() != "instant" {
		t.Error("the zero mode has another name")
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []Config{
		{Nodes: -1}, {Nodes: MaxNodes + 1}, {Path: Path{Latency: -1}}, {Path: Path{Latency: time.Hour}},
		{Path: Path{Loss: 1}}, {Path: Path{Loss: -0.1}}, {TxRate: -1}, {TxRate: 1e9}, {TxRate: 1e-300}, {TxRate: math.NaN()}, {Path: Path{Loss: math.NaN()}}, {Path: Path{Loss: math.Inf(1)}},
	} {
		if err := c.Check(); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}
