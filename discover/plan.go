package discover

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"
)

const (
	// enoughLinks is how many links of its own a node needs for it not to ask
	// DNS seeds, whose operators would learn of it.
	enoughLinks = 2
	// patience is how long a node that knows addresses tries those before it
	// asks DNS seeds, and longPatience the same with many of them.
	patience     = 11 * time.Second
	longPatience = 5 * time.Minute
	manyKnown    = 1000
	// atOnce is how many DNS seeds are asked at a time by a node that knows
	// addresses.
	atOnce = 3
	// nodeEvery is the wait between two named nodes.
	nodeEvery = 10 * time.Second
	// fixedAfter is how long the other sources get before the fixed seeds are
	// taken.
	fixedAfter = time.Minute
	// lonelyAfter is how long a node may be without a link before the fixed seeds
	// are taken although it knows addresses: all of them may be dead, or made up
	// by whoever answers in the name of a DNS seed.
	lonelyAfter = 5 * time.Minute
	// againMin and againMax are the waits before all sources of a kind are asked
	// anew by a node that still is short of peers; doubled each time.
	againMin = time.Minute
	againMax = 6 * time.Hour
	// emptyMin is the first of such waits while nothing at all is known: those
	// that were asked in vain may only be starting themselves.
	emptyMin = 5 * time.Second
	// againJitter is the part of such a wait that is left to chance: nodes that
	// were started together, or lost the same peer, would else ask together, and
	// drive each other out of the places of who is asked.
	againJitter = 0.5
)

// Sources are what can be asked. Empty ones are left out.
type Sources struct {
	// Nodes are the nodes that the operator named, of which each tells what it
	// knows.
	Nodes []string
	// DNS are the names of DNS seeds.
	DNS []string
	// ForceDNS asks all DNS seeds at the start, whatever else is known.
	ForceDNS bool
	// Fixed is true if there are fixed seeds.
	Fixed bool
	// Peers is true if peers can be asked.
	Peers bool
	// Enough is how many links are enough for DNS seeds to be left alone; 0 for
	// 2. Slots is the same for named nodes and for peers; 0 for as many.
	Enough, Slots int
}

// Situation is how the node is doing.
type Situation struct {
	Known int  // addresses in the book, of networks that are dialled
	Full  int  // links that the node has opened by itself and that are up
	Links int  // the same, with those for blocks alone
	Off   bool // networking is switched off: nobody is to be asked
}

// Step is what is to be asked now.
type Step struct {
	Nodes, DNS []string
	Peer       bool // one of the peers
	Fixed      bool
}

// Empty reports whether nothing is to be asked.
func (s Step) Empty() bool { return len(s.Nodes) == 0 && len(s.DNS) == 0 && !s.Peer && !s.Fixed }

// Plan decides which source is asked when. It is a pure state machine.
type Plan struct {
	src    Sources
	start  time.Time
	forced bool
	fixed  bool      // they were not taken yet
	linked time.Time // when there last was a link, or the plan began
	nodes  list
	dns    list
	peers  list
	known  int // the last time
}

// NewPlan returns a plan that begins now.
func NewPlan(now time.Time, src Sources, rng *rand.Rand) *Plan {
	src.Enough = cmp.Or(src.Enough, enoughLinks)
	src.Slots = cmp.Or(src.Slots, src.Enough)
	var peers []string
	if src.Peers {
		peers = []string{"any"}
	}
	return &Plan{src: src, start: now, linked: now, peers: list{all: peers, rng: rng}, forced: src.ForceDNS, fixed: src.Fixed,
		nodes: list{all: src.Nodes, rng: rng}, dns: list{all: src.DNS, rng: rng}}
}

// Next returns what is to be asked now.
func (p *Plan) Next(now time.Time, at Situation) (s Step) {
	p.known = at.Known
	if at.Off {
		p.nodes.short, p.dns.short, p.peers.short = false, false, false
		p.linked = now
		return s
	}
	if at.Links > 0 {
		p.linked = now
	}
	if p.forced {
		p.forced = false
		s.DNS = slices.Clone(p.dns.all)
		p.dns.rest(now, at.Known)
	}
	first := time.Duration(0)
	if at.Known > 0 {
		first = patience
	}
	s.Nodes = append(s.Nodes, p.nodes.take(now, at.Known, at.Links < p.src.Slots, first, 1, nodeEvery)...)
	batch := len(p.src.DNS)
	if at.Known > 0 {
		batch = atOnce
		first = wait(at.Known)
	}
	short := at.Full < enoughLinks || at.Links < p.src.Enough
	s.DNS = append(s.DNS, p.dns.take(now, at.Known, short, first, batch, wait(at.Known))...)
	// Peers that have told what they knew when they were linked with know more
	// by now. In a network of a dozen nodes each of them counts, and news of one that
	// came late need not have reached this node.
	s.Peer = len(p.peers.take(now, at.Known, at.Full > 0 && at.Links < p.src.Slots, patience, 1, 0)) > 0
	if p.fixed && at.Links == 0 && (at.Known == 0 && !now.Before(p.fixedAt()) || now.Sub(p.linked) >= lonelyAfter) {
		s.Fixed, p.fixed = true, false
	}
	return s
}

func wait(known int) time.Duration {
	if known >= manyKnown {
		return longPatience
	}
	return patience
}

// fixedAt returns when the fixed seeds are taken: at once if there is nothing
// else.
func (p *Plan) fixedAt() time.Time {
	if len(p.src.DNS) == 0 && len(p.src.Nodes) == 0 {
		return p.start
	}
	return p.start.Add(fixedAfter)
}

// list is sources of one kind, which are asked one after the other in an order
// of chance, and all anew after a wait.
type list struct {
	all   []string
	rng   *rand.Rand
	left  []string
	short bool // the node was short of peers the last time
	next  time.Time
	again time.Duration
	// sooner is the time in place of next while nothing is known, or zero if
	// that is the same, and empty the last wait of this kind.
	sooner time.Time
	empty  time.Duration
}

// take returns which of them to ask now, at most so many. First is the wait
// after the node has become short of peers, and then the one after each step.
func (l *list) take(now time.Time, known int, short bool, first time.Duration, most int, then time.Duration) []string {
	if len(l.all) == 0 || !short {
		l.short = false
		return nil
	}
	if !l.short {
		l.short, l.again, l.empty, l.left = true, 0, 0, nil
		l.next = later(l.next, now.Add(first))
	}
	if now.Before(l.due(known)) {
		return nil
	}
	if len(l.left) == 0 {
		l.left = slices.Clone(l.all)
		l.rng.Shuffle(len(l.left), func(i, j int) { l.left[i], l.left[j] = l.left[j], l.left[i] })
	}
	n := min(most, len(l.left))
	out := l.left[:n]
	l.left = l.left[n:]
	if l.next, l.sooner = now.Add(then), (time.Time{}); len(l.left) == 0 {
		l.rest(now, known)
	}
	return out
}

// rest has all of them asked anew after a wait, which doubles each time.
func (l *list) rest(now time.Time, known int) {
	part := 1 - againJitter*l.rng.Float64()
	after := func(d time.Duration) time.Time { return now.Add(time.Duration(float64(d) * part)) }
	if known == 0 {
		// Should they tell of any, the waits begin from there.
		l.empty = min(max(2*l.empty, emptyMin), againMax)
		l.next, l.sooner = after(max(againMin, l.empty)), after(l.empty)
		return
	}
	l.again = min(max(2*l.again, againMin), againMax)
	l.next = after(l.again)
}

// due returns when the next of them are to be asked, by a node that knows so
// many addresses.
func (l *list) due(known int) time.Time {
	if known == 0 && !l.sooner.IsZero() {
		return l.sooner
	}
	return l.next
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// lookEvery is how often the plan is asked at least: links come and go.
const lookEvery = 10 * time.Second

// NextAt returns when Next is to be asked again.
func (p *Plan) NextAt(now time.Time) time.Time {
	next := now.Add(lookEvery)
	for _, t := range []time.Time{p.nodes.due(p.known), p.dns.due(p.known), p.peers.due(p.known), p.fixedAt()} {
		if t.After(now) && t.Before(next) {
			next = t
		}
	}
	return next
}
