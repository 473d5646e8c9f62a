package server

import (
	"maps"
	"sync"

	ma "github.com/multiformats/go-multiaddr"

	"starling/connmgr"
)

// Tally is how often something has happened since the start, by a few words that
// say what.
type Tally map[string]uint64

// LinkCounts says what became of the links that this node dialled, and of those
// that others have opened.
type LinkCounts struct {
	Dials   Tally // by outcome, of those that are over
	Refused Tally // newcomers that were turned away, by reason
	Ended   Tally // sessions, by reason
}

// tally counts for [Server.LinkCounts]. All words come from this program's own
// tables, so it does not grow with what others do.
type tally struct {
	connmgr.NoObserver
	mu     sync.Mutex
	counts LinkCounts
}

var _ connmgr.Observer = (*tally)(nil)

// DialEnded implements [connmgr.Observer].
func (t *tally) DialEnded(_ ma.Multiaddr, wasUp bool, err error) {
	t.count(&t.counts.Dials, connmgr.DialOutcome(wasUp, err))
}

// Refused implements [connmgr.Observer].
func (t *tally) Refused(_ ma.Multiaddr, why error) { t.count(&t.counts.Refused, connmgr.Refusal(why)) }

// ended counts the end of a session.
func (t *tally) ended(reason string) { t.count(&t.counts.Ended, reason) }

func (t *tally) count(in *Tally, what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if *in == nil {
		*in = make(Tally)
	}
	(*in)[what]++
}

// LinkCounts returns what has become of links since the start. It is the caller's.
func (n *Server) LinkCounts() LinkCounts {
	n.tally.mu.Lock()
	defer n.tally.mu.Unlock()
	c := n.tally.counts
	return LinkCounts{maps.Clone(c.Dials), maps.Clone(c.Refused), maps.Clone(c.Ended)}
}
