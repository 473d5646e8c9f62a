package netrpc

import (
	"context"
	"math"
	"sync"
	"time"

	"starling/rpc/rpctypes"

	ma "github.com/multiformats/go-multiaddr"

	"starling/clock"
	"starling/peer"
	"starling/transport"
)

// tapSize is how many messages a [Tap] remembers. Each takes about 100 bytes,
// so that all of them stay below half a megabyte.
const tapSize = 4096

// Tap remembers the last messages that passed, for people who watch. It
// observes sessions, and is safe for concurrent use.
type Tap struct {
	peer.NoObserver
	clk clock.Clock

	mu     sync.Mutex
	ring   [tapSize]tapped
	last   uint64        // the number of the last message, counted from 1
	wakeup chan struct{} // nil while nobody waits
}

// tapped is one message that passed.
type tapped struct {
	at      time.Time
	id      uint64
	addr    ma.Multiaddr
	dir     peer.Direction
	command string
	size    int
}

// NewTap returns a tap that reads the time from clk.
func NewTap(clk clock.Clock) *Tap { return &Tap{clk: clk} }

// Message implements [peer.Observer].
func (t *Tap) Message(p *peer.Peer, dir peer.Direction, command string, _ []byte, size int) {
	t.add(tapped{at: t.clk.Now(), id: p.ID(), addr: p.RemoteAddr(), dir: dir, command: command, size: size})
}

func (t *Tap) add(m tapped) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last++
	t.ring[t.last%tapSize] = m
	if t.wakeup != nil {
		close(t.wakeup)
		t.wakeup = nil
	}
}

// since returns the messages after one of a number that are still known, the
// number of the last message, and a channel that is closed when there is
// another.
func (t *Tap) since(after uint64, most int) (msgs []rpctypes.PeerMessage, more <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	first := min(after, math.MaxUint64-1) + 1
	if t.last > tapSize {
		first = max(first, t.last-tapSize+1)
	}
	for i := first; i <= t.last && len(msgs) < most; i++ {
		m := &t.ring[i%tapSize]
		msgs = append(msgs, rpctypes.PeerMessage{Seq: i, Time: m.at.UnixMicro(), Peer: m.id, Addr: transport.FormatAddr(m.addr), Dir: m.dir.String(), Command: m.command, Size: m.size})
	}
	if t.wakeup == nil {
		t.wakeup = make(chan struct{})
	}
	return msgs, t.wakeup
}

// Last returns the number of the last message, 0 if there was none.
func (t *Tap) Last() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last
}

type messagesParams struct {
	After   *uint64 `rpc:"after" help:"The number of the last message known; that of the last there was if left out"`
	Timeout int64   `rpc:"timeout" default:"30000" help:"How long to wait, in milliseconds"`
}

// maxMessages is how many messages one answer holds.
const maxMessages = 500

func (a *api) getPeerMessages(ctx context.Context, p messagesParams) (rpctypes.PeerMessages, error) {
	after := a.Tap.Last()
	if p.After != nil {
		after = *p.After
	}
	// The caller waits in real time.
	ctx, cancel := context.WithTimeout(ctx, time.Duration(min(max(p.Timeout, 0), math.MaxInt32))*time.Millisecond)
	defer cancel()
	for {
		msgs, more := a.Tap.since(after, maxMessages)
		if len(msgs) > 0 {
			return rpctypes.PeerMessages{Last: msgs[len(msgs)-1].Seq, Messages: msgs}, nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return rpctypes.PeerMessages{Last: after, Messages: []rpctypes.PeerMessage{}}, nil
		}
	}
}
