package seeder

import (
	"net/netip"
	"time"
)

// Limits on datagrams. Their source is easily forged, so that whoever is named as
// the source must not be flooded with answers.
const (
	// DefaultRate is how many datagrams a second one source is answered, and
	// DefaultBurst how many at once.
	DefaultRate  = 5
	DefaultBurst = 20
	// maxSources is how many sources are told apart, in some 1 MB. When there are
	// more, all are forgotten: a flood from forged sources gets no more out of it
	// than a new burst for each.
	maxSources = 10_000
)

// sources bounds how much each source is answered: one token is taken by each
// answer, and they come back with time. It is a pure state machine.
type sources struct {
	rate, burst float64
	all         map[netip.Prefix]bucket
}

type bucket struct {
	tokens float64
	at     time.Time
}

// group is what counts as one source: an IPv4 address, a /64 of IPv6.
func group(ip netip.Addr) netip.Prefix {
	ip = ip.Unmap()
	bits := 32
	if ip.Is6() {
		bits = 64
	}
	p, _ := ip.Prefix(bits)
	return p
}

// allow reports whether a source is answered at now.
func (s *sources) allow(now time.Time, ip netip.Addr) bool {
	g := group(ip)
	b, ok := s.all[g]
	if !ok {
		if len(s.all) >= maxSources || s.all == nil {
			s.all = make(map[netip.Prefix]bucket)
		}
		b = bucket{s.burst, now}
	}
	b.tokens = min(s.burst, b.tokens+s.rate*max(0, now.Sub(b.at).Seconds()))
	b.at = now
	allowed := b.tokens >= 1
	if allowed {
		b.tokens--
	}
	s.all[g] = b
	return allowed
}
