package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.uber.org/goleak"

	"starling/chain"
	"starling/chain/consensus"
	"starling/chain/headertree"
	"starling/connmgr"
	"starling/mempool"
	"starling/netsync"
	"starling/netsync/txdownload"
	"starling/params"
	"starling/peer"
	"starling/peer/await"
	"starling/telemetry"
	"starling/transport"
	"starling/transport/socks5"
	"starling/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// collect returns the exposition of m, without the runtime's own metrics.
func collect(t *testing.T, m *telemetry.Metrics) string {
	t.Helper()
	var w recorder
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	m.Handler().ServeHTTP(&w, r)
	return w.String()
}

// recorder is a response that is kept.
type recorder struct {
	strings.Builder
	header http.Header
}

func (r *recorder) Header() http.Header {
	if r.header == nil {
		r.header = http.Header{}
	}
	return r.header
}

func (r *recorder) WriteHeader(int) {}

// samples returns the lines of the series that start with one of the prefixes.
func samples(text string, prefixes ...string) []string {
	var out []string
	for line := range strings.Lines(text) {
		for _, p := range prefixes {
			if strings.HasPrefix(line, "starling_"+p) {
				out = append(out, strings.TrimSpace(line))
			}
		}
	}
	return out
}

func want(t *testing.T, m *telemetry.Metrics, lines ...string) {
	t.Helper()
	text := collect(t, m)
	for _, l := range lines {
		if !strings.Contains("\n"+text, "\nstarling_"+l+"\n") {
			name, _, _ := strings.Cut(l, " ")
			name, _, _ = strings.Cut(name, "{")
			t.Errorf("no %q; there is %q", l, samples(text, name))
		}
	}
}

func TestChain(t *testing.T) {
	m := telemetry.New(telemetry.Options{Version: "1.2.3", Network: "regtest"})
	m.HeadersAccepted(7, nil)
	m.BlockChecked(nil, nil, chain.CheckTimes{Parse: time.Millisecond, Check: 2 * time.Millisecond, Store: 3 * time.Second})
	m.BlockConnected(nil, chain.ConnectStats{Txs: 3, Inputs: 4, Bytes: 500, ScriptsChecked: true,
		Load: time.Second, Lookup: time.Second, Scripts: 2 * time.Second, Undo: time.Second, Apply: time.Second})
	m.BlockConnected(nil, chain.ConnectStats{Txs: 1, Inputs: 0, Bytes: 100})
	m.BlockConnected(nil, chain.ConnectStats{Txs: 1, Inputs: 0, Bytes: 100})
	m.BlockDisconnected(nil)
	m.BlockRejected(wire.Hash{}, fmt.Errorf("block: %w", consensus.Reject(consensus.Invalid, "bad-cb-amount", "")))
	m.BlockRejected(wire.Hash{}, errors.New("the disk is on fire"))
	m.TipChanged(nil)
	m.Flushed(1000, 4*time.Second)
	want(t, m,
		`build_info{network="regtest",version="1.2.3"} 1`,
		"headers_accepted_total 7",
		"blocks_connected_total 3",
		"blocks_disconnected_total 1",
		"blocks_without_scripts_total 2",
		`blocks_rejected_total{reason="bad-cb-amount"} 1`,
		`blocks_rejected_total{reason="other"} 1`,
		"transactions_connected_total 5",
		"inputs_connected_total 4",
		"block_bytes_connected_total 700",
		"coins_flushed_total 1000",
		`block_stage_seconds_sum{stage="parse"} 0.001`,
		`block_stage_seconds_sum{stage="check"} 0.002`,
		`block_stage_seconds_sum{stage="store"} 3`,
		`block_stage_seconds_sum{stage="scripts"} 2`,
		`block_stage_seconds_count{stage="scripts"} 3`,
		`block_stage_seconds_count{stage="load"} 3`,
		`block_stage_seconds_count{stage="lookup"} 3`,
		`block_stage_seconds_count{stage="undo"} 3`,
		`block_stage_seconds_count{stage="apply"} 3`,
		`block_stage_seconds_sum{stage="flush"} 4`,
	)
}

// fakeChain stands at a fixed place.
type fakeChain struct {
	tree     *headertree.Tree
	tip      *headertree.Node
	download bool
}

func (c *fakeChain) Tip() *headertree.Node                         { return c.tip }
func (c *fakeChain) Headers() *headertree.Tree                     { return c.tree }
func (c *fakeChain) VerificationProgress(*headertree.Node) float64 { return 0.25 }
func (c *fakeChain) IsInitialDownload() bool                       { return c.download }

func TestWatch(t *testing.T) {
	m := telemetry.New(telemetry.Options{})
	want(t, m, "chain_height 0", "sync_progress 0") // before there is a chain
	tree := headertree.New(params.Regtest())
	c := &fakeChain{tree: tree, tip: tree.Genesis(), download: true}
	m.Watch(c)
	want(t, m, "chain_height 0", "chain_headers 1", "chain_headers_height 0",
		"chain_tip_timestamp_seconds 1.296688602e+09", "sync_progress 0.25", "sync_initial_download 1")

	want(t, m, "mining_hashes_per_second 0")
	m.WatchMiner(hashRate{1234, true})
	want(t, m, "mining_hashes_per_second 1234")
	m.WatchMiner(hashRate{1234, false}) // the search pauses
	want(t, m, "mining_hashes_per_second 0")

	next := &headertree.Node{Height: 21, Header: wire.Header{Timestamp: 1700000000}}
	m.Watch(&fakeChain{tree: tree, tip: next})
	want(t, m, "chain_height 21", "chain_tip_timestamp_seconds 1.7e+09", "sync_initial_download 0")
}

// fakePool stands at fixed sizes.
type fakePool struct{}

func (fakePool) Info() mempool.Info {
	return mempool.Info{Count: 3, VSize: 420, Usage: 9000, MinFee: 100}
}

func (fakePool) Stats() txdownload.Stats {
	return txdownload.Stats{Tracked: 5, InFlight: 2, Orphans: 4, OrphanWeight: 1600}
}

func TestMempool(t *testing.T) {
	m := telemetry.New(telemetry.Options{})
	want(t, m, "mempool_transactions 0", "tx_orphans 0") // before there is one
	m.WatchMempool(fakePool{}, fakePool{})
	m.TxAdded(nil)
	m.TxAdded(nil)
	m.TxRemoved(nil, mempool.RemovedBlock)
	m.TxRemoved(nil, mempool.RemovedReplaced)
	m.TipMoved(nil, nil)
	want(t, m,
		"mempool_transactions 3",
		"mempool_virtual_bytes 420",
		"mempool_memory_bytes 9000",
		"mempool_min_fee_satoshi_per_kvb 100",
		"mempool_added_total 2",
		`mempool_removed_total{reason="block"} 1`,
		`mempool_removed_total{reason="replaced"} 1`,
		"tx_announced 5",
		"tx_in_flight 2",
		"tx_orphans 4",
		"tx_orphans_weight 1600",
	)
}

func TestPeers(t *testing.T) {
	m := telemetry.New(telemetry.Options{})
	in := peer.New(nil, peer.Config{Kind: peer.Inbound})
	out := peer.New(nil, peer.Config{Kind: peer.OutboundFull})
	early := peer.New(nil, peer.Config{Kind: peer.OutboundFull})
	m.Handshake(in)
	m.Handshake(out)
	m.Message(in, peer.In, "ping", nil, 32)
	m.Message(in, peer.In, "ping", nil, 32)
	m.Message(in, peer.Out, "pong", nil, 32)
	m.Handled(in, "inv", 2*time.Millisecond)
	m.Ping(out, 30*time.Millisecond)
	m.Unanswered(out, await.Rule{Request: "getaddr"})
	want(t, m,
		`peers{kind="inbound"} 1`, `peers{kind="outbound-full-relay"} 1`, `peers{kind="manual"} 0`,
		`peer_handshakes_total{kind="inbound"} 1`,
		`peer_messages_total{command="ping",direction="in"} 2`,
		`peer_bytes_total{command="ping",direction="in"} 64`,
		`peer_messages_total{command="pong",direction="out"} 1`,
		`peer_message_seconds_sum{command="inv"} 0.002`,
		"peer_ping_seconds_count 1",
		`peer_unanswered_total{request="getaddr"} 1`,
	)
	// A session that ends before its handshake never was a peer.
	m.Disconnected(early, &peer.Disconnect{Reason: peer.HandshakeTimeout})
	m.Disconnected(in, &peer.Disconnect{Reason: peer.RemoteClosed, Detail: "bye"})
	want(t, m,
		`peers{kind="inbound"} 0`, `peers{kind="outbound-full-relay"} 1`,
		fmt.Sprintf("peer_disconnects_total{reason=%q} 1", string(peer.RemoteClosed)),
		fmt.Sprintf("peer_disconnects_total{reason=%q} 1", string(peer.HandshakeTimeout)),
	)
}

// TestConnections holds that of a dial that failed only its kind is told, and
// nothing that somebody else wrote.
func TestConnections(t *testing.T) {
	m := telemetry.New(telemetry.Options{})
	for range 10 {
		m.DialStarted(nil)
	}
	m.DialEnded(nil, true, &peer.Disconnect{Reason: peer.RemoteClosed})
	for _, err := range []error{
		&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)},
		&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded},
		&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ENETUNREACH)},
		&net.DNSError{Name: "their.name", Err: "their words"},
		fmt.Errorf("dial: %w", context.Canceled),
		&peer.Disconnect{Reason: peer.WrongNetwork, Detail: "their words"},
		transport.ErrAddress,
		&socks5.Error{Proxy: "127.0.0.1:9050", Err: syscall.ECONNREFUSED},
		errors.New("their words"),
	} {
		m.DialEnded(nil, false, err)
	}
	host := netip.MustParseAddr("192.0.2.1")
	m.Refused(nil, connmgr.ErrHostBanned)
	m.Refused(nil, errors.New("their words"))
	m.Offended(host, connmgr.Malformed, 20)
	m.Banned(connmgr.Ban{Reason: connmgr.InvalidTx.String(), ByScore: true})
	m.Banned(connmgr.Ban{Reason: "my own words"})
	want(t, m,
		"conn_dials_total 10", `conn_dials_ended_total{result="proxy"} 1`,
		`conn_dials_ended_total{result="connected"} 1`, `conn_dials_ended_total{result="refused"} 1`,
		`conn_dials_ended_total{result="no answer"} 1`, `conn_dials_ended_total{result="unreachable"} 1`,
		`conn_dials_ended_total{result="name not found"} 1`, `conn_dials_ended_total{result="called off"} 1`,
		`conn_dials_ended_total{result="wrong network"} 1`, `conn_dials_ended_total{result="no transport"} 1`,
		`conn_dials_ended_total{result="other"} 1`,
		`conn_refused_total{reason="banned"} 1`, `conn_refused_total{reason="other"} 1`,
		`conn_offences_total{offence="malformed message"} 1`,
		`conn_bans_total{reason="invalid transaction"} 1`, `conn_bans_total{reason="by hand"} 1`,
	)
	for i := range 256 {
		m.Offended(host, connmgr.Offence(i), 0)
	}
	text := collect(t, m)
	if n := len(samples(text, "conn_offences_total")); n > 51 {
		t.Errorf("%d offences, want 50 and the rest together", n)
	}
	if strings.Contains(text, "words") {
		t.Error("somebody else's words became a label")
	}
}

func TestSync(t *testing.T) {
	m := telemetry.New(telemetry.Options{})
	m.HeadersReceived(1, 2000, 1500)
	m.GateMoved(1, 4000, false)
	m.GateMoved(1, 2000, true)
	m.BlockRequested(1, wire.Hash{}, 1)
	m.BlockRequested(2, wire.Hash{}, 2)
	m.BlockReceived(1, wire.Hash{}, time.Second)
	m.BlockReceived(1, wire.Hash{}, 0)
	m.StallTimeout(4 * time.Second)
	m.Dropped(1, netsync.StalledWindow)
	want(t, m,
		"sync_headers_received_total 2000",
		`sync_gate_height{pass="1"} 4000`, `sync_gate_height{pass="2"} 2000`,
		"sync_blocks_requested_total 2", "sync_blocks_requested_again_total 1",
		"sync_blocks_unasked_total 1", "sync_block_arrival_seconds_count 1",
		"sync_stall_timeout_seconds 4",
		fmt.Sprintf("sync_peers_dropped_total{reason=%q} 1", netsync.StalledWindow.Error()),
	)
}

// TestPeersCannotGrowIt sends what a hostile peer can choose freely.
func TestPeersCannotGrowIt(t *testing.T) {
	m := telemetry.New(telemetry.Options{})
	p := peer.New(nil, peer.Config{})
	m.Message(p, peer.In, "other0", nil, 1) // the first use may make a series
	m.BlockRejected(wire.Hash{}, errors.New("x"))
	before := len(samples(collect(t, m), "peer_messages", "peer_bytes", "peer_message_seconds"))
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 1000 {
				m.Message(p, peer.In, fmt.Sprintf("cmd%d-%d", g, i), nil, 1)
				m.Handled(p, fmt.Sprintf("cmd%d-%d", g, i), 1)
				m.BlockRejected(wire.Hash{}, consensus.Reject(consensus.Invalid, fmt.Sprintf("bad-%d-%d", g, i), ""))
				m.Disconnected(p, &peer.Disconnect{Reason: peer.Reason(fmt.Sprintf("%d-%d", g, i))})
			}
		})
	}
	wg.Wait()
	text := collect(t, m)
	if after := len(samples(text, "peer_messages", "peer_bytes", "peer_message_seconds")); after != before {
		t.Errorf("%d series have become %d", before, after)
	}
	want(t, m, `peer_messages_total{command="other",direction="in"} 4001`)
	if n := len(samples(text, "blocks_rejected_total")); n != 101 {
		t.Errorf("%d reject reasons, want 100 and the rest together", n)
	}
	if n := len(samples(text, "peer_disconnects_total")); n != 51 {
		t.Errorf("%d disconnect reasons, want 50 and the rest together", n)
	}
}

// TestNames holds the metrics to Prometheus's conventions.
func TestNames(t *testing.T) {
	problems, err := promlint.New(strings.NewReader(collect(t, telemetry.New(telemetry.Options{})))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// TestOperatingPage makes sure that the page for operators knows every metric.
func TestOperatingPage(t *testing.T) {
	page, err := os.ReadFile("../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	m := telemetry.New(telemetry.Options{})
	// Metrics with labels show once there is something to count.
	p := peer.New(nil, peer.Config{})
	m.Handshake(p)
	m.Message(p, peer.In, "inv", nil, 1)
	m.Disconnected(p, &peer.Disconnect{Reason: peer.Stopped})
	m.BlockRejected(wire.Hash{}, errors.New("x"))
	m.GateMoved(1, 1, false)
	m.Dropped(1, netsync.BlockTimeout)
	m.DialEnded(nil, true, nil)
	m.Offended(netip.Addr{}, connmgr.Malformed, 0)
	m.Banned(connmgr.Ban{})
	for line := range strings.Lines(collect(t, m)) {
		name, ok := strings.CutPrefix(line, "# TYPE ")
		if !ok || !strings.HasPrefix(name, "starling_") {
			continue
		}
		if name, _, _ = strings.Cut(name, " "); !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("docs/operating.md does not mention %s", name)
		}
	}
}

// TestTwoNodes makes sure that nothing is shared between two of them.
func TestTwoNodes(t *testing.T) {
	a, b := telemetry.New(telemetry.Options{}), telemetry.New(telemetry.Options{})
	a.HeadersAccepted(3, nil)
	want(t, a, "headers_accepted_total 3")
	want(t, b, "headers_accepted_total 0")
}

func TestServe(t *testing.T) {
	m := telemetry.New(telemetry.Options{})
	m.HeadersAccepted(5, nil)
	l, err := telemetry.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.ServeListener(ctx, l, nil) }()

	client := &http.Client{}
	defer client.CloseIdleConnections()
	get := func(method, path string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+addr+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	if code, body := get("GET", "/metrics"); code != 200 || !strings.Contains(body, "\nstarling_headers_accepted_total 5\n") {
		t.Errorf("status %d: %.200s", code, body)
	}
	for _, tc := range []struct {
		method, path string
		code         int
	}{{"GET", "/", 404}, {"POST", "/metrics", 405}} {
		if code, _ := get(tc.method, tc.path); code != tc.code {
			t.Errorf("%s %s: status %d, want %d", tc.method, tc.path, code, tc.code)
		}
	}

	// A second one on the same port says so in one line.
	err = m.Serve(t.Context(), addr, nil)
	if err == nil || !strings.HasPrefix(err.Error(), "metrics: cannot listen on "+addr) || strings.Contains(err.Error(), "\n") {
		t.Errorf("port in use gave %v", err)
	}

	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if c, err := net.Dial("tcp", addr); err == nil {
		c.Close()
		t.Error("still listening after the end")
	}
}

func TestServeBadAddress(t *testing.T) {
	err := telemetry.New(telemetry.Options{}).Serve(t.Context(), "127.0.0.1:bad", nil)
	if err == nil || !strings.HasPrefix(err.Error(), "metrics: cannot listen on 127.0.0.1:bad: ") {
		t.Errorf("got %v", err)
	}
}

func BenchmarkMessage(b *testing.B) {
	m := telemetry.New(telemetry.Options{})
	p := peer.New(nil, peer.Config{})
	b.ReportAllocs()
	for b.Loop() {
		m.Message(p, peer.In, "inv", nil, 61)
	}
}

func TestListOfSamples(t *testing.T) {
	// The helper above must see lines, or the tests that count would pass on
	// anything.
	got := samples("# HELP starling_a x\nstarling_a{b=\"c\"} 1\nstarling_b 2\n", "a")
	if diff := cmp.Diff([]string{`starling_a{b="c"} 1`}, got); diff != "" {
		t.Error(diff)
	}
}

// hashRate is a search that goes on or not.
type hashRate struct {
	rate float64
	on   bool
}

func (h hashRate) HashRate() (float64, bool) { return h.rate, h.on }
