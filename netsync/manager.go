package netsync

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/holiman/uint256"

	"starling/chain/headertree"
	"starling/netsync/presync"
	"starling/params"
	"starling/wire"
)

// Chain is what the Manager needs to know of the chain. *chain.Chain has these
// methods. They are called with the Manager's lock held.
type Chain interface {
	// Tip is the last block of the active chain.
	Tip() *headertree.Node
	// Headers is the tree of all known headers.
	Headers() *headertree.Tree
	// AcceptHashed checks headers and adds them to the tree; hashes[i] is the
	// hash of headers[i]. It returns the node of the last one and how many were
	// new, or the rule that was broken.
	AcceptHashed(headers []wire.Header, hashes []wire.Hash) (last *headertree.Node, added int, err error)
	// IsInitialDownload reports whether the node is still far behind.
	IsInitialDownload() bool
}

// Config says how a [Manager] works.
type Config struct {
	// Network is the network whose chain is fetched. Required.
	Network *params.Network
	// Chain is where headers go and where the state of blocks is read.
	// Required.
	Chain Chain
	// MinimumWork is the work that a chain of headers must show before any of
	// it is kept; nil takes the network's.
	MinimumWork *uint256.Int
	// Presync are the limits of what is remembered of such a chain before.
	Presync presync.Options
	// Seed feeds the secrets of the header gate. It must be random and secret
	// in a node, and may be fixed in a simulation.
	Seed [32]byte
	// Pruned says that this node has only the last blocks, so that older ones
	// are neither announced nor served, and that what is fetched ahead of
	// validation is bounded in bytes.
	Pruned bool
	// PrunedWindow is how many bytes of blocks a pruned node fetches ahead of
	// validation; 0 for 256 MiB.
	PrunedWindow int64
	// WholeBlocks asks for no compact blocks. They are of no use to a node that
	// takes no transactions. It still sends them.
	WholeBlocks bool
	// Observer is told what happens; nil for nobody.
	Observer Observer
}

// PeerInfo is what is known of a peer once its handshake is done.
type PeerInfo struct {
	// Services are what the peer says it offers.
	Services wire.ServiceFlag
	// Version is the protocol version that both sides speak.
	Version int32
	// StartHeight is the height of its chain, as it claims. It is never relied
	// upon.
	StartHeight int32
	// Outbound is true if this node opened the link, by hand or by itself.
	Outbound bool
	// Manual is true if the operator asked for this peer.
	Manual bool
	// BlockRelayOnly is true for links that carry no transactions.
	BlockRelayOnly bool
	// NoBan is true for peers that the operator trusts: their headers need not
	// show work first, and slow headers do not cost them the link.
	NoBan bool
	// Download is true for peers that are served whatever the state of this
	// node.
	Download bool
	// Off returns for how long in all the peer's time has stood still until now,
	// as its messages were being handled: what is awaited of it may be among those
	// that this node has yet to read. Nil for never. It is called with the Manager's
	// lock held.
	Off func(now time.Time) time.Duration
}

// Manager passes what happens to the machines that decide on it, carries what
// one decides to the others, and collects the actions. It is safe for concurrent
// use; see the package comment for its lock.
type Manager struct {
	*env
	tree Chain // where headers are put into the tree

	mu    sync.Mutex // guards all that follows
	peers map[PeerID]*peer
	order []*peer // the same peers in the order of their ids
	out   []Action

	headers headerSync
	window  window
	feeder  feeder
	compact compact
	behind  behind
	news    news
}

// New returns a Manager without peers.
func New(cfg Config) *Manager {
	e := &env{net: cfg.Network, chain: cfg.Chain, pruned: cfg.Pruned, obs: cfg.Observer}
	if e.obs == nil {
		e.obs = NoObserver{}
	}
	switch {
	case cfg.MinimumWork != nil:
		e.minWork = *cfg.MinimumWork
	case cfg.Network.MinimumChainWork != nil:
		e.minWork = *cfg.Network.MinimumChainWork
	}
	return &Manager{
		env: e, tree: cfg.Chain, peers: make(map[PeerID]*peer),
		headers: headerSync{env: e, rng: rand.New(rand.NewChaCha8(cfg.Seed)), limits: cfg.Presync},
		window:  newWindow(e, cfg.PrunedWindow),
		feeder:  feeder{env: e},
		compact: compact{env: e, whole: cfg.WholeBlocks},
		behind:  behind{env: e},
		news:    news{env: e, announced: cfg.Chain.Tip()},
	}
}

// PeerUp adds a peer whose handshake is done. Feelers and other links that are
// about to close should not be added.
func (m *Manager) PeerUp(now time.Time, id PeerID, info PeerInfo) []Action {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.peers[id] == nil {
		p := &peer{id: id, info: info}
		m.peers[id] = p
		at, _ := slices.BinarySearchFunc(m.order, id, func(p *peer, id PeerID) int {
			return int(min(1, max(-1, int64(p.id)-int64(id))))
		})
		m.order = slices.Insert(m.order, at, p)
	}
	return m.settle(now, nil)
}

// PeerDown forgets a peer; what was asked of it goes to others at once.
func (m *Manager) PeerDown(now time.Time, id PeerID) []Action {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.peers[id]
	if p == nil {
		return nil
	}
	m.leave(p)
	delete(m.peers, id)
	m.order = slices.DeleteFunc(m.order, func(o *peer) bool { return o == p })
	return m.settle(now, nil)
}

// Tick checks all time limits. Calling it more often than [Manager.NextDeadline]
// asks for is harmless.
func (m *Manager) Tick(now time.Time) []Action {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tickHeaders(now)
	m.tickBlocks(now)
	m.tickFeeder(now)
	m.tickBehind(now)
	m.window.reopen()
	return m.settle(now, nil)
}

// tickBusy is the time between ticks while something is outstanding. The
// shortest time limit is 2 s; a tick walks at most the window of each peer.
const tickBusy = time.Second

// tickIdle is the time between ticks while nothing is. The limits that matter
// then are counted in minutes.
const tickIdle = 30 * time.Second

// NextDeadline returns when [Manager.Tick] should be called next if nothing
// else happens. Without peers it returns the zero time: no tick is needed.
func (m *Manager) NextDeadline(now time.Time) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.order) == 0 {
		return time.Time{}
	}
	if len(m.window.flights) > 0 || m.feeder.turn != nil {
		return now.Add(tickBusy)
	}
	next := now.Add(tickIdle)
	for _, p := range m.order {
		if p.waiting(now) {
			return now.Add(tickBusy)
		}
		next = p.window.forgets(next)
	}
	if soonest := now.Add(tickBusy); next.Before(soonest) {
		return soonest
	}
	return next
}

// active returns the peer with this id, or nil if it is unknown or on its way
// out.
func (m *Manager) active(id PeerID) *peer {
	if p := m.peers[id]; p != nil && !p.leaving {
		return p
	}
	return nil
}

// do queues what a machine has decided for the caller. A peer that is to be
// disconnected is ignored from here on, and its blocks are free: the next
// decision must not count on it.
func (m *Manager) do(decided ...Action) {
	for _, a := range decided {
		d, ok := a.(Disconnect)
		if !ok {
			m.out = append(m.out, a)
			continue
		}
		if p := m.active(d.Peer); p != nil {
			m.obs.Dropped(p.id, d.Reason)
			m.out = append(m.out, a)
			m.leave(p)
		}
	}
}

// drop ends a link; awaited names what the peer did not send.
func (m *Manager) drop(p *peer, why Reason, awaited string) {
	m.do(Disconnect{Peer: p.id, Reason: why, Awaited: awaited})
}

// leave takes a peer out of all machines. It stays in the list of peers until
// its link is gone.
func (m *Manager) leave(p *peer) {
	if p.leaving {
		return
	}
	p.leaving = true
	m.window.leave(p)
	m.feeder.leave(p)
	m.headers.leave(p)
	m.compact.leave(p)
	m.behind.leave(p)
}

// settle brings everything that an input may have changed back to rest: header
// sync runs, the peer p (nil for none) and, if blocks have become free, all
// others have their slots filled. It returns the actions of the whole input.
func (m *Manager) settle(now time.Time, p *peer) []Action {
	m.do(m.headers.start(now, m.order)...)
	m.runFeeder(now)
	all := m.window.opened()
	m.fillThose(now, p, all, true)
	if !m.chain.IsInitialDownload() || !m.window.preferredBusy(now, m.order) {
		m.fillThose(now, p, all, false)
	}
	out := m.out
	m.out = nil
	return out
}

// fillThose fills the slots of p and perhaps all others, as far as they are
// preferred or not.
func (m *Manager) fillThose(now time.Time, p *peer, all, preferred bool) {
	if p != nil && p.preferred() == preferred {
		m.fill(now, p)
	}
	if !all {
		return
	}
	for _, q := range m.order {
		if q.preferred() == preferred {
			m.fill(now, q)
		}
	}
}

// fill gives the peer's free slots something to do.
func (m *Manager) fill(now time.Time, p *peer) { m.request(now, p, m.window.fill(now, p)) }

// request asks the peer for the last count blocks of its list.
func (m *Manager) request(now time.Time, p *peer, count int) {
	if count == 0 {
		return
	}
	flights := p.window.flights[len(p.window.flights)-count:]
	kind := p.wholeBlock()
	if count == 1 && m.compact.ask(now, p, &flights[0], len(m.window.flights)) {
		kind = wire.InvCmpctBlock
	}
	inv := make([]wire.InvVect, 0, count)
	for _, a := range flights {
		inv = append(inv, wire.InvVect{Type: kind, Hash: a.flight.hash})
	}
	m.do(SendGetData{Peer: p.id, Inv: inv})
}
