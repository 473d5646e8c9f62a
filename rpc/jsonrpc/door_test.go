package jsonrpc

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestDoor is about who has to leave when there is no room.
func TestDoor(t *testing.T) {
	many, few := netip.MustParsePrefix("10.0.0.1/32"), netip.MustParsePrefix("10.0.0.2/32")
	d := door{maxKnown: 2}
	enter := func(source netip.Prefix) (v, leaves *visitor) {
		v = &visitor{source: source}
		return v, d.enter(v)
	}
	first, _ := enter(few)
	var crowd []*visitor
	for range maxStrangers - 1 {
		v, leaves := enter(many)
		if leaves != nil {
			t.Fatal("somebody had to leave while there was room")
		}
		crowd = append(crowd, v)
	}
	d.ask(crowd[0])
	// The crowd gives way, whoever comes; those who ask stay longest.
	_, leaves := enter(few)
	if leaves != crowd[1] {
		t.Error("a newcomer took the place of another than the first of the crowd who is silent")
	}
	if _, leaves = enter(many); leaves != crowd[2] {
		t.Error("one of the crowd took the place of another than the next of the crowd")
	}
	for _, v := range d.here {
		d.ask(v)
	}
	if _, leaves = enter(few); leaves != crowd[0] {
		t.Error("of those who ask not the first of the crowd left")
	}
	// Who is known is no stranger.
	var pass digest
	if leaves, ok := d.know(first, pass); leaves != nil || !ok || !d.knows(first, pass) || d.knows(first, digest{{1}}) {
		t.Error("a right password")
	}
	second, _ := enter(few)
	d.know(second, pass)
	if _, leaves := enter(many); leaves != nil {
		t.Error("somebody left although those who are known made room")
	}
	third, _ := enter(few)
	if leaves, ok := d.know(third, pass); leaves != nil || ok {
		t.Error("a third was let in while two have calls in progress")
	}
	d.rest(first)
	if leaves, ok := d.know(third, pass); leaves != first || !ok {
		t.Error("a third was not let in although one is resting")
	}
	if slices.Contains(d.here, first) || len(d.strangers())+2 != len(d.here) {
		t.Error("the places are not counted right")
	}
	d.leave(second)
	fourth, _ := enter(few)
	if _, ok := d.know(fourth, pass); !ok {
		t.Error("no room after one has left")
	}
}

func TestSource(t *testing.T) {
	for addr, want := range map[string]string{
		"10.1.2.3:5": "10.1.2.3/32", "[::ffff:10.1.2.3]:5": "10.1.2.3/32", "[2001:db8:1:2:3:4:5:6]:7": "2001:db8:1:2::/64", "[fe80::1%eth0]:1": "fe80::/64",
	} {
		a := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(addr))
		if got := sourceOf(fakeConn{remote: a}).String(); got != want {
			t.Errorf("%s comes from %s, want %s", addr, got, want)
		}
	}
}

type fakeConn struct {
	net.Conn
	remote net.Addr
}

func (c fakeConn) RemoteAddr() net.Addr { return c.remote }

// TestGuessing has one source try passwords over many connections at once: it
// learns of four a second. Others are not held up, and a right one waits only
// for those before it.
func TestGuessing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g turns
		guesser, owner := netip.MustParsePrefix("10.0.0.1/32"), netip.MustParsePrefix("10.0.0.2/32")
		var looked atomic.Int32
		start := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		for range 20 {
			go g.guess(ctx, t.Context(), guesser, func() bool { looked.Add(1); return false })
		}
		synctest.Wait()
		if !g.guess(t.Context(), t.Context(), owner, func() bool { return true }) || time.Since(start) != 0 {
			t.Error("a guesser holds up others")
		}
		time.Sleep(time.Second + time.Millisecond)
		if n := looked.Load(); n != 5 { // the first at once
			t.Errorf("%d passwords were looked at in a second", n)
		}
		// A guesser that hangs up has had its turn all the same.
		cancel()
		synctest.Wait()
		n := looked.Load()
		at := time.Now()
		if !g.guess(t.Context(), t.Context(), guesser, func() bool { return true }) {
			t.Error("a right password was refused")
		}
		if d := time.Since(at); d != authDelay-time.Millisecond || looked.Load() != n {
			t.Errorf("it took %v", d)
		}
		if len(g.lines) != 0 {
			t.Errorf("%d sources are remembered", len(g.lines))
		}
	})
}

// strange opens a connection that sends text and nothing more.
func (s *testServer) strange(t *testing.T, text string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	// It may have been turned away already.
	_, _ = io.WriteString(c, text)
	return c
}

// TestStrangersLockNobodyOut opens many more connections than there are places
// for clients, some silent and some that never get to the end of their headers.
// Whoever has the password is answered, over a new connection each time.
func TestStrangersLockNobodyOut(t *testing.T) {
	s := startServer(t, Options{headerTimeout: time.Hour})
	s.Ready(s.opts.Table)
	const each = 300
	var strangers []net.Conn
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for range each {
		strangers = append(strangers, s.strange(t, ""), s.strange(t, "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "))
		if status, _ := s.postWith(t, client, `{"method":"echo","params":["a"]}`); status != 200 {
			t.Fatal(status)
		}
	}
	// All but the last have been turned away.
	for _, c := range strangers[:2*each-maxStrangers] {
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("a stranger was sent something")
		}
	}
	if n := len(s.door.strangers()); n > maxStrangers {
		t.Errorf("%d strangers are still there", n)
	}
	// The node stops although strangers are there.
	if err := s.stop(); err != nil {
		t.Error(err)
	}
}

// TestStrangersHaveSeconds: who sends nothing, or slowly, is gone soon.
func TestStrangersHaveSeconds(t *testing.T) {
	s := startServer(t, Options{headerTimeout: 20 * time.Millisecond})
	s.Ready(s.opts.Table)
	for _, text := range []string{"", "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "} {
		c := s.strange(t, text)
		if _, err := io.Copy(io.Discard, c); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Error(err)
		}
	}
}

// TestWrongPasswordEndsConnection: each guess takes a connection of its own.
func TestWrongPasswordEndsConnection(t *testing.T) {
	s := startServer(t, Options{})
	s.Ready(s.opts.Table)
	for name, header := range map[string]string{"none": "", "wrong": "Authorization: Basic dXNlcjp4\r\n", "not basic": "Authorization: Bearer x\r\n"} {
		c := s.strange(t, "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n"+header+"Content-Length: 0\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if resp.StatusCode != 401 || !resp.Close {
			t.Errorf("%s: %s, close %v", name, resp.Status, resp.Close)
		}
	}
}

// TestKnownConnectionsStay: one connection carries many calls, and no stranger
// takes its place.
func TestKnownConnectionsStay(t *testing.T) {
	s := startServer(t, Options{MaxConnections: 2})
	s.Ready(s.opts.Table)
	dialled := 0
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		dialled++
		var d net.Dialer
		return d.DialContext(ctx, network, addr)
	}}}
	defer client.CloseIdleConnections()
	for range 5 {
		if status, got := s.postWith(t, client, `{"method":"echo","params":["a"]}`); status != 200 {
			t.Fatal(status, got)
		}
		for range 2 * maxStrangers {
			s.strange(t, "")
		}
	}
	if dialled != 1 {
		t.Errorf("%d connections", dialled)
	}
}

// TestBusyConnectionsAreCounted: when all have calls in progress, one more is
// told so.
func TestBusyConnectionsAreCounted(t *testing.T) {
	open := make(chan struct{})
	s := startServer(t, Options{Table: testTable(open), MaxConnections: 2})
	s.Ready(s.opts.Table)
	answers := make(chan int, 2)
	for range 2 {
		go func() {
			status, _ := s.post(t, `{"method":"wait","id":1}`)
			answers <- status
		}()
	}
	for len(s.waiters) < 2 {
		runtime.Gosched()
	}
	if status, got := s.post(t, `{"method":"echo","params":["a"]}`); status != 503 || got == "" {
		t.Error(status, got)
	}
	close(open)
	for range 2 {
		if status := <-answers; status != 200 {
			t.Error(status)
		}
	}
}

// TestForeignHost: the names that a browser's page may have for this node.
func TestForeignHost(t *testing.T) {
	s := startServer(t, Options{AllowHosts: []string{"Node.example", "other:8332", "[::1]:8332"}})
	s.Ready(s.opts.Table)
	for host, want := range map[string]int{
		"127.0.0.1": 200, "127.0.0.1:8332": 200, "10.1.2.3": 200, "[::1]:8332": 200, "[2001:db8::1]": 200,
		"localhost": 200, "LocalHost:1": 200, "localhost.": 200, "node.example": 200, "NODE.EXAMPLE:99": 200, "other": 200,
		"evil.example": 403, "evil.example:8332": 403, "localhost.evil.example": 403, "127.0.0.1.evil.example": 403, "xnode.example": 403, "2130706433": 403,
	} {
		req, _ := http.NewRequest(http.MethodPost, "http://"+s.addr, strings.NewReader(`{"method":"echo","params":["hi"]}`))
		req.Host = host
		req.SetBasicAuth("user", "pass")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != want || want == 403 && !strings.Contains(string(text), "--rpc-allow-host") {
			t.Errorf("%s: status %d, want %d: %s", host, resp.StatusCode, want, text)
		}
	}
	// Programs of the time before HTTP 1.1 name no host.
	c := s.strange(t, "POST / HTTP/1.0\r\nAuthorization: Basic dXNlcjpwYXNz\r\nContent-Length: 33\r\n\r\n"+`{"method":"echo","params":["hi"]}`)
	if resp, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || resp.StatusCode != 200 {
		t.Error(resp, err)
	}
}

// TestStopWaitsForCalls: Serve returns after the last method has, so that what
// they use can be closed.
func TestStopWaitsForCalls(t *testing.T) {
	begun, goOn := make(chan struct{}), make(chan struct{})
	var ended atomic.Bool
	table := NewTable(nil, []*Method{Define(Method{Name: "long", Category: "Test", Summary: "Takes long."}, func(ctx context.Context, _ None) (bool, error) {
		close(begun)
		<-goOn // it does not look at its context for a while
		if ctx.Err() == nil {
			t.Error("a call goes on while the server stops")
		}
		ended.Store(true)
		return true, nil
	})})
	s := startServer(t, Options{Table: table, stopTimeout: time.Millisecond})
	s.Ready(s.opts.Table)
	cut := make(chan error, 1)
	go func() {
		_, _, err := s.tryPost(http.DefaultClient, `{"method":"long"}`)
		cut <- err
	}()
	<-begun
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	if err := <-cut; err == nil {
		t.Error("the connection was not cut")
	}
	for range 10_000 {
		runtime.Gosched() // Serve has all it needs to return
	}
	select {
	case err := <-stopped:
		t.Error("Serve returned while a call was going on:", err)
		stopped <- err
	default:
	}
	close(goOn)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if !ended.Load() {
		t.Error("Serve returned before a call had ended")
	}
}
