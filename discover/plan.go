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
	// againMin and againMax are the waits before all sources are asked anew by
	// a node that still is, or is again, short of peers; doubled each time.
	againMin = 10 * time.Minute
	againMax = 6 * time.Hour
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
	// Enough is how many links are enough; 0 for 2.
	Enough int
}

// Situation is how the node is doing.
type Situation struct {
	Known int // addresses in the book
	Links int // that the node has opened by itself and that are up
}

// Step is what is to be asked now.
type Step struct {
	Nodes, DNS []string
	Fixed      bool
}

// Empty reports whether nothing is to be asked.
func (s Step) Empty() bool { return len(s.Nodes) == 0 && len(s.DNS) == 0 && !s.Fixed }

// Plan decides which source is asked when. It is a pure state machine.
type Plan struct {
	src   Sources
	rng   *rand.Rand
	start time.Time // of this round
	began bool

	nodes, dns []string // still to be asked in this round
	fixed      bool
	forced     bool
	well       bool // there were enough links the last time
	nextNode   time.Time
	nextDNS    time.Time
	again      time.Duration
	nextRound  time.Time
}

// NewPlan returns a plan that begins now.
func NewPlan(now time.Time, src Sources, rng *rand.Rand) *Plan {
	src.Enough = cmp.Or(src.Enough, enoughLinks)
	p := &Plan{src: src, rng: rng, forced: src.ForceDNS}
	p.round(now)
	return p
}

// round has all sources asked anew, in an order of chance.
func (p *Plan) round(now time.Time) {
	p.start, p.began = now, false
	p.nodes, p.dns = slices.Clone(p.src.Nodes), slices.Clone(p.src.DNS)
	p.rng.Shuffle(len(p.nodes), func(i, j int) { p.nodes[i], p.nodes[j] = p.nodes[j], p.nodes[i] })
	p.rng.Shuffle(len(p.dns), func(i, j int) { p.dns[i], p.dns[j] = p.dns[j], p.dns[i] })
	p.fixed = p.src.Fixed
	p.nextNode, p.nextDNS, p.nextRound = now, now, time.Time{}
	p.again = min(max(2*p.again, againMin), againMax)
}

// Next returns what is to be asked now.
func (p *Plan) Next(now time.Time, at Situation) (s Step) {
	if p.forced {
		p.forced = false
		s.DNS, p.dns = p.dns, nil
		return s
	}
	if at.Links >= p.src.Enough {
		p.well = true
		return s
	}
	if p.well { // it is short of peers again
		p.well, p.again = false, 0
		p.round(now)
	}
	if p.done() {
		switch {
		case p.nextRound.IsZero():
			p.nextRound = now.Add(p.again)
		case !now.Before(p.nextRound):
			p.round(now)
		}
	}
	if !p.began {
		p.begin(now, at)
	}
	if len(p.nodes) > 0 && !now.Before(p.nextNode) {
		s.Nodes, p.nodes = p.nodes[:1], p.nodes[1:]
		p.nextNode = now.Add(nodeEvery)
	}
	if len(p.dns) > 0 && !now.Before(p.nextDNS) {
		n := len(p.dns)
		if at.Known > 0 {
			n = min(n, atOnce)
		}
		s.DNS, p.dns = p.dns[:n], p.dns[n:]
		p.nextDNS = now.Add(wait(at.Known))
	}
	if p.fixed && at.Known == 0 && !now.Before(p.fixedAt()) {
		s.Fixed, p.fixed = true, false
	}
	return s
}

// begin has a node that knows addresses try those first.
func (p *Plan) begin(now time.Time, at Situation) {
	p.began = true
	if at.Known > 0 {
		p.nextDNS = now.Add(wait(at.Known))
		p.nextNode = now.Add(patience)
	}
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

// done reports whether all sources of the round were asked, or will not be.
func (p *Plan) done() bool { return len(p.nodes) == 0 && len(p.dns) == 0 }

// lookEvery is how often the plan is asked at least: links come and go.
const lookEvery = 10 * time.Second

// NextAt returns when Next is to be asked again.
func (p *Plan) NextAt(now time.Time) time.Time {
	next := now.Add(lookEvery)
	for _, t := range []time.Time{p.nextNode, p.nextDNS, p.fixedAt(), p.nextRound} {
		if t.After(now) && t.Before(next) {
			next = t
		}
	}
	return next
}
