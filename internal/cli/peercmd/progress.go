package peercmd

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"starling/discover/crawl"
	"starling/internal/cli/cmdkit"
)

const (
	// redrawEvery is how often the line on a terminal changes, tellEvery how often
	// a further one is written elsewhere.
	redrawEvery = 100 * time.Millisecond
	tellEvery   = time.Second
)

// statusLine shows how far a command is that visits nodes: one line on a terminal
// that changes, further ones elsewhere if they were asked for.
type statusLine struct {
	w     io.Writer // nil to show nothing
	term  bool
	shown bool
	last  time.Duration // since the begin of what it shows, when it was shown last
}

// progressFlag adds the flag that has a command tell its progress anywhere.
func progressFlag(c *cobra.Command) {
	c.Flags().Bool("progress", false, "tell the progress also where the error output is no terminal")
}

func newStatusLine(c *cobra.Command) *statusLine {
	l := &statusLine{w: cmdkit.Terminal(c.ErrOrStderr())}
	if f, ok := l.w.(*os.File); ok {
		l.term = term.IsTerminal(int(f.Fd()))
	}
	if asked, _ := c.Flags().GetBool("progress"); !asked && !l.term {
		l.w = nil
	}
	return l
}

// show shows a text, at some time after the begin, unless another was shown just
// before. It holds nothing that others wrote.
func (l *statusLine) show(at time.Duration, text string) {
	every := tellEvery
	if l.term {
		every = redrawEvery
	}
	switch {
	case l.w == nil || l.shown && at-l.last < every:
		return
	case l.term:
		fmt.Fprint(l.w, "\r"+text+"\x1b[K")
	default:
		fmt.Fprintln(l.w, text)
	}
	l.shown, l.last = true, at
}

// crawl shows how far a crawl is.
func (l *statusLine) crawl(p crawl.Progress) {
	if p.Busy > 0 {
		l.show(p.Elapsed, fmt.Sprintf("%d visited, %d of them reached; %d under way, %d to go; %v", p.Visited, p.Reached, p.Busy, p.Waiting, p.Elapsed.Truncate(time.Second)))
	}
}

// end takes the line away.
func (l *statusLine) end() {
	if l.w != nil && l.term {
		fmt.Fprint(l.w, "\r\x1b[K")
	}
}
