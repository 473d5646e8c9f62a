package loglevel

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"starling/internal/nearest"
)

// PartKey is the attribute that says which part of the program logs. A logger
// belongs to a part once it has it.
const PartKey = "part"

// Levels holds the log level of each part. It is safe for concurrent use, and
// levels may change at any time.
type Levels struct {
	names []string
	rest  slog.LevelVar
	parts map[string]*slog.LevelVar
}

// New reads levels such as "info" or "net=debug" of a program that has the given
// parts; later ones override earlier ones.
func New(parts, specs []string) (*Levels, error) {
	l := &Levels{names: slices.Clone(parts), parts: make(map[string]*slog.LevelVar)}
	for _, p := range parts {
		l.parts[p] = new(slog.LevelVar)
	}
	for _, list := range specs {
		for spec := range strings.SplitSeq(list, ",") {
			part, word, ok := strings.Cut(spec, "=")
			if !ok {
				part, word = "", spec
			}
			level, err := parseLevel(strings.TrimSpace(word))
			if err != nil {
				return nil, err
			}
			if err := l.Set(strings.TrimSpace(part), level); err != nil {
				return nil, err
			}
		}
	}
	return l, nil
}

func parseLevel(word string) (slog.Level, error) {
	switch strings.ToLower(word) {
	case "debug":
		return slog.LevelDebug, nil
	case "info":
		return slog.LevelInfo, nil
	case "warn", "warning":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	}
	return 0, fmt.Errorf("%q is not one of debug, info, warn and error", word)
}

// Names lists the parts.
func (l *Levels) Names() []string { return slices.Clone(l.names) }

// Set changes the level of a part, or of all parts if part is empty.
func (l *Levels) Set(part string, level slog.Level) error {
	if part == "" {
		l.rest.Set(level)
		for _, v := range l.parts {
			v.Set(level)
		}
		return nil
	}
	v := l.parts[part]
	if v == nil {
		if n := nearest.Word(part, l.names); n != "" {
			return fmt.Errorf("no part %q has a log level; did you mean %s?", part, n)
		}
		return fmt.Errorf("no part %q has a log level; there are %s", part, strings.Join(l.names, ", "))
	}
	v.Set(level)
	return nil
}

// Level returns the level of a part, or of whatever belongs to no part.
func (l *Levels) Level(part string) slog.Level {
	if v := l.parts[part]; v != nil {
		return v.Level()
	}
	return l.rest.Level()
}

// Handler returns a handler that passes on to next what the levels let
// through. next must let everything through itself.
func (l *Levels) Handler(next slog.Handler) slog.Handler {
	return &handler{Handler: next, levels: l, level: &l.rest}
}

// handler filters by the level of the part that its logger belongs to.
type handler struct {
	slog.Handler
	levels *Levels
	level  *slog.LevelVar
}

// Enabled implements [slog.Handler].
func (h *handler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level.Level() }

// WithAttrs implements [slog.Handler].
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := &handler{Handler: h.Handler.WithAttrs(attrs), levels: h.levels, level: h.level}
	if i := slices.IndexFunc(attrs, func(a slog.Attr) bool { return a.Key == PartKey }); i >= 0 {
		if v := h.levels.parts[attrs[i].Value.String()]; v != nil {
			c.level = v
		}
	}
	return c
}

// WithGroup implements [slog.Handler].
func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{Handler: h.Handler.WithGroup(name), levels: h.levels, level: h.level}
}
