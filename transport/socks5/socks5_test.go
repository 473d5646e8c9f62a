package socks5

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"starling/transport/socks5/sockstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shout listens on loopback and answers a line with the same in capitals.
func shout(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, "hello\n") // at once: it comes right behind the proxy's answer
			line, _ := bufio.NewReader(c).ReadString('\n')
			io.WriteString(c, strings.ToUpper(line))
			c.Close()
		}
	}()
	return l.Addr().String()
}

// talk checks that what arrives is what the host has sent, to the byte.
func talk(t *testing.T, c net.Conn) {
	t.Helper()
	defer c.Close()
	if _, err := io.WriteString(c, "abc\n"); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if err != nil || string(got) != "hello\nABC\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestDial(t *testing.T) {
	host, port, err := net.SplitHostPort(shout(t))
	if err != nil {
		t.Fatal(err)
	}
	const name = "some.example"
	srv := sockstest.Start(t, sockstest.Options{Hosts: map[string]string{name: net.JoinHostPort(host, port)}})
	for _, c := range []struct {
		host  string
		named bool
	}{{host, false}, {name, true}, {"::ffff:" + host, false}} {
		conn, err := (&Proxy{Address: srv.Address()}).Dial(t.Context(), c.host, port)
		if err != nil {
			t.Fatal(c.host, err)
		}
		talk(t, conn)
		got := srv.Requests()[len(srv.Requests())-1]
		want := sockstest.Request{Host: strings.TrimPrefix(c.host, "::ffff:"), Port: port, Named: c.named}
		if got != want {
			t.Errorf("asked for %+v, want %+v", got, want)
		}
	}
}

// Every connection logs in by another name, where the proxy takes one.
func TestIsolation(t *testing.T) {
	host, port, err := net.SplitHostPort(shout(t))
	if err != nil {
		t.Fatal(err)
	}
	srv := sockstest.Start(t, sockstest.Options{})
	p := &Proxy{Address: srv.Address(), Isolate: true}
	users, passwords := map[string]bool{}, map[string]bool{}
	for range 3 {
		conn, err := p.Dial(t.Context(), host, port)
		if err != nil {
			t.Fatal(err)
		}
		talk(t, conn)
	}
	for _, r := range srv.Requests() {
		users[r.User], passwords[r.Password] = true, true
	}
	if delete(users, ""); len(users) != 3 || len(passwords) != 3 {
		t.Errorf("%d users and %d passwords for three connections", len(users), len(passwords))
	}
	p.Address = sockstest.Start(t, sockstest.Options{NoLogin: true}).Address()
	conn, err := p.Dial(t.Context(), host, port)
	if err != nil {
		t.Fatal("without a login:", err)
	}
	talk(t, conn)
}

func TestRefused(t *testing.T) {
	const host = "127.0.0.1"
	free := sockstest.Start(t, sockstest.Options{})
	strict := sockstest.Start(t, sockstest.Options{Allow: []string{"a:b"}})
	for name, c := range map[string]struct {
		p          Proxy
		host, port string
		want       error
	}{
		"nobody listens":    {Proxy{Address: free.Address()}, host, "1", Refused},
		"unknown name":      {Proxy{Address: free.Address()}, "other.example", "1", HostUnreachable},
		"login refused":     {Proxy{Address: strict.Address(), Isolate: true}, host, "1", ErrLogin},
		"login wanted":      {Proxy{Address: strict.Address()}, host, "1", ErrMethod},
		"no proxy":          {Proxy{Address: "127.0.0.1:1"}, host, "1", ErrUnreachable},
		"no host":           {Proxy{Address: free.Address()}, "", "1", ErrHost},
		"host too long":     {Proxy{Address: free.Address()}, strings.Repeat("a", 256), "1", ErrHost},
		"host with a zone":  {Proxy{Address: free.Address()}, "fe80::1%lo", "1", ErrHost},
		"port out of range": {Proxy{Address: free.Address()}, host, "65536", ErrHost},
	} {
		conn, err := c.p.Dial(t.Context(), c.host, c.port)
		var e *Error
		if conn != nil || !errors.Is(err, c.want) || !errors.As(err, &e) || e.Proxy != c.p.Address {
			t.Errorf("%s: %v, %v", name, conn, err)
		}
	}
}

// answers has a Proxy negotiate with one that says says. Times pass at once.
func answers(t *testing.T, p Proxy, says string, every time.Duration, limit time.Duration) (rest string, err error) {
	t.Helper()
	here, there := net.Pipe()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer here.Close()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	wg.Go(func() { io.Copy(io.Discard, there) })
	wg.Go(func() {
		defer there.Close()
		for i := range len(says) {
			time.Sleep(every)
			if _, err := io.WriteString(there, says[i:i+1]); err != nil {
				return
			}
		}
		time.Sleep(time.Second) // or it would close before it has read anything
	})
	request, err := p.request("some.example", "1")
	if err != nil {
		t.Fatal(err)
	}
	if err = p.negotiate(ctx, here, request); err != nil {
		return "", err
	}
	b, _ := io.ReadAll(here)
	return string(b), nil
}

func TestAnswers(t *testing.T) {
	const ok = "\x05\x00\x05\x00\x00\x01\x01\x02\x03\x04\x00\x01"
	for name, c := range map[string]struct {
		says    string
		isolate bool
		want    error
	}{
		"granted":                {says: ok + "rest"},
		"IPv6 inside":            {says: "\x05\x00\x05\x00\x00\x04" + strings.Repeat("x", 18) + "rest"},
		"name inside":            {says: "\x05\x00\x05\x00\x00\x03\xff" + strings.Repeat("x", 257) + "rest"},
		"empty name inside":      {says: "\x05\x00\x05\x00\x00\x03\x00\x00\x00rest"},
		"after a login":          {says: "\x05\x02\x01\x00" + ok[2:] + "rest", isolate: true},
		"nothing":                {says: "", want: ErrCut},
		"cut":                    {says: ok[:7], want: ErrCut},
		"HTTP":                   {says: "HTTP/1.1 400 Bad Request\r\n", want: ErrNoProxy},
		"version 4":              {says: "\x04\x5a", want: ErrNoProxy},
		"no method":              {says: "\x05\xff", want: ErrMethod},
		"a method not offered":   {says: "\x05\x02", want: ErrNoProxy},
		"login of another kind":  {says: "\x05\x01", isolate: true, want: ErrNoProxy},
		"login answered oddly":   {says: "\x05\x02\x05\x00", isolate: true, want: ErrNoProxy},
		"login refused":          {says: "\x05\x02\x01\x01", isolate: true, want: ErrLogin},
		"answer of version 4":    {says: "\x05\x00\x04\x00\x00\x01", want: ErrNoProxy},
		"address of no kind":     {says: "\x05\x00\x05\x00\x00\x02", want: ErrNoProxy},
		"refused":                {says: "\x05\x00\x05\x05\x00\x01", want: Refused},
		"refused, with rubbish":  {says: "\x05\x00\x05\x05\x00\x77", want: Refused},
		"onion service is down":  {says: "\x05\x00\x05\xf2\x00\x01", want: OnionIntro},
		"code without a meaning": {says: "\x05\x00\x05\x63\x00\x01", want: Reply(0x63)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rest, err := answers(t, Proxy{Isolate: c.isolate}, c.says, 0, time.Hour)
				if !errors.Is(err, c.want) || c.want == nil && rest != "rest" {
					t.Errorf("%q, %v", rest, err)
				}
			})
		})
	}
	for r := range 256 {
		if Reply(r).Error() == "" || strings.Contains(Reply(r).Error(), "\n") {
			t.Errorf("reply %d is %q", r, Reply(r).Error())
		}
	}
}

// A proxy that sends a byte a second is given up in the time that there is, as
// is one that says nothing.
func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const ok = "\x05\x00\x05\x00\x00\x01\x01\x02\x03\x04\x00\x01"
		if _, err := answers(t, Proxy{}, ok, time.Second, 10*time.Second); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if _, err := answers(t, Proxy{}, ok, time.Second, 13*time.Second); err != nil {
			t.Error(err)
		}
	})
}

// Whoever calls a dial off does not wait for the proxy.
func TestCalledOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		defer there.Close()
		defer here.Close()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		if err := (&Proxy{}).negotiate(ctx, here, nil); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// FuzzReply reads what a proxy may say: never more than the protocol allows,
// and never what stands behind the answer.
func FuzzReply(f *testing.F) {
	f.Add([]byte("\x05\x00\x00\x01\x01\x02\x03\x04\x00\x01rest"))
	f.Add([]byte("\x05\x00\x00\x03\xff" + strings.Repeat("x", 300)))
	f.Add([]byte("\x05\x00\x00\x04" + strings.Repeat("x", 30)))
	f.Add([]byte("\x05\x01\x00\x00"))
	f.Add([]byte("HTTP/1.1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		err := readReply(r)
		read := len(b) - r.Len()
		if read > maxReply {
			t.Fatalf("%d bytes were read", read)
		}
		if err != nil {
			return
		}
		want := map[byte]int{typeIPv4: 10, typeIPv6: 22}[b[3]]
		if b[3] == typeName {
			want = 7 + int(b[4])
		}
		if b[0] != version || b[1] != 0 || read != want {
			t.Errorf("%x was taken, and %d bytes read, want %d", b, read, want)
		}
	})
}
