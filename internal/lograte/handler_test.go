package lograte

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestBounds(t *testing.T) {
	var buf bytes.Buffer
	now := time.Unix(1e9, 0)
	log := slog.New(New(slog.NewTextHandler(&buf, &slog.HandlerOptions{Level: slog.LevelDebug}), func() time.Time { return now }))
	lines := func() (n int, last string) {
		all := strings.Split(strings.TrimSpace(buf.String()), "\n")
		buf.Reset()
		if all[0] == "" {
			return 0, ""
		}
		return len(all), all[len(all)-1]
	}
	for range 1000 {
		log.With("peer", 1).Info("come")
		log.WithGroup("g").Warn("gone", "why", "it wanted to")
	}
	if n, last := lines(); n != 2*Burst || strings.Contains(last, LeftOut) {
		t.Errorf("%d lines, want %d: %s", n, 2*Burst, last)
	}
	now = now.Add(Every - 1)
	log.Info("come")
	if n, _ := lines(); n != 0 {
		t.Errorf("%d lines before there was room", n)
	}
	now = now.Add(1)
	log.Info("come")
	log.Info("come")
	if n, last := lines(); n != 1 || !strings.Contains(last, `"left out before"=901`) {
		t.Errorf("%d lines: %s", n, last)
	}
	// Others are not kept out, errors and what was asked for never.
	log.Info("something else")
	for range 2 * Burst {
		log.Error("trouble")
		log.Debug("detail")
	}
	if n, _ := lines(); n != 1+4*Burst {
		t.Errorf("%d lines, want %d", n, 1+4*Burst)
	}
	// After a long rest there is room for as many as at first, and no more.
	for _, rest := range []time.Duration{24 * time.Hour, -time.Hour} {
		now = now.Add(rest)
		for range 2 * Burst {
			log.Info("come")
		}
		if n, _ := lines(); n > Burst || rest > 0 && n != Burst {
			t.Errorf("after %v: %d lines", rest, n)
		}
	}
	now = now.Add(Every)
	log.Info("come")
	if n, _ := lines(); n != 1 {
		t.Errorf("after the clock was set back: %d lines", n)
	}
}

// What makes up its messages does not make the counts grow.
func TestManyMessages(t *testing.T) {
	now := time.Unix(1e9, 0)
	h := New(slog.DiscardHandler, func() time.Time { return now })
	wrote := 0
	for i := range 3 * maxMessages {
		if _, ok := h.all.take(strings.Repeat("x", i+1)); ok {
			wrote++
		}
	}
	if len(h.all.of) > maxMessages+1 || wrote != maxMessages+Burst {
		t.Errorf("%d counts, %d lines", len(h.all.of), wrote)
	}
}
