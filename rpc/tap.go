package rpc

import (
	"context"
	"math"
	"sync"
	"time"

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
	next   uint64        // the number of the next message
	wakeup chan struct{} // nil while nobody waits
}

// tapped is one message that passed.
type tapped struct {
	at      time.Time
	id      uint64
	addr    ma.Multiaddr
	out     bool
	command string
	size    int
}

// NewTap returns a tap that reads the time from clk.
func NewTap(clk clock.Clock) *Tap { return &Tap{clk: clk} }

// Message implements [peer.Observer].
func (t *Tap) Message(p *peer.Peer, dir peer.Direction, command string, _ []byte, size int) {
	t.add(tapped{at: t.clk.Now(), id: p.ID(), addr: p.RemoteAddr(), out: dir == peer.Out, command: command, size: size})
}

func (t *Tap) add(m tapped) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ring[t.next%tapSize] = m
	t.next++
	if t.wakeup != nil {
		close(t.wakeup)
		t.wakeup = nil
	}
}

// since returns the messages from a number on that are still known, the number
// of the first one, and a channel that is closed when there is another.
func (t *Tap) since(from uint64) (msgs []tapped, first uint64, more <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	first = min(from, t.next)
	if t.next > tapSize {
		first = max(first, t.next-tapSize)
	}
	for i := first; i < t.next; i++ {
		msgs = append(msgs, t.ring[i%tapSize])
	}
	if t.wakeup == nil {
		t.wakeup = make(chan struct{})
	}
	return msgs, first, t.wakeup
}

type tapParams struct {
	From    *uint64 `rpc:"from" help:"The number of the first message; the next one if left out"`
	Timeout int64   `rpc:"timeout" default:"30000" help:"How long to wait, in milliseconds"`
}

type tapResult struct {
	Next     uint64       `json:"next" help:"the number to go on from"`
	Missed   uint64       `json:"missed" help:"messages that are forgotten already"`
	Messages []tapMessage `json:"messages"`
}

type tapMessage struct {
	Time    int64  `json:"time" help:"in microseconds since 1970"`
	Peer    uint64 `json:"peer" help:"the peer's id"`
	Addr    string `json:"addr" help:"its address"`
	Dir     string `json:"dir" help:"in or out"`
	Command string `json:"command" help:"the message's type"`
	Size    int    `json:"size" help:"bytes on the wire"`
}

func (a *API) getPeerMessages(ctx context.Context, p tapParams) (tapResult, error) {
	if a.Tap == nil {
		return tapResult{}, errP2PDisabled
	}
	from := uint64(math.MaxUint64)
	if p.From != nil {
		from = *p.From
	}
	// The caller waits in real time.
	ctx, cancel := context.WithTimeout(ctx, time.Duration(min(max(p.Timeout, 0), math.MaxInt32))*time.Millisecond)
	defer cancel()
	for {
		msgs, first, more := a.Tap.since(from)
		if p.From == nil {
			// From here on the caller waits for the next one.
			from, p.From = first, &first
		}
		if len(msgs) > 0 || ctx.Err() != nil {
			r := tapResult{Next: first + uint64(len(msgs)), Messages: make([]tapMessage, len(msgs))}
			if first > from {
				r.Missed = first - from
			}
			for i, m := range msgs {
				dir := peer.In
				if m.out {
					dir = peer.Out
				}
				r.Messages[i] = tapMessage{m.at.UnixMicro(), m.id, transport.FormatAddr(m.addr), dir.String(), m.command, m.size}
			}
			return r, nil
		}
		select {
		case <-more:
		case <-ctx.Done():
		}
	}
}
