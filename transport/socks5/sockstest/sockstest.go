package sockstest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"testing"
)

// Options say how a proxy behaves. The zero value works.
type Options struct {
	// NoLogin takes no login, so that nobody can tell connections apart by it.
	NoLogin bool
	// Hosts says where hosts are, as host:port; other names are unknown, and
	// other addresses are what they are.
	Hosts map[string]string
	// Allow are logins that are let in, as user:password; all are if it is nil.
	Allow []string
}

// Request is what a client asked for.
type Request struct {
	Host, Port     string
	Named          bool // the host came as a name, and no address was seen
	User, Password string
}

// Server is a proxy that runs.
type Server struct {
	opts Options
	l    net.Listener
	t    testing.TB

	mu       sync.Mutex
	requests []Request
	conns    map[net.Conn]struct{}
	closed   bool
}

// Start runs a proxy on loopback until the test ends.
func Start(t testing.TB, opts Options) *Server {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{opts: opts, l: l, t: t, conns: make(map[net.Conn]struct{})}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { s.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		s.mu.Lock()
		s.closed = true
		for c := range s.conns {
			c.Close()
		}
		s.mu.Unlock()
		wg.Wait()
	})
	return s
}

// Address returns where the proxy is, as host:port.
func (s *Server) Address() string { return s.l.Addr().String() }

// Requests returns what was asked for until now, in order.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// keep has a connection closed at the end of the test, and reports false if
// that has come.
func (s *Server) keep(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[c] = struct{}{}
	return !s.closed
}

func (s *Server) serve(c net.Conn) {
	defer c.Close()
	if !s.keep(c) {
		return
	}
	r, code, err := s.negotiate(c)
	if err != nil {
		if errors.Is(err, errRequest) {
			s.t.Error(err)
		}
		return // else the client has gone
	}
	if code != 0 {
		if code != noLogin {
			c.Write([]byte{5, code, 0, 1, 0, 0, 0, 0, 0, 0})
		}
		return
	}
	s.mu.Lock()
	s.requests = append(s.requests, r)
	s.mu.Unlock()
	to, known := s.opts.Hosts[r.Host]
	switch {
	case known:
	case r.Named:
		c.Write([]byte{5, 4, 0, 1, 0, 0, 0, 0, 0, 0})
		return
	default:
		to = net.JoinHostPort(r.Host, r.Port)
	}
	var d net.Dialer
	out, err := d.DialContext(context.Background(), "tcp", to)
	if err != nil {
		c.Write([]byte{5, 5, 0, 1, 0, 0, 0, 0, 0, 0})
		return
	}
	defer out.Close()
	if !s.keep(out) {
		return
	}
	// The answer has a name in it, which is the longest form that there is.
	c.Write(append([]byte{5, 0, 0, 3, 11}, "the.outside\x12\x34"...))
	relay(c, out)
}

// relay copies both ways until both are done. An end is passed on.
func relay(a, b net.Conn) {
	var wg sync.WaitGroup
	for _, way := range [][2]net.Conn{{a, b}, {b, a}} {
		wg.Go(func() {
			io.Copy(way[1], way[0])
			if t, ok := way[1].(*net.TCPConn); ok {
				t.CloseWrite()
			}
		})
	}
	wg.Wait()
}

var errRequest = errors.New("proxy: not a request to connect")

// noLogin says that the client has been told that it may not.
const noLogin = 0xff

// negotiate reads a request. Code is the answer if it is refused.
func (s *Server) negotiate(c net.Conn) (r Request, code byte, err error) {
	head, err := read(c, 2)
	if err != nil {
		return r, 0, err
	}
	methods, err := read(c, int(head[1]))
	if err != nil {
		return r, 0, err
	}
	switch {
	case slices.Contains(methods, 2) && !s.opts.NoLogin:
		c.Write([]byte{5, 2})
		if r.User, r.Password, err = readLogin(c); err != nil {
			return r, 0, err
		}
		if s.opts.Allow != nil && !slices.Contains(s.opts.Allow, r.User+":"+r.Password) {
			c.Write([]byte{1, 1})
			return r, noLogin, nil
		}
		c.Write([]byte{1, 0})
	case slices.Contains(methods, 0) && s.opts.Allow == nil:
		c.Write([]byte{5, 0})
	default:
		c.Write([]byte{5, noLogin})
		return r, noLogin, nil
	}
	b, err := read(c, 4)
	if err != nil {
		return r, 0, err
	}
	if b[0] != 5 || b[1] != 1 || b[2] != 0 || b[3] != 1 && b[3] != 3 && b[3] != 4 {
		return r, 0, fmt.Errorf("%w: %x", errRequest, b)
	}
	switch b[3] {
	case 1, 4:
		b, err = read(c, map[byte]int{1: 4, 4: 16}[b[3]])
		ip, _ := netip.AddrFromSlice(b)
		r.Host = ip.String()
	case 3:
		b, err = readShort(c)
		r.Host, r.Named = string(b), true
	}
	if err != nil {
		return r, 0, err
	}
	b, err = read(c, 2)
	if err == nil {
		r.Port = strconv.Itoa(int(b[0])<<8 | int(b[1]))
	}
	return r, 0, err
}

func readLogin(c net.Conn) (user, password string, err error) {
	if _, err := read(c, 1); err != nil {
		return "", "", err
	}
	u, err := readShort(c)
	if err != nil {
		return "", "", err
	}
	p, err := readShort(c)
	return string(u), string(p), err
}

// readShort reads bytes after one that says how many.
func readShort(c net.Conn) ([]byte, error) {
	n, err := read(c, 1)
	if err != nil {
		return nil, err
	}
	return read(c, int(n[0]))
}

func read(c net.Conn, n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(c, b)
	return b, err
}
