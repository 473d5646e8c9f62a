package connmgr

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"starling/addrmgr"
	"starling/addrmgr/netaddr"
	"starling/peer"
	"starling/wire"
)

// The standing links that a node opens by itself, as Bitcoin Core has them.
const (
	// DefaultFull is how many exchange blocks, transactions and addresses.
	DefaultFull = 8
	// DefaultBlockRelay is how many exchange blocks alone, so that who watches
	// transactions and addresses does not learn of them.
	DefaultBlockRelay = 2
	// DefaultFeelerEvery is the mean time from one feeler to the next, which
	// finds out whether an address is worth keeping.
	DefaultFeelerEvery = 2 * time.Minute
	// DefaultProbeEvery is the mean time from one short link for blocks alone to
	// the next. It shows whether the world knows a better chain than the peers do.
	DefaultProbeEvery = 5 * time.Minute
	// DefaultSurplus is how many links beyond the standing ones are opened
	// while blocks or announcements lag.
	DefaultSurplus = 2

	// surplusEvery is the time from one such link to the next, in which the one
	// before can show what it is worth.
	surplusEvery = 30 * time.Second
	// selectTries is how many addresses are drawn for one slot before it is
	// left for later, and the next two how many of them may not be those that were
	// tried of late or listen on the port of another service.
	selectTries   = 100
	freshTries    = 30
	ordinaryTries = 50
	// triedLately is for how long an address counts as tried of late.
	triedLately = 10 * time.Minute
	// searchMin and searchMax are the waits after nothing was found to dial,
	// doubled each time.
	searchMin = 500 * time.Millisecond
	searchMax = time.Minute
	// dialEvery is the least time from one dial to the next in the long run. When
	// this node's line or its proxy is down all dials fail at once, and would
	// follow one another as fast as the machine can.
	dialEvery = 500 * time.Millisecond
)

// Book is where addresses to dial come from: an [addrmgr.Book] or
// [addrmgr.Manager].
type Book interface {
	Select(now time.Time, newOnly bool, want addrmgr.Networks) (addrmgr.Entry, bool)
	ToTest() (addrmgr.Entry, bool)
	Resolve(now time.Time)
	Attempt(now time.Time, a netaddr.Addr, count bool)
	Good(now time.Time, a netaddr.Addr) bool
}

// SlotOptions say which links a node opens by itself. Zero values take the
// defaults, those below zero mean none.
type SlotOptions struct {
	Full, BlockRelay        int
	FeelerEvery, ProbeEvery time.Duration
	Surplus                 int
	MaxDials                int // under way at a time; 0 for [MaxDials]
	// MinPeers is below how many outbound links waits after failures are cut
	// short.
	MinPeers int
	// Networks are those that are dialled.
	Networks addrmgr.Networks
	// Grouper tells network groups, of which each has one link at most.
	Grouper netaddr.Grouper
	// ManyPerGroup allows any number of links to one group.
	ManyPerGroup bool
}

func (o *SlotOptions) fill() {
	for _, f := range []struct {
		n    *int
		zero int
	}{{&o.Full, DefaultFull}, {&o.BlockRelay, DefaultBlockRelay}, {&o.Surplus, DefaultSurplus}} {
		*f.n = max(0, cmp.Or(*f.n, f.zero))
	}
	o.FeelerEvery = cmp.Or(o.FeelerEvery, DefaultFeelerEvery)
	o.ProbeEvery = cmp.Or(o.ProbeEvery, DefaultProbeEvery)
	o.MaxDials = cmp.Or(o.MaxDials, MaxDials)
}

// Situation is what [Slots] has to know of the rest of the node.
type Situation struct {
	// Asked are the addresses that a person wants linked, whether they are or
	// not. They are not dialled for a slot.
	Asked []netaddr.Addr
	// Manual are the addresses of the links that have come of that, which may be
	// named otherwise there.
	Manual []netaddr.Addr
	// Refused reports whether an address is not to be dialled: it is banned,
	// discouraged, or this node's own. May be nil.
	Refused func(netaddr.Addr) bool
	// Wanted reports whether a node with these services is of use; nil for all.
	Wanted func(wire.ServiceFlag) bool
	// Lagging is true while blocks or announcements come late.
	Lagging bool
	// Synced is true once the chain is as good as that of the peers.
	Synced bool
}

// SlotDial is one dial for a slot and the link that comes of it.
type SlotDial struct {
	ID   uint64 // never used twice
	Addr netaddr.Addr
	Kind peer.Kind
}

// Slots decides which links a node opens by itself: it fills the standing slots
// from the book, one link for each network group, sends out feelers and probes, and
// opens further links while the node lags. It is a pure state machine.
type Slots struct {
	opts  SlotOptions
	rng   *rand.Rand
	book  Book
	waits waits

	lastID  uint64
	links   []*slot // the oldest first
	anchors []netaddr.Addr

	nextFeeler, nextProbe time.Time
	surplus               int       // slots beyond the standing ones
	nextSurplus           time.Time // when there may be another one
	search                time.Duration
	searchAt              time.Time // nothing is looked for before
	paid                  time.Time // until when dials are paid for, see pay
}

// slot is one dial or link.
type slot struct {
	SlotDial
	probe bool
	up    time.Time // zero while it is being dialled
}

// NewSlots returns a machine without any link, which dials the anchors first.
func NewSlots(opts SlotOptions, book Book, anchors []netaddr.Addr, rng *rand.Rand) *Slots {
	opts.fill()
	return &Slots{opts: opts, book: book, anchors: slices.Clone(anchors), rng: rng}
}

// Due returns what is to be dialled now. Each must be ended with Down.
func (s *Slots) Due(now time.Time, at Situation) []SlotDial {
	s.book.Resolve(now)
	s.adapt(now, at)
	if now.Before(s.searchAt) {
		return nil
	}
	var dials []SlotDial
	for s.dialling() < s.opts.MaxDials && !now.Before(s.payDay()) {
		kind, probe, ok := s.want(now, at)
		if !ok {
			break
		}
		addr, ok := s.choose(now, kind, at)
		if !ok {
			s.search = min(max(2*s.search, searchMin), searchMax)
			s.searchAt = now.Add(s.search)
			break
		}
		s.search = 0
		s.paid = later(s.paid, now).Add(dialEvery)
		switch {
		case probe:
			s.nextProbe = now.Add(s.chance(s.opts.ProbeEvery))
		case kind == peer.Feeler:
			s.nextFeeler = now.Add(s.chance(s.opts.FeelerEvery))
		}
		s.lastID++
		l := &slot{SlotDial: SlotDial{s.lastID, addr, kind}, probe: probe}
		s.book.Attempt(now, addr, s.online(at))
		s.links = append(s.links, l)
		dials = append(dials, l.SlotDial)
	}
	return dials
}

// Wake has addresses looked for at once: the book has grown, or the rest of the
// node has changed.
func (s *Slots) Wake() { s.search, s.searchAt = 0, time.Time{} }

// NextDue returns when Due is to be asked again, if nothing else happens.
func (s *Slots) NextDue(now time.Time, at Situation) time.Time {
	if s.dialling() >= s.opts.MaxDials {
		return time.Time{}
	}
	if _, _, ok := s.want(now, at); ok {
		return later(later(now, s.searchAt), s.payDay())
	}
	var next time.Time
	for _, t := range []time.Time{s.nextFeeler, s.nextProbe, s.nextSurplus} {
		if t.After(now) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	return next
}

// payDay returns when there may be another dial: one in each dialEvery, of which
// as many as there are links to be may come at once.
func (s *Slots) payDay() time.Time {
	return s.paid.Add(-time.Duration(s.opts.Full+s.opts.BlockRelay-1) * dialEvery)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Up tells that a dial has become a link whose handshake is done.
func (s *Slots) Up(now time.Time, id uint64) {
	if l := s.find(id); l != nil && l.up.IsZero() {
		l.up = now
		s.waits.forget(l.Addr)
	}
}

// Down tells that a dial or link has ended. Called is true if this node has
// called it off, which says nothing of the address.
func (s *Slots) Down(now time.Time, id uint64, called bool) {
	l := s.find(id)
	if l == nil {
		return
	}
	s.links = slices.DeleteFunc(s.links, func(k *slot) bool { return k == l })
	if l.Kind == peer.BlockRelayOnly && !l.probe {
		s.replace()
	}
	if !called && l.Kind != peer.Feeler && (l.up.IsZero() || now.Sub(l.up) < steady) {
		s.waits.failed(now, l.Addr, s.rng)
	}
	s.Wake()
}

// replace has a probe that is up, if there is one, stand in place of a link for
// blocks alone that has ended.
func (s *Slots) replace() {
	if i := slices.IndexFunc(s.links, func(l *slot) bool { return l.probe && !l.up.IsZero() }); i >= 0 {
		s.links[i].probe = false
	}
}

// find returns a link, or nil.
func (s *Slots) find(id uint64) *slot {
	if i := slices.IndexFunc(s.links, func(l *slot) bool { return l.ID == id }); i >= 0 {
		return s.links[i]
	}
	return nil
}

// At returns which dial or link goes to an address, if one does that is to last.
func (s *Slots) At(a netaddr.Addr) (id uint64, ok bool) {
	i := slices.IndexFunc(s.links, func(l *slot) bool { return l.Addr == a && l.Kind != peer.Feeler })
	if i < 0 {
		return 0, false
	}
	return s.links[i].ID, true
}

// dialling returns how many dials are under way.
func (s *Slots) dialling() (n int) {
	for _, l := range s.links {
		if l.up.IsZero() {
			n++
		}
	}
	return n
}

// standing returns how many links of a kind there are, with those that are
// being dialled.
func (s *Slots) standing(kind peer.Kind) (n int) {
	for _, l := range s.links {
		if l.Kind == kind && !l.probe {
			n++
		}
	}
	return n
}

// established returns how many links are up.
func (s *Slots) established() (n int) {
	for _, l := range s.links {
		if !l.up.IsZero() && l.Kind != peer.Feeler {
			n++
		}
	}
	return n
}

// online reports whether enough links are up for a failure to say something of
// the address rather than of this node's line.
func (s *Slots) online(at Situation) bool {
	return s.established()+len(at.Manual) >= min(2, s.opts.Full+s.opts.BlockRelay-1)
}

// adapt opens slots beyond the standing ones while the node lags, one after
// the other, and gives them back when it does not.
func (s *Slots) adapt(now time.Time, at Situation) {
	switch {
	case !at.Lagging:
		s.surplus, s.nextSurplus = 0, time.Time{}
	case s.surplus < s.opts.Surplus && !now.Before(s.nextSurplus):
		s.surplus++
		s.nextSurplus = now.Add(surplusEvery)
	}
}

// Target returns how many full links there are to be now.
func (s *Slots) Target() int { return s.opts.Full + s.surplus }

// BlockRelayTarget returns how many links for blocks alone there are to be.
func (s *Slots) BlockRelayTarget() int { return s.opts.BlockRelay }

// want returns the kind of the most urgent link that is missing.
func (s *Slots) want(now time.Time, at Situation) (kind peer.Kind, probe, ok bool) {
	full, blocks := s.standing(peer.OutboundFull), s.standing(peer.BlockRelayOnly)
	switch {
	case len(s.anchors) > 0 && blocks < s.opts.BlockRelay:
		return peer.BlockRelayOnly, false, true
	case full < s.Target():
		return peer.OutboundFull, false, true
	case blocks < s.opts.BlockRelay:
		return peer.BlockRelayOnly, false, true
	}
	if s.nextProbe.IsZero() && s.opts.ProbeEvery > 0 {
		s.nextProbe = now.Add(s.chance(s.opts.ProbeEvery))
	}
	if s.nextFeeler.IsZero() && s.opts.FeelerEvery > 0 {
		s.nextFeeler = now.Add(s.chance(s.opts.FeelerEvery))
	}
	switch {
	case s.opts.BlockRelay > 0 && at.Synced && s.due(now, s.nextProbe):
		return peer.BlockRelayOnly, true, true
	case s.due(now, s.nextFeeler):
		return peer.Feeler, false, true
	}
	return 0, false, false
}

func (s *Slots) due(now, at time.Time) bool { return !at.IsZero() && !now.Before(at) }

// chance draws a time with the given mean, so that nobody can tell when the
// next one is due (a Poisson process).
func (s *Slots) chance(mean time.Duration) time.Duration {
	return time.Duration(s.rng.ExpFloat64() * float64(mean))
}

// choose draws an address for a link of a kind.
func (s *Slots) choose(now time.Time, kind peer.Kind, at Situation) (netaddr.Addr, bool) {
	for kind == peer.BlockRelayOnly && len(s.anchors) > 0 {
		a := s.anchors[0]
		s.anchors = s.anchors[1:]
		if s.possible(a, kind, at) {
			return a, true
		}
	}
	few := s.established() < s.opts.MinPeers
	for try := range selectTries {
		e, test, ok := s.draw(now, kind, at)
		if !ok {
			return netaddr.Addr{}, false
		}
		switch a := e.Addr; {
		case !s.possible(a, kind, at):
		case test:
			return a, true
		case s.waits.waiting(now, a, few):
		case try < freshTries && !e.LastTry.IsZero() && now.Sub(e.LastTry) < triedLately:
		case kind != peer.Feeler && at.Wanted != nil && !at.Wanted(e.Services):
		case try < ordinaryTries && otherService(a.Port()):
		default:
			return a, true
		}
	}
	return netaddr.Addr{}, false
}

// draw takes an address from the book. Test is true if another one wants its
// place there, so that it has to be looked at however lately that was done.
func (s *Slots) draw(now time.Time, kind peer.Kind, at Situation) (e addrmgr.Entry, test, ok bool) {
	if kind == peer.Feeler {
		if e, ok := s.book.ToTest(); ok {
			// One that is not to be dialled is left to give way to the other when its
			// time is over, and a feeler goes elsewhere meanwhile.
			if s.possible(e.Addr, kind, at) {
				return e, true, true
			}
			if s.linked(e.Addr, at) {
				s.book.Good(now, e.Addr)
			}
		}
	}
	e, ok = s.book.Select(now, kind == peer.Feeler, s.opts.Networks)
	return e, false, ok
}

// possible reports whether there may be a link of a kind to an address.
func (s *Slots) possible(a netaddr.Addr, kind peer.Kind, at Situation) bool {
	if !s.opts.Networks.Has(a.Network()) || s.inUse(a, at) || at.Refused != nil && at.Refused(a) {
		return false
	}
	return kind == peer.Feeler || s.opts.ManyPerGroup || !s.groupTaken(a, at)
}

// inUse reports whether an address is being dialled or linked with.
func (s *Slots) inUse(a netaddr.Addr, at Situation) bool {
	return slices.Contains(at.Asked, a) || slices.Contains(at.Manual, a) || slices.ContainsFunc(s.links, func(l *slot) bool { return l.Addr == a })
}

// linked reports whether there is a link to an address, and not just a dial.
func (s *Slots) linked(a netaddr.Addr, at Situation) bool {
	return slices.Contains(at.Manual, a) || slices.ContainsFunc(s.links, func(l *slot) bool { return l.Addr == a && !l.up.IsZero() })
}

// groupTaken reports whether there is an outbound link to the group of an
// address. Where addresses cost nothing groups say nothing.
func (s *Slots) groupTaken(a netaddr.Addr, at Situation) bool {
	if !grouped(a) {
		return false
	}
	g := s.opts.Grouper.Group(a)
	same := func(b netaddr.Addr) bool { return grouped(b) && s.opts.Grouper.Group(b) == g }
	return slices.ContainsFunc(at.Manual, same) ||
		slices.ContainsFunc(s.links, func(l *slot) bool { return l.Kind != peer.Feeler && same(l.Addr) })
}

func grouped(a netaddr.Addr) bool { return a.Network() == wire.NetIPv4 || a.Network() == wire.NetIPv6 }

// otherService reports whether a port is that of another well-known service:
// whoever spreads such addresses wants nodes to attack it. The low ports are taken
// whole, and of the others those that Bitcoin Core and browsers avoid.
func otherService(port uint16) bool {
	return port < 1024 && port != 80 && port != 443 || slices.Contains([]uint16{
		1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
	}, port)
}
