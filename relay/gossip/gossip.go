package gossip

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"starling/addrmgr"
	"starling/addrmgr/netaddr"
	"starling/internal/rolling"
	"starling/internal/siphash"
	"starling/wire"
)

const (
	// DefaultRate is how many addresses a second a peer may tell, beyond those
	// that it was asked for; more are ignored. The whole network needs far fewer.
	DefaultRate = 0.1
	// DefaultBurst is how many of them it may have saved up.
	DefaultBurst = wire.MaxAddr
	// sendEvery is the mean time from one addr message to a peer to the next,
	// by chance, so that it is hard to see by which way an address came.
	sendEvery = 30 * time.Second
	// ownEvery is the mean time from one telling of this node's own address to
	// the next.
	ownEvery = 24 * time.Hour
	// rotate is how often the peers change that an address is passed on to.
	rotate = 24 * time.Hour
	// fresh is how new an address must be to be passed on, and few how many
	// there may be in its message: long lists are answers, not news.
	fresh = 10 * time.Minute
	few   = 10
	// unlikely is what an impossible time is replaced with: so long ago.
	unlikely = 5 * 24 * time.Hour
	// impossible is the latest time that nobody can mean, in seconds since 1970.
	impossible = 100_000_000
	// samplePercent is how much of the book an answer to getaddr holds at most.
	samplePercent = 23
	// cacheMin and cacheSpread say how long an answer is kept for all who ask:
	// who asks often learns nothing more.
	cacheMin    = 21 * time.Hour
	cacheSpread = 6 * time.Hour
	// fewAddrs is how many addresses an answer must hold to be kept: a node that
	// has only begun to know its network must not answer for a day that it knows
	// nobody.
	fewAddrs = 100
	// maxAnswers is how many answers are kept, of one for each network of who asks
	// and each address of this node that was reached.
	maxAnswers = 64
	// knownAddrs is how many addresses a link remembers as known to its peer,
	// and knownChance how often it is wrong about that; 18 kB, made with the first.
	knownAddrs  = 5000
	knownChance = 0.001
)

// PeerID names a peer.
type PeerID uint64

// Options are the limits. Zero values take the defaults; below zero is no limit.
type Options struct {
	Rate  float64
	Burst int
}

// Peer is what the gossip has to know of a peer.
type Peer struct {
	Addr netaddr.Addr
	// Outbound is true if this node has opened the link.
	Outbound bool
	// BlocksOnly is true for links on which no addresses are exchanged.
	BlocksOnly bool
	// V2 is true if it takes addresses of all networks.
	V2 bool
	// Unlimited peers may tell any number, and are answered each getaddr from
	// the book itself.
	Unlimited bool
	// Bind is the address of this node that it has reached, which has an answer
	// of its own so that nobody can tell by it that two are of one node.
	Bind string
}

// peerState is a peer and what is kept for it.
type peerState struct {
	Peer
	id       PeerID
	relays   bool // addresses are exchanged
	asked    bool // it was sent getaddr and has not answered in full
	answered bool // its getaddr was
	tokens   float64
	tokensAt time.Time
	known    *rolling.Filter // nil until needed
	queue    []addrmgr.Address
	next     time.Time // when the queue is sent
	nextOwn  time.Time // when it is told of this node
	done     uint64    // addresses that were looked at
	limited  uint64    // addresses that were too many
}

// Manager decides on the relay of addresses. See the package comment.
type Manager struct {
	opts  Options
	key   siphash.Key
	rng   *rand.Rand
	peers map[PeerID]*peerState
	order []*peerState // as they came
	cache map[cacheKey]*answer
	kept  []cacheKey // those in cache, in the order in which they came
}

type cacheKey struct {
	network wire.NetworkID
	bind    string
}

type answer struct {
	addrs []addrmgr.Address
	until time.Time
}

// New returns a manager without peers.
func New(seed [32]byte, opts Options) *Manager {
	opts.Rate = cmp.Or(opts.Rate, DefaultRate)
	opts.Burst = cmp.Or(opts.Burst, DefaultBurst)
	return &Manager{
		opts: opts, key: siphash.NewKey((*[16]byte)(seed[:16])), rng: rand.New(rand.NewChaCha8(seed)),
		peers: make(map[PeerID]*peerState), cache: make(map[cacheKey]*answer),
	}
}

// Up adds a peer whose handshake is done, and reports whether to send it
// getaddr. From who has opened the link addresses are not told before it has shown
// that it knows of them.
func (m *Manager) Up(now time.Time, id PeerID, p Peer) (ask bool) {
	s := &peerState{Peer: p, id: id, tokens: 1, tokensAt: now, relays: p.Outbound && !p.BlocksOnly, next: now}
	m.peers[id] = s
	m.order = append(m.order, s)
	if s.relays {
		s.asked = true
		s.tokens += float64(m.burst())
	}
	return s.relays
}

func (m *Manager) burst() int { return max(m.opts.Burst, wire.MaxAddr) }

// Down forgets a peer.
func (m *Manager) Down(id PeerID) {
	s := m.peers[id]
	delete(m.peers, id)
	m.order = slices.DeleteFunc(m.order, func(p *peerState) bool { return p == s })
}

// Counts returns how many addresses of a peer were looked at and how many were
// too many, and whether addresses are exchanged with it.
func (m *Manager) Counts(id PeerID) (done, limited uint64, relays bool) {
	if s := m.peers[id]; s != nil {
		return s.done, s.limited, s.relays
	}
	return 0, 0, false
}

// Use is what an address that was told is good for.
type Use int

// The uses. Addresses of networks that this node is not on are passed on like
// any others, as BIP155 wants it: else they would not get around, and who tells one
// and sees that it comes nowhere would know what networks the node is on.
const (
	Drop    Use = iota // its host is banned, or nobody can reach it
	PassOn             // others may want to know of it
	KeepToo            // and this node can reach it
)

// Received takes the addresses of a message and returns those that the book may
// be told of. Use says what an address is good for.
func (m *Manager) Received(now time.Time, id PeerID, addrs []addrmgr.Address, use func(netaddr.Addr) Use) []addrmgr.Address {
	s := m.peers[id]
	if s == nil || s.BlocksOnly {
		return nil
	}
	s.relays = true
	m.refill(now, s)
	asked := s.asked
	// Which of them are too many is left to chance, not to the sender.
	m.rng.Shuffle(len(addrs), func(i, j int) { addrs[i], addrs[j] = addrs[j], addrs[i] })
	var keep []addrmgr.Address
	for _, a := range addrs {
		if !s.Unlimited && m.opts.Rate > 0 {
			if s.tokens < 1 {
				s.limited++
				continue
			}
			s.tokens--
		}
		if !a.Services.Has(wire.NodeNetwork) && !a.Services.Has(wire.NodeNetworkLimited) {
			continue // of no use to anybody who looks for peers
		}
		if a.Seen.Unix() <= impossible || a.Seen.Sub(now) > fresh {
			a.Seen = now.Add(-unlikely)
		}
		m.know(s, a.Addr)
		u := use(a.Addr)
		if u == Drop {
			continue
		}
		s.done++
		if !asked && len(addrs) <= few && now.Sub(a.Seen) < fresh {
			m.pass(now, s, a, u)
		}
		if u == KeepToo {
			keep = append(keep, a)
		}
	}
	if len(addrs) < wire.MaxAddr {
		s.asked = false
	}
	return keep
}

// refill gives a peer what it may tell by now.
func (m *Manager) refill(now time.Time, s *peerState) {
	if most := float64(m.burst()); s.tokens < most {
		s.tokens = min(most, s.tokens+max(0, now.Sub(s.tokensAt).Seconds())*m.opts.Rate)
	}
	s.tokensAt = now
}

// pass passes an address on to two peers, or to one or two if this node cannot
// reach it itself, which a keyed hash chooses for a day, so that telling it again
// and again spreads it no further.
func (m *Manager) pass(now time.Time, from *peerState, a addrmgr.Address, u Use) {
	h := m.hash(a.Addr)
	// Each address has a day of its own.
	day := (uint64(now.Unix()) + h) / uint64(rotate/time.Second)
	count := 2
	if u != KeepToo && h&1 == 0 {
		count = 1
	}
	type ranked struct {
		s    *peerState
		rank uint64
	}
	var first, second ranked
	for _, s := range m.order {
		if !s.relays || s == from || !takes(s, a.Addr) {
			continue
		}
		var b [24]byte
		putUint64(b[:], h, day, uint64(s.id))
		switch r := (ranked{s, m.key.Sum64(b[:])}); {
		case first.s == nil || r.rank > first.rank:
			first, second = r, first
		case second.s == nil || r.rank > second.rank:
			second = r
		}
	}
	for _, r := range []ranked{first, second}[:count] {
		if r.s != nil {
			m.push(r.s, a)
		}
	}
}

// takes reports whether a peer can be told of an address.
func takes(s *peerState, a netaddr.Addr) bool {
	return s.V2 || a.Network() == wire.NetIPv4 || a.Network() == wire.NetIPv6
}

// push puts an address in the line of a peer that does not know it. In a line
// that is full it takes the place of another.
func (m *Manager) push(s *peerState, a addrmgr.Address) {
	if !takes(s, a.Addr) || s.known != nil && s.known.Has(m.knownKey(a.Addr)) {
		return
	}
	if len(s.queue) < wire.MaxAddr {
		s.queue = append(s.queue, a)
		return
	}
	s.queue[m.rng.IntN(len(s.queue))] = a
}

// know notes that a peer knows an address.
func (m *Manager) know(s *peerState, a netaddr.Addr) {
	if s.known == nil {
		s.known = rolling.New(knownAddrs, knownChance)
	}
	s.known.Add(m.knownKey(a))
}

func (m *Manager) knownKey(a netaddr.Addr) (k [32]byte) {
	putUint64(k[:], m.hash(a))
	return k
}

func (m *Manager) hash(a netaddr.Addr) uint64 {
	var b [64]byte
	return m.key.Sum64(a.AppendKey(b[:0]))
}

func putUint64(b []byte, vs ...uint64) {
	for i, v := range vs {
		for j := range 8 {
			b[8*i+j] = byte(v >> (8 * j))
		}
	}
}

// Asked takes a getaddr. Who was dialled gets no answer, so that asking it tells
// nobody anything, and everybody gets one. Sample draws at most so many addresses and
// percents of the book.
func (m *Manager) Asked(now time.Time, id PeerID, sample func(limit, percent int) []addrmgr.Address) {
	s := m.peers[id]
	if s == nil || s.Outbound || s.BlocksOnly {
		return
	}
	s.relays = true
	if s.answered && !s.Unlimited {
		return
	}
	s.answered = true
	s.queue = nil
	list := m.cached(now, s, sample)
	for _, a := range list {
		m.push(s, a)
	}
	if len(s.queue) > 0 {
		s.next = now
	}
}

// cached returns the answer for a peer.
func (m *Manager) cached(now time.Time, s *peerState, sample func(limit, percent int) []addrmgr.Address) []addrmgr.Address {
	if s.Unlimited {
		return sample(wire.MaxAddr, samplePercent)
	}
	key := cacheKey{s.Addr.Network(), s.Bind}
	c := m.cache[key]
	if c == nil || !now.Before(c.until) {
		c = &answer{sample(wire.MaxAddr, samplePercent), now}
		if len(c.addrs) >= fewAddrs {
			c.until = now.Add(cacheMin + time.Duration(m.rng.Int64N(int64(cacheSpread))))
		}
		m.keep(key, c)
	}
	return c.addrs
}

// keep keeps an answer. Whoever is on this machine can reach a node that listens
// everywhere at any of its many addresses, so the oldest gives way at some time.
func (m *Manager) keep(key cacheKey, c *answer) {
	if m.cache[key] == nil {
		if len(m.kept) >= maxAnswers {
			delete(m.cache, m.kept[0])
			m.kept = slices.Delete(m.kept, 0, 1)
		}
		m.kept = append(m.kept, key)
	}
	m.cache[key] = c
}

// Message is addresses that a peer is to be sent.
type Message struct {
	Peer  PeerID
	V2    bool
	Addrs []addrmgr.Address
}

// Due returns what is to be sent now. Own returns the address of this node that a
// peer is to be told of, if there is one; about once a day it is asked for.
func (m *Manager) Due(now time.Time, own func(PeerID) (addrmgr.Address, bool)) []Message {
	var out []Message
	for _, s := range m.order {
		if !s.relays || now.Before(s.next) {
			continue
		}
		if !now.Before(s.nextOwn) {
			// A node that has nothing to offer yet tells as soon as it has.
			if a, ok := own(s.id); ok {
				s.nextOwn = now.Add(m.chance(ownEvery))
				s.known = nil // it is told again even if it knows it from the last time
				m.push(s, a)
			}
		}
		s.next = now.Add(m.chance(sendEvery))
		if len(s.queue) == 0 {
			continue
		}
		msg := Message{Peer: s.id, V2: s.V2}
		for _, a := range s.queue {
			if k := m.knownKey(a.Addr); s.known == nil || !s.known.Has(k) {
				m.know(s, a.Addr)
				msg.Addrs = append(msg.Addrs, a)
			}
		}
		s.queue = nil
		if len(msg.Addrs) > 0 { // it may have told of all of them itself meanwhile
			out = append(out, msg)
		}
	}
	return out
}

// NextDue returns when Due is to be asked again.
func (m *Manager) NextDue() (next time.Time) {
	for _, s := range m.order {
		if s.relays && (next.IsZero() || s.next.Before(next)) {
			next = s.next
		}
	}
	return next
}

func (m *Manager) chance(mean time.Duration) time.Duration {
	return time.Duration(m.rng.ExpFloat64() * float64(mean))
}
