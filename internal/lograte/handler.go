package lograte

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// Burst is how many lines of one message are written at once: those of a node
	// that finds its peers, or loses them all.
	Burst = 100
	// Every is the time after which one more may be written: 600 in an hour, some
	// 120 KB.
	Every = 6 * time.Second

	// maxMessages bounds the counts. Messages are constants of a program; further
	// ones share a count.
	maxMessages = 1000
)

// LeftOut is the name of the attribute that says how many lines of the same
// message were left out before.
const LeftOut = "left out before"

// Handler passes on what stays within bounds. Lines below the level of Info are
// written if somebody has asked for them, and those of errors in any case.
type Handler struct {
	next slog.Handler
	all  *counts // shared by all handlers made of one
}

// New returns a handler in front of another. now is the clock.
func New(next slog.Handler, now func() time.Time) *Handler {
	return &Handler{next, &counts{now: now, of: make(map[string]*count)}}
}

var _ slog.Handler = (*Handler)(nil)

// Enabled implements [slog.Handler].
func (h *Handler) Enabled(ctx context.Context, l slog.Level) bool { return h.next.Enabled(ctx, l) }

// WithAttrs implements [slog.Handler].
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &Handler{h.next.WithAttrs(attrs), h.all}
}

// WithGroup implements [slog.Handler].
func (h *Handler) WithGroup(name string) slog.Handler {
	return &Handler{h.next.WithGroup(name), h.all}
}

// Handle implements [slog.Handler].
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelInfo && r.Level < slog.LevelError {
		out, write := h.all.take(r.Message)
		if !write {
			return nil
		}
		if out > 0 {
			r = r.Clone()
			r.AddAttrs(slog.Uint64(LeftOut, out))
		}
	}
	return h.next.Handle(ctx, r)
}

// counts are those of all messages.
type counts struct {
	now func() time.Time

	mu sync.Mutex
	of map[string]*count
}

// count is that of one message.
type count struct {
	used    int       // lines of the burst that are used up
	since   time.Time // when the last of them was given back
	leftOut uint64
}

// take reports whether a line of a message is to be written, and how many were
// left out before it.
func (c *counts) take(message string) (leftOut uint64, write bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	m := c.of[message]
	if m == nil {
		if len(c.of) >= maxMessages {
			message = ""
		}
		if m = c.of[message]; m == nil {
			m = &count{since: now}
			c.of[message] = m
		}
	}
	if back := now.Sub(m.since) / Every; back > 0 {
		m.used = max(0, m.used-int(min(back, Burst)))
		m.since = m.since.Add(back * Every)
	} else if back < 0 {
		m.since = now // the clock was set back
	}
	if m.used >= Burst {
		m.leftOut++
		return 0, false
	}
	m.used++
	leftOut, m.leftOut = m.leftOut, 0
	return leftOut, true
}
