package eventheap

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// Trace is what was decided, line by line.
type Trace struct {
	start time.Time
	heap  *Heap
	lines []string
}

// NewTrace returns a trace whose lines begin with the time since now.
func (h *Heap) NewTrace() *Trace { return &Trace{start: h.now, heap: h} }

// Note adds a line. What it is made of must say the same in every process: no
// pointers, nothing that has the order of a map.
func (t *Trace) Note(format string, args ...any) {
	t.lines = append(t.lines, fmt.Sprintf("%v ", t.heap.now.Sub(t.start))+fmt.Sprintf(format, args...))
}

// Len returns how many lines there are.
func (t *Trace) Len() int { return len(t.lines) }

// Sum returns a hash of all lines.
func (t *Trace) Sum() string {
	sum := sha256.Sum256([]byte(strings.Join(t.lines, "\n")))
	return hex.EncodeToString(sum[:])
}

// Diff describes the first line in which two traces differ; it is empty if they
// are the same.
func (t *Trace) Diff(o *Trace) string {
	line := func(t *Trace, i int) string {
		if i < len(t.lines) {
			return t.lines[i]
		}
		return "the end"
	}
	for i := range max(len(t.lines), len(o.lines)) {
		if a, b := line(t, i), line(o, i); a != b {
			return fmt.Sprintf("line %d: %s\n     and: %s", i+1, a, b)
		}
	}
	return ""
}
