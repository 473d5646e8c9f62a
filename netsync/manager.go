package netsync

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/holiman/uint256"

	"starling/chain/headertree"
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
}

// Manager holds the state of the download. It is safe for concurrent use; see
// the package comment for its lock.
type Manager struct {
	net     *params.Network
	chain   Chain
	minWork uint256.Int
	pruned  bool
	obs     Observer

	prunedWindow int64

	wholeBlocks bool

	mu    sync.Mutex
	rng   *rand.Rand
	peers map[PeerID]*peer
	order []*peer // the same peers in the order of their ids
	out   []Action

	flights map[wire.Hash]*flight // blocks asked for and not arrived
	held    map[wire.Hash]PeerID  // blocks that arrived and are not stored yet
	fillAll bool                  // some block has become free or the window has moved
	scratch []*headertree.Node

	stallTimeout time.Duration
	headersDone  bool             // some peer has given all the headers it has
	bestSeen     uint256.Int      // work of the best header when it last grew
	bestGrew     time.Time        // when that was, or when all were asked because it did not
	announced    *headertree.Node // tip at the last announcement
	feeder       *peer            // the peer that blocks are fetched from by getblocks
	protected    int              // outbound peers that are safe from the chain-behind rule
	poked        wire.Hash        // last block that made us ask a peer before its turn
	announcers   []*peer          // told to announce by compact blocks; the last to give a block is last
	fastest      int32            // greatest height of a block announced before its scripts were checked
}

// New returns a Manager without peers.
func New(cfg Config) *Manager {
	m := &Manager{
		net:          cfg.Network,
		chain:        cfg.Chain,
		pruned:       cfg.Pruned,
		prunedWindow: cfg.PrunedWindow,
		wholeBlocks:  cfg.WholeBlocks,
		obs:          cfg.Observer,
		rng:          rand.New(rand.NewChaCha8(cfg.Seed)),
		peers:        make(map[PeerID]*peer),
		flights:      make(map[wire.Hash]*flight),
		held:         make(map[wire.Hash]PeerID),
		stallTimeout: stallTimeoutMin,
	}
	if m.obs == nil {
		m.obs = NoObserver{}
	}
	if m.prunedWindow <= 0 {
		m.prunedWindow = prunedWindow
	}
	switch {
	case cfg.MinimumWork != nil:
		m.minWork = *cfg.MinimumWork
	case cfg.Network.MinimumChainWork != nil:
		m.minWork = *cfg.Network.MinimumChainWork
	}
	m.announced = m.chain.Tip()
	return m
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

// PreferHeaders notes that the peer wants blocks announced by their headers
// (it sent sendheaders).
func (m *Manager) PreferHeaders(id PeerID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p := m.peers[id]; p != nil {
		p.prefersHeaders = true
	}
}

// Headers takes a headers message. What is good of it is in the header tree
// when it returns. More than [wire.MaxHeaders] headers must not be passed.
func (m *Manager) Headers(now time.Time, id PeerID, headers []wire.Header) []Action {
	b, bad := inspect(m.net, headers)
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.active(id)
	if p == nil {
		return nil
	}
	if bad != nil {
		m.do(Misbehaved{Peer: p.id, Offence: bad.offence, Err: bad.err})
	} else {
		m.takeHeaders(now, p, b)
	}
	return m.settle(now, p)
}

// Inv takes the hashes of the blocks in an inv message, in their order.
func (m *Manager) Inv(now time.Time, id PeerID, blocks []wire.Hash) []Action {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.active(id)
	if p == nil || len(blocks) == 0 {
		return nil
	}
	m.takeInv(now, p, blocks)
	return m.settle(now, p)
}

// Verdict says what to do with a block that arrived.
type Verdict struct {
	// Submit: pass the block to the chain, and tell the outcome with
	// [Manager.BlockStored] or [Manager.BlockRejected]. Otherwise drop it: it
	// is known already, unwanted, or its header is not acceptable.
	Submit bool
	// Requested: this node asked for the block, from this peer or another, so
	// it is to be stored even if it is not on the best chain.
	Requested bool
}

// Block takes the header of a block that arrived, releases its slot and says
// whether the block is wanted. A header that was not known enters the tree
// here, under the same rules as in a headers message.
func (m *Manager) Block(now time.Time, id PeerID, hash wire.Hash, header *wire.Header) (Verdict, []Action) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.active(id)
	if p == nil {
		return Verdict{}, nil
	}
	v := m.takeBlock(now, p, hash, header)
	return v, m.settle(now, p)
}

// BlockStored tells that a block that was to be submitted is stored, or turned
// out to be stored before.
func (m *Manager) BlockStored(now time.Time, hash wire.Hash) []Action {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p := m.peers[m.held[hash]]; p != nil {
		p.hope = now
	}
	m.promote(hash)
	m.release(hash)
	m.progress()
	return m.settle(now, nil)
}

// BlockRejected tells that a block that was to be submitted is not stored. If
// the chain has not marked its header as failed, the bytes were to blame: the
// block will be asked of another peer.
func (m *Manager) BlockRejected(now time.Time, hash wire.Hash) []Action {
	m.mu.Lock()
	defer m.mu.Unlock()
	if from, ok := m.held[hash]; ok {
		m.unhold(hash)
		if p := m.active(from); p != nil {
			p.mark(now, hash)
		}
	}
	m.fillAll = true
	return m.settle(now, nil)
}

// NotFound takes the hashes of the blocks in a notfound message: the peer does
// not have them, so they are asked of others at once.
func (m *Manager) NotFound(now time.Time, id PeerID, blocks []wire.Hash) []Action {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.active(id)
	if p == nil {
		return nil
	}
	for _, h := range blocks {
		// Only what was asked counts, so that nobody can make the node avoid
		// a peer or grow its list.
		if m.takeBack(now, p, h) {
			p.mark(now, h)
			m.feedLacks(now, p)
		}
	}
	return m.settle(now, p)
}

// TipChanged tells that the active chain has a new tip. New blocks are
// announced to the peers that do not have them.
func (m *Manager) TipChanged(now time.Time) []Action {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.announce()
	m.fillAll = true
	return m.settle(now, nil)
}

// Tick checks all time limits. Calling it more often than [Manager.NextDeadline]
// asks for is harmless.
func (m *Manager) Tick(now time.Time) []Action {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.checkHeaders(now)
	m.checkBlocks(now)
	m.checkCompact(now)
	m.checkFeeder(now)
	m.checkBehind(now)
	m.fillAll = true
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
	if len(m.flights) > 0 || m.feeder != nil {
		return now.Add(tickBusy)
	}
	for _, p := range m.order {
		if !p.askedAt.IsZero() && now.Sub(p.askedAt) < headersResponseTime {
			return now.Add(tickBusy)
		}
	}
	return now.Add(tickIdle)
}

// active returns the peer with this id, or nil if it is unknown or on its way
// out.
func (m *Manager) active(id PeerID) *peer {
	if p := m.peers[id]; p != nil && !p.leaving {
		return p
	}
	return nil
}

// do queues an action for the caller.
func (m *Manager) do(a Action) { m.out = append(m.out, a) }

// settle brings everything that an input may have changed back to rest: header
// sync runs, the peer p (nil for none) and, if blocks have become free, all
// others have their slots filled. It returns the actions of the whole input.
func (m *Manager) settle(now time.Time, p *peer) []Action {
	m.startHeaders(now)
	m.feed(now)
	all := m.fillAll
	m.fillAll = false
	m.fillThose(now, p, all, true)
	if !m.chain.IsInitialDownload() || !m.preferredBusy(now) {
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

// drop ends a link: the peer is ignored from here on, and its blocks are free.
func (m *Manager) drop(p *peer, why Reason) {
	if p.leaving {
		return
	}
	m.obs.Dropped(p.id, why)
	m.do(Disconnect{Peer: p.id, Reason: why})
	m.leave(p)
}

// leave takes a peer out of everything but the list of peers.
func (m *Manager) leave(p *peer) {
	if p.leaving {
		return
	}
	p.leaving = true
	for len(p.flights) > 0 {
		m.unflight(p, p.flights[0].flight)
	}
	if m.feeder == p {
		m.feeder = nil
	}
	p.feed, p.gate, p.syncing = nil, nil, false
	m.announcers = slices.DeleteFunc(m.announcers, func(q *peer) bool { return q == p })
	if p.protected {
		p.protected = false
		m.protected--
	}
}
