package txdownload

import (
	"cmp"
	"crypto/sha256"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"starling/internal/rolling"
	"starling/peer/await"
	"starling/wire"
)

const (
	// MaxInFlight is how many transactions may be asked of a peer before it
	// counts as overloaded, and others come before it.
	MaxInFlight = 100

	// MaxAnnounced is how many transactions of a peer are tracked by default; what it
	// announces beyond is ignored. It takes a node that announces at most 14 per
	// second six minutes to get there. With 125 peers they cost at most 150 MB.
	MaxAnnounced = 5000

	// DefaultWait is how long a request waits for a better announcer: if it was
	// announced by id, while some peer announces by witness id, and as long again
	// if by a peer that is not preferred, while some peer is.
	DefaultWait = 2 * time.Second

	// OverloadedDelay is how much longer it waits if it was announced by a peer with
	// MaxInFlight requests.
	OverloadedDelay = 2 * time.Second

	// RequestTimeout is how long a peer may take to answer before another one
	// is asked.
	RequestTimeout = await.Tx

	// DefaultRejects is how many rejected transactions are remembered. Each
	// filter takes 1.3 MB once it is used.
	DefaultRejects = 120_000
	// recentConfirmed is how many confirmed ones: those of about six full
	// blocks, counted by both ids.
	recentConfirmed = 48_000
	// mistake is the chance that a filter takes a transaction for one that it
	// knows. It is then not fetched until the next block, which costs nobody
	// anything.
	mistake = 1e-6
)

// PeerID numbers a link. The caller chooses it and never uses one twice.
type PeerID uint64

// Pool is what the Manager asks of the mempool, with its lock held.
type Pool interface {
	// HasTx reports whether the pool holds the transaction with a txid, HasWTx
	// the one with a wtxid.
	HasTx(txid wire.Hash) bool
	HasWTx(wtxid wire.Hash) bool
}

// PeerInfo is what counts about a peer here.
type PeerInfo struct {
	// Preferred peers are asked before others: those that this node has chosen,
	// which an attacker cannot arrange easily.
	Preferred bool
	// WTxIDRelay: the peer announces by witness id (BIP339).
	WTxIDRelay bool
	// Witness: the peer serves transactions with their witnesses.
	Witness bool
	// Unlimited peers may announce as much as they like.
	Unlimited bool
}

// Request asks one peer for transactions, in the order in which they were
// announced.
type Request struct {
	Peer PeerID
	Inv  []wire.InvVect
}

// Package is a transaction that pays too little alone and one that spends it
// and may pay for both. They are to be judged together.
type Package struct {
	Parent, Child *wire.Tx
}

// Config says how a [Manager] works.
type Config struct {
	Pool Pool // required
	// Seed decides between peers that are equal. It must be secret in a node,
	// and may be fixed in a simulation.
	Seed [32]byte
	// Wait is how long a request waits for a better announcer; 0 for
	// [DefaultWait], below zero for not at all.
	Wait time.Duration
	// MaxAnnounced is how many transactions of a peer are tracked; 0 for
	// [MaxAnnounced], below zero for any number.
	MaxAnnounced int
	// Rejects is how many rejected transactions are remembered at least, so that
	// they are not judged again; 0 for [DefaultRejects].
	Rejects int
}

func (c *Config) wait() time.Duration {
	if c.Wait == 0 {
		return DefaultWait
	}
	return max(c.Wait, 0)
}

// Manager is the state of the download. It is safe for concurrent use.
type Manager struct {
	pool Pool

	mu             sync.Mutex
	peers          map[PeerID]PeerInfo
	wtxidPeers     int
	preferredPeers int
	wait           time.Duration
	maxAnnounced   int // of a peer; below zero for any number
	judged         uint64
	requests       *tracker
	judging        map[wire.Hash]bool // wtxids of what is being judged at the moment
	orphans        *orphanage
	rejects        *rolling.Filter // wtxids, and txids where the witness does not matter
	reconsiderable *rolling.Filter // wtxids of what pays too little alone, and packages that failed
	confirmed      *rolling.Filter // ids of both kinds
}

// New returns a Manager without peers.
func New(cfg Config) *Manager {
	rejects := cmp.Or(cfg.Rejects, DefaultRejects)
	return &Manager{
		pool:           cfg.Pool,
		wait:           cfg.wait(),
		maxAnnounced:   cmp.Or(cfg.MaxAnnounced, MaxAnnounced),
		peers:          make(map[PeerID]PeerInfo),
		judging:        make(map[wire.Hash]bool),
		requests:       newTracker(sha256.Sum256(append(cfg.Seed[:], "requests"...))),
		orphans:        newOrphanage(rand.New(rand.NewChaCha8(sha256.Sum256(append(cfg.Seed[:], "orphans"...))))),
		rejects:        rolling.New(rejects, mistake),
		reconsiderable: rolling.New(rejects, mistake),
		confirmed:      rolling.New(recentConfirmed, mistake),
	}
}

// PeerUp adds a peer with which transactions are exchanged.
func (m *Manager) PeerUp(id PeerID, info PeerInfo) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.peers[id]; ok {
		return
	}
	m.peers[id] = info
	if info.WTxIDRelay {
		m.wtxidPeers++
	}
	if info.Preferred {
		m.preferredPeers++
	}
}

// PeerDown forgets a peer; what was asked of it is asked of others at once.
func (m *Manager) PeerDown(now time.Time, id PeerID) []Request {
	m.mu.Lock()
	defer m.mu.Unlock()
	info, ok := m.peers[id]
	if !ok {
		return nil
	}
	delete(m.peers, id)
	if info.WTxIDRelay {
		m.wtxidPeers--
	}
	if info.Preferred {
		m.preferredPeers--
	}
	m.requests.peerDown(id)
	m.orphans.peerDown(id)
	return m.settle(now)
}

// Inv takes what a peer announces. Entries that are no transactions, or of the
// kind that was not agreed upon, are passed over.
func (m *Manager) Inv(now time.Time, peer PeerID, inv []wire.InvVect) []Request {
	m.mu.Lock()
	defer m.mu.Unlock()
	info, ok := m.peers[peer]
	if !ok {
		return nil
	}
	for _, v := range inv {
		if v.Type == wire.InvWTx && info.WTxIDRelay || v.Type == wire.InvTx && !info.WTxIDRelay {
			m.announced(now, peer, info, ID{v.Hash, v.Type == wire.InvWTx})
		}
	}
	return m.settle(now)
}

// announced takes one announcement.
func (m *Manager) announced(now time.Time, peer PeerID, info PeerInfo, id ID) {
	if x := m.orphans.byID[id.Hash]; id.WTx && x != nil {
		// Not the transaction is wanted but its parents, which this peer has.
		if x.early {
			m.orphans.claim(x, peer)
			m.orphans.trim()
		} else if missing := m.missing(x.parents); len(missing) > 0 && m.askParents(now, peer, x.wtxid, missing) {
			m.orphans.claim(x, peer)
			m.orphans.trim()
		}
		return
	}
	if m.have(id, true) {
		return
	}
	if m.beyondLimit(peer, info, 1) {
		return
	}
	m.requests.announce(peer, id, info.Preferred, now.Add(m.delay(peer, info, !id.WTx)))
}

// beyondLimit reports whether so much of what a peer has announced is tracked that
// so many more are not taken.
func (m *Manager) beyondLimit(peer PeerID, info PeerInfo, more int) bool {
	return !info.Unlimited && m.maxAnnounced >= 0 && m.requests.count(peer)+more > m.maxAnnounced
}

// delay returns how long to wait for a better announcer.
func (m *Manager) delay(peer PeerID, info PeerInfo, byTxID bool) (d time.Duration) {
	if !info.Preferred && m.preferredPeers > 0 {
		d += m.wait
	}
	if byTxID && m.wtxidPeers > 0 {
		d += m.wait
	}
	if !info.Unlimited && m.requests.inFlight(peer) >= MaxInFlight {
		d += OverloadedDelay
	}
	return d
}

// have reports whether a transaction is known in some way, so that it need not
// be fetched. Those that pay too little alone are only fetched as parents.
func (m *Manager) have(id ID, reconsiderable bool) bool {
	if id.WTx && m.orphans.has(id.Hash) {
		// Never by txid: the orphan may have that txid with a bad witness.
		return true
	}
	if reconsiderable && m.reconsiderable.Has(id.Hash) || m.confirmed.Has(id.Hash) || m.rejects.Has(id.Hash) {
		return true
	}
	if id.WTx {
		return m.pool.HasWTx(id.Hash)
	}
	return m.pool.HasTx(id.Hash)
}

// missing returns those of an orphan's parents that are still to be fetched.
func (m *Manager) missing(parents []wire.Hash) (list []wire.Hash) {
	for _, h := range parents {
		if !m.have(ID{Hash: h}, false) {
			list = append(list, h)
		}
	}
	return list
}

// askParents treats it as if the peer had announced the missing parents of an
// orphan, and reports whether the orphan may count as announced by that peer.
func (m *Manager) askParents(now time.Time, peer PeerID, wtxid wire.Hash, parents []wire.Hash) bool {
	info, ok := m.peers[peer]
	if !ok || m.orphans.hasFrom(wtxid, peer) {
		return false
	}
	if m.beyondLimit(peer, info, len(parents)) {
		return false
	}
	// Parent and child are often announced together and come in the wrong
	// order: waiting a little may save the request.
	due := now.Add(m.delay(peer, info, true))
	for _, h := range parents {
		m.requests.announce(peer, ID{Hash: h}, info.Preferred, due)
	}
	return true
}

// NotFound takes what a peer says that it does not have; another announcer is
// asked at once.
func (m *Manager) NotFound(now time.Time, peer PeerID, inv []wire.InvVect) []Request {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(inv) > MaxAnnounced {
		return nil // more than was ever asked for
	}
	for _, v := range inv {
		if v.Type.IsTx() {
			m.requests.respond(peer, v.Hash)
		}
	}
	return m.settle(now)
}

// Tick does what has become due.
func (m *Manager) Tick(now time.Time) []Request {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.orphans.expire(now)
	return m.settle(now)
}

// NextDeadline returns when [Manager.Tick] should be called next if nothing
// else happens; the zero time if that is not needed.
func (m *Manager) NextDeadline() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, b := m.requests.deadline(), m.orphans.deadline()
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// settle makes the requests that are due, grouped by peer.
func (m *Manager) settle(now time.Time) []Request {
	m.requests.advance(now)
	type wanted struct {
		seq uint64
		inv wire.InvVect
	}
	var order []PeerID
	byPeer := make(map[PeerID][]wanted)
	for a := m.requests.next(); a != nil; a = m.requests.next() {
		if m.have(a.id, false) {
			m.requests.forget(a.id.Hash)
			continue
		}
		peer := a.peer.id
		m.requests.request(a, now.Add(RequestTimeout))
		if byPeer[peer] == nil {
			order = append(order, peer)
		}
		byPeer[peer] = append(byPeer[peer], wanted{a.seq, wire.InvVect{Type: m.invType(peer, a.id), Hash: a.id.Hash}})
	}
	var all []Request
	for _, peer := range order {
		list := byPeer[peer]
		slices.SortFunc(list, func(a, b wanted) int { return int(min(1, max(-1, int64(a.seq-b.seq)))) })
		r := Request{Peer: peer, Inv: make([]wire.InvVect, len(list))}
		for i, w := range list {
			r.Inv[i] = w.inv
		}
		all = append(all, r)
	}
	return all
}

// invType returns in which words a peer is asked for a transaction.
func (m *Manager) invType(peer PeerID, id ID) wire.InvType {
	switch {
	case id.WTx:
		return wire.InvWTx
	case m.peers[peer].Witness:
		return wire.InvWitnessTx
	}
	return wire.InvTx
}
