package server

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// aloneAfter is how long a node may be without any peer before it says so, and
// then from one time to the next.
const aloneAfter = 10 * time.Minute

// alone decides when to say that there is no peer. It is a pure state machine.
type alone struct {
	since time.Time // when there last was one
	told  time.Time // when it was last said that there is none; zero if it was not
}

// look takes whether there is a peer, and returns for how long there has been none
// if that is to be told.
func (a *alone) look(now time.Time, company bool) (since time.Duration, tell bool) {
	if company || now.Before(a.since) {
		*a = alone{since: now}
		return 0, false
	}
	last := a.since
	if !a.told.IsZero() {
		last = a.told
	}
	if now.Sub(last) < aloneAfter {
		return 0, false
	}
	a.told = now
	return now.Sub(a.since), true
}

// tellAlone says so if the node has had no peer for long, and what it has tried.
// One that is to look for none is not told of, and neither is a link whose other
// end has yet to say who it is company.
func (w *slotWatch) tellAlone(now time.Time) {
	n := w.n
	company := !n.conns.Active() || n.cfg.Slots == nil && len(n.conns.Outgoing()) == 0
	for _, s := range n.sessions.all() {
		company = company || s.peer.Remote() != nil
	}
	dials := n.LinkCounts().Dials
	if company {
		w.before = dials
	}
	if since, tell := w.alone.look(now, company); tell {
		n.log.Warn("this node has no peers", "for", since.Round(time.Second), "dials", dials.since(w.before),
			"known addresses", n.book.Len(), "asked", strings.Join(n.asked(), "; "))
	}
}

// since says what has been added to a tally, the most first.
func (t Tally) since(before Tally) string {
	type entry struct {
		what  string
		count uint64
	}
	var list []entry
	for what, count := range t {
		if d := count - before[what]; d > 0 {
			list = append(list, entry{what, d})
		}
	}
	if len(list) == 0 {
		return "none"
	}
	slices.SortFunc(list, func(a, b entry) int {
		return cmp.Or(cmp.Compare(b.count, a.count), strings.Compare(a.what, b.what))
	})
	var words []string
	for _, e := range list {
		words = append(words, fmt.Sprintf("%d %s", e.count, e.what))
	}
	return strings.Join(words, ", ")
}
