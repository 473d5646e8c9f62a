package cli

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"starling/transport/socks5/sockstest"

	"starling/internal/cli/cmdkit"
	"starling/params/netfile"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"starling": func() { os.Exit(Run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// TestScripts runs the stories in testdata/script.
func TestScripts(t *testing.T) {
	blocks, err := filepath.Abs("../../rpc/testdata/main_0_to_170.dat")
	if err != nil {
		t.Fatal(err)
	}
	free := newPorts()
	via := &proxies{t: t, all: make(map[string]*sockstest.Server)}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("BLOCKS", blocks)
			// Nodes of these stories keep their data in the work directory.
			e.Setenv("HOME", e.WorkDir)
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"code":     code,
			"fetch":    fetch,
			"freeport": free.freePort,
			"freenode": free.freeNode,
			"freepair": free.freePair,
			"capture":  capture,
			"coins":    coinSum,
			"waitfor":  waitFor,
			"balances": balances,
			"equal":    equal,
			"proxy":    via.start,
			"asked":    via.asked,
		},
	})
}

// proxies are the SOCKS5 proxies of the stories, which run until the last ends.
type proxies struct {
	t   *testing.T
	mu  sync.Mutex
	all map[string]*sockstest.Server // by address
}

// start NAME HOST=ADDR… starts a proxy that knows these hosts, and sets a
// variable to its address.
func (p *proxies) start(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: proxy NAME [host=addr...]")
	}
	hosts := make(map[string]string)
	for _, a := range args[1:] {
		host, addr, _ := strings.Cut(a, "=")
		hosts[host] = addr
	}
	s := sockstest.Start(p.t, sockstest.Options{Hosts: hosts})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all[s.Address()] = s
	ts.Setenv(args[0], s.Address())
}

// asked ADDRESS prints what a proxy was asked for, and by how many logins.
func (p *proxies) asked(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: asked ADDRESS")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	logins := make(map[string]bool)
	requests := p.all[args[0]].Requests()
	for _, r := range requests {
		logins[r.User+":"+r.Password] = true
		fmt.Fprintf(ts.Stdout(), "%s:%s by name: %v\n", r.Host, r.Port, r.Named)
	}
	fmt.Fprintf(ts.Stdout(), "one login for each: %v\n", len(logins) == len(requests))
}

// code N COMMAND… runs a command that must end with exit code N.
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N command [args...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// fetch URL prints what an HTTP server answers.
func fetch(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: fetch URL")
	}
	r, err := http.Get(args[0])
	ts.Check(err)
	defer r.Body.Close()
	_, err = io.Copy(ts.Stdout(), r.Body)
	ts.Check(err)
}

// ports gives out ports on this machine that nobody listens at. Stories that run
// at the same time get different ones, and keep them while their nodes are
// stopped; so do other processes that run these tests, mostly. They lie below
// those that systems give to whoever asks for any.
type ports struct {
	mu    sync.Mutex
	first int
	used  map[int]bool
}

const (
	portCount = 120 // for each process
	portFirst = 10_000
	// portRPC is how far above the number of a node (--node-id) its RPC port is.
	portRPC = 10_000
)

func newPorts() *ports {
	const processes = (portRPC - 2*portCount) / portCount
	return &ports{first: portFirst + os.Getpid()%processes*portCount, used: map[int]bool{}}
}

// take returns a port until the end of the story; the one as far above it as
// also says is free too.
func (p *ports) take(ts *testscript.TestScript, also int) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	free := func(port int) bool {
		ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		return err == nil && ln.Close() == nil
	}
	for n := p.first; n < p.first+portCount; n++ {
		if p.used[n] || p.used[n+also] || !free(n) || !free(n+also) {
			continue
		}
		p.used[n], p.used[n+also] = true, true
		ts.Defer(func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			delete(p.used, n)
			delete(p.used, n+also)
		})
		return strconv.Itoa(n)
	}
	ts.Fatalf("no free port")
	return ""
}

// freePort NAME… sets variables to addresses on this machine that nobody
// listens at.
func (p *ports) freePort(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		ts.Setenv(name, net.JoinHostPort("127.0.0.1", p.take(ts, 0)))
	}
}

// freeNode NAME… sets variables to numbers of nodes (--node-id) of whose ports
// nobody listens at any.
func (p *ports) freeNode(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		ts.Setenv(name, p.take(ts, portRPC))
	}
}

// freePair NAME… sets variables to ports of which neither they nor the next ones
// are listened at.
func (p *ports) freePair(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		ts.Setenv(name, p.take(ts, 1))
	}
}

// capture NAME PATTERN sets a variable to what the first group of the pattern
// matches in what the last command printed.
func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: capture NAME PATTERN")
	}
	m := regexp.MustCompile("(?m)" + args[1]).FindStringSubmatch(ts.ReadFile("stdout") + "\n" + ts.ReadFile("stderr"))
	if len(m) < 2 {
		ts.Fatalf("%s is not in the output", args[1])
	}
	ts.Setenv(args[0], m[1])
}

// equal A B fails unless two texts are the same.
func equal(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: equal A B")
	}
	if args[0] != args[1] {
		ts.Fatalf("%s is not %s", args[0], args[1])
	}
}

// coinSum NAME COINS [+|- COINS]… sets a variable to a sum of amounts, exactly.
func coinSum(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args)%2 != 0 {
		ts.Fatalf("usage: coins NAME COINS [+|- COINS]...")
	}
	var sum int64
	for i := 1; i < len(args); i += 2 {
		n, err := netfile.ParseCoins(args[i])
		ts.Check(err)
		if i > 1 && args[i-1] == "-" {
			n = -n
		}
		sum += n
	}
	ts.Setenv(args[0], cmdkit.CoinText(sum))
}

// waitFor PATTERN COMMAND… runs a command, again and again, until it succeeds
// and its output has the pattern.
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: waitfor PATTERN command [args...]")
	}
	pattern := regexp.MustCompile("(?m)" + args[0])
	const patience = 60 * time.Second
	for begun := time.Now(); ; {
		err := ts.Exec(args[1], args[2:]...)
		if err == nil && pattern.MatchString(ts.ReadFile("stdout")) {
			return
		}
		if time.Since(begun) > patience {
			ts.Fatalf("%s did not come within %v (%v)", args[0], patience, err)
		}
	}
}

// balances [FLAG…] NODE,NODE… ADDRESS=COINS… asks each node, running or not, for
// the balance of each address.
func balances(ts *testscript.TestScript, neg bool, args []string) {
	var flags []string
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		flags, args = append(flags, args[0]), args[1:]
	}
	if neg || len(args) < 2 {
		ts.Fatalf("usage: balances [flags...] NODE,NODE... ADDRESS=COINS...")
	}
	var addrs []string
	want := ""
	for _, a := range args[1:] {
		to, coins, _ := strings.Cut(a, "=")
		addrs = append(addrs, to)
		want += fmt.Sprintf("%s %s\n", to, coins)
	}
	for node := range strings.SplitSeq(args[0], ",") {
		ts.Check(ts.Exec("starling", slices.Concat([]string{"balance", "--node-id", node}, flags, addrs)...))
		if got := ts.ReadFile("stdout"); got != want {
			ts.Fatalf("node %s says\n%swant\n%s", node, got, want)
		}
	}
}
