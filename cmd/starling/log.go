package main

import (
	"io"
	"log/slog"
	"sync"

	"starling/internal/config"
)

// newLogger returns the node's logger, which writes to w what levels let
// through.
func newLogger(cfg *config.Config, levels *config.Levels, w io.Writer) *slog.Logger {
	opts := &slog.HandlerOptions{Level: slog.LevelDebug}
	var h slog.Handler = slog.NewTextHandler(w, opts)
	if cfg.LogFormat == "json" {
		h = slog.NewJSONHandler(w, opts)
	}
	return slog.New(levels.Handler(h))
}

// screen is a terminal on which log lines and a status line take turns.
type screen struct {
	mu     sync.Mutex
	w      io.Writer
	before func() // takes the status line away, if there is one
	after  func() // and puts it back
}

// Write writes whole log lines above the status line.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.before != nil {
		s.before()
		defer s.after()
	}
	return s.w.Write(p)
}
