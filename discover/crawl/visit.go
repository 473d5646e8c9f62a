package crawl

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"starling/addrmgr"
	"starling/addrmgr/netaddr"
	"starling/clock"
	"starling/peer"
	"starling/transport"
	"starling/wire"
)

const (
	// DefaultTimeout is how long a visit may take, dialling included. Nodes keep
	// their answer back for some seconds now and then.
	DefaultTimeout = 20 * time.Second
	// DefaultDialTimeout is for whoever makes the transports: half of the nodes that
	// others tell of are gone, and most of those that are not accept within a second.
	DefaultDialTimeout = 5 * time.Second
	// maxAddrs is how many addresses are taken of one node: what one message may
	// hold, which is all that an honest one sends.
	maxAddrs = 1000
	// maxMessages is how many messages of a node are read before it is left.
	maxMessages = 500
)

// Node is what a visit has shown.
type Node struct {
	Addr     ma.Multiaddr
	At       time.Time // when the visit began
	Reached  bool      // whether the handshake was done
	Reason   string    // why not
	Version  int32
	Agent    string // without what may harm who reads it
	Services wire.ServiceFlag
	Height   int32
	Latency  time.Duration // of the first ping, or of the handshake if that was not answered
	Offset   time.Duration // by how much its clock is ahead
	Protocol string        // how messages travel
	Known    []addrmgr.Address
}

// Visitor visits nodes. Transports is needed, the zero value of the rest works.
type Visitor struct {
	Transports []transport.Transport
	Timeout    time.Duration // of a visit in all; 0 for [DefaultTimeout]
	UserAgent  string        // what the nodes are told that this is
	// Greet ends a visit when the node has greeted: it is asked for nothing.
	Greet bool
	// Announce, if valid, is told to the nodes as an address with these services.
	Announce netaddr.Addr
	Services wire.ServiceFlag
	Clock    clock.Clock
	Log      *slog.Logger
}

// Visit visits one node. It never fails: what went wrong is in the result.
func (v *Visitor) Visit(ctx context.Context, addr ma.Multiaddr) Node {
	clk := v.clock()
	patience := cmp.Or(v.Timeout, DefaultTimeout)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	n := Node{Addr: addr, At: clk.Now()}
	link, err := v.dial(ctx, addr)
	if err != nil {
		if ctx.Err() != nil {
			err = errors.New("no answer within " + patience.String())
		}
		n.Reason = err.Error()
		return n
	}
	g := &guest{v: v, clk: clk, begun: clk.Now()}
	kind := peer.AddrFetch
	if v.Greet {
		kind = peer.Feeler
	}
	// Who has not greeted in half of the time hardly would in the other half.
	p := peer.New(link, peer.Config{Kind: kind, Handler: g, Clock: clk, Log: v.Log, UserAgent: v.UserAgent, HandshakeTimeout: patience / 2})
	err = p.Run(ctx)
	r := p.Remote()
	if r == nil {
		n.Reason = whyNot(ctx, err, patience)
		return n
	}
	n.Reached, n.Version, n.Agent, n.Services = true, r.Version, r.UserAgent, r.Services
	n.Height, n.Offset, n.Protocol = r.StartHeight, r.TimeOffset, link.Info().Protocol
	n.Known = g.known
	n.Latency = cmp.Or(p.MinPing(), g.took, clk.Now().Sub(g.begun))
	return n
}

func (v *Visitor) clock() clock.Clock {
	if v.Clock == nil {
		return clock.System()
	}
	return v.Clock
}

func (v *Visitor) dial(ctx context.Context, addr ma.Multiaddr) (transport.Link, error) {
	for _, t := range v.Transports {
		if t.CanDial(addr) {
			return t.Dial(ctx, addr)
		}
	}
	return nil, transport.ErrAddress
}

// whyNot explains a session without a handshake.
func whyNot(ctx context.Context, err error, patience time.Duration) string {
	var d *peer.Disconnect
	switch {
	case ctx.Err() != nil:
		return "it did not greet within " + patience.String()
	case errors.As(err, &d) && d.Reason == peer.HandshakeTimeout:
		return "it did not greet within " + (patience / 2).String()
	case errors.As(err, &d) && (d.Reason == peer.RemoteClosed || d.Reason == peer.LinkLost):
		return "it closed the connection at our greeting, as a node of another network does, or one that is full"
	case err == nil:
		return "it said nothing"
	}
	return err.Error()
}

// guest is this side of a visit.
type guest struct {
	v        *Visitor
	clk      clock.Clock
	begun    time.Time
	took     time.Duration // until the handshake was done
	known    []addrmgr.Address
	messages int
}

var enough = &peer.Disconnect{Reason: peer.AddrFetchDone}

// Ready implements [peer.Handler].
func (g *guest) Ready(_ context.Context, p *peer.Peer) error {
	g.took = g.clk.Now().Sub(g.begun)
	if a := g.v.Announce; a.IsValid() {
		own := []wire.NetAddr{a.Wire(g.v.Services, uint32(g.clk.Now().Unix()))}
		var m wire.Message = &wire.MsgAddr{Addrs: own}
		if p.Remote().AddrV2 {
			m = &wire.MsgAddrV2{Addrs: own}
		}
		if err := p.Send(m); err != nil {
			return err
		}
	}
	return p.Send(&wire.MsgGetAddr{})
}

// Handle implements [peer.Handler].
func (g *guest) Handle(_ context.Context, _ *peer.Peer, m wire.Message) error {
	if g.messages++; g.messages > maxMessages {
		return enough
	}
	switch m := m.(type) {
	case *wire.MsgAddr:
		return g.told(m.Addrs)
	case *wire.MsgAddrV2:
		return g.told(m.Addrs)
	}
	return nil
}

// told takes addresses. A single one is what nodes tell of themselves unasked, and
// the answer may follow it.
func (g *guest) told(addrs []wire.NetAddr) error {
	for _, w := range addrs {
		if a, ok := netaddr.FromWire(w); ok && len(g.known) < maxAddrs {
			g.known = append(g.known, addrmgr.Address{Addr: a, Services: w.Services, Seen: time.Unix(int64(w.Time), 0)})
		}
	}
	if len(addrs) > 1 {
		return enough
	}
	return nil
}
