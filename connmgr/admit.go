package connmgr

import (
	"cmp"
	"errors"
	"slices"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"starling/addrmgr/netaddr"
	"starling/transport"
)

// Errors of admitting an inbound link.
var (
	ErrHostBanned  = errors.New("host is banned")
	ErrDiscouraged = errors.New("host has misbehaved, and there is hardly any room")
	ErrFull        = errors.New("all places are taken by peers worth keeping")
	ErrInactive    = errors.New("networking is switched off")
	ErrHostFull    = errors.New("the host has as many links as one may have")
	ErrGroupFull   = errors.New("the network group has as many links as one may have")
	ErrTooFast     = errors.New("the network group opens links too fast")
	ErrNoPlace     = errors.New("no place became free in time")
)

// Handshakes have places of their own, so that whoever opens links and says
// nothing takes none from peers that are there: a quarter of all, but not so few
// that ordinary newcomers get in each other's way.
const (
	pendingShareOf = 4
	minPending     = 8
)

// Places says how the places for inbound links are taken.
type Places struct {
	// Links is how many there are, also those that are ending: a link takes its
	// place until it is gone.
	Links int
	// Ending is how many of them were told to end.
	Ending int
	// Pending is how many of the others have not done the handshake.
	Pending int
	// OfHost and OfGroup are how many links there are of the newcomer's host
	// and network group.
	OfHost, OfGroup int
}

// A host and a network group can hold a share of the places for inbound links,
// but not so few that those who share an address, as behind a home router or a
// proxy of an office, get in each other's way.
const (
	hostShareOf  = 8
	minPerHost   = 16
	groupShareOf = 2
	minPerGroup  = 32
)

// Pace returns how long a newcomer is to be held back before it is admitted, or
// [ErrTooFast]. One that is held back is to be reported with Paced when that is
// over. Newcomers of this machine and permitted ones (noban) do not wait.
func (m *Manager) Pace(addr netaddr.Addr, noBan bool) (time.Duration, error) {
	if noBan || !m.counts(addr) {
		return 0, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	wait, ok := m.pace.Take(m.cfg.Clock.Now(), m.cfg.Slots.Grouper.Group(addr))
	if !ok || wait > 0 && m.held >= m.cfg.MaxPending {
		return 0, ErrTooFast
	}
	if wait > 0 {
		m.held++
	}
	return wait, nil
}

// Paced tells that a newcomer is no longer held back.
func (m *Manager) Paced() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.held--
}

// counts reports whether links of an address are counted for its host: not
// those of this machine, which all who come through a proxy seem to be, unless
// they are to be treated like others.
func (m *Manager) counts(a netaddr.Addr) bool {
	return a.IsValid() && (m.cfg.CountLocal || !a.IsLocal())
}

// Admission is what has to be done for a newcomer.
type Admission uint8

const (
	// Enter: there is a place.
	Enter Admission = iota
	// Evict: a peer has to be told to end, then Admit is to be asked again.
	Evict
	// Wait: a link that was told to end has to be gone, then Admit is to be
	// asked again.
	Wait
)

// Admit decides on an inbound link from addr, given how the places are taken.
// Candidates is called only if somebody has to go for the newcomer, whom evict
// then names; it must leave out links that are ending. Permitted peers (noban)
// are admitted even if banned, but not beyond the number of places.
func (m *Manager) Admit(addr ma.Multiaddr, noBan bool, places Places, candidates func() []Candidate) (do Admission, evict uint64, err error) {
	if !m.Active() {
		return 0, 0, ErrInactive
	}
	discouraged := false
	if ip, ok := transport.IP(addr); ok && !noBan {
		if _, banned := m.Banned(ip); banned {
			return 0, 0, ErrHostBanned
		}
		discouraged = m.Discouraged(ip)
	}
	newcomer, _ := netaddr.OfLink(addr)
	limited := !noBan && m.counts(newcomer)
	found := false
	switch {
	case m.cfg.MaxInbound < 0:
		return 0, 0, ErrFull
	case limited && m.cfg.MaxPerHost > 0 && places.OfHost >= m.cfg.MaxPerHost:
		return 0, 0, ErrHostFull
	case limited && m.cfg.MaxPerGroup > 0 && places.OfGroup >= m.cfg.MaxPerGroup:
		return 0, 0, ErrGroupFull
	case discouraged && places.Links+1 >= m.cfg.MaxInbound:
		return 0, 0, ErrDiscouraged
	case places.Links >= m.cfg.MaxInbound && places.Ending > 0:
		return Wait, 0, nil
	case places.Links >= m.cfg.MaxInbound:
		if evict, found = SelectEviction(candidates()); !found {
			return 0, 0, ErrFull
		}
		return Evict, evict, nil
	case places.Pending >= m.cfg.MaxPending:
		if evict, found = SelectPending(candidates()); found {
			return Evict, evict, nil
		}
	}
	return Enter, 0, nil
}

// SelectPending chooses which of the peers that have not done the handshake
// makes room for a newcomer, or none if there is none: the oldest of the network
// group with most of them. An honest newcomer needs two round trips.
func SelectPending(peers []Candidate) (id uint64, ok bool) {
	left := slices.DeleteFunc(slices.Clone(peers), func(c Candidate) bool { return !c.Pending || c.NoBan })
	if len(left) == 0 {
		return 0, false
	}
	size := groupSizes(left)
	return slices.MaxFunc(left, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(size[a.Group], size[b.Group]), b.Connected.Compare(a.Connected), cmp.Compare(b.ID, a.ID))
	}).ID, true
}
