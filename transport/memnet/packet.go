package memnet

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// maxDatagrams is how many datagrams wait for one reader before more are
// dropped. At most they take 64 KiB each.
const maxDatagrams = 256

// maxDatagram is the largest datagram that UDP over IPv4 carries, in bytes.
const maxDatagram = 65507

// PacketConn is a socket for datagrams, which arrive late, or not at all, as the
// path between the hosts has it. It is a [net.PacketConn] whose deadlines
// follow the network's clock; its addresses are [*net.UDPAddr].
type PacketConn struct {
	net *Network
	at  netip.AddrPort

	mu       sync.Mutex
	queue    []datagram // by due
	deadline time.Time
	closed   bool
	changed  chan struct{} // closed and replaced at every change
}

var _ net.PacketConn = (*PacketConn)(nil)

type datagram struct {
	due  time.Time
	from netip.AddrPort
	data []byte
}

// ListenPacket opens a socket for datagrams on a port of this host; 0 stands
// for any that is free.
func (h *Host) ListenPacket(port uint16) (*PacketConn, error) {
	n := h.net
	n.mu.Lock()
	defer n.mu.Unlock()
	if port == 0 {
		port = n.port(h.ip)
	}
	at := netip.AddrPortFrom(h.ip, port)
	if n.packets[at] != nil {
		return nil, fmt.Errorf("listen on %s: %w", at, syscall.EADDRINUSE)
	}
	c := &PacketConn{net: n, at: at, changed: make(chan struct{})}
	n.packets[at] = c
	return c, nil
}

func (c *PacketConn) change() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// WriteTo sends a datagram. That it returns no error does not mean that it
// arrives.
func (c *PacketConn) WriteTo(b []byte, addr net.Addr) (int, error) {
	to, ok := addr.(*net.UDPAddr)
	if !ok {
		return 0, fmt.Errorf("send to %s: %w", addr, syscall.EAFNOSUPPORT)
	}
	if len(b) > maxDatagram {
		return 0, syscall.EMSGSIZE
	}
	c.mu.Lock()
	closed := c.closed
	c.mu.Unlock()
	if closed {
		return 0, net.ErrClosed
	}
	ap := to.AddrPort()
	ap = netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	path, open, _ := c.net.path(c.at.Addr(), ap.Addr())
	now := c.net.clk.Now()
	c.net.mu.Lock()
	dst := c.net.packets[ap]
	lost := path.Loss > 0 && c.net.rng.Float64() < path.Loss
	c.net.mu.Unlock()
	if dst != nil && open && !lost {
		dst.arrive(datagram{now.Add(path.Latency + path.travel(len(b))), c.at, bytes.Clone(b)})
	}
	return len(b), nil
}

func (c *PacketConn) arrive(d datagram) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || len(c.queue) >= maxDatagrams {
		return
	}
	i, _ := slices.BinarySearchFunc(c.queue, d, func(a, b datagram) int {
		if a.due.After(b.due) {
			return 1
		}
		return -1 // after those that are due at the same time
	})
	c.queue = slices.Insert(c.queue, i, d)
	c.change()
}

// ReadFrom waits for the next datagram. What does not fit into b is lost.
func (c *PacketConn) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		now := c.net.clk.Now()
		c.mu.Lock()
		changed := c.changed
		var wait time.Duration = -1
		switch {
		case c.closed:
			c.mu.Unlock()
			return 0, nil, net.ErrClosed
		case !c.deadline.IsZero() && !now.Before(c.deadline):
			c.mu.Unlock()
			return 0, nil, os.ErrDeadlineExceeded
		case len(c.queue) > 0 && !now.Before(c.queue[0].due):
			d := c.queue[0]
			c.queue = slices.Delete(c.queue, 0, 1)
			c.mu.Unlock()
			return copy(b, d.data), net.UDPAddrFromAddrPort(d.from), nil
		}
		if len(c.queue) > 0 {
			wait = c.queue[0].due.Sub(now)
		}
		if !c.deadline.IsZero() && (wait < 0 || c.deadline.Sub(now) < wait) {
			wait = c.deadline.Sub(now)
		}
		c.mu.Unlock()
		c.await(changed, wait)
	}
}

func (c *PacketConn) await(changed <-chan struct{}, wait time.Duration) {
	var fire <-chan time.Time
	if wait >= 0 {
		t := c.net.clk.NewTimer(wait)
		defer t.Stop()
		fire = t.C
	}
	select {
	case <-changed:
	case <-fire:
	}
}

// Close closes the socket.
func (c *PacketConn) Close() error {
	c.net.mu.Lock()
	if c.net.packets[c.at] == c {
		delete(c.net.packets, c.at)
	}
	c.net.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.closed = true
	c.queue = nil
	c.change()
	return nil
}

// LocalAddr returns the socket's address.
func (c *PacketConn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.at) }

// SetDeadline is SetReadDeadline, as sending never waits.
func (c *PacketConn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetReadDeadline makes ReadFrom fail from t on, by the network's clock; the
// zero time lifts it.
func (c *PacketConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	c.change()
	return nil
}

// SetWriteDeadline does nothing, as sending never waits.
func (c *PacketConn) SetWriteDeadline(time.Time) error { return nil }
