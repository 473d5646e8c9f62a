package netsync

import (
	"slices"
	"time"

	"starling/chain/headertree"
	"starling/peer/await"
	"starling/wire"
)

// Fetching by getblocks is for peers that do not answer getheaders. The peer
// announces up to 500 blocks by inv; they are fetched in order, and the header
// of each enters the tree, under the rule of minimum work, before its body goes
// to the chain. One peer is used at a time: the blocks of several would mostly
// be the same ones.

const (
	// feedAnswer is how long a getblocks may stay unanswered. A peer without
	// anything new does not answer at all.
	feedAnswer = await.Announced
	// feedHint is how long a peer that gave a full answer has to announce its
	// tip after its last block was fetched. Asking before that would make the
	// announcement look like the answer.
	feedHint = 10 * time.Second
	// feedPause is the time until a peer that had nothing is asked again.
	feedPause = 2 * time.Minute
	// feedWeakPause is the same for a peer whose chain turned out to have too
	// little work, which takes all its blocks to find out.
	feedWeakPause = time.Hour
	// feedStall is how long a peer may deliver none of the blocks that it
	// announced.
	feedStall = await.AnnouncedBlocks
)

// feeder decides which peer is asked with getblocks, for what, and when its turn
// is over. The headers of its blocks go through header sync as all others do,
// the blocks through the window.
//
// What holds at every moment:
//   - At most one peer has its turn, it has a feed, and it is not leaving.
//   - Nobody but that peer has a getblocks unanswered, or blocks queued.
//   - A queue has [wire.MaxGetBlocks] blocks at most.
type feeder struct {
	*env
	turn *peer // whom blocks are fetched from; nil for nobody
}

// feed is what the feeder keeps of a peer that is asked with getblocks.
type feed struct {
	next  time.Time // when it may be asked (again)
	weak  time.Time // until when its announcements count for nothing
	asked time.Time // when an unanswered getblocks was sent, by the peer's clock; zero if none
	last  time.Time // when the last getblocks was sent, answered or not, by its clock

	queue   []wire.Hash // announced and not asked for yet; at most MaxGetBlocks
	full    bool        // the last answer was a full one: there is more
	grew    bool        // something new came of the last answer
	hinted  bool        // the peer has announced a block since
	emptied time.Time   // when the last block of a full answer arrived
	moved   time.Time   // when a block last arrived or was first asked for, by its clock
	entered *headertree.Node
}

// join makes a peer one of those that are asked with getblocks.
func (f *feeder) join(now time.Time, p *peer) { p.feed = &feed{next: now} }

// leave takes a peer out of them. What is on its way keeps its slot until it
// arrives.
func (f *feeder) leave(p *peer) {
	if f.turn == p {
		f.turn = nil
	}
	p.feed = nil
}

// elect gives a peer its turn if nobody has it, and returns it if it did: it is
// to be asked. The peer is the one that has waited longest, so that each has its
// turn however long those of the others are.
func (f *feeder) elect(now time.Time, peers []*peer) *peer {
	if f.turn != nil {
		return nil
	}
	for _, p := range peers {
		if p.leaving || p.feed == nil || now.Before(p.feed.next) {
			continue
		}
		if f.turn == nil || p.feed.next.Before(f.turn.feed.next) {
			f.turn = p
		}
	}
	return f.turn
}

// ask asks the peer to announce the blocks after those that it has given. A walk
// through a gate goes on at the locator walk, which is nil if there is none.
func (f *feeder) ask(now time.Time, p *peer, walk []wire.Hash) Action {
	d := p.feed
	d.asked = p.clock(now)
	d.last = d.asked
	d.full, d.grew, d.hinted, d.emptied = false, false, false, time.Time{}
	at := walk
	switch {
	case walk != nil:
	case d.entered != nil:
		at = headertree.Locator(d.entered)
	default:
		// Not from the best header on: a peer that has it too would not
		// answer, and we would not learn what it has.
		at = headertree.Locator(f.chain.Tip())
	}
	return SendGetBlocks{Peer: p.id, Locator: at}
}

// heard takes blocks that a peer announced that is asked with getblocks. Known
// says that they are an answer, and the tree knows some of them: if the peer was
// on a walk, what it leads to has come into the tree by another way.
func (f *feeder) heard(now time.Time, p *peer, blocks []wire.Hash) (known bool) {
	d, tree := p.feed, f.chain.Headers()
	if f.turn != p || d.asked.IsZero() {
		// Not an answer but news: a reason to ask, now or when all is fetched.
		for _, h := range blocks {
			p.hear(tree, h)
		}
		d.hinted = true
		if f.turn != p && p.unknown != (wire.Hash{}) && now.After(d.weak) {
			d.next = now
		}
		return false
	}
	blocks = blocks[:min(len(blocks), wire.MaxGetBlocks)]
	before := d.entered
	d.asked = time.Time{}
	d.moved = p.clock(now)
	d.full = len(blocks) == wire.MaxGetBlocks
	for _, h := range blocks {
		n := tree.Lookup(h)
		if n == nil {
			d.queue = append(d.queue, h)
			continue
		}
		p.learn(n)
		d.entered = n
		known = true
	}
	if d.full && len(d.queue) == 0 && d.entered != before {
		d.grew, d.hinted = true, true // all known: go on behind them
	}
	return known
}

// pull takes blocks off the peer's queue, count of them at most, that are to be
// asked of it. Flights are those that are on their way already. Every block is
// needed in its place, for a walk through a gate takes no other: so the queue
// waits for one that another peer is to give, until it is late enough to be
// asked of this one, too. Known says that the tree has come to know some of
// them, so that a walk to them leads nowhere new.
func (f *feeder) pull(now time.Time, p *peer, count int, flights map[wire.Hash]*flight) (ask []wire.Hash, known bool) {
	d := p.feed
	for len(d.queue) > 0 && len(ask) < count {
		h := d.queue[0]
		n, other, own := f.chain.Headers().Lookup(h), flights[h], p.window.asking(h)
		switch {
		case n != nil:
			p.learn(n) // the window takes care of the rest
			known = true
		case own != nil && own.void:
			return ask, known // still on its way from before
		case own != nil || slices.Contains(ask, h):
			// It comes, and before those that are asked for now.
		case other == nil || late(now, other):
			ask = append(ask, h)
		default:
			return ask, known
		}
		d.queue = d.queue[1:]
	}
	return ask, known
}

// feedStep says how to go on with the peer that has its turn.
type feedStep uint8

const (
	feedWait feedStep = iota
	feedAsk           // ask for more
	feedOver          // let the next one have its turn
)

// step says how to go on after a pull. Blind says that announced blocks are
// still on their way.
func (f *feeder) step(now time.Time, p *peer, blind bool) feedStep {
	d := p.feed
	if len(d.queue) > 0 || blind || !d.asked.IsZero() {
		return feedWait
	}
	// All that was announced has arrived, or will not.
	if d.full && d.grew && !d.hinted {
		if d.emptied.IsZero() {
			d.emptied = now
		}
		if now.Sub(d.emptied) < feedHint {
			return feedWait
		}
	}
	if d.grew {
		return feedAsk
	}
	return feedOver
}

// entered tells what header sync made of the header of a block that was asked
// of the peer as announced.
func (f *feeder) entered(now time.Time, p *peer, e entry) {
	p.feed.grew = p.feed.grew || e.walked
	if e.again {
		p.feed.queue = nil
	}
	if e.walked {
		p.feed.moved = p.clock(now)
	}
}

// grew tells that headers which the peer gave have entered the tree, the last of
// which is n.
func (f *feeder) grew(p *peer, n *headertree.Node) { p.feed.grew, p.feed.entered = true, n }

// arrived notes that a block arrived from the peer that was asked of it.
func (f *feeder) arrived(now time.Time, p *peer) {
	if p.feed != nil {
		p.feed.moved = p.clock(now)
	}
}

// lacks tells that the peer does not have a block that was asked of it: it has
// switched chains, or never had it. It reports whether that ends its turn.
func (f *feeder) lacks(p *peer) bool {
	if f.turn != p {
		return false
	}
	p.feed.queue = nil
	return true
}

// pause lets the next peer have its turn. Weak says that the peer's chain has
// not shown its work. It reports whether the peer has given all that it has.
func (f *feeder) pause(now time.Time, p *peer, weak bool) (all bool) {
	d := p.feed
	all = d.entered != nil
	f.turn = nil
	d.next = now.Add(feedPause)
	d.asked, d.entered = time.Time{}, nil
	if weak {
		d.next = now.Add(feedWeakPause)
		d.weak = d.next
	}
	return all
}

// retry reports whether it is time to see whether a peer has come to answer
// getheaders: that is done now and then.
func (f *feeder) retry(now time.Time, p *peer) bool {
	return p.feed != nil && !p.leaving && f.turn != p && !now.Before(p.feed.next)
}

// check enforces the time limits on the peer that has its turn: over says that
// it is over, stalled that the peer is to go.
func (f *feeder) check(now time.Time, blind, held bool) (over, stalled bool) {
	d, now := f.turn.feed, f.turn.clock(now)
	switch {
	case !d.asked.IsZero():
		return now.Sub(d.asked) >= feedAnswer, false
	case blind:
		if held {
			d.moved = now // we may be the ones who do not read on
		}
		return false, now.Sub(d.moved) >= feedStall
	}
	return false, false
}
