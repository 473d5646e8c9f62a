package tcp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"starling/transport"
)

const (
	// DefaultStall is for how long a message under way may make no progress. A
	// slice of at most stallSlice bytes has to pass in this time, so that the
	// slowest honest link is one of about 4 KiB/s, and what a stranger can hold
	// back by sending nothing more is given up after a minute.
	DefaultStall = time.Minute
	stallSlice   = 256 << 10

	// DefaultDialTimeout bounds dialling where the context does not. Bitcoin
	// nodes that do not answer within seconds are not worth waiting for.
	DefaultDialTimeout = 10 * time.Second

	// DefaultProxyTimeout is the same for dialling through a proxy: Tor may have
	// to build a circuit first, and to meet a hidden service takes many trips
	// around the world.
	DefaultProxyTimeout = 30 * time.Second
)

// Dialer makes connections in place of this machine, as a proxy does. The host
// is an IP address or a name that nobody has looked up.
type Dialer interface {
	Dial(ctx context.Context, host, port string) (net.Conn, error)
}

// Options configure a [Transport].
type Options struct {
	// Magic begins every frame in the clear and tells the networks apart.
	Magic [4]byte
	// V2 encrypts links by BIP324 where the other side can, and takes both kinds
	// from others. Otherwise all is in the clear.
	V2 bool
	// Stall is how long a message under way may make no progress;
	// DefaultStall if zero.
	Stall time.Duration
	// DialTimeout bounds one attempt to dial; DefaultDialTimeout if zero.
	DialTimeout time.Duration
	// Proxy returns what dials a host, an IP address or a name, and nil for hosts
	// that this machine dials itself; it does for all if Proxy is nil. The names
	// of Tor and I2P are known to no resolver, and asking one would tell it who
	// is sought: without a Dialer they are refused.
	Proxy func(host string) Dialer
	// ProxyTimeout bounds one attempt to dial with a Dialer; DefaultProxyTimeout
	// if zero.
	ProxyTimeout time.Duration
	// Ahead is how many bytes are set aside for a message on the word of its length
	// alone; 64 KiB if zero, all of them if below zero.
	Ahead int
	// Budget is how many bytes the links that others have opened may hold together,
	// beyond Ahead each, of messages that have not come in full; DefaultBudget if
	// zero, any number if below zero. When it is used up, the link whose message has
	// taken longest is closed.
	Budget int
	// LocalAddr is where dialled connections come from; any address if nil.
	LocalAddr *net.TCPAddr
}

// Transport makes TCP links.
type Transport struct {
	opts   Options
	budget budget
}

var _ transport.Transport = (*Transport)(nil)

// New returns a transport for the network with the given magic.
func New(opts Options) *Transport {
	if opts.Stall == 0 {
		opts.Stall = DefaultStall
	}
	if opts.DialTimeout == 0 {
		opts.DialTimeout = DefaultDialTimeout
	}
	if opts.ProxyTimeout == 0 {
		opts.ProxyTimeout = DefaultProxyTimeout
	}
	return &Transport{opts: opts, budget: budget{limit: cmp.Or(opts.Budget, DefaultBudget)}}
}

// Name returns "tcp".
func (t *Transport) Name() string { return "tcp" }

// CanDial reports whether addr is an IP address or a name with a TCP port and
// nothing more.
func (t *Transport) CanDial(addr ma.Multiaddr) bool {
	_, _, ok := transport.HostPort(addr)
	return ok
}

// Dial connects to addr. A name is resolved by the system's resolver, unless a
// proxy dials it. The link's RemoteAddr is then addr, never that of the proxy.
//
// With [Options.V2] it returns when the other side has shown that it speaks
// version 2 on this network.
// Where somebody is reached and closes the connection, or is silent, instead of
// saying anything, it may be that he knows version 1 only: then he is dialled
// again, for version 1.
func (t *Transport) Dial(ctx context.Context, addr ma.Multiaddr) (transport.Link, error) {
	l, err := t.connect(ctx, addr)
	if err != nil {
		return nil, err
	}
	if !t.opts.V2 || transport.IsPlain(ctx) {
		return l.speak(v1{t.opts.Magic}), nil
	}
	heard, err := l.initiate(ctx)
	if err == nil {
		return l, nil
	}
	l.conn.Close()
	switch {
	case ctx.Err() != nil:
		return nil, dialError(err, t.opts.DialTimeout)
	case heard:
		return nil, l.handshakeError(err)
	}
	if l, err = t.connect(ctx, addr); err != nil {
		return nil, err
	}
	return l.speak(v1{t.opts.Magic}), nil
}

// connect makes a connection.
func (t *Transport) connect(ctx context.Context, addr ma.Multiaddr) (*link, error) {
	host, port, ok := transport.HostPort(addr)
	if !ok {
		return nil, fmt.Errorf("dial %s: %w", addr, transport.ErrAddress)
	}
	if t.opts.Proxy != nil {
		if via := t.opts.Proxy(host); via != nil {
			return t.connectVia(ctx, via, addr)
		}
	}
	if transport.Overlay(host) != "" {
		return nil, &DialError{Reason: "this node has no proxy to reach " + host + " through", Err: ErrHidden}
	}
	d := net.Dialer{Timeout: t.opts.DialTimeout}
	if t.opts.LocalAddr != nil {
		d.LocalAddr = t.opts.LocalAddr
	}
	c, err := d.DialContext(ctx, network(addr), net.JoinHostPort(host, port))
	if err != nil {
		return nil, dialError(err, t.opts.DialTimeout)
	}
	l := newLink(c, &t.opts)
	l.patience = t.opts.DialTimeout
	return l, nil
}

// connectVia has a proxy make a connection.
func (t *Transport) connectVia(ctx context.Context, via Dialer, addr ma.Multiaddr) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, t.opts.ProxyTimeout)
	defer cancel()
	host, port, _ := transport.HostPort(addr)
	c, err := via.Dial(ctx, host, port)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, dialError(err, t.opts.ProxyTimeout)
	case err != nil:
		return nil, &DialError{Reason: err.Error(), Err: err}
	}
	l := newLink(c, &t.opts)
	l.patience = t.opts.ProxyTimeout
	l.remote = addr // not the proxy: who sits behind it is another host each time
	return l, nil
}

// network keeps to the address family that a name was given with.
func network(addr ma.Multiaddr) string {
	switch addr[0].Protocol().Code {
	case ma.P_IP4, ma.P_DNS4:
		return "tcp4"
	case ma.P_IP6, ma.P_DNS6:
		return "tcp6"
	}
	return "tcp"
}

// Listen listens at addr. The unspecified IPv6 address stands for all
// addresses of both families.
func (t *Transport) Listen(ctx context.Context, addr ma.Multiaddr) (transport.Listener, error) {
	host, port, ok := transport.HostPort(addr)
	if !ok {
		return nil, fmt.Errorf("listen on %s: %w", addr, transport.ErrAddress)
	}
	if ip, ok := transport.IP(addr); ok && ip.Is6() && ip.IsUnspecified() {
		host = ""
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, err
	}
	return &listener{l, t}, nil
}

type listener struct {
	net.Listener
	t *Transport
}

// Accept waits for the next connection.
func (l *listener) Accept() (transport.Link, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		if errors.Is(err, net.ErrClosed) {
			err = transport.ErrClosed
		}
		return nil, err
	}
	return l.t.accepted(c), nil
}

// accepted returns the link of a connection that somebody else has opened.
func (t *Transport) accepted(c net.Conn) *link {
	k := newLink(c, &t.opts)
	k.budget = &t.budget
	if !t.opts.V2 {
		return k.speak(v1{t.opts.Magic})
	}
	k.known = make(chan struct{})
	return k
}

// Close stops listening.
func (l *listener) Close() error {
	if err := l.Listener.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Addr returns the listening address.
func (l *listener) Addr() ma.Multiaddr { return multiaddr(l.Listener.Addr()) }

func multiaddr(a net.Addr) ma.Multiaddr {
	if t, ok := a.(*net.TCPAddr); ok {
		return transport.FromAddrPort(t.AddrPort())
	}
	// A connection that is not TCP, a pipe in a test perhaps, has no address.
	return transport.FromAddrPort(unspecified)
}
