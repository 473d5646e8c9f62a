package cmdkit

import (
	"io"
	"log/slog"
	"sync"

	"starling/internal/loglevel"
	"starling/internal/plain"
	"starling/node/settings"
)

// NewLogger returns the node's logger, which writes to w what levels let
// through.
func NewLogger(cfg *settings.Settings, levels *loglevel.Levels, w io.Writer) *slog.Logger {
	opts := &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: errorText}
	var h slog.Handler = slog.NewTextHandler(w, opts)
	if cfg.LogFormat == "json" {
		h = slog.NewJSONHandler(w, opts)
	}
	return slog.New(levels.Handler(h))
}

// errorText has an error logged by its text alone. Some errors of the database
// would otherwise print where in the program they came from, over many lines.
func errorText(_ []string, a slog.Attr) slog.Attr {
	if err, ok := a.Value.Any().(error); ok {
		a.Value = slog.StringValue(err.Error())
	}
	return a
}

// screen is a terminal on which log lines and a status line take turns.
type screen struct {
	mu     sync.Mutex
	w      io.Writer // the terminal itself
	before func()    // takes the status line away, if there is one
	after  func()    // and puts it back
}

// NewScreen returns the screen of a command whose output goes to w.
func NewScreen(w io.Writer) *screen { return &screen{w: Terminal(w)} }

// Terminal returns what a command's output goes to in the end, which a program
// may steer. What others wrote goes to w itself.
func Terminal(w io.Writer) io.Writer {
	if clean, ok := w.(*plain.Writer); ok {
		return clean.Unwrap()
	}
	return w
}

// Write writes whole log lines above the status line.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.before != nil {
		s.before()
		defer s.after()
	}
	if _, err := io.WriteString(s.w, plain.Text(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}
