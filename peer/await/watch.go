package await

import (
	"slices"
	"time"
)

// short is how long a message may take to be handled without the time counting
// as a pause: a peer that floods this node with small ones must not make its own
// time last for ever.
const short = time.Second

// Watch keeps the time of one session: for how long its messages have kept the
// node, and which requests are unanswered whose absence is only noted. It is a
// pure state machine of the zero value; what it keeps is bounded by the table.
type Watch struct {
	open []open // at most one for each rule, the oldest first

	busy time.Time     // since when a message is being handled; zero for none
	off  time.Duration // for how long others were that took their time
}

// open is a request that is not answered.
type open struct {
	rule *Rule
	at   time.Time // when it was sent, by the peer's own time
}

// noted are the rules that Watch keeps itself, by command: never changed.
var noted = func() map[string]*Rule {
	byCommand := make(map[string]*Rule)
	for _, r := range Table() {
		if r.Keeper == Session && r.Then == Noted {
			byCommand[r.Request] = &r
		}
	}
	return byCommand
}()

// Watched reports whether a command is a request that Watch keeps.
func Watched(command string) bool { return noted[command] != nil }

// Pause tells that a message is being handled from now on, Resume that it has
// been.
func (w *Watch) Pause(now time.Time) { w.busy = now }

// Resume ends what Pause began.
func (w *Watch) Resume(now time.Time) {
	if d := now.Sub(w.busy); !w.busy.IsZero() && d >= short {
		w.off += d
	}
	w.busy = time.Time{}
}

// Off returns the time that does not count for the peer: all in which a message
// of it was being handled, but for messages that took less than a second.
func (w *Watch) Off(now time.Time) time.Duration {
	if w.busy.IsZero() {
		return w.off
	}
	return w.off + max(0, now.Sub(w.busy))
}

// own returns the time as it counts for the peer.
func (w *Watch) own(now time.Time) time.Time { return now.Add(-w.Off(now)) }

// Sent tells that a message goes out. A request that is repeated before it is
// answered keeps its time.
func (w *Watch) Sent(now time.Time, command string) {
	r := noted[command]
	if r == nil || slices.ContainsFunc(w.open, func(o open) bool { return o.rule == r }) {
		return
	}
	w.open = append(w.open, open{r, w.own(now)})
}

// Heard tells that a message came in, which is the answer to what it can be the
// answer to.
func (w *Watch) Heard(command string) {
	w.drop(func(o open) bool { return slices.Contains(o.rule.Answers, command) })
}

func (w *Watch) drop(f func(open) bool) {
	if len(w.open) == 0 {
		return
	}
	if w.open = slices.DeleteFunc(w.open, f); len(w.open) == 0 {
		w.open = nil // an idle session keeps nothing
	}
}

// Due returns when Tick has to be called next; ok is false if it need not be.
// While a message is being handled that moves on with the time, so that it is
// not asked for more than once in a while.
func (w *Watch) Due(now time.Time) (at time.Time, ok bool) {
	off := w.Off(now)
	if !w.busy.IsZero() {
		defer func() { at = later(at, now.Add(short)) }()
	}
	for _, o := range w.open {
		if d := o.at.Add(o.rule.Wait + off); !ok || d.Before(at) {
			at, ok = d, true
		}
	}
	return at, ok
}

// Tick returns the requests whose time is over, and forgets them.
func (w *Watch) Tick(now time.Time) (missed []Rule) {
	own := w.own(now)
	over := func(o open) bool { return !own.Before(o.at.Add(o.rule.Wait)) }
	for _, o := range w.open {
		if over(o) {
			missed = append(missed, *o.rule)
		}
	}
	if missed != nil {
		w.drop(over)
	}
	return missed
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
