package server

import (
	"context"
	"net/netip"
	"sync"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"starling/peer"
	"starling/transport"
)

// tapSize is how many messages the log keeps. Together they take about 150 KB;
// payloads are not kept.
const tapSize = 1024

// Passed is one message that has passed between this node and a peer.
type Passed struct {
	Seq     uint64 // counts from 1 without gaps
	Time    time.Time
	Peer    uint64
	Addr    ma.Multiaddr
	Dir     peer.Direction
	Command string
	Size    int // on the wire, in bytes
}

// Tap is a log of the last messages that have passed, for people who watch.
// It is safe for concurrent use.
type Tap struct {
	mu      sync.Mutex
	ring    []Passed
	next    uint64 // number of the next message
	changed chan struct{}
	waiting bool // whether anybody waits on changed
}

func (t *Tap) init() {
	t.next = 1
	t.changed = make(chan struct{})
}

// add notes a message.
func (t *Tap) add(p Passed) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ring == nil {
		t.ring = make([]Passed, tapSize)
	}
	p.Seq = t.next
	t.ring[t.next%tapSize] = p
	t.next++
	if t.waiting {
		close(t.changed)
		t.changed = make(chan struct{})
		t.waiting = false
	}
}

// Since returns the messages after number seq that are still kept, oldest
// first, at most max of them. A gap in the numbers says that some were lost.
// With seq 0 it begins with the oldest one kept.
func (t *Tap) Since(seq uint64, max int) []Passed {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.since(seq, max)
}

func (t *Tap) since(seq uint64, most int) []Passed {
	first := seq + 1
	if t.next > tapSize {
		first = max(first, t.next-tapSize+1)
	}
	var list []Passed
	for i := first; i < t.next && len(list) < most; i++ {
		list = append(list, t.ring[i%tapSize])
	}
	return list
}

// Last returns the number of the last message, 0 if there was none.
func (t *Tap) Last() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.next - 1
}

// Wait is Since, but waits until there is something to return.
func (t *Tap) Wait(ctx context.Context, seq uint64, max int) ([]Passed, error) {
	for {
		t.mu.Lock()
		list, changed := t.since(seq, max), t.changed
		t.waiting = t.waiting || len(list) == 0
		t.mu.Unlock()
		if len(list) > 0 {
			return list, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// observer is told by all sessions, and tells the node's tap and totals and
// the observer of the configuration.
type observer struct{ n *Node }

var _ peer.Observer = observer{}

// Message implements [peer.Observer].
func (o observer) Message(p *peer.Peer, dir peer.Direction, command string, payload []byte, size int) {
	if dir == peer.In {
		o.n.totals.in.Add(uint64(size))
	} else {
		o.n.totals.out.Add(uint64(size))
	}
	o.n.tap.add(Passed{Time: o.n.clk.Now(), Peer: p.ID(), Addr: p.RemoteAddr(), Dir: dir, Command: command, Size: size})
	o.n.cfg.PeerObserver.Message(p, dir, command, payload, size)
}

// Handled implements [peer.Observer].
func (o observer) Handled(p *peer.Peer, command string, took time.Duration) {
	o.n.cfg.PeerObserver.Handled(p, command, took)
}

// Handshake implements [peer.Observer].
func (o observer) Handshake(p *peer.Peer) { o.n.cfg.PeerObserver.Handshake(p) }

// Ping implements [peer.Observer].
func (o observer) Ping(p *peer.Peer, took time.Duration) { o.n.cfg.PeerObserver.Ping(p, took) }

// Disconnected implements [peer.Observer].
func (o observer) Disconnected(p *peer.Peer, d *peer.Disconnect) {
	o.n.cfg.PeerObserver.Disconnected(p, d)
}

// hostOf returns the IP address that a multiaddr begins with.
func hostOf(a ma.Multiaddr) netip.Addr {
	ip, _ := transport.IP(a)
	return ip
}
