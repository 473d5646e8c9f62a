package connmgr

import (
	"cmp"
	"errors"
	"slices"

	ma "github.com/multiformats/go-multiaddr"

	"starling/transport"
)

// Errors of admitting an inbound link.
var (
	ErrHostBanned  = errors.New("host is banned")
	ErrDiscouraged = errors.New("host has misbehaved, and there is hardly any room")
	ErrFull        = errors.New("all places are taken by peers worth keeping")
	ErrInactive    = errors.New("networking is switched off")
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
	found := false
	switch {
	case m.cfg.MaxInbound < 0:
		return 0, 0, ErrFull
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
