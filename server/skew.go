package server

import (
	"slices"
	"time"

	"starling/peer"
)

const (
	// ClockTolerance is how far the clocks of the peers may be off before the
	// operator is told, as in Bitcoin Core. A block that is two hours ahead is
	// refused, so this leaves time to set the clock right.
	ClockTolerance = 10 * time.Minute
	// skewPatience is for how long they must have been, so that the first peer
	// does not speak for all.
	skewPatience = time.Minute
	// skewEvery is how often the operator is told again.
	skewEvery = 24 * time.Hour
)

// ClockOffset returns how far the clocks of peers are ahead of this node's: the
// middle one, and of how many. Peers have told their time when their links began,
// and are taken to have kept it since. Clocks are those of peers that this node has
// chosen: whoever connects to it can say anything.
func (n *Server) ClockOffset() (offset time.Duration, peers int) {
	now := n.clk.Now()
	var all []time.Duration
	for _, s := range n.sessions.all() {
		if r := s.peer.Remote(); r != nil && s.peer.Kind() != peer.Inbound {
			all = append(all, r.TimeOffset-stepped(s.peer.Connected(), now))
		}
	}
	if len(all) == 0 {
		return 0, 0
	}
	slices.Sort(all)
	return all[len(all)/2], len(all)
}

// stepped returns by how much the machine's clock was set forward between two times
// that it showed, by what its steady clock says.
func stepped(then, now time.Time) time.Duration {
	return now.Round(0).Sub(then.Round(0)) - now.Sub(then)
}

// skew decides when the operator is told that the clock may be wrong, and that it
// no longer seems so. It is a pure state machine.
type skew struct {
	since time.Time // when the clocks were first seen to be off; zero if they are not
	told  time.Time // when that was last told; zero if it was not
}

// skewNews is what there is to be told.
type skewNews uint8

const (
	skewNone  skewNews = iota
	skewWrong          // the clock may be wrong
	skewRight          // it no longer seems so
)

// look takes how far the clocks of the peers are ahead. The time may leap, as it
// is what may be wrong.
func (s *skew) look(now time.Time, offset time.Duration) skewNews {
	if offset.Abs() <= ClockTolerance {
		was := !s.told.IsZero()
		*s = skew{}
		if was {
			return skewRight
		}
		return skewNone
	}
	if s.since.IsZero() {
		s.since = now
	}
	if now.Sub(s.since).Abs() < skewPatience || !s.told.IsZero() && now.Sub(s.told).Abs() < skewEvery {
		return skewNone
	}
	s.told = now
	return skewWrong
}

// tellClock says so if the clock may be wrong.
func (w *slotWatch) tellClock(now time.Time) {
	offset, peers := w.n.ClockOffset()
	if peers == 0 {
		return // nobody to compare with
	}
	switch w.skew.look(now, offset) {
	case skewWrong:
		w.n.log.Warn("this machine's clock may be wrong: those of the peers show another time, and with a wrong clock good blocks are refused",
			"peers", peers, "ahead by", offset.Round(time.Second))
	case skewRight:
		w.n.log.Info("this machine's clock agrees with those of the peers again", "peers", peers)
	}
}
