package connmgr

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"starling/addrmgr"
	"starling/addrmgr/netaddr"
	"starling/peer"
	"starling/wire"
)

// world is a node's slots over a book, and who answers.
type world struct {
	t     *testing.T
	now   time.Time
	book  *addrmgr.Book
	slots *Slots
	at    Situation
	// answers says whether a dial becomes a link; all do if nil.
	answers func(SlotDial) bool
	links   map[uint64]SlotDial
	log     []string
}

var worldStart = time.Unix(1_700_000_000, 0)

func newWorld(t *testing.T, seed byte, opts SlotOptions, anchors ...netaddr.Addr) *world {
	book := addrmgr.NewBook([32]byte{seed}, addrmgr.Options{Grouper: opts.Grouper})
	rng := rand.New(rand.NewPCG(uint64(seed), 1))
	return &world{t: t, now: worldStart, book: book, slots: NewSlots(opts, book, anchors, rng), links: make(map[uint64]SlotDial),
		at: Situation{Synced: true}}
}

func v4(a, b, c, d int) netaddr.Addr {
	return netaddr.FromAddrPort(netip.AddrPortFrom(netip.AddrFrom4([4]byte{byte(a), byte(b), byte(c), byte(d)}), 8333))
}

// know puts addresses in the book.
func (w *world) know(addrs ...netaddr.Addr) {
	for _, a := range addrs {
		w.book.Add(w.now, v4(9, 9, 9, 9), 0, addrmgr.Address{Addr: a, Services: wire.NodeNetwork | wire.NodeWitness, Seen: w.now})
	}
}

// run lets time pass.
func (w *world) run(d time.Duration) {
	for end := w.now.Add(d); ; {
		for _, dial := range w.slots.Due(w.now, w.at) {
			w.log = append(w.log, fmt.Sprint(w.now.Sub(worldStart), dial))
			if w.answers != nil && !w.answers(dial) {
				w.slots.Down(w.now, dial.ID, false)
				continue
			}
			w.book.Good(w.now, dial.Addr)
			if dial.Kind == peer.Feeler {
				w.slots.Down(w.now, dial.ID, false)
				continue
			}
			w.slots.Up(w.now, dial.ID)
			w.links[dial.ID] = dial
		}
		next := w.slots.NextDue(w.now, w.at)
		if next.IsZero() || next.After(end) {
			w.now = end
			return
		}
		if !next.After(w.now) {
			next = w.now.Add(time.Millisecond)
		}
		w.now = next
	}
}

func (w *world) end(id uint64, called bool) {
	w.slots.Down(w.now, id, called)
	delete(w.links, id)
}

// count returns how many links of a kind there are.
func (w *world) count(kind peer.Kind) (n int) {
	for _, l := range w.links {
		if l.Kind == kind {
			n++
		}
	}
	return n
}

func TestFillsSlots(t *testing.T) {
	w := newWorld(t, 1, SlotOptions{ProbeEvery: -1, FeelerEvery: -1})
	for i := range 40 {
		w.know(v4(8, i, 1, 1), v4(8, i, 2, 2))
	}
	w.run(time.Minute)
	if f, b := w.count(peer.OutboundFull), w.count(peer.BlockRelayOnly); f != 8 || b != 2 {
		t.Errorf("%d full links and %d for blocks alone", f, b)
	}
	groups := make(map[string]bool)
	for _, l := range w.links {
		if g := (netaddr.Grouper{}).Group(l.Addr); groups[g] {
			t.Errorf("two links to the group of %v", l.Addr)
		} else {
			groups[g] = true
		}
	}
}

// With the limit off the same book gives several links to one group.
func TestManyPerGroup(t *testing.T) {
	for _, many := range []bool{false, true} {
		w := newWorld(t, 2, SlotOptions{ProbeEvery: -1, FeelerEvery: -1, ManyPerGroup: many})
		for i := range 50 {
			w.know(v4(8, 8, i, 1))
		}
		w.run(time.Hour)
		if n := len(w.links); many && n != 10 || !many && n != 1 {
			t.Errorf("many %v: %d links to one group", many, n)
		}
	}
}

func TestAnchorsFirst(t *testing.T) {
	anchors := []netaddr.Addr{v4(5, 5, 5, 5), v4(6, 6, 6, 6)}
	w := newWorld(t, 3, SlotOptions{}, anchors...)
	for i := range 40 {
		w.know(v4(8, i, 1, 1))
	}
	dials := w.slots.Due(w.now, w.at)
	if len(dials) < 2 || dials[0].Addr != anchors[0] || dials[1].Addr != anchors[1] || dials[0].Kind != peer.BlockRelayOnly || dials[1].Kind != peer.BlockRelayOnly {
		t.Errorf("the first dials are %v, want the anchors for blocks alone", dials)
	}
}

// Feelers and probes come at about their pace, and only when all slots are
// taken; probes only once the chain is there.
func TestFeelersAndProbes(t *testing.T) {
	for _, synced := range []bool{true, false} {
		w := newWorld(t, 4, SlotOptions{})
		w.at.Synced = synced
		for i := range 1500 {
			w.know(v4(8+i/200, i%200, 1, 1))
		}
		w.run(time.Minute)
		feelers, probes := 0, 0
		w.answers = func(d SlotDial) bool {
			switch d.Kind {
			case peer.Feeler:
				feelers++
			case peer.BlockRelayOnly:
				probes++
				return false
			}
			return true
		}
		const hours = 20
		w.run(hours * time.Hour)
		if feelers < hours*20 || feelers > hours*40 {
			t.Errorf("%d feelers in %d hours, want about 30 an hour", feelers, hours)
		}
		if synced && (probes < hours*8 || probes > hours*16) || !synced && probes != 0 {
			t.Errorf("synced %v: %d probes in %d hours, want about 12 an hour if it is", synced, probes, hours)
		}
	}
}

// Whoever does not answer is left alone for longer each time, and the wait is
// cut short where there are too few links.
func TestWaits(t *testing.T) {
	tries := func(opts SlotOptions) int {
		w := newWorld(t, 5, opts)
		w.know(v4(8, 8, 8, 8))
		n := 0
		w.answers = func(SlotDial) bool { n++; return false }
		w.run(2 * time.Hour)
		return n
	}
	opts := SlotOptions{ProbeEvery: -1, FeelerEvery: -1}
	patient := tries(opts)
	if patient < 15 || patient > 45 {
		t.Errorf("%d tries in two hours, want some 25", patient)
	}
	opts.MinPeers = 1
	if eager := tries(opts); eager < 4*patient {
		t.Errorf("%d tries below the least number of peers, %d without one", eager, patient)
	}
}

// A link that was called off says nothing of the address.
func TestCalledOff(t *testing.T) {
	w := newWorld(t, 6, SlotOptions{Full: 1, BlockRelay: -1, ProbeEvery: -1, FeelerEvery: -1})
	w.know(v4(8, 8, 8, 8))
	for _, called := range []bool{true, false} {
		w.run(15 * time.Minute)
		if len(w.links) != 1 {
			t.Fatalf("%d links", len(w.links))
		}
		for id := range w.links {
			w.slots.Up(w.now, id)
			w.end(id, called)
		}
		if got := len(w.slots.waits.list) > 0; got {
			t.Errorf("called off %v after a quarter of an hour: it has to wait", called)
		}
		w.run(0)
		for id := range w.links {
			w.end(id, called) // at once
		}
		if got := len(w.slots.waits.list) > 0; got == called {
			t.Errorf("called off %v at once: it has to wait: %v", called, got)
		}
	}
}

func TestNotDialled(t *testing.T) {
	bad, banned, manual, weak, good := v4(8, 1, 1, 1).WithPort(25), v4(8, 2, 1, 1), v4(8, 3, 1, 1), v4(8, 4, 1, 1), v4(8, 5, 1, 1)
	asked, beside := v4(8, 6, 1, 1), v4(8, 6, 2, 2) // what is down keeps nobody else of its group away
	w := newWorld(t, 7, SlotOptions{ProbeEvery: -1, FeelerEvery: -1})
	w.know(banned, manual, good, asked, beside, v4(8, 3, 9, 9)) // the last one is of the group of manual
	w.book.Add(w.now, v4(9, 9, 9, 9), 0, addrmgr.Address{Addr: weak, Services: wire.NodeNetworkLimited, Seen: w.now})
	w.at.Refused = func(a netaddr.Addr) bool { return a == banned }
	w.at.Manual, w.at.Asked = []netaddr.Addr{manual}, []netaddr.Addr{asked}
	w.at.Wanted = func(s wire.ServiceFlag) bool { return s.Has(wire.NodeNetwork) }
	for i := range 60 {
		w.know(v4(7, i, 1, 1).WithPort(25))
	}
	w.know(bad)
	w.run(time.Second)
	var got []netaddr.Addr
	for _, l := range w.links {
		if l.Addr.Port() != 25 {
			got = append(got, l.Addr)
		}
	}
	slices.SortFunc(got, netaddr.Addr.Compare)
	if !slices.Equal(got, []netaddr.Addr{good, beside}) {
		t.Errorf("dialled %v, want %v and %v alone beside those on port 25", got, good, beside)
	}
}

// While this node's line is down all dials fail at once. They are not made as
// fast as they fail.
func TestPaceOfDials(t *testing.T) {
	w := newWorld(t, 10, SlotOptions{})
	for i := range 3000 {
		w.know(v4(8+i/200, i%200, 1, 1))
	}
	dials := 0
	w.answers = func(SlotDial) bool { dials++; return false }
	w.run(10 * time.Minute)
	if most := int(10*time.Minute/dialEvery) + DefaultFull + DefaultBlockRelay; dials > most || dials < most/2 {
		t.Errorf("%d dials in ten minutes, want at most %d and half of them at least", dials, most)
	}
}

// A probe that has shown to be better than a standing link takes its place, and
// no further link is opened beside it.
func TestProbeStays(t *testing.T) {
	w := newWorld(t, 11, SlotOptions{FeelerEvery: -1})
	for i := range 200 {
		w.know(v4(8, i, 1, 1))
	}
	w.run(time.Minute)
	news := make(map[uint64]time.Time)
	made, better := 0, false
	w.answers = func(d SlotDial) bool {
		if made++; !better { // one probe has told of a block
			news[d.ID], better = w.now, true
		}
		return true
	}
	for range 6 * 60 * 4 {
		w.run(15 * time.Second)
		var links []OutLink
		for id, d := range w.links {
			links = append(links, OutLink{ID: id, Kind: d.Kind, Net: "ipv4", Connected: w.slots.find(id).up, LastBlock: news[id]})
		}
		if id, ok := Surplus(w.now, links, w.slots.Target(), w.slots.BlockRelayTarget()); ok {
			w.end(id, true)
		}
	}
	if made < 40 || made > 110 {
		t.Errorf("%d links for blocks alone were made in six hours, want about 72", made)
	}
	for id := range news {
		if _, up := w.links[id]; !up {
			t.Error("the link that told of a block is gone")
		}
	}
}

// Who wants the place of an address in the book gets it if that one is not
// reached, however much a person wants it.
func TestAskedIsNotReached(t *testing.T) {
	for _, up := range []bool{true, false} {
		w := newWorld(t, 12, SlotOptions{Full: 1, BlockRelay: -1, ProbeEvery: -1})
		asked := v4(8, 8, 8, 8)
		b := &holder{Book: w.book, entry: addrmgr.Entry{Address: addrmgr.Address{Addr: asked}}}
		w.slots.book = b
		w.at.Asked = []netaddr.Addr{asked}
		if up {
			w.at.Manual = w.at.Asked
		}
		w.know(v4(7, 7, 7, 7))
		w.run(time.Hour)
		if got := b.good > 0; got != up {
			t.Errorf("up %v: held for reached %v", up, got)
		}
	}
}

// What is banned, and holds a place in the book that another wants, keeps no feeler
// from going elsewhere.
func TestBannedHolder(t *testing.T) {
	w := newWorld(t, 12, SlotOptions{Full: 1, BlockRelay: -1, ProbeEvery: -1})
	banned, linked, other := v4(8, 8, 8, 8), v4(7, 7, 7, 7), v4(6, 6, 6, 6)
	w.slots.book = &holder{Book: w.book, entry: addrmgr.Entry{Address: addrmgr.Address{Addr: banned}}}
	w.at.Refused = func(a netaddr.Addr) bool { return a == banned }
	feelers := 0
	w.answers = func(d SlotDial) bool {
		if d.Kind == peer.Feeler {
			feelers++
		}
		return true
	}
	w.know(linked, other)
	w.run(time.Hour)
	if feelers == 0 {
		t.Error("no feeler went out in an hour")
	}
}

// That a dial fails says something of the address if links are up, be they those
// that a person asked for.
func TestFailureCounts(t *testing.T) {
	for links, want := range []int{0, 0, 1} {
		w := newWorld(t, 12, SlotOptions{ProbeEvery: -1, FeelerEvery: -1})
		for i := range links {
			w.at.Manual = append(w.at.Manual, v4(9, i, 1, 1))
		}
		dead := v4(8, 8, 8, 8)
		w.know(dead)
		w.answers = func(SlotDial) bool { return false }
		w.run(time.Minute)
		if e, _ := w.book.Get(dead); min(e.Attempts, 1) != want {
			t.Errorf("%d links that a person asked for: %d failures counted", links, e.Attempts)
		}
	}
}

// holder is a book in which another address wants the place of one.
type holder struct {
	*addrmgr.Book
	entry addrmgr.Entry
	good  int
}

func (h *holder) ToTest() (addrmgr.Entry, bool) { return h.entry, true }

func (h *holder) Good(now time.Time, a netaddr.Addr) bool {
	if a == h.entry.Addr {
		h.good++
	}
	return h.Book.Good(now, a)
}

// While the node lags there are more links, one after the other, and none when
// it does not.
func TestAdapt(t *testing.T) {
	w := newWorld(t, 8, SlotOptions{ProbeEvery: -1, FeelerEvery: -1})
	for i := range 100 {
		w.know(v4(8, i, 1, 1))
	}
	w.run(time.Minute)
	w.at.Lagging = true
	w.run(time.Second)
	if n := w.count(peer.OutboundFull); n != 9 {
		t.Errorf("%d full links after a second, want 9", n)
	}
	w.run(time.Hour)
	if n := w.count(peer.OutboundFull); n != 10 {
		t.Errorf("%d full links after an hour, want 10", n)
	}
	w.at.Lagging = false
	w.run(time.Second)
	if got := w.slots.Target(); got != 8 {
		t.Errorf("there are to be %d links, want 8 again", got)
	}
}

// The same seed gives the same dials at the same times.
func TestSlotsReplay(t *testing.T) {
	run := func() []string {
		w := newWorld(t, 9, SlotOptions{})
		for i := range 200 {
			w.know(v4(8, i, 1, 1), v4(7, i, 1, 1))
		}
		rng := rand.New(rand.NewPCG(3, 4))
		w.answers = func(SlotDial) bool { return rng.IntN(3) > 0 }
		for range 50 {
			w.run(10 * time.Minute)
			for id := uint64(0); id < w.slots.lastID; id++ {
				if _, up := w.links[id]; up && rng.IntN(20) == 0 {
					w.end(id, false)
				}
			}
		}
		return w.log
	}
	a, b := run(), run()
	if !slices.Equal(a, b) || len(a) < 100 {
		t.Errorf("two runs of %d and %d dials differ", len(a), len(b))
	}
}

func TestSurplus(t *testing.T) {
	now := worldStart
	at := func(ago time.Duration) time.Time { return now.Add(-ago) }
	full := func(id uint64, block time.Duration) OutLink {
		return OutLink{ID: id, Kind: peer.OutboundFull, Net: "ipv4", Connected: at(time.Hour), LastBlock: at(block)}
	}
	blocks := func(id uint64, block time.Duration) OutLink {
		l := full(id, block)
		l.Kind = peer.BlockRelayOnly
		return l
	}
	with := func(l OutLink, f func(*OutLink)) OutLink { f(&l); return l }
	for name, c := range map[string]struct {
		links []OutLink
		want  uint64
	}{
		"none too many":                        {[]OutLink{full(1, 1), full(2, 2), blocks(3, 1)}, 0},
		"told of a block longest ago":          {[]OutLink{full(1, time.Minute), full(2, time.Hour), full(3, 1)}, 2},
		"the youngest of two that never did":   {[]OutLink{full(1, time.Hour), full(2, time.Hour), full(3, 1)}, 2},
		"the worst is protected":               {[]OutLink{full(1, time.Minute), with(full(2, time.Hour), func(l *OutLink) { l.Protected = true }), full(3, 1)}, 1},
		"the worst is the only one of its net": {[]OutLink{full(1, time.Minute), with(full(2, time.Hour), func(l *OutLink) { l.Net = "onion" }), full(3, 1)}, 1},
		"the worst delivers blocks":            {[]OutLink{full(1, time.Minute), with(full(2, time.Hour), func(l *OutLink) { l.Busy = true }), full(3, 1)}, 0},
		"the worst is new":                     {[]OutLink{full(1, time.Minute), with(full(2, time.Hour), func(l *OutLink) { l.Connected = at(surplusPatience - 1) }), full(3, 1)}, 0},
		"the youngest for blocks alone":        {[]OutLink{blocks(1, time.Hour), blocks(2, time.Hour)}, 2},
		"the one before it, which is worse":    {[]OutLink{blocks(1, time.Hour), blocks(2, time.Minute)}, 1},
	} {
		id, ok := Surplus(now, c.links, 2, 1)
		if !ok {
			id = 0
		}
		if id != c.want {
			t.Errorf("%s: %d, want %d", name, id, c.want)
		}
	}
}
