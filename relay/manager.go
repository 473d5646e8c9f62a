package relay

import (
	"crypto/sha256"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"starling/mempool"
	"starling/wire"
)

const (
	// DefaultInboundDelay and DefaultOutboundDelay are the mean times until
	// peers are told of a transaction. Those who have connected to this node
	// share one timer, so that many links do not give anyone a better guess;
	// those that it has chosen are told earlier, as they are less likely to
	// be observers.
	DefaultInboundDelay  = 5 * time.Second
	DefaultOutboundDelay = 2 * time.Second

	// EagerDelay is the time between turns for peers that are told at once.
	EagerDelay = 100 * time.Millisecond

	// turnSize is how many transactions a peer is told of in one turn: what the
	// network handles in the five seconds between turns, 14 per second. For
	// every 1,000 that wait, 5 more are told, up to maxTurn.
	turnSize = 70
	maxTurn  = 1000

	// maxWaiting is how many transactions may wait for one peer. If there are
	// more, the half with the lower fee rates is not announced. A full queue
	// takes 0.8 MB; those of 125 peers 100 MB.
	maxWaiting = 100_000

	// filteredSize is how many virtual bytes of transactions are put to a link's
	// filter in one turn. A filter can be made such that all its 50 hash functions
	// run for each push, some 7 ms for so much.
	filteredSize = 250_000

	// openAfter is how long a transaction must have been in the pool to be given
	// to whoever asks for it by its id, told of or not.
	openAfter = 2 * time.Minute
)

// PeerID numbers a link. The caller chooses it and never uses one twice.
type PeerID uint64

// Known is the set of what the other side of a link is known to have, by txid or
// wtxid as announced on that link. *peer.Known is one.
type Known interface {
	Add(wire.Hash) bool
	Has(wire.Hash) bool
}

// Filter says what the other side of a link wants to hear of (BIP37).
type Filter interface{ Wants(*wire.Tx) bool }

// PeerInfo is what counts about a peer here.
type PeerInfo struct {
	Inbound bool // it has opened the link
	Wants   bool // it wants announcements of transactions
	WTxID   bool // by wtxid (BIP339)
	Eager   bool // it is told without delay, as the operator trusts it
	// SendFilter: it is sent this node's fee filter.
	SendFilter bool
	// Owed are own transactions that no peer has fetched yet. They are announced
	// to the link; of others that were there before it, it is told on request.
	Owed  []wire.Hash
	Known Known // required
}

// Config says how a [Manager] works. The zero value works.
type Config struct {
	// Mean delays of announcements; 0 for the defaults.
	InboundDelay, OutboundDelay time.Duration
	// MinRelayFee is what this node asks for at least, and IncrementalFee is
	// what sets how fine its fee filters are.
	MinRelayFee, IncrementalFee mempool.FeeRate
	// Gradual answers requests for all that the pool holds in turns, without what
	// the peer is known to have. It is for networks where all nodes ask when
	// they start, and may have to fetch all of it.
	Gradual bool
	// Seed draws the delays. It must be secret in a node, and may be fixed in a
	// simulation.
	Seed [32]byte
}

// State is what [Manager.Tick] needs to know of the node.
type State struct {
	// MinFee is what a transaction must pay to enter the pool now.
	MinFee mempool.FeeRate
	// InitialDownload: the node is far behind and wants no transactions.
	InitialDownload bool
}

// Action is a message to be sent now.
type Action struct {
	Peer PeerID
	Msg  wire.Message
}

// item is a transaction of the pool.
type item struct {
	txid  wire.Hash
	rate  mempool.FeeRate
	entry *mempool.Entry // nil once it has left the pool
}

// Manager holds the announcements of all links. It is safe for concurrent use.
type Manager struct {
	inbound, outbound time.Duration
	minRelay          mempool.FeeRate
	filters           filterRounder
	gradual           bool

	events events // of the pool

	mu          sync.Mutex
	rng         *rand.Rand
	pool        map[wire.Hash]*item // by txid
	sequence    uint64              // above that of all entries seen
	peers       map[PeerID]*link
	order       []*link // by id
	nextInbound time.Time
	own         ownSet
}

// New returns a Manager without peers.
func New(cfg Config) *Manager {
	m := &Manager{
		inbound: cfg.InboundDelay, outbound: cfg.OutboundDelay, minRelay: cfg.MinRelayFee, gradual: cfg.Gradual,
		rng:  rand.New(rand.NewChaCha8(sha256.Sum256(append(cfg.Seed[:], "relay"...)))),
		pool: make(map[wire.Hash]*item), peers: make(map[PeerID]*link), sequence: 1,
	}
	if m.inbound == 0 {
		m.inbound = DefaultInboundDelay
	}
	if m.outbound == 0 {
		m.outbound = DefaultOutboundDelay
	}
	m.filters = newFilterRounder(cfg.IncrementalFee)
	m.own.is = make(map[wire.Hash]bool)
	return m
}

// PeerUp adds a link whose handshake is done. What the pool holds by then is not
// announced to it: that would show the pool to everybody who connects, and cost
// each link a walk over it.
func (m *Manager) PeerUp(now time.Time, id PeerID, info PeerInfo) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.peers[id] != nil {
		return
	}
	m.takeEvents(now)
	l := &link{id: id, info: info, sequence: 1, filterDue: now}
	m.peers[id] = l
	at, _ := slices.BinarySearchFunc(m.order, id, func(l *link, id PeerID) int {
		return int(min(1, max(-1, int64(l.id)-int64(id))))
	})
	m.order = slices.Insert(m.order, at, l)
	if !info.Wants {
		return
	}
	for _, txid := range info.Owed {
		if it := m.pool[txid]; it != nil {
			l.force(it)
		}
	}
	m.schedule(now, l)
}

// refill has all that the pool holds announced to a link in turns, own
// transactions first, as far as its other side is not known to have it.
func (m *Manager) refill(now time.Time, l *link) {
	all := make([]*item, 0, len(m.pool))
	for _, it := range m.pool {
		all = append(all, it)
	}
	l.queue = all
	l.queue.init()
	l.limit()
	for _, txid := range m.own.ids {
		if it := m.pool[txid]; it != nil {
			l.force(it)
		}
	}
	m.schedule(now, l)
}

// PeerDown forgets a link.
func (m *Manager) PeerDown(id PeerID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l := m.peers[id]; l != nil {
		delete(m.peers, id)
		m.order = slices.DeleteFunc(m.order, func(o *link) bool { return o == l })
	}
}

// FeeFilter takes the least fee rate that the peer wants to hear of from now on
// (BIP133).
func (m *Manager) FeeFilter(id PeerID, rate mempool.FeeRate) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l := m.peers[id]; l != nil && rate >= 0 {
		l.filter = rate
	}
}

// SetFilter has a link told only of what a filter wants; nil is for no filter. A
// peer that did not want announcements does from then on.
func (m *Manager) SetFilter(id PeerID, f Filter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.peers[id]
	if l == nil {
		return
	}
	l.wanted, l.info.Wants = f, true
}

// Mempool takes that the peer wants to be told of all that the pool holds, at
// once (BIP35). The caller has made sure that it may.
func (m *Manager) Mempool(now time.Time, id PeerID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.peers[id]
	switch {
	case l == nil:
	case m.gradual:
		if l.info.Wants {
			m.takeEvents(now)
			m.refill(now, l)
		}
	default:
		l.all = true
		m.schedule(now, l)
	}
}

// Tick does what is due and returns what is to be sent.
func (m *Manager) Tick(now time.Time, s State) []Action {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.takeEvents(now)
	m.rebroadcast(now)
	var out []Action
	for _, l := range m.order {
		out = m.sendFilter(now, l, s, out)
		if l.busy() && !now.Before(l.next) {
			out = m.flush(now, l, out)
			m.schedule(now, l)
		}
	}
	return out
}

// NextDeadline returns when [Manager.Tick] should be called next if nothing
// else happens; the zero time if that is not needed.
func (m *Manager) NextDeadline(now time.Time) (next time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	soonest := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	if m.events.pending() {
		soonest(now)
	}
	for _, l := range m.order {
		if l.busy() {
			soonest(l.next)
		}
		if l.info.SendFilter {
			soonest(l.filterDue)
			soonest(now.Add(filterCheck))
		}
	}
	if !m.own.next.IsZero() {
		soonest(m.own.next)
	}
	return next
}

// schedule draws when a link is told next, if there is something to tell and no
// time was drawn. The chance that a time comes in the next moment is always
// the same, so it makes no difference that none is drawn while there is nothing
// to tell.
func (m *Manager) schedule(now time.Time, l *link) {
	if !l.busy() || l.next.After(now) {
		return
	}
	switch {
	case l.info.Eager || len(l.rest) > 0:
		l.next = maxTime(now, l.told.Add(EagerDelay))
	case l.info.Inbound:
		if !m.nextInbound.After(now) {
			m.nextInbound = now.Add(m.draw(m.inbound))
		}
		l.next = m.nextInbound
	default:
		l.next = now.Add(m.draw(m.outbound))
	}
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// draw returns the time until the next event of a Poisson process.
func (m *Manager) draw(mean time.Duration) time.Duration {
	return max(1, time.Duration(m.rng.ExpFloat64()*float64(mean)))
}

// MayServe reports whether a peer may be given a transaction that it asks for:
// one that it could have been told of, or one that has been in the pool for a
// while. Else asking would tell when this node has got it.
func (m *Manager) MayServe(now time.Time, id PeerID, e *mempool.Entry) bool {
	if now.Sub(e.Time) >= openAfter {
		return true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.peers[id]
	return l != nil && e.Sequence < l.sequence
}

// Status is what is known of one link.
type Status struct {
	Wants      bool            // the peer is to be told of transactions
	Waiting    int             // transactions that are to be announced
	FeeFilter  mempool.FeeRate // the peer's; 0 for none
	FilterSent mempool.FeeRate // this node's, as last sent; 0 for none
	Sequence   uint64          // of the pool, when the peer was last told of something
}

// Peer returns what is known of a link.
func (m *Manager) Peer(id PeerID) (Status, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.peers[id]
	if l == nil {
		return Status{}, false
	}
	return Status{Wants: l.info.Wants, Waiting: l.waiting(), FeeFilter: l.filter, FilterSent: l.filterSent, Sequence: l.sequence}, true
}
