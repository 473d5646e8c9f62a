package connmgr

import (
	"math"
	"time"
)

const (
	// DefaultBanScore is the score at which a host is banned.
	DefaultBanScore = 100
	// DefaultBanTime is how long.
	DefaultBanTime = 24 * time.Hour

	// scoreHalfLife is how long the decaying part of a score takes to halve.
	scoreHalfLife = time.Minute
	// scoreGone is after how long the decaying part is gone: 30 halvings.
	scoreGone = 30 * time.Minute
	// scoreMemory is how long a host is remembered after its last offence. The
	// lasting part is kept across links, so that it cannot be shed by
	// reconnecting, but not for ever: hosts change hands.
	scoreMemory = 24 * time.Hour
	// maxScores bounds the hosts that are remembered: 10,000 cost about 1 MB.
	// The one whose last offence is longest ago is forgotten first.
	maxScores = 10_000
)

// Scores keeps how badly hosts have behaved. It is a pure state machine.
type Scores struct {
	hosts map[string]*score
	seq   uint64
}

type score struct {
	lasting, decay float64
	at             time.Time // of the last offence; decay is as of then
	seq            uint64    // of the last offence
}

// NewScores returns scores without any offence.
func NewScores() *Scores { return &Scores{hosts: make(map[string]*score)} }

// Add counts an offence of a host and returns its score. Share is the part of
// the offence's weight that applies, 1 for all of it.
func (s *Scores) Add(now time.Time, host string, o Offence, share float64) float64 {
	if o >= offences || share <= 0 || math.IsNaN(share) {
		return s.Score(now, host)
	}
	h := s.hosts[host]
	if h == nil {
		s.makeRoom(now)
		h = &score{at: now}
		s.hosts[host] = h
	}
	h.decay = h.decayed(now)
	if now.Sub(h.at) >= scoreMemory {
		h.lasting = 0
	}
	h.lasting += weights[o].lasting * share
	h.decay += weights[o].decay * share
	s.seq++
	h.at, h.seq = now, s.seq
	return h.lasting + h.decay
}

// Score returns the present score of a host.
func (s *Scores) Score(now time.Time, host string) float64 {
	h := s.hosts[host]
	if h == nil || now.Sub(h.at) >= scoreMemory {
		return 0
	}
	return h.lasting + h.decayed(now)
}

// Forget drops what is known of a host.
func (s *Scores) Forget(host string) { delete(s.hosts, host) }

func (h *score) decayed(now time.Time) float64 {
	d := now.Sub(h.at)
	switch {
	case d <= 0:
		return h.decay
	case d >= scoreGone:
		return 0
	}
	return h.decay * math.Exp2(-float64(d)/float64(scoreHalfLife))
}

// makeRoom forgets what is too old and, if that is not enough, the host whose
// last offence is longest ago.
func (s *Scores) makeRoom(now time.Time) {
	if len(s.hosts) < maxScores {
		return
	}
	oldest := ""
	for k, h := range s.hosts {
		if now.Sub(h.at) >= scoreMemory {
			delete(s.hosts, k)
			continue
		}
		// Sequence numbers differ, so the order of the map does not matter.
		if o := s.hosts[oldest]; o == nil || h.seq < o.seq {
			oldest = k
		}
	}
	if len(s.hosts) >= maxScores {
		delete(s.hosts, oldest)
	}
}
