package connmgr

import (
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"starling/addrmgr"
	"starling/addrmgr/netaddr"
	"starling/peer"
	"starling/wire"
)

// siege is a node in a network of honest nodes that come and go, and an
// attacker who wants to have all of its links: he has many addresses in few
// network groups, tells of them as fast as he may on several links of his, is
// always there when dialled, and never leaves.
type siege struct {
	*world
	rng    *rand.Rand
	honest []netaddr.Addr
	up     map[netaddr.Addr]bool
	evil   map[netaddr.Addr]bool
	evils  []netaddr.Addr
	// rate is how many addresses a second the attacker gets told in all.
	rate float64
	told float64
}

const (
	siegeHonest = 600
	siegeEvil   = 1000
	siegeGroups = 4
)

func newSiege(t *testing.T, seed byte, book addrmgr.Options, slots SlotOptions) *siege {
	s := &siege{world: newWorld(t, seed, slots), rng: rand.New(rand.NewPCG(uint64(seed), 7)), up: make(map[netaddr.Addr]bool),
		evil: make(map[netaddr.Addr]bool), rate: 2}
	s.book = addrmgr.NewBook([32]byte{seed}, book)
	s.slots = NewSlots(slots, s.book, nil, rand.New(rand.NewPCG(uint64(seed), 1)))
	for i := range siegeHonest {
		a := v4(20+i%150, i/150, 1+i%7, 1)
		s.honest = append(s.honest, a)
		s.up[a] = s.rng.IntN(10) < 7
	}
	for i := range siegeEvil {
		a := v4(200+i%siegeGroups, 1, i>>8, i)
		s.evils = append(s.evils, a)
		s.evil[a] = true
	}
	s.answers = func(d SlotDial) bool { return s.evil[d.Addr] || s.up[d.Addr] }
	// What a DNS seed tells at first.
	for _, a := range s.honest[:30] {
		s.know(a)
	}
	return s
}

// tell has a source tell of addresses that it says it has just seen.
func (s *siege) tell(source netaddr.Addr, addrs ...netaddr.Addr) {
	for _, a := range addrs {
		s.book.Add(s.now, source, 2*time.Hour, addrmgr.Address{Addr: a, Services: wire.NodeNetwork | wire.NodeWitness, Seen: s.now})
	}
	s.slots.Wake()
}

// minute lets a minute pass.
func (s *siege) minute() {
	s.run(time.Minute)
	for s.told += 60 * s.rate; s.told >= 1; s.told-- {
		s.tell(s.evils[s.rng.IntN(siegeEvil)], s.evils[s.rng.IntN(siegeEvil)])
	}
	// Honest nodes are there for some hours, and gone for some.
	for range 3 {
		a := s.honest[s.rng.IntN(siegeHonest)]
		s.up[a] = s.rng.IntN(10) < 7
	}
	for id := uint64(1); id <= s.slots.lastID; id++ {
		l, there := s.links[id]
		if !there || s.evil[l.Addr] {
			continue
		}
		if !s.up[l.Addr] {
			s.end(id, false)
			continue
		}
		// What honest peers tell is honest for the greater part.
		if l.Kind == peer.OutboundFull && s.rng.IntN(10) == 0 {
			a := s.honest[s.rng.IntN(siegeHonest)]
			if s.rng.IntN(4) == 0 {
				a = s.evils[s.rng.IntN(siegeEvil)]
			}
			s.tell(l.Addr, a)
		}
	}
}

// restart has the node come back with its book and its anchors.
func (s *siege) restart(book addrmgr.Options, slots SlotOptions) {
	var anchors []netaddr.Addr
	for id := uint64(1); id <= s.slots.lastID; id++ {
		if l, ok := s.links[id]; ok && l.Kind == peer.BlockRelayOnly {
			anchors = append(anchors, l.Addr)
		}
	}
	b, err := addrmgr.DecodeBook(s.book.Encode(), [32]byte{99}, book)
	if err != nil {
		s.t.Fatal(err)
	}
	clear(s.links)
	s.book = b
	s.slots = NewSlots(slots, b, anchors[:min(len(anchors), addrmgr.MaxAnchors)], s.rng)
}

// share returns how many links there are, and how many of them are the
// attacker's.
func (s *siege) share() (all, evil int) {
	for _, l := range s.links {
		all++
		if s.evil[l.Addr] {
			evil++
		}
	}
	return all, evil
}

// TestEclipse has a node under siege for a week, with a restart after half of
// it. One link for each group is all that the attacker can get; with the limits off he
// gets more.
func TestEclipse(t *testing.T) {
	week := func(seed byte, book addrmgr.Options, slots SlotOptions) (mean, worst float64) {
		s := newSiege(t, seed, book, slots)
		minutes := 7 * 24 * 60
		if testing.Short() {
			minutes = 24 * 60
		}
		for m := range minutes {
			s.minute()
			if m == minutes/2 {
				s.restart(book, slots)
			}
			if all, evil := s.share(); all > 0 && m > 60 {
				part := float64(evil) / float64(all)
				mean += part / float64(minutes-60)
				worst = max(worst, part)
			}
		}
		return mean, worst
	}
	free := addrmgr.Options{BucketsPerSource: addrmgr.DefaultNewBuckets, BucketsPerGroup: addrmgr.DefaultTriedBuckets, NoTest: true}
	var defended, open []float64
	seeds := byte(1)
	if os.Getenv("STARLING_TEST_LONG") != "" {
		seeds = 3
	}
	for seed := range seeds {
		mean, worst := week(10+seed, addrmgr.Options{}, SlotOptions{})
		t.Logf("seed %d: the attacker has %.0f %% of the links on average, %.0f %% at worst", seed, 100*mean, 100*worst)
		defended = append(defended, worst)
		if worst > 0.5 {
			t.Errorf("the attacker had %.0f %% of the links, with %d groups of addresses", 100*worst, siegeGroups)
		}
		mean, worst = week(10+seed, free, SlotOptions{ManyPerGroup: true})
		t.Logf("seed %d, limits off: %.0f %% on average, %.0f %% at worst", seed, 100*mean, 100*worst)
		open = append(open, worst)
	}
	if testing.Short() {
		return // a day is too short for the difference
	}
	if slices.Min(open) <= slices.Max(defended) {
		t.Error("the limits do nothing")
	}
}
