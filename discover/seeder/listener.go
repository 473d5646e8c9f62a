package seeder

import (
	"net"
	"net/netip"
	"sync"
)

// listener hands on no more connections than its limits: what is above them is
// closed at once, so that whoever opens thousands and says nothing takes neither
// descriptors from the crawl nor places from all other resolvers.
type listener struct {
	net.Listener
	limit, perHost int

	mu    sync.Mutex // guards what follows
	open  int
	hosts map[netip.Prefix]int // open connections of each source
}

func newListener(l net.Listener, limit, perHost int) *listener {
	return &listener{Listener: l, limit: limit, perHost: perHost, hosts: make(map[netip.Prefix]int)}
}

// Accept returns the next connection that there is a place for.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		at, err := netip.ParseAddrPort(c.RemoteAddr().String())
		if host := group(at.Addr()); err == nil && l.take(host) {
			return &countedConn{Conn: c, gone: sync.OnceFunc(func() { l.give(host) })}, nil
		}
		c.Close()
	}
}

func (l *listener) take(host netip.Prefix) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open >= l.limit || l.hosts[host] >= l.perHost {
		return false
	}
	l.open++
	l.hosts[host]++
	return true
}

func (l *listener) give(host netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if l.hosts[host]--; l.hosts[host] == 0 {
		delete(l.hosts, host)
	}
}

// countedConn gives its place back when it is closed.
type countedConn struct {
	net.Conn
	gone func()
}

// Close closes the connection.
func (c *countedConn) Close() error {
	defer c.gone()
	return c.Conn.Close()
}
