package connmgr

import (
	"net/netip"
	"time"

	"starling/addrmgr/netaddr"
	"starling/internal/rolling"
)

const (
	// maxDiscouraged is how many hosts are remembered as discouraged at least,
	// and discouragedChance that of taking another one for one of them. Both are
	// Bitcoin Core's; the filter takes 540 kB once somebody has misbehaved.
	maxDiscouraged    = 50_000
	discouragedChance = 1e-6
)

// Sentence is what an offence leads to.
type Sentence uint8

const (
	// Tolerated: nothing more.
	Tolerated Sentence = iota
	// Ended: the link on which it happened ends, and nothing is remembered, as
	// many others may be behind the same address.
	Ended
	// Discouraged: the link ends, and as long as the host is remembered its
	// links are let in only while there is room, and are the first to make room.
	Discouraged
	// Banned: all links with the host end, and it is not let in.
	Banned
)

// Punish counts an offence of a host and says what it leads to; to end links is
// the caller's part. Share is the part of the offence's weight that applies, 1
// for all of it.
//
// A host is banned when its score reaches the limit, and discouraged by each
// single offence that ends a link. Addresses that do not stand for one host are
// not banned by anybody's score: those of this machine, behind which are all who
// come through Tor or another proxy, are not even discouraged, and private ones,
// such as that of a router or of the host of a container, are discouraged at
// most.
func (m *Manager) Punish(host netip.Addr, o Offence, share float64) Sentence {
	host = host.Unmap().WithZone("")
	if !host.IsValid() || !m.cfg.CountLocal && netaddr.IsLocal(host) {
		m.log.Info("peer misbehaved", "host", host, "offence", o)
		if o.Ends() {
			return Ended
		}
		return Tolerated
	}
	c := m.count(host, o, share)
	m.log.Info("peer misbehaved", "host", host, "offence", o, "score", c.score)
	if !c.until.IsZero() {
		m.log.Warn("host banned", "host", host, "until", c.until, "offence", o)
	}
	if c.save {
		m.saveLate()
	}
	return c.sentence
}

// counted is what an offence came to.
type counted struct {
	sentence Sentence
	score    float64
	until    time.Time // of a new ban
	save     bool      // whether the ban list may be saved
}

// count takes note of an offence.
func (m *Manager) count(host netip.Addr, o Offence, share float64) counted {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.cfg.Clock.Now()
	c := counted{score: m.scores.Add(now, host.String(), o, share)}
	m.obs.Offended(host, o, c.score)
	over := c.score >= m.cfg.BanScore
	switch {
	case over && (m.cfg.CountLocal || netaddr.RoutableIP(host)):
	case over || o.Ends():
		m.discouraged.Add(discouragedKey(host))
		c.sentence = Discouraged
		return c
	default:
		c.sentence = Tolerated
		return c
	}
	m.scores.Forget(host.String())
	ban := Ban{Subnet: subnet(host), Created: now, Until: now.Add(m.cfg.BanTime), Reason: o.String(), ByScore: true}
	if m.bans.Add(ban) == nil { // else it is banned for longer already
		m.obs.Banned(ban)
		c.until = ban.Until
	}
	m.kick()
	c.sentence, c.save = Banned, !now.Before(m.saveDue(now))
	return c
}

// Score returns the present score of a host.
func (m *Manager) Score(host netip.Addr) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.scores.Score(m.cfg.Clock.Now(), host.Unmap().WithZone("").String())
}

// KeptOut reports whether a host is banned or discouraged: others are not told of it.
func (m *Manager) KeptOut(host netip.Addr) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, banned := m.bans.Find(m.cfg.Clock.Now(), host)
	return banned || m.discouraged.Has(discouragedKey(host))
}

// Discouraged reports whether a host is remembered as discouraged.
func (m *Manager) Discouraged(host netip.Addr) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.discouraged.Has(discouragedKey(host))
}

func newDiscouraged() *rolling.Filter { return rolling.New(maxDiscouraged, discouragedChance) }

func discouragedKey(host netip.Addr) (key [32]byte) {
	a := host.WithZone("").As16()
	copy(key[:], a[:])
	return key
}
