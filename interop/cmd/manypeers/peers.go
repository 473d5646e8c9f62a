package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	"golang.org/x/sync/errgroup"

	"starling/transport"
	"starling/transport/tcp"
	"starling/wire"
)

const (
	// maxPeers is how many addresses there are for them.
	maxPeers = 60_000
	// dialling is how many are dialling at a time, and diallingShareOf what share of
	// all that may be: fewer than may be shaking hands before the node makes one of
	// them go, which is a quarter of its places.
	dialling        = 24
	diallingShareOf = 5
	// groups is how many network groups the peers are in.
	groups = 250
	// dialPatience is how long one may wait until it is let in.
	dialPatience = 2 * time.Minute
)

// manyAddrs tells whether all of 127.0.0.0/8 is this machine.
const manyAddrs = runtime.GOOS == "linux"

// crowd is the peers in their process.
type crowd struct {
	order
	to ma.Multiaddr

	mu     sync.Mutex
	out    *json.Encoder
	up     int
	fetch  bool
	times  []int64 // of this round's block
	failed bool
}

// runPeers is the process of the peers: it does as it is told on in, and
// reports to out, until in is closed.
func runPeers(ctx context.Context, in io.Reader, out io.Writer) error {
	c := &crowd{out: json.NewEncoder(out)}
	orders := json.NewDecoder(in)
	if err := orders.Decode(&c.order); err != nil {
		return err
	}
	if err := allowOpen(c.Count + reserve); err != nil {
		return c.fail(err)
	}
	var err error
	if c.to, err = transport.ParseAddr(c.To); err != nil {
		return c.fail(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	var links sync.WaitGroup
	defer links.Wait()
	defer cancel()
	go c.connect(ctx, &links)
	for {
		var r round
		if orders.Decode(&r) != nil {
			return nil
		}
		c.mu.Lock()
		c.fetch, c.times = r.Fetch, nil
		c.out.Encode(report{Up: c.up})
		c.mu.Unlock()
	}
}

// fail reports the first failure.
func (c *crowd) fail(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.failed {
		c.failed = true
		c.out.Encode(report{Failed: err.Error()})
	}
	return nil
}

// connect opens all links.
func (c *crowd) connect(ctx context.Context, links *sync.WaitGroup) {
	var g errgroup.Group
	g.SetLimit(max(1, min(dialling, c.Count/diallingShareOf)))
	for i := range c.Count {
		g.Go(func() error {
			l, err := c.dial(ctx, i)
			if err == nil {
				err = c.greet(l)
			}
			if err != nil {
				return c.fail(fmt.Errorf("peer %d: %w", i, err))
			}
			context.AfterFunc(ctx, func() { l.Close() })
			links.Go(func() {
				if err := c.attend(l); ctx.Err() == nil {
					c.fail(fmt.Errorf("peer %d: %w", i, err))
				}
			})
			return nil
		})
	}
	g.Wait()
}

// dial opens a link from an address that no other peer has.
func (c *crowd) dial(ctx context.Context, i int) (transport.Link, error) {
	opts := tcp.Options{Magic: c.Magic, V2: c.V2, DialTimeout: dialPatience}
	if manyAddrs {
		host := i / groups
		opts.LocalAddr = &net.TCPAddr{IP: net.IPv4(127, byte(1+i%groups), byte(host>>8), byte(host)+1)}
	}
	return tcp.New(opts).Dial(ctx, c.to)
}

// send sends messages at once.
func send(l transport.Link, all ...wire.Message) error {
	for _, m := range all {
		if _, err := l.Send(m.Command(), m.AppendPayload(nil)); err != nil {
			return err
		}
	}
	return l.Flush()
}

// greet shakes hands, says what Bitcoin nodes say then, and returns when the node
// has answered it.
func (c *crowd) greet(l transport.Link) error {
	err := send(l, &wire.MsgVersion{
		Version: wire.ProtocolVersion, Services: wire.NodeNetwork | wire.NodeWitness, Timestamp: time.Now().Unix(),
		UserAgent: "/manypeers:0.1/", Relay: true,
	})
	for err == nil {
		var m transport.Message
		if m, err = l.Receive(); err != nil {
			break
		}
		switch m.Command {
		case wire.CmdVersion:
			err = send(l, &wire.MsgWTxIDRelay{}, &wire.MsgSendAddrV2{}, &wire.MsgVerack{})
		case wire.CmdVerack:
			err = send(l, &wire.MsgSendHeaders{}, &wire.MsgSendCmpct{Version: wire.CompactBlocksWitness},
				&wire.MsgGetHeaders{Version: wire.ProtocolVersion, Locator: []wire.Hash{c.Genesis}})
		case wire.CmdHeaders:
			c.mu.Lock()
			defer c.mu.Unlock()
			c.up++
			return c.out.Encode(report{Up: c.up})
		default:
			err = c.answer(l, m)
		}
	}
	return err
}

// answer gives a message the answer that it must have.
func (c *crowd) answer(l transport.Link, m transport.Message) error {
	switch m.Command {
	case wire.CmdPing:
		return send(l, &wire.MsgUnknown{Cmd: wire.CmdPong, Payload: m.Payload})
	case wire.CmdGetHeaders:
		return send(l, &wire.MsgHeaders{})
	}
	return nil
}

// attend does what a peer does while its link is up.
func (c *crowd) attend(l transport.Link) error {
	var told wire.Hash // of the last block
	for {
		m, err := l.Receive()
		if err != nil {
			return err
		}
		now := time.Now().UnixNano()
		hash, whole, ok := news(m)
		if !ok {
			if err := c.answer(l, m); err != nil {
				return err
			}
			continue
		}
		if !whole && hash == told {
			continue
		}
		told = hash
		if c.note(hash, whole, now) {
			err = send(l, &wire.MsgGetData{Inv: []wire.InvVect{{Type: wire.InvWitnessBlock, Hash: hash}}})
		}
		if err != nil {
			return err
		}
	}
}

// news returns the block that a message tells of, and whether it is the block
// itself.
func news(m transport.Message) (hash wire.Hash, whole, ok bool) {
	msg, err := wire.Decode(m.Command, m.Payload)
	if err != nil {
		return hash, false, false
	}
	switch msg := msg.(type) {
	case *wire.MsgHeaders:
		if n := len(msg.Headers); n > 0 {
			return msg.Headers[n-1].Hash(), false, true
		}
	case *wire.MsgCmpctBlock:
		return msg.Header.Hash(), false, true
	case *wire.MsgInv:
		for _, v := range msg.Inv {
			if v.Type.IsBlock() {
				return v.Hash, false, true
			}
		}
	case *wire.MsgBlock:
		if b, err := wire.ParseBlock(msg.Raw); err == nil {
			return b.Hash(), true, true
		}
	}
	return hash, false, false
}

// note notes that a peer has heard of a block or has it, and tells whether it is
// to fetch it.
func (c *crowd) note(hash wire.Hash, whole bool, at int64) (fetch bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fetch && !whole {
		return true
	}
	c.times = append(c.times, at)
	if len(c.times) == c.Count {
		c.out.Encode(report{Block: hash, Times: c.times})
	}
	return false
}
