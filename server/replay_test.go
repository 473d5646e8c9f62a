package server

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"starling/addrmgr"
	"starling/addrmgr/netaddr"
	"starling/chain/headertree"
	"starling/connmgr"
	"starling/internal/eventheap"
	"starling/netsync"
	"starling/netsync/txdownload"
	"starling/peer"
	"starling/wire"
)

// replay is the machines of one node that decide over its links, addresses,
// blocks and transactions, and a network around them, all driven from one heap of
// events. What they decide is traced.
type replay struct {
	*eventheap.Heap
	t   testing.TB
	end time.Time

	book  *addrmgr.Book
	slots *connmgr.Slots
	pace  *connmgr.Pace
	sync  *netsync.Manager
	txs   *txdownload.Manager
	lives int // how often they were made

	nodes   []*farNode
	byAddr  map[netaddr.Addr]*farNode
	links   map[uint64]*farLink // a map on purpose: nothing may hang on its order
	lastID  uint64
	blocks  *farChain  // of the whole network
	chain   *nearChain // of the node
	pool    farPool
	made    []*wire.Tx // all transactions so far
	syncDue time.Time

	traces [traceCount]*eventheap.Trace
}

// The traces, one for each machine.
const (
	traceBook = iota
	traceSlots
	traceEviction
	traceBlocks
	traceTxs
	traceCount
)

var traceNames = [traceCount]string{"address book", "slots", "eviction", "block requests", "transaction requests"}

const (
	replayNodes   = 250
	replayTime    = 2 * time.Hour
	replayInbound = 24 // links that may be inbound
	replayPending = 3  // of them in their handshake
)

// farNode is a node of the network, as the one that is looked at sees it.
type farNode struct {
	id      uint64
	addr    netaddr.Addr
	up      bool
	latency time.Duration
	tip     *headertree.Node
	dice    *rand.Rand // of its manners
}

// farLink is a link with a farNode.
type farLink struct {
	id, slot        uint64
	node            *farNode
	kind            peer.Kind
	since           time.Time
	ready           bool
	block, tx       time.Time
	compact, relays bool
}

// farPool is the node's mempool.
type farPool map[wire.Hash]bool

func (p farPool) HasTx(h wire.Hash) bool  { return p[h] }
func (p farPool) HasWTx(h wire.Hash) bool { return p[h] }

func (p farPool) put(tx *wire.Tx) { p[tx.TxID()], p[tx.WTxID()] = true, true }

func newReplay(t testing.TB, seed uint64) *replay {
	blocks, start := newFarChain(2200)
	r := &replay{
		Heap: eventheap.New(start, seed), t: t, end: start.Add(replayTime), blocks: blocks,
		byAddr: make(map[netaddr.Addr]*farNode),
	}
	for i := range r.traces {
		r.traces[i] = r.NewTrace()
	}
	for i := range replayNodes {
		// Some groups have many nodes.
		ip := netip.AddrFrom4([4]byte{byte(20 + i%60), byte(i % 7), byte(i >> 8), byte(i)})
		n := &farNode{id: uint64(i + 1), addr: netaddr.FromAddrPort(netip.AddrPortFrom(ip, 8333)), tip: blocks.best}
		n.dice = r.Dice(n.id, "manners")
		n.latency = time.Duration(5+r.Dice(n.id, "latency").IntN(200)) * time.Millisecond
		n.up = n.dice.IntN(10) < 7
		r.nodes = append(r.nodes, n)
		r.byAddr[n.addr] = n
	}
	r.chain = newNearChain(r.Now)
	r.wake(addrmgr.NewBook(r.Key(0, "book"), replayBook))
	for _, n := range r.nodes[:20] {
		r.tell(n, n)
	}
	r.play()
	return r
}

// replayBook makes the book small enough for addresses to fight for places.
var replayBook = addrmgr.Options{NewBuckets: 16, TriedBuckets: 4, BucketsPerSource: 4, BucketsPerGroup: 2}

// wake makes the machines of a node that has just been started.
func (r *replay) wake(book *addrmgr.Book) {
	r.lives++
	purpose := func(p string) string { return fmt.Sprint(p, r.lives) }
	r.book = book
	r.slots = connmgr.NewSlots(connmgr.SlotOptions{}, book, nil, r.Dice(0, purpose("slots")))
	r.pace = connmgr.NewPace(0.02, 3)
	r.sync = netsync.New(netsync.Config{Network: r.blocks.net, Chain: r.chain, Seed: r.Key(0, purpose("blocks"))})
	r.pool = make(farPool)
	r.txs = txdownload.New(txdownload.Config{Pool: r.pool, Seed: r.Key(0, purpose("transactions"))})
	r.links = make(map[uint64]*farLink)
}

// restart has the node come back with its book and its chain.
func (r *replay) restart() {
	saved := r.book.Encode()
	book, err := addrmgr.DecodeBook(saved, r.Key(0, "book again"), replayBook)
	if err != nil {
		r.t.Fatal(err)
	}
	r.traces[traceBook].Note("saved %x", saved)
	r.wake(book)
}

// every calls do again and again, at random times with the given mean.
func (r *replay) every(mean time.Duration, dice *rand.Rand, do func()) {
	r.After(chance(dice, mean), func() {
		do()
		r.every(mean, dice, do)
	})
}

func chance(dice *rand.Rand, mean time.Duration) time.Duration {
	return time.Duration(dice.ExpFloat64() * float64(mean))
}

// play puts in all that happens by itself, and lets it happen.
func (r *replay) play() {
	for _, n := range r.nodes {
		r.every(2*time.Hour, r.Dice(n.id, "churn"), func() { r.turn(n) })
		r.every(90*time.Minute, r.Dice(n.id, "dials"), func() { r.newcomer(n) })
		r.every(10*time.Minute, r.Dice(n.id, "gossip"), func() { r.gossip(n) })
	}
	blocks, txs := r.Dice(0, "finds"), r.Dice(0, "payments")
	r.every(8*time.Minute, blocks, func() { r.findBlock(blocks) })
	r.every(2*time.Second, txs, func() { r.pay(txs) })
	r.every(5*time.Minute, r.Dice(0, "samples"), func() {
		r.traces[traceBook].Note("sample %v", r.book.Sample(r.Now(), 8, 23, 0))
	})
	r.After(replayTime/2, r.restart)
	for {
		tick := r.tick()
		at, ok := r.Next()
		switch {
		case ok && !at.After(tick):
			if at.After(r.end) {
				return
			}
			r.Step()
		case tick.After(r.end):
			return
		default:
			r.Skip(tick)
			r.onTick()
		}
	}
}

// tick returns when the machines are to be asked what is due. They say it
// anew after each event, and it may only come nearer.
func (r *replay) tick() time.Time {
	next := r.end.Add(1)
	at := r.slots.NextDue(r.Now(), r.situation())
	if !at.IsZero() && !at.After(r.Now()) {
		at = r.Now().Add(time.Millisecond)
	}
	if due := r.sync.NextDeadline(r.Now()); r.syncDue.IsZero() || !due.IsZero() && due.Before(r.syncDue) {
		r.syncDue = due
	}
	// A busy node is late, so that much is due at once.
	txsDue := r.txs.NextDeadline()
	if !txsDue.IsZero() {
		txsDue = txsDue.Truncate(time.Second).Add(time.Second)
	}
	for _, t := range []time.Time{at, r.syncDue, txsDue} {
		if !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	return next
}

func (r *replay) onTick() {
	if !r.syncDue.IsZero() && !r.Now().Before(r.syncDue) {
		r.syncDue = time.Time{}
		r.perform(r.sync.Tick(r.Now()))
	}
	r.request(r.txs.Tick(r.Now()))
	for _, d := range r.slots.Due(r.Now(), r.situation()) {
		r.traces[traceSlots].Note("dial %d %v %v", d.ID, d.Addr, d.Kind)
		r.dial(d)
	}
}

func (r *replay) situation() connmgr.Situation {
	return connmgr.Situation{Synced: !r.chain.IsInitialDownload(), Lagging: r.chain.tip.Height+2 < r.blocks.best.Height}
}

// dial has a dial fail or become a link.
func (r *replay) dial(d connmgr.SlotDial) {
	n, slots := r.byAddr[d.Addr], r.slots
	r.After(2*n.latency, func() {
		switch {
		case slots != r.slots: // the node has been restarted
		case !n.up:
			slots.Down(r.Now(), d.ID, false)
		case d.Kind == peer.Feeler:
			r.traces[traceBook].Note("good %v: %v", n.addr, r.book.Good(r.Now(), n.addr))
			slots.Down(r.Now(), d.ID, false)
		default:
			r.traces[traceBook].Note("good %v: %v", n.addr, r.book.Good(r.Now(), n.addr))
			slots.Up(r.Now(), d.ID)
			r.link(n, d.Kind, d.ID)
		}
	})
}

// sorted returns the links in the order of their ids.
func (r *replay) sorted() []*farLink {
	all := slices.Collect(maps.Values(r.links))
	slices.SortFunc(all, func(a, b *farLink) int { return int(int64(a.id) - int64(b.id)) })
	return all
}

// link begins a link; its handshake takes a round trip.
func (r *replay) link(n *farNode, kind peer.Kind, slot uint64) {
	r.lastID++
	l := &farLink{id: r.lastID, slot: slot, node: n, kind: kind, since: r.Now(),
		compact: n.dice.IntN(4) > 0, relays: kind != peer.BlockRelayOnly && n.dice.IntN(8) > 0}
	r.links[l.id] = l
	r.later(l, 2*n.latency, func() {
		l.ready = true
		r.perform(r.sync.PeerUp(r.Now(), netsync.PeerID(l.id), netsync.PeerInfo{
			Services: wire.NodeNetwork | wire.NodeWitness, Version: wire.ProtocolVersion, StartHeight: n.tip.Height,
			Outbound: kind != peer.Inbound, BlockRelayOnly: kind == peer.BlockRelayOnly,
		}))
		if l.compact {
			r.sync.PeerCompact(netsync.PeerID(l.id), true, wire.CompactBlocksWitness)
		}
		if l.relays {
			r.txs.PeerUp(txdownload.PeerID(l.id), txdownload.PeerInfo{Preferred: kind != peer.Inbound, WTxIDRelay: true, Witness: true})
		}
	})
	r.later(l, chance(n.dice, 50*time.Minute), func() { r.cut(l) })
}

// later calls do if the link is still there then.
func (r *replay) later(l *farLink, d time.Duration, do func()) {
	r.After(d, func() {
		if r.links[l.id] == l {
			do()
		}
	})
}

// cut ends a link.
func (r *replay) cut(l *farLink) {
	delete(r.links, l.id)
	if l.slot > 0 {
		r.slots.Down(r.Now(), l.slot, false)
		r.book.Connected(r.Now(), l.node.addr)
	}
	r.perform(r.sync.PeerDown(r.Now(), netsync.PeerID(l.id)))
	r.request(r.txs.PeerDown(r.Now(), txdownload.PeerID(l.id)))
}

// turn has a node go or come back.
func (r *replay) turn(n *farNode) {
	if n.up = !n.up; n.up {
		n.tip = r.blocks.best
		return
	}
	for _, l := range r.sorted() {
		if l.node == n {
			r.cut(l)
		}
	}
}

// newcomer has a node connect, for which another may have to go.
func (r *replay) newcomer(n *farNode) {
	if !n.up {
		return
	}
	wait, ok := r.pace.Take(r.Now(), (netaddr.Grouper{}).Group(n.addr))
	r.traces[traceEviction].Note("newcomer %v: wait %v, %v", n.addr, wait, ok)
	if !ok {
		return
	}
	life := r.lives
	r.After(wait, func() {
		if n.up && life == r.lives {
			r.makeRoom()
			r.link(n, peer.Inbound, 0)
		}
	})
}

func (r *replay) makeRoom() {
	var all []connmgr.Candidate
	pending := 0
	for _, l := range r.links { // in any order
		if l.kind != peer.Inbound {
			continue
		}
		if !l.ready {
			pending++
		}
		all = append(all, connmgr.Candidate{
			ID: l.id, Connected: l.since, MinPing: 2 * l.node.latency, LastBlock: l.block, LastTx: l.tx,
			Useful: true, RelaysTxs: l.relays, Group: l.node.id % 9, Net: []string{"ipv4", "ipv6", "onion", "i2p"}[l.node.id%4],
			Pending: !l.ready, PreferEvict: l.node.id%31 == 0,
		})
	}
	for len(all) >= replayInbound || pending >= replayPending {
		choose, why := connmgr.SelectEviction, "full"
		if pending >= replayPending {
			choose, why = connmgr.SelectPending, "pending"
		}
		id, ok := choose(all)
		r.traces[traceEviction].Note("%s: evict %d of %d, %v", why, id, len(all), ok)
		if !ok {
			return
		}
		if !r.links[id].ready {
			pending--
		}
		r.cut(r.links[id])
		all = slices.DeleteFunc(all, func(c connmgr.Candidate) bool { return c.ID == id })
	}
}

// gossip has a linked node tell of addresses.
func (r *replay) gossip(n *farNode) {
	for _, l := range r.links {
		if l.node == n && l.ready { // it does not matter on which link
			var told []*farNode
			for range 1 + n.dice.IntN(10) {
				told = append(told, r.nodes[n.dice.IntN(len(r.nodes))])
			}
			r.tell(n, told...)
			r.slots.Wake()
			return
		}
	}
}

func (r *replay) tell(from *farNode, told ...*farNode) {
	var addrs []addrmgr.Address
	for _, n := range told {
		addrs = append(addrs, addrmgr.Address{Addr: n.addr, Services: wire.NodeNetwork | wire.NodeWitness,
			Seen: r.Now().Add(-chance(from.dice, 3*time.Hour))})
	}
	added := r.book.Add(r.Now(), from.addr, 2*time.Hour, addrs...)
	r.traces[traceBook].Note("%v told %d, %d are new", from.addr, len(told), added)
}

// replayChild is set in the process that only prints the sums of its traces.
const replayChild = "STARLING_REPLAY_CHILD"

// TestReplay drives the machines that decide for a node from one heap of events,
// and compares all that they decide to the byte: in two runs, and in one of
// another process, where maps and their keys have another order.
func TestReplay(t *testing.T) {
	first := newReplay(t, 1)
	if os.Getenv(replayChild) != "" {
		fmt.Println(sums(first))
		return
	}
	again, other := newReplay(t, 1), newReplay(t, 2)
	for i, trace := range first.traces {
		t.Logf("%s: %d decisions, %s", traceNames[i], trace.Len(), trace.Sum()[:16])
		if trace.Len() < 100 {
			t.Errorf("%s: only %d decisions", traceNames[i], trace.Len())
		}
		if d := trace.Diff(again.traces[i]); d != "" {
			t.Errorf("%s: two runs of one seed differ in %s", traceNames[i], d)
		}
		if trace.Sum() == other.traces[i].Sum() {
			t.Errorf("%s: another seed decides the same", traceNames[i])
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^TestReplay$", "-test.count=1")
	cmd.Env = append(os.Environ(), replayChild+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if want := sums(first); !strings.Contains(string(out), want) {
		t.Errorf("another process decides otherwise; want\n%s\ngot\n%s", want, out)
	}
}

// sums returns the sums of all traces.
func sums(r *replay) string {
	var all []string
	for i, trace := range r.traces {
		all = append(all, traceNames[i]+" "+trace.Sum())
	}
	return strings.Join(all, "\n")
}
