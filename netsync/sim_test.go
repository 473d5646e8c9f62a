package netsync

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/holiman/uint256"

	"starling/chain/consensus"
	"starling/chain/headertree"
	"starling/internal/eventheap"
	"starling/params"
	"starling/wire"
)

// full are the services of an ordinary full node.
const full = wire.NodeNetwork | wire.NodeWitness

// world makes headers on regtest and remembers all of them.
type world struct {
	net  *params.Network
	tree *headertree.Tree
}

func newWorld() *world {
	net := params.Regtest()
	return &world{net: net, tree: headertree.New(net)}
}

// grow mines count headers on top of n. Different salts give different blocks.
func (w *world) grow(n *headertree.Node, count int, salt byte) *headertree.Node {
	for range count {
		h := wire.Header{Version: 0x20000000, PrevBlock: n.Hash, Timestamp: uint32(n.Time() + 600)}
		h.MerkleRoot[0] = salt
		h.Bits = headertree.NextBits(n, int64(h.Timestamp), w.net)
		for consensus.CheckProofOfWork(h.Hash(), h.Bits, w.net) != nil {
			h.Nonce++
		}
		next, _, err := w.tree.Add(&h, h.Time())
		if err != nil {
			panic(err)
		}
		n = next
	}
	return n
}

// chain is a chain whose blocks are all valid, or all but some.
type testChain struct {
	tree    *headertree.Tree
	tip     *headertree.Node
	now     func() time.Time
	ibd     bool
	bad     map[wire.Hash]bool
	waiting map[*headertree.Node][]*headertree.Node // stored, parent not connected
	onChain map[*headertree.Node]bool
	size    uint32 // of each block

	trusting bool // does not look whether hashes are those of their headers
}

func newTestChain(net *params.Network, now func() time.Time) *testChain {
	t := headertree.New(net)
	return &testChain{
		tree: t, tip: t.Genesis(), now: now, ibd: true,
		bad:     make(map[wire.Hash]bool),
		waiting: make(map[*headertree.Node][]*headertree.Node),
		onChain: map[*headertree.Node]bool{t.Genesis(): true},
		size:    1,
	}
}

func (c *testChain) Tip() *headertree.Node     { return c.tip }
func (c *testChain) Headers() *headertree.Tree { return c.tree }
func (c *testChain) IsInitialDownload() bool   { return c.ibd }

// AcceptHeaders is AcceptHashed for headers that a test gives the chain itself.
func (c *testChain) AcceptHeaders(headers []wire.Header) (last *headertree.Node, added int, err error) {
	var hashes []wire.Hash
	for i := range headers {
		hashes = append(hashes, headers[i].Hash())
	}
	return c.AcceptHashed(headers, hashes)
}

func (c *testChain) AcceptHashed(headers []wire.Header, hashes []wire.Hash) (last *headertree.Node, added int, err error) {
	for i := range headers {
		if !c.trusting && hashes[i] != headers[i].Hash() {
			panic("a header with the hash of another")
		}
		n, fresh, err := c.tree.AddHashed(hashes[i], &headers[i], c.now())
		if err != nil {
			return last, added, err
		}
		if last = n; fresh {
			added++
		}
	}
	return last, added, nil
}

// store keeps a block and connects what can be connected.
func (c *testChain) store(n *headertree.Node) (moved bool) {
	n.SetData(&headertree.Data{Size: c.size})
	if !c.onChain[n.Parent] {
		c.waiting[n.Parent] = append(c.waiting[n.Parent], n)
		return false
	}
	for todo := []*headertree.Node{n}; len(todo) > 0; todo = todo[1:] {
		n := todo[0]
		if c.bad[n.Hash] {
			c.tree.MarkFailed(n)
			continue
		}
		c.onChain[n] = true
		if n.Work.Gt(&c.tip.Work) {
			c.tip, moved = n, true
		}
		todo = append(todo, c.waiting[n]...)
		delete(c.waiting, n)
	}
	return moved
}

// give stores all blocks up to n, a node of another tree.
func (c *testChain) give(n *headertree.Node) {
	for _, n := range path(nil, n, n.Height, n.Height) {
		own, _, err := c.tree.Add(&n.Header, n.Header.Time())
		if err != nil {
			panic(err)
		}
		c.store(own)
	}
}

// remote is a peer as the simulation plays it.
type remote struct {
	name  string
	tip   *headertree.Node // of the world's tree
	info  PeerInfo
	delay time.Duration // of each message
	block time.Duration // that it takes to send one block

	compact   string // what comes of its compact blocks; see cmpct
	noHeaders bool   // does not answer getheaders
	noBlocks  bool   // takes requests for blocks and does nothing
	lies      bool   // answers requests for blocks with notfound

	onlyCompact bool          // sends compact blocks, if it sends any, and no whole ones
	corrupt     bool          // sends blocks with damaged bytes
	vanishes    time.Duration // after this time; zero for never
	honest      bool

	id    PeerID
	up    bool
	gone  bool
	drops []Reason

	announces bool      // it was told to announce by compact blocks
	free      time.Time // when its line is free again
	next      wire.Hash // last of a full getblocks answer
	asked     map[wire.Hash]time.Time

	opened map[wire.Hash]bool // compact blocks sent, until the whole one is asked for
}

// fataler is what testing.T and rapid.T have in common here.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// sim is one Manager and the network around it, in virtual time.
type sim struct {
	t       fataler
	w       *world
	chain   *testChain
	m       *Manager
	now     time.Time
	start   time.Time
	heap    *eventheap.Heap
	lastID  PeerID
	remotes []*remote
	byID    map[PeerID]*remote
	fetched map[wire.Hash]int // how often each block was asked for
	bad     []Misbehaved
	log     []string
	due     time.Time // of the next tick
	noBack  bool      // peers that were dropped stay away
	config  func(*Config)

	// With a validation time, blocks are stored at once and connected one after
	// the other, each taking so long.
	validation time.Duration
	ahead      int // stored, not connected
	most       int // of them at any time
	validating bool
	minWork    *uint256.Int
}

func newSim(t fataler, w *world, minWork *uint256.Int) *sim {
	s := &sim{t: t, w: w, byID: make(map[PeerID]*remote), fetched: make(map[wire.Hash]int), minWork: minWork}
	s.start = w.tree.Best().Header.Time().Add(365 * 24 * time.Hour)
	s.now = s.start
	s.heap = eventheap.New(time.Time{}, 0) // tests set the time back
	s.chain = newTestChain(w.net, func() time.Time { return s.now })
	s.reset()
	return s
}

// reset makes a new Manager for the chain as it is.
func (s *sim) reset() {
	cfg := Config{Network: s.w.net, Chain: s.chain, MinimumWork: s.minWork, Seed: [32]byte{1}}
	if s.config != nil {
		s.config(&cfg)
	}
	s.m = New(cfg)
}

func (s *sim) after(d time.Duration, do func()) {
	s.heap.At(s.now.Add(d), do)
}

// connect adds a peer, which comes back ten seconds after it was dropped.
func (s *sim) connect(r *remote) *remote {
	s.remotes = append(s.remotes, r)
	s.link(r)
	if r.vanishes > 0 {
		s.after(r.vanishes, func() { r.gone = true; s.cut(r) })
	}
	return r
}

func (s *sim) link(r *remote) {
	s.lastID++
	r.id, r.up, r.free, r.next = s.lastID, true, s.now, wire.Hash{}
	r.asked = make(map[wire.Hash]time.Time)
	s.byID[r.id] = r
	r.announces, r.opened = false, nil
	s.act(s.m.PeerUp(s.now, r.id, r.info))
	if r.compact != "" {
		s.m.PeerCompact(r.id, true, wire.CompactBlocksWitness)
	}
}

func (s *sim) cut(r *remote) {
	if !r.up {
		return
	}
	r.up = false
	delete(s.byID, r.id)
	s.act(s.m.PeerDown(s.now, r.id))
	if !r.gone && !s.noBack {
		s.after(10*time.Second, func() { s.link(r) })
	}
}

// to runs something at the node if the link is still the same then.
func (s *sim) reply(r *remote, d time.Duration, do func()) {
	id := r.id
	s.after(d, func() {
		if r.up && r.id == id {
			do()
		}
	})
}

// act carries out what the Manager asks for, and checks it.
func (s *sim) act(actions []Action) {
	s.check()
	for _, a := range actions {
		r := s.byID[a.Target()]
		if r == nil {
			s.t.Fatalf("%T for a peer that is not there", a)
		}
		s.log = append(s.log, fmt.Sprintf("%v %T %d", s.now.Sub(s.start), a, a.Target()))
		switch a := a.(type) {
		case SendGetHeaders:
			s.getHeaders(r, a)
		case SendGetBlocks:
			s.getBlocks(r, a)
		case SendGetData:
			s.getData(r, a)
		case SendCmpct:
			r.announces = a.Announce
		case Misbehaved:
			s.bad = append(s.bad, a)
			if a.Offence == InvalidCompactBlock {
				s.after(0, func() { s.cut(r) })
			}
		case Disconnect:
			r.drops = append(r.drops, a.Reason)
			clear(r.asked)
			s.after(0, func() { s.cut(r) })
		}
	}
}

// after finds where the peer's chain leaves the locator.
func (s *sim) forkOf(r *remote, locator []wire.Hash) *headertree.Node {
	for _, h := range locator {
		if n := s.w.tree.Lookup(h); n != nil && n.IsAncestorOf(r.tip) {
			return n
		}
	}
	return s.w.tree.Genesis()
}

func (s *sim) getHeaders(r *remote, a SendGetHeaders) {
	if r.noHeaders {
		return
	}
	s.reply(r, r.delay, func() {
		from := s.forkOf(r, a.Locator)
		n := min(r.tip.Height-from.Height, wire.MaxHeaders)
		var headers []wire.Header
		for _, n := range path(nil, r.tip, from.Height+n, n) {
			headers = append(headers, n.Header)
		}
		s.reply(r, r.delay, func() { s.act(s.m.Headers(s.now, r.id, headers)) })
	})
}

func (s *sim) getBlocks(r *remote, a SendGetBlocks) {
	s.reply(r, r.delay, func() {
		from := s.forkOf(r, a.Locator)
		n := min(r.tip.Height-from.Height, wire.MaxGetBlocks)
		var inv []wire.Hash
		for _, n := range path(nil, r.tip, from.Height+n, n) {
			inv = append(inv, n.Hash)
		}
		if len(inv) == 0 {
			return
		}
		if len(inv) == wire.MaxGetBlocks {
			r.next = inv[len(inv)-1]
		}
		s.reply(r, r.delay, func() { s.act(s.m.Inv(s.now, r.id, inv)) })
	})
}

func (s *sim) getData(r *remote, a SendGetData) {
	for _, inv := range a.Inv {
		h := inv.Hash
		// The rules that hold whatever peers do.
		if own := s.chain.tree.Lookup(h); own != nil && own.Data() != nil {
			s.t.Fatalf("asked %s for a block that is stored", r.name)
		}
		if s.m.window.holds(h) {
			s.t.Fatalf("asked %s for a block that the chain has in its hands", r.name)
		}
		if at, twice := r.asked[h]; twice || r.opened[h] {
			if !r.opened[h] && s.now.Sub(at) < compactPatience || inv.Type == wire.InvCmpctBlock {
				s.t.Fatalf("asked %s twice for one block", r.name)
			}
			// The whole block instead of its compact form: the same request.
			delete(r.opened, h)
			s.whole(r, h)
			continue
		}
		// See [widened]. The first who was asked may have sent a compact block, and
		// is not among those who have yet to send something.
		f := s.m.window.flights[h]
		copies, wide := 0, f != nil && s.now.Sub(f.from[0].at) >= widenAfter
		for _, o := range s.remotes {
			if at, ok := o.asked[h]; ok && o.up {
				if s.now.Sub(at) < copyAfter {
					copies++
				}
				if s.now.Sub(at) < lateAfter && !wide {
					s.t.Fatalf("asked %s for a block that %s was asked for %v ago", r.name, o.name, s.now.Sub(at))
				}
			}
		}
		if copies >= maxCopies && !wide {
			s.t.Fatalf("%d copies of a block in flight", copies+1)
		}
		r.asked[h] = s.now
		s.fetched[h]++
		if len(r.asked) > maxInFlight {
			s.t.Fatalf("%d blocks in flight from %s", len(r.asked), r.name)
		}
		if r.noBlocks || r.onlyCompact && inv.Type != wire.InvCmpctBlock {
			continue
		}
		r.free = maxTime(r.free, s.now.Add(r.delay)).Add(r.block)
		n := s.w.tree.Lookup(h)
		if r.lies || n == nil || !n.IsAncestorOf(r.tip) && !r.info.Manual {
			s.reply(r, r.free.Sub(s.now), func() {
				delete(r.asked, h)
				s.act(s.m.NotFound(s.now, r.id, []wire.Hash{h}))
			})
			continue
		}
		if inv.Type == wire.InvCmpctBlock {
			s.reply(r, r.free.Sub(s.now), func() { s.cmpct(r, n) })
			continue
		}
		last := h == r.next
		s.reply(r, r.free.Sub(s.now), func() {
			s.deliver(r, n)
			if last {
				s.reply(r, 0, func() { s.act(s.m.Inv(s.now, r.id, []wire.Hash{r.tip.Hash})) })
			}
		})
	}
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// deliver brings a block to the node and its outcome back a little later.
func (s *sim) deliver(r *remote, n *headertree.Node) {
	delete(r.asked, n.Hash)
	h := n.Header
	v, actions := s.m.Block(s.now, r.id, n.Hash, &h)
	s.submit(r, n, v.Submit)
	s.act(actions)
}

// submit tells the outcome of a block a little later.
func (s *sim) submit(r *remote, n *headertree.Node, ok bool) {
	if ok {
		s.after(5*time.Millisecond, func() {
			own := s.chain.tree.Lookup(n.Hash)
			if own == nil {
				s.t.Fatalf("a block was submitted without its header")
			}
			if r.corrupt {
				s.act(s.m.BlockRejected(s.now, n.Hash))
				return
			}
			if s.validation > 0 {
				s.storeSlowly(own)
				return
			}
			moved := s.chain.store(own)
			for _, o := range s.remotes {
				delete(o.asked, n.Hash) // all requests for it have ended
			}
			s.act(s.m.BlockStored(s.now, n.Hash))
			if moved {
				s.act(s.m.TipChanged(s.now))
			}
		})
	}
}

// run plays until the condition holds, and fails after limit.
func (s *sim) run(limit time.Duration, until func() bool) {
	s.t.Helper()
	end := s.now.Add(limit)
	for steps := 0; !until(); steps++ {
		if steps > 60_000 {
			s.t.Fatalf("busy without end at %v: tip %d\n%s", s.now.Sub(s.start), s.chain.tip.Height, s.tail())
		}
		// The deadline may only come nearer, as in the server's loop: events that
		// follow each other closely must not put it off for ever.
		if due := s.m.NextDeadline(s.now); s.due.IsZero() || !due.IsZero() && due.Before(s.due) {
			s.due = due
		}
		tick := s.due
		if at, ok := s.heap.Next(); ok && (tick.IsZero() || !tick.Before(at)) {
			s.now = at
			s.heap.Step()
		} else if tick.IsZero() {
			s.t.Fatalf("nothing left to happen at %v, tip %d", s.now.Sub(s.start), s.chain.tip.Height)
		} else {
			s.now, s.due = tick, time.Time{}
			s.act(s.m.Tick(s.now))
		}
		if s.now.After(end) {
			s.t.Fatalf("not done after %v: tip %d, best header %d, flights %d\n%s", limit, s.chain.tip.Height,
				s.chain.tree.Best().Height, len(s.m.window.flights), s.tail())
		}
	}
}

func (s *sim) tail() (text string) {
	for _, l := range s.log[max(0, len(s.log)-30):] {
		text += l + "\n"
	}
	return text
}

// synced reports whether the node has the block.
func (s *sim) synced(n *headertree.Node) func() bool {
	return func() bool { return s.chain.tip.Hash == n.Hash }
}

// check looks at the Manager's own state.
func (s *sim) check() {
	m := s.m
	if len(m.peers) != len(m.order) {
		s.t.Fatalf("%d peers, %d in order", len(m.peers), len(m.order))
	}
	flights, held := 0, 0
	for i, p := range m.order {
		if i > 0 && m.order[i-1].id >= p.id {
			s.t.Fatalf("peers out of order")
		}
		if p.rebuilding() > maxRebuilding {
			s.t.Fatalf("peer %d: %d compact blocks wait for transactions", p.id, p.rebuilding())
		}
		if len(p.window.flights) > 16 || len(p.window.lacks) > maxLacks {
			s.t.Fatalf("peer %d: %d in flight, %d lacking", p.id, len(p.window.flights), len(p.window.lacks))
		}
		if p.feed != nil && len(p.feed.queue) > wire.MaxGetBlocks {
			s.t.Fatalf("peer %d: %d announced blocks queued", p.id, len(p.feed.queue))
		}
		if g := p.headers.gate; g != nil && g.Bound() >= 0 && g.Size() > g.Bound() {
			s.t.Fatalf("peer %d: %d bytes at the gate, bound %d", p.id, g.Size(), g.Bound())
		}
		if p.leaving && len(p.window.flights) > 0 {
			s.t.Fatalf("peer %d leaves with blocks in flight", p.id)
		}
		flights += len(p.window.flights)
		held += p.window.held
		for _, a := range p.window.flights {
			if m.window.flights[a.flight.hash] != a.flight || !a.flight.by(p) {
				s.t.Fatalf("peer %d has a flight that the table lacks", p.id)
			}
		}
	}
	for h, f := range m.window.flights {
		if len(f.from) == 0 || f.hash != h {
			s.t.Fatalf("a flight from nobody")
		}
		flights -= len(f.from)
	}
	if flights != 0 {
		s.t.Fatalf("flights of peers and table differ by %d", flights)
	}
	if held < 0 || held > len(m.window.held) {
		s.t.Fatalf("%d held by peers, %d in all", held, len(m.window.held))
	}
	if len(m.compact.announcers) > maxAnnouncers {
		s.t.Fatalf("%d peers announce by compact blocks", len(m.compact.announcers))
	}
	for _, p := range m.compact.announcers {
		if p.leaving || !p.compact.announces {
			s.t.Fatalf("peer %d is among those that announce by compact blocks", p.id)
		}
	}
	if m.feeder.turn != nil && (m.feeder.turn.feed == nil || m.feeder.turn.leaving) {
		s.t.Fatalf("feeder without feed")
	}
	s.checkMachines()
}

// checkMachines looks at what the machines promise of each other.
func (s *sim) checkMachines() {
	m := s.m
	protected := 0
	for _, p := range m.order {
		if p.headers.mute != (p.feed != nil) {
			s.t.Fatalf("peer %d: mute is %v, with a feed: %v", p.id, p.headers.mute, p.feed != nil)
		}
		if p.leaving && (p.headers.gate != nil || p.headers.syncing || p.feed != nil) {
			s.t.Fatalf("peer %d leaves and is asked for headers", p.id)
		}
		if p.feed != nil && p != m.feeder.turn && (len(p.feed.queue) > 0 || !p.feed.asked.IsZero()) {
			s.t.Fatalf("peer %d: %d blocks queued out of its turn", p.id, len(p.feed.queue))
		}
		if p.compact.announces != slices.Contains(m.compact.announcers, p) {
			s.t.Fatalf("peer %d: announces by compact blocks: %v", p.id, p.compact.announces)
		}
		if p.behind.protected {
			protected++
		}
	}
	if protected != m.behind.protected || protected > maxProtected {
		s.t.Fatalf("%d peers are protected, %d by count", protected, m.behind.protected)
	}
}

func outbound() PeerInfo { return PeerInfo{Services: full, Outbound: true} }
func inbound() PeerInfo  { return PeerInfo{Services: full} }

func TestSimulatedSync(t *testing.T) {
	w := newWorld()
	long := w.grow(w.tree.Genesis(), 4500, 0)
	fork := w.grow(long.Ancestor(4000), 700, 1)
	ms := time.Millisecond

	tests := []struct {
		name  string
		peers []*remote
		want  *headertree.Node
		limit time.Duration
		bad   *headertree.Node // breaks a rule that shows when it is connected
	}{
		{name: "one peer", peers: []*remote{
			{info: outbound(), tip: long, delay: 20 * ms, block: ms},
		}, want: long, limit: 5 * time.Minute},
		{name: "one inbound peer", peers: []*remote{
			{info: inbound(), tip: long, delay: 20 * ms, block: ms},
		}, want: long, limit: 5 * time.Minute},
		{name: "eight peers share the work", peers: func() (all []*remote) {
			for range 8 {
				all = append(all, &remote{info: outbound(), tip: long, delay: 50 * ms, block: 50 * ms})
			}
			return all
		}(), want: long, limit: time.Minute}, // one alone would take 225 s
		{name: "the longer of two chains", peers: []*remote{
			{info: outbound(), tip: long, delay: 20 * ms, block: ms},
			{info: outbound(), tip: fork, delay: 90 * ms, block: ms},
		}, want: fork, limit: 5 * time.Minute},
		{name: "a peer that stalls is replaced", peers: []*remote{
			{name: "stalls", info: outbound(), tip: long, delay: 10 * ms, noBlocks: true},
			{info: outbound(), tip: long, delay: 50 * ms, block: 2 * ms},
		}, want: long, limit: 2 * time.Minute},
		{name: "a peer that has no block", peers: []*remote{
			{info: outbound(), tip: long, delay: 10 * ms, lies: true},
			{info: outbound(), tip: long, delay: 50 * ms, block: 2 * ms},
		}, want: long, limit: 2 * time.Minute},
		{name: "a peer with damaged blocks", peers: []*remote{
			{info: outbound(), tip: long, delay: 10 * ms, block: ms, corrupt: true},
			{info: outbound(), tip: long, delay: 50 * ms, block: 2 * ms},
		}, want: long, limit: 2 * time.Minute},
		{name: "the sync peer vanishes", peers: []*remote{
			{info: outbound(), tip: long, delay: 100 * ms, block: ms, vanishes: 300 * ms},
			{info: outbound(), tip: long, delay: 50 * ms, block: 2 * ms},
		}, want: long, limit: 2 * time.Minute},
		{name: "the sync peer is silent", peers: []*remote{
			{info: inbound(), tip: long, noHeaders: true},
			{info: inbound(), tip: long, delay: 50 * ms, block: 2 * ms},
		}, want: long, limit: 2 * time.Minute},
		{name: "a silent outbound peer does not keep inbound ones from being used", peers: []*remote{
			{info: outbound(), tip: w.tree.Genesis(), noHeaders: true},
			{info: inbound(), tip: long, delay: 50 * ms, block: 2 * ms},
		}, want: long, limit: 2 * time.Minute},
		{name: "an outbound peer that is behind does not either", peers: []*remote{
			{info: outbound(), tip: long.Ancestor(3), delay: ms},
			{info: inbound(), tip: long, delay: 50 * ms, block: 2 * ms},
		}, want: long, limit: 2 * time.Minute},
		{name: "the longest chain is invalid", peers: []*remote{
			{info: outbound(), tip: fork, delay: 10 * ms, block: ms},
			{info: outbound(), tip: long, delay: 50 * ms, block: 2 * ms},
		}, want: long, bad: fork.Ancestor(4300), limit: 2 * time.Minute},
		{name: "what is good of an invalid chain", peers: []*remote{
			{info: outbound(), tip: fork, delay: 10 * ms, block: ms},
		}, want: fork.Ancestor(4299), bad: fork.Ancestor(4300), limit: 2 * time.Minute},
		{name: "by getblocks only", peers: []*remote{
			{info: outbound(), tip: long, delay: 20 * ms, block: ms, noHeaders: true},
		}, want: long, limit: 5 * time.Minute},
		{name: "by getblocks after a peer that has nothing", peers: []*remote{
			{info: outbound(), tip: w.tree.Genesis(), delay: ms, noHeaders: true},
			{info: outbound(), tip: long, delay: 20 * ms, block: ms, noHeaders: true},
		}, want: long, limit: 5 * time.Minute},
		{name: "by getblocks after a peer that stalls", peers: []*remote{
			{info: outbound(), tip: long, delay: ms, noHeaders: true, noBlocks: true, vanishes: 3 * time.Minute},
			{info: outbound(), tip: long, delay: 20 * ms, block: ms, noHeaders: true},
		}, want: long, limit: 10 * time.Minute},
		{name: "blocks from a node that keeps the last ones are taken where it has them", peers: []*remote{
			{info: PeerInfo{Services: wire.NodeNetworkLimited | wire.NodeWitness, Outbound: true}, tip: long, delay: ms, block: ms},
			{info: outbound(), tip: long, delay: 50 * ms, block: 20 * ms},
		}, want: long, limit: 5 * time.Minute},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			s := newSim(t, w, new(uint256.Int))
			if tc.bad != nil {
				s.chain.bad[tc.bad.Hash] = true
			}
			for i, r := range tc.peers {
				if r.name == "" {
					r.name = fmt.Sprintf("peer %d", i)
				}
				s.connect(r)
			}
			s.run(tc.limit, s.synced(tc.want))
			for _, b := range s.bad {
				t.Errorf("peer %d blamed for %v: %v", b.Peer, b.Offence, b.Err)
			}
			if len(s.m.window.flights) > 0 {
				s.run(time.Hour, func() bool { return len(s.m.window.flights) == 0 })
			}
			if len(s.m.window.held) != 0 {
				t.Errorf("%d blocks still held", len(s.m.window.held))
			}
		})
	}
}
