package cmdkit

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"starling/clock"
	"starling/server"
)

const (
	// barEvery is how often the bar on a terminal moves, lineEvery how often a
	// line tells the progress elsewhere.
	barEvery  = 250 * time.Millisecond
	lineEvery = 30 * time.Second
	// rateSpan is over how long the rate is averaged.
	rateSpan = 30 * time.Second
)

// progress shows how far the node is: a bar on a terminal, lines otherwise.
// Both go while the node is catching up, and not after.
type progress struct {
	screen *screen
	log    *slog.Logger
	term   bool

	bar *progressbar.ProgressBar // guarded by screen.mu
}

// NewProgress returns what shows how far a node is, on the screen if that is a
// terminal and in the log otherwise.
func NewProgress(s *screen, log *slog.Logger) *progress {
	p := &progress{screen: s, log: log}
	if f, ok := s.w.(*os.File); ok {
		p.term = term.IsTerminal(int(f.Fd()))
	}
	return p
}

// sample is a height at some moment.
type sample struct {
	at     time.Time
	height int32
}

// Follow shows the progress until ctx ends. It goes by the machine's clock,
// whatever time the node believes in.
func (p *progress) Follow(ctx context.Context, n *server.Server) {
	clk := clock.System()
	every := lineEvery
	if p.term {
		every = barEvery
	}
	var samples []sample
	last := int32(-1)
	for clock.Sleep(ctx, clk, every) == nil {
		now := clk.Now()
		tip := n.Chain().Tip()
		samples = append(samples, sample{now, tip.Height})
		for len(samples) > 2 && now.Sub(samples[1].at) > rateSpan {
			samples = samples[1:]
		}
		goal := max(n.Chain().Headers().Best().Height, tip.Height)
		first := samples[0]
		rate := 0.0
		if d := now.Sub(first.at).Seconds(); d > 0 {
			rate = float64(tip.Height-first.height) / d
		}
		busy := goal > tip.Height && (n.Chain().IsInitialDownload() || n.Loading())
		switch {
		case !busy:
			p.finish()
		case p.term:
			p.show(tip.Height, goal, rate)
		case tip.Height != last:
			p.log.Info("progress", "height", tip.Height, "of", goal,
				"blocks/s", fmt.Sprintf("%.1f", rate), "left", left(goal-tip.Height, rate), "verified", fmt.Sprintf("%.4f", n.Chain().VerificationProgress(tip)))
		}
		last = tip.Height
	}
	p.finish()
}

// left estimates how long so many blocks take.
func left(blocks int32, rate float64) string {
	if rate <= 0 {
		return "unknown"
	}
	return (time.Duration(float64(blocks)/rate) * time.Second).String()
}

// show draws the bar.
func (p *progress) show(height, goal int32, rate float64) {
	p.screen.mu.Lock()
	defer p.screen.mu.Unlock()
	if p.bar == nil {
		bar := progressbar.NewOptions(int(goal),
			progressbar.OptionSetWriter(p.screen.w), progressbar.OptionFullWidth(),
			progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false),
			progressbar.OptionShowCount())
		p.bar = bar
		p.screen.before = func() { bar.Clear() }
		p.screen.after = func() { bar.RenderBlank() }
	}
	if p.bar.GetMax() != int(goal) {
		p.bar.ChangeMax(int(goal))
	}
	p.bar.Describe(fmt.Sprintf("%.0f blocks/s, %s left", rate, left(goal-height, rate)))
	p.bar.Set(int(height))
}

// finish takes the bar away.
func (p *progress) finish() {
	p.screen.mu.Lock()
	defer p.screen.mu.Unlock()
	if p.bar == nil {
		return
	}
	p.bar.Clear()
	p.bar = nil
	p.screen.before, p.screen.after = nil, nil
}
