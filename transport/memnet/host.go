package memnet

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"syscall"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"starling/clock"
	"starling/transport"
)

// DialTimeout is how long a host tries to reach another across a partition.
const DialTimeout = 10 * time.Second

// backlog is how many links may wait to be accepted, as in usual systems.
const backlog = 128

// Host is one host of a [Network]: a transport that dials from its address.
type Host struct {
	net *Network
	ip  netip.Addr
}

var _ transport.Transport = (*Host)(nil)

// Name returns "memory".
func (h *Host) Name() string { return "memory" }

// IP returns the host's address.
func (h *Host) IP() netip.Addr { return h.ip }

// CanDial reports whether addr is an IP address with a TCP port.
func (h *Host) CanDial(addr ma.Multiaddr) bool {
	_, ok := transport.AddrPort(addr)
	return ok
}

// Dial connects to a listener. It takes one round trip; across a partition it
// waits, for at most DialTimeout.
func (h *Host) Dial(ctx context.Context, addr ma.Multiaddr) (transport.Link, error) {
	to, ok := transport.AddrPort(addr)
	if !ok {
		return nil, fmt.Errorf("dial %s: %w", addr, transport.ErrAddress)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	deadline := h.net.clk.NewTimer(DialTimeout)
	defer deadline.Stop()
	for {
		path, open, changed := h.net.path(h.ip, to.Addr())
		if open {
			if err := clock.Sleep(ctx, h.net.clk, 2*path.Latency); err != nil {
				return nil, err
			}
			break
		}
		select {
		case <-changed:
		case <-deadline.C:
			return nil, fmt.Errorf("dial %s: %w", to, syscall.ETIMEDOUT)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	h.net.mu.Lock()
	l := h.net.listeners[to]
	from := netip.AddrPortFrom(h.ip, h.net.port(h.ip))
	h.net.mu.Unlock()
	if l == nil {
		return nil, fmt.Errorf("dial %s: %w", to, syscall.ECONNREFUSED)
	}
	mine, theirs := newPipe(h.net, from, to)
	select {
	case l.links <- theirs:
		return mine, nil
	case <-l.closed:
		mine.breakLink()
		return nil, fmt.Errorf("dial %s: %w", to, syscall.ECONNREFUSED)
	case <-deadline.C:
		mine.breakLink()
		return nil, fmt.Errorf("dial %s: %w", to, syscall.ETIMEDOUT)
	case <-ctx.Done():
		mine.breakLink()
		return nil, ctx.Err()
	}
}

// Listen listens on a port of this host. The address must be the host's own
// or the unspecified one.
func (h *Host) Listen(_ context.Context, addr ma.Multiaddr) (transport.Listener, error) {
	at, ok := transport.AddrPort(addr)
	if !ok || at.Addr() != h.ip && !at.Addr().IsUnspecified() {
		return nil, fmt.Errorf("listen on %s: %w", addr, transport.ErrAddress)
	}
	n := h.net
	n.mu.Lock()
	defer n.mu.Unlock()
	port := at.Port()
	if port == 0 {
		port = n.port(h.ip)
	}
	at = netip.AddrPortFrom(h.ip, port)
	if n.listeners[at] != nil {
		return nil, fmt.Errorf("listen on %s: %w", at, syscall.EADDRINUSE)
	}
	l := &listener{net: n, at: at, links: make(chan *link, backlog), closed: make(chan struct{})}
	n.listeners[at] = l
	return l, nil
}

type listener struct {
	net    *Network
	at     netip.AddrPort
	links  chan *link
	closed chan struct{}
	once   sync.Once
}

// Accept waits for the next link.
func (l *listener) Accept() (transport.Link, error) {
	select {
	case <-l.closed:
		return nil, transport.ErrClosed
	default:
	}
	select {
	case k := <-l.links:
		return k, nil
	case <-l.closed:
		return nil, transport.ErrClosed
	}
}

// Close stops listening and breaks the links that nobody has accepted.
func (l *listener) Close() error {
	l.once.Do(func() {
		l.net.mu.Lock()
		delete(l.net.listeners, l.at)
		l.net.mu.Unlock()
		close(l.closed)
		for {
			select {
			case k := <-l.links:
				k.breakLink()
			default:
				return
			}
		}
	})
	return nil
}

// Addr returns the address listened on.
func (l *listener) Addr() ma.Multiaddr { return transport.FromAddrPort(l.at) }
