//go:build linux

// Other systems have no addresses 127.x.y.z beside 127.0.0.1.

package interop

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"starling/interop/harness"
)

const (
	// fullLinks and blockLinks are the standing links that a node opens by
	// itself, where there are so many others.
	fullLinks, blockLinks = 8, 2
	// meetPatience is how long the nodes may take to find each other.
	meetPatience = 3 * time.Minute
)

// meeting is a network of nodes that know little of each other, each in a
// network group of its own.
type meeting struct {
	t       *testing.T
	network string // its file
	port    string
	nodes   []*harness.Node
}

// newMeeting makes the file of a network, with a DNS seed if one is named.
func newMeeting(t *testing.T, dnsSeed string) *meeting {
	_, port, err := net.SplitHostPort(harness.FreeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	m := &meeting{t: t, network: filepath.Join(t.TempDir(), "meeting.toml"), port: port}
	starling, _ := harness.Build(t)
	create := exec.Command(starling, "network", "create", "--name", "meeting", "--script", "51", "--port", port, "--out", m.network)
	if out, err := create.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if dnsSeed == "" {
		return m
	}
	text, err := os.ReadFile(m.network)
	if err != nil {
		t.Fatal(err)
	}
	const before = "\ntransports = "
	if !strings.Contains(string(text), before) {
		t.Fatalf("no line%q in\n%s", before, text)
	}
	named := strings.Replace(string(text), before, fmt.Sprintf("\ndns-seeds = [%q]%s", dnsSeed, before), 1)
	if err := os.WriteFile(m.network, []byte(named), 0o644); err != nil {
		t.Fatal(err)
	}
	return m
}

// add prepares a node of the i-th group.
func (m *meeting) add(i int, flags ...string) *harness.Node {
	n := harness.NewStarlingAt(m.t, fmt.Sprintf("127.0.%d.1:%s", 100+i, m.port), m.network,
		append([]string{"--exempt-local=false", "--no-wallet"}, flags...)...)
	m.nodes = append(m.nodes, n)
	return n
}

// outbound returns the addresses to which a node has opened links, by kind.
func outbound(n *harness.Node) map[string][]string {
	var peers []struct {
		Addr    string `json:"addr"`
		Kind    string `json:"connection_type"`
		Version int    `json:"version"`
	}
	n.Call(&peers, "getpeerinfo")
	links := make(map[string][]string)
	for _, p := range peers {
		if p.Version != 0 {
			links[p.Kind] = append(links[p.Kind], p.Addr)
		}
	}
	return links
}

// meet waits until every node has all the links that it can have and all are one
// piece, and returns how long that took.
func (m *meeting) meet(began time.Time) time.Duration {
	m.t.Helper()
	others := len(m.nodes) - 1
	full := min(others-blockLinks, fullLinks) // links for blocks come first after a restart
	all := min(others, fullLinks+blockLinks)
	defer func() {
		if m.t.Failed() {
			m.describe()
		}
	}()
	for _, n := range m.nodes {
		n.Eventually(fmt.Sprintf("%s has opened %d links, %d of them full ones", n.P2P, all, full), meetPatience, func() bool {
			l := outbound(n)
			return len(l["outbound-full-relay"]) >= full && len(l["outbound-full-relay"])+len(l["block-relay-only"]) >= all
		})
		m.t.Logf("%s is linked after %.1f s", n.P2P, time.Since(began).Seconds())
	}
	took := time.Since(began)
	m.onePiece()
	return took
}

// describe tells which links the nodes have opened and which addresses they know.
func (m *meeting) describe() {
	for _, n := range m.nodes {
		var known []struct {
			Address string `json:"address"`
		}
		if err := n.TryCall(&known, "getnodeaddresses", 0); err != nil {
			m.t.Logf("%s: %v", n.P2P, err)
			continue
		}
		var hosts []string
		for _, a := range known {
			hosts = append(hosts, a.Address)
		}
		slices.Sort(hosts)
		links := outbound(n)
		m.t.Logf("%s: full links %v, for blocks %v, knows %v", n.P2P, links["outbound-full-relay"], links["block-relay-only"], hosts)
	}
}

// onePiece checks that from one node all others are reached over links.
func (m *meeting) onePiece() {
	m.t.Helper()
	links := make(map[string][]string)
	for _, n := range m.nodes {
		for _, to := range outbound(n) {
			for _, a := range to {
				links[n.P2P] = append(links[n.P2P], a)
				links[a] = append(links[a], n.P2P)
			}
		}
	}
	seen := map[string]bool{m.nodes[0].P2P: true}
	for queue := []string{m.nodes[0].P2P}; len(queue) > 0; queue = queue[1:] {
		for _, a := range links[queue[0]] {
			if !seen[a] {
				seen[a] = true
				queue = append(queue, a)
			}
		}
	}
	for _, n := range m.nodes {
		if !seen[n.P2P] {
			m.t.Errorf("%s is cut off from the others", n.P2P)
		}
	}
}

// restart stops all nodes, every third with kill -9, and starts them again.
func (m *meeting) restart() time.Time {
	var wg sync.WaitGroup
	for i, n := range m.nodes {
		if i%3 == 0 {
			n.Kill()
		} else {
			wg.Go(n.Stop)
		}
	}
	wg.Wait()
	return m.start()
}

// start starts all nodes and waits until their RPC answers.
func (m *meeting) start() time.Time {
	began := time.Now()
	for _, n := range m.nodes {
		n.Launch()
	}
	for _, n := range m.nodes {
		n.WaitReady()
	}
	return began
}

// meetingSize is how many nodes there are.
func meetingSize() int {
	if os.Getenv("STARLING_TEST_LONG") != "" {
		return 12
	}
	return 6
}

// Nodes that know the address of one find each other through it, lose it to a kill
// -9, and find each other again after a restart without it.
func TestMeetThroughOne(t *testing.T) {
	m := newMeeting(t, "")
	first := m.add(0)
	for i := range meetingSize() - 1 {
		m.add(i+1, "--seednode", first.P2P)
	}
	t.Logf("%d nodes that know one: %.1f s", len(m.nodes), m.meet(m.start()).Seconds())

	first.Kill()
	m.nodes = m.nodes[1:]
	t.Logf("%d nodes restarted without it: %.1f s", len(m.nodes), m.meet(m.restart()).Seconds())
}

// Nodes that know nothing but the name of a DNS seed find each other through it,
// and again after a restart without it.
func TestMeetThroughDNS(t *testing.T) {
	m := newMeeting(t, "seed.example")
	dns := harness.FreeAddr(t)
	for i := range meetingSize() {
		m.add(i, "--dns-resolver", dns)
	}
	began := m.start()
	stop := m.seeder(dns, m.nodes[0].P2P)
	t.Logf("%d nodes that know the name of a seed: %.1f s", len(m.nodes), m.meet(began).Seconds())
	stop()
	t.Logf("%d nodes restarted without it: %.1f s", len(m.nodes), m.meet(m.restart()).Seconds())
}

// seeder starts a DNS seed that knows one address, and returns what stops it.
func (m *meeting) seeder(dns, start string) (stop func()) {
	m.t.Helper()
	starling, _ := harness.Build(m.t)
	cmd := exec.Command(starling, "seeder", "--network", m.network, "--datadir", m.t.TempDir(), "--name", "seed.example",
		"--listen", dns, "--start", start, "--timeout", "2s", "--revisit", "2s")
	cmd.Env = append(os.Environ(), "STARLING_EXEMPT_LOCAL=false")
	out := new(strings.Builder)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			m.t.Errorf("seeder: %v\n%s", err, out)
		}
	})
	m.t.Cleanup(stop)
	return stop
}
