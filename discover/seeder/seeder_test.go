package seeder

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"starling/addrmgr"
	"starling/addrmgr/netaddr"
	"starling/discover"
	"starling/discover/crawl"
	"starling/store"
	"starling/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func addr(s string) netaddr.Addr { return netaddr.FromAddrPort(netip.MustParseAddrPort(s)) }

const full = wire.NodeNetwork | wire.NodeWitness

var start = time.Unix(1_700_000_000, 0)

func newPool(opts PoolOptions) *Pool {
	opts.Port = 8333
	return NewPool(opts, rand.New(rand.NewPCG(1, 2)))
}

// see has a node visited.
func see(p *Pool, now time.Time, a netaddr.Addr, n crawl.Node) {
	p.Add(now, a)
	p.Visited(now, a, &n)
}

func TestPool(t *testing.T) {
	p := newPool(PoolOptions{})
	good := func(now time.Time, want wire.ServiceFlag) int {
		return len(p.Good(now, want, wire.NetIPv4, maxAnswers))
	}
	see(p, start, addr("8.0.0.1:8333"), crawl.Node{Reached: true, Services: full})
	see(p, start, addr("8.0.0.2:8333"), crawl.Node{Reached: true, Services: wire.NodeNetworkLimited})
	see(p, start, addr("8.0.0.3:9999"), crawl.Node{Reached: true, Services: full}) // another port
	see(p, start, addr("8.0.0.4:8333"), crawl.Node{})                              // not reached
	see(p, start, addr("127.0.0.1:8333"), crawl.Node{Reached: true, Services: full})
	if good(start, full) != 1 || good(start, 0) != 2 || p.Len() != 4 {
		t.Errorf("%d and %d good of %d", good(start, full), good(start, 0), p.Len())
	}
	if now := start.Add(freshFactor*DefaultRevisit + time.Second); good(now, full) != 0 {
		t.Error("what was not seen for long is good")
	}
	// A failed visit takes a node off at once, and it is forgotten in the end.
	a := addr("8.0.0.1:8333")
	for i := range maxFailures {
		if p.byAddr[a] == nil {
			t.Fatalf("forgotten after %d failures", i)
		}
		see(p, start, a, crawl.Node{})
		if good(start, full) != 0 {
			t.Error("a node that is gone is good")
		}
	}
	if p.byAddr[a] != nil {
		t.Error("it is never forgotten")
	}
}

func TestPoolBounds(t *testing.T) {
	p := newPool(PoolOptions{MaxKnown: 300})
	var many []addrmgr.Address
	for i := range 1000 {
		many = append(many, addrmgr.Address{Addr: addr(fmt.Sprintf("%d.%d.0.1:8333", 11+i>>8, i&255))})
	}
	see(p, start, addr("8.0.0.1:8333"), crawl.Node{Reached: true, Services: full, Known: many})
	if p.Len() != 1+perTeller {
		t.Errorf("%d known after one teller", p.Len())
	}
	see(p, start, addr("8.0.0.2:8333"), crawl.Node{Reached: true, Services: full, Known: many})
	if p.Len() != 300 {
		t.Errorf("%d known, want 300", p.Len())
	}
	seen := map[netaddr.Addr]bool{}
	for a, ok := p.Due(start); ok; a, ok = p.Due(start) {
		if seen[a] {
			t.Fatalf("%v is visited twice at a time", a)
		}
		seen[a] = true
	}
	if len(seen) != 298 {
		t.Errorf("%d are due", len(seen))
	}
	q := newPool(PoolOptions{MaxKnown: 300})
	if err := q.Decode(start, p.Encode()); err != nil || q.Len() != 300 || q.CountGood(start) != p.CountGood(start) {
		t.Errorf("%v: %d known, %d good", err, q.Len(), q.CountGood(start))
	}
	if err := newPool(PoolOptions{}).Decode(start, p.Encode()[:100]); err == nil {
		t.Error("a torn list was read")
	}
}

// TestPoolShares has one host tell of a thousand ports of its own, and one
// provider of thousands of addresses: neither fills the pool nor the answers.
func TestPoolShares(t *testing.T) {
	p := newPool(PoolOptions{MaxKnown: 3200})
	var ports []addrmgr.Address
	for i := range perTeller {
		ports = append(ports, addrmgr.Address{Addr: addr(fmt.Sprintf("8.0.0.1:%d", 10_000+i))})
	}
	see(p, start, addr("8.0.0.1:8333"), crawl.Node{Reached: true, Services: full, Known: ports})
	if p.Len() != 2 {
		t.Errorf("%d ports of one host are known", p.Len())
	}
	for i := range 4000 {
		see(p, start, addr(fmt.Sprintf("[2001:4860::%x]:8333", i+1)), crawl.Node{Reached: true, Services: full})
	}
	if got := p.Len() - 2; got != 3200/groupShare {
		t.Errorf("%d nodes of one group are known", got)
	}
	for i := range maxAnswersV6 - 1 {
		see(p, start, addr(fmt.Sprintf("[2001:%x::1]:8333", 0x5000+i)), crawl.Node{Reached: true, Services: full})
	}
	all := p.Good(start, full, wire.NetIPv6, maxAnswersV6)
	few := 0
	for _, a := range all {
		if ip, _ := a.IP(); netip.MustParsePrefix("2001:4860::/32").Contains(ip) {
			few++
		}
	}
	if len(all) != maxAnswersV6 || few != 1 {
		t.Errorf("%d of %d answers are of one group", few, len(all))
	}
	// What is forgotten makes room again.
	for range neverFailures {
		see(p, start, addr("8.0.0.1:10000"), crawl.Node{})
	}
	if !p.Add(start, addr("8.0.0.1:10001")) {
		t.Error("a port that is forgotten keeps its host's place")
	}
	for range maxFailures {
		see(p, start, addr("[2001:4860::1]:8333"), crawl.Node{})
	}
	if !p.Add(start, addr("[2001:4860::ffff]:8333")) || p.Add(start, addr("[2001:4860::fffe]:8333")) {
		t.Error("the places of a group are counted wrong after one is forgotten")
	}
}

// TestListener opens more connections than there are places for.
func TestListener(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newListener(inner, 3, 2)
	defer l.Close()
	accepted := make(chan net.Conn)
	go func() {
		defer close(accepted)
		for c, err := l.Accept(); err == nil; c, err = l.Accept() {
			accepted <- c
		}
	}()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	a, b := dial(), dial()
	first, second := <-accepted, <-accepted
	refused := dial()
	if _, err := refused.Read(make([]byte, 1)); err == nil {
		t.Error("a connection above the limit of its host is open")
	}
	first.Close()
	first.Close() // a place is given back once
	c := dial()
	third := <-accepted
	if l.open != 2 {
		t.Errorf("%d connections are counted", l.open)
	}
	for _, c := range []net.Conn{a, b, c, refused, second, third} {
		c.Close()
	}
	if l.open != 0 || len(l.hosts) != 0 {
		t.Errorf("%d connections of %d hosts are counted at the end", l.open, len(l.hosts))
	}
}

func TestAnswer(t *testing.T) {
	z := newZone("Seed.Example")
	nodes := func(want wire.ServiceFlag, n wire.NetworkID, limit int) (ips []netip.Addr) {
		if !full.Has(want) {
			return nil
		}
		for i := range limit {
			if n == wire.NetIPv4 {
				ips = append(ips, netip.AddrFrom4([4]byte{8, 0, 0, byte(i)}))
			} else {
				ips = append(ips, netip.AddrFrom16([16]byte{0x20, 0x01, 15: byte(i)}))
			}
		}
		return ips
	}
	for _, c := range []struct {
		name         string
		typ          uint16
		rcode, count int
	}{
		{"seed.example.", dns.TypeA, dns.RcodeSuccess, maxAnswers},
		{"SEED.example.", dns.TypeAAAA, dns.RcodeSuccess, maxAnswersV6},
		{"x9.seed.example.", dns.TypeA, dns.RcodeSuccess, maxAnswers},
		{"xC0D.seed.example.", dns.TypeA, dns.RcodeSuccess, 0},
		{"seed.example.", dns.TypeNS, dns.RcodeSuccess, 1},
		{"seed.example.", dns.TypeSOA, dns.RcodeSuccess, 1},
		{"seed.example.", dns.TypeMX, dns.RcodeSuccess, 0},
		{"xyz.seed.example.", dns.TypeA, dns.RcodeNameError, 0},
		{"x9.x9.seed.example.", dns.TypeA, dns.RcodeNameError, 0},
		{"x11112222333344445.seed.example.", dns.TypeA, dns.RcodeNameError, 0},
		{"example.", dns.TypeA, dns.RcodeRefused, 0},
		{"notseed.example.", dns.TypeA, dns.RcodeRefused, 0},
		{".", dns.TypeANY, dns.RcodeRefused, 0},
	} {
		q := new(dns.Msg).SetQuestion(c.name, c.typ)
		m := z.answer(q, nodes)
		if m.Rcode != c.rcode || len(m.Answer) != c.count {
			t.Errorf("%s %d: %s, %d answers", c.name, c.typ, dns.RcodeToString[m.Rcode], len(m.Answer))
		}
		if n := m.Len(); n > dns.MinMsgSize {
			t.Errorf("%s %d: an answer of %d bytes", c.name, c.typ, n)
		}
	}
	if m := z.answer(&dns.Msg{}, nodes); m.Rcode != dns.RcodeNotImplemented {
		t.Errorf("no question: %v", m)
	}
}

func TestSources(t *testing.T) {
	s := sources{rate: 1, burst: 3}
	ask := func(now time.Time, ip string) bool { return s.allow(now, netip.MustParseAddr(ip)) }
	for i, want := range []bool{true, true, true, false} {
		if ask(start, "8.0.0.1") != want {
			t.Errorf("question %d: %v", i, !want)
		}
	}
	if !ask(start, "8.0.0.2") || ask(start, "::ffff:8.0.0.1") || !ask(start.Add(time.Second), "8.0.0.1") || ask(start.Add(time.Second), "8.0.0.1") {
		t.Error("sources are not told apart, or tokens do not come back")
	}
	for i := range 4 {
		if ask(start, fmt.Sprintf("2001:db8::%d", i)) != (i < 3) {
			t.Errorf("question %d of a /64", i)
		}
	}
	for i := range maxSources + 10 {
		ask(start, netip.AddrFrom4([4]byte{9, byte(i >> 16), byte(i >> 8), byte(i)}).String())
	}
	if len(s.all) > maxSources {
		t.Errorf("%d sources are remembered", len(s.all))
	}
}

// A list of nodes that is damaged is set aside.
func TestDamagedFile(t *testing.T) {
	good := newPool(PoolOptions{Port: 8333})
	good.Add(time.Now(), addr("8.0.0.1:8333"))
	for name, data := range map[string][]byte{"not a list": []byte("nonsense"), "cut short": good.Encode()[:9], "ends in a node": append(good.Encode(), 1)} {
		fs := vfs.NewMem()
		if err := store.WriteFileAtomic(fs, "seeder.dat", fileVersion, data); err != nil {
			t.Fatal(err)
		}
		s, err := New(Config{Name: "seed.example", FS: fs, File: "seeder.dat", Start: []netaddr.Addr{addr("8.0.0.9:8333")}})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if n := s.pool.Len(); n != 1 {
			t.Errorf("%s: %d nodes of it are taken", name, n)
		}
		if _, err := fs.Stat("seeder.dat.damaged"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A seeder that nobody is named to, or only such as it passes over, says so.
func TestNobody(t *testing.T) {
	for _, list := range [][]netaddr.Addr{nil, {addr("127.0.0.1:8333"), addr("10.0.0.1:8333")}} {
		if _, err := New(Config{Name: "seed.example", Start: list}); !errors.Is(err, ErrNobody) {
			t.Errorf("%v: %v", list, err)
		}
	}
}

// TestSeeder asks a seeder over loopback, as nodes do, lets it stop, and starts
// it again from its file.
func TestSeeder(t *testing.T) {
	fs := vfs.NewMem()
	first, second := addr("8.0.0.1:8333"), addr("8.0.0.2:8333")
	visited := make(chan netaddr.Addr, 10)
	cfg := Config{
		Name: "seed.example", Listen: "127.0.0.1:0", Pool: PoolOptions{Port: 8333}, Start: []netaddr.Addr{first}, FS: fs, File: "seeder.dat",
		Visit: func(_ context.Context, a netaddr.Addr) crawl.Node {
			visited <- a
			return crawl.Node{Reached: true, Services: full, Known: []addrmgr.Address{{Addr: second}}}
		},
		Rate: 1e6, Burst: 1e6,
	}
	for _, run := range []string{"new", "from its file"} {
		ready := make(chan [2]net.Addr, 1)
		cfg.Ready = func(udp, tcp net.Addr) { ready <- [2]net.Addr{udp, tcp} }
		s, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		at := <-ready
		for {
			ips, err := discover.Lookup(ctx, discover.NewResolver(at[0].String()), "seed.example")
			if len(ips) == 2 {
				slices.SortFunc(ips, netip.Addr.Compare)
				if ips[0].String() != "8.0.0.1" || ips[1].String() != "8.0.0.2" {
					t.Errorf("%s: %v", run, ips)
				}
				break
			}
			if ctx.Err() != nil {
				t.Fatal(err)
			}
		}
		r, _, err := (&dns.Client{Net: "tcp"}).Exchange(new(dns.Msg).SetQuestion("seed.example.", dns.TypeA), at[1].String())
		if err != nil || len(r.Answer) != 2 {
			t.Errorf("%s, over TCP: %v, %v", run, r, err)
		}
		stop()
		if err := <-done; err != nil {
			t.Errorf("%s: %v", run, err)
		}
		cfg.Start = nil
		cfg.Visit = func(context.Context, netaddr.Addr) crawl.Node { return crawl.Node{} }
	}
	if len(visited) != 2 {
		t.Errorf("%d visits, want 2", len(visited))
	}
	if _, err := New(Config{Name: "."}); err == nil {
		t.Error("a seed for all names")
	}
}
