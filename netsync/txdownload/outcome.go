package txdownload

import (
	"crypto/sha256"
	"slices"
	"time"

	"starling/wire"
)

// Verdict says what to do with a transaction that arrived: judge it, judge the
// package, or nothing if both are unset.
type Verdict struct {
	// Judge: pass the transaction to the pool, and tell the outcome with
	// [Manager.Accepted] or [Manager.Rejected], or else call [Manager.Release].
	// Until then it is asked of nobody.
	Judge bool
	// Package, if not nil: the transaction was refused before, alone, but a
	// child that may pay for it is here. Tell the outcome of each.
	Package  *Package
	Requests []Request
}

// Received takes a transaction that a peer has sent, asked for or not.
func (m *Manager) Received(now time.Time, peer PeerID, tx *wire.Tx) Verdict {
	m.mu.Lock()
	defer m.mu.Unlock()
	txid, wtxid := tx.TxID(), tx.WTxID()
	// The transaction is held before the peer's answer is noted, so that
	// nobody else is asked for it while it is judged.
	m.hold(tx)
	m.requests.respond(peer, txid)
	m.requests.respond(peer, wtxid)
	v := Verdict{}
	switch {
	case m.reconsiderable.Has(wtxid):
		v.Package = m.findPackage(peer, tx)
	case m.judging[wtxid]:
		// By another goroutine, at this moment.
	case !m.have(ID{wtxid, true}, false):
		v.Judge = true
		m.judged++
		m.judging[wtxid] = true
	}
	if !v.Judge {
		m.unhold(tx)
	}
	v.Requests = m.settle(now)
	return v
}

func (m *Manager) hold(tx *wire.Tx) {
	m.requests.hold(tx.TxID())
	if tx.HasWitness() {
		m.requests.hold(tx.WTxID())
	}
}

// letGo ends what Received began.
func (m *Manager) letGo(tx *wire.Tx) {
	delete(m.judging, tx.WTxID())
	m.unhold(tx)
}

func (m *Manager) unhold(tx *wire.Tx) {
	m.requests.release(tx.TxID())
	if tx.HasWitness() {
		m.requests.release(tx.WTxID())
	}
}

// Release gives up on a transaction that was to be judged: there is no
// outcome. It may be asked for again.
func (m *Manager) Release(now time.Time, tx *wire.Tx) []Request {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.letGo(tx)
	return m.settle(now)
}

// Accepted tells that the pool has taken a transaction, whoever gave it.
// Orphans that waited for it are worth another try, see [Manager.Next]. judged
// says whether a Verdict had asked for the outcome.
func (m *Manager) Accepted(tx *wire.Tx, judged bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests.forget(tx.TxID())
	m.requests.forget(tx.WTxID())
	if judged {
		m.letGo(tx)
	}
	m.orphans.arrived(tx)
	m.orphans.erase(tx.WTxID())
}

// Cause says why a transaction was rejected, as far as it matters here.
type Cause uint8

const (
	// Refused for good, until the tip changes.
	Refused Cause = iota
	// RefusedInputs: refused for good because of what it spends, whatever its
	// witness.
	RefusedInputs
	// InputsMissing: it may be an orphan.
	InputsMissing
	// WitnessStripped: nothing can be said about the transaction, because its
	// witness is missing.
	WitnessStripped
	// Reconsiderable: it pays too little alone.
	Reconsiderable
	// Premature: its lock time, or the age of a coinbase that it spends, keeps it
	// out of the next block. It is kept for a while and tried again with each new
	// tip: a node that catches up hears of many such, and of each only once.
	Premature
	// Known: it is in the pool already.
	Known
)

// Rejection is the outcome of a transaction that was not accepted.
type Rejection struct {
	Tx    *wire.Tx
	Cause Cause
	// Missing are the outputs that were not found, if known; all that the
	// transaction spends otherwise.
	Missing []wire.OutPoint
	// Judged: a Verdict had asked for the outcome. Otherwise it was an orphan,
	// or part of a package, so that it was rejected before.
	Judged bool
}

// Followup is what follows from a rejection.
type Followup struct {
	// Package, if not nil, may be accepted instead.
	Package *Package
	// Parents are asked for. The peer that sent the child has them.
	Parents []wire.Hash
	// Orphan: the transaction is kept until they arrive, or until a new tip.
	Orphan   bool
	Requests []Request
}

// Rejected tells that the pool has not taken a transaction that a peer sent.
func (m *Manager) Rejected(now time.Time, peer PeerID, r Rejection) Followup {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := Followup{}
	txid, wtxid := r.Tx.TxID(), r.Tx.WTxID()
	switch r.Cause {
	case InputsMissing:
		if r.Judged && !m.rejects.Has(wtxid) {
			m.adopt(now, peer, &r, &f)
		}
	case Premature:
		if r.Judged && !m.rejects.Has(wtxid) {
			for _, p := range m.holders(peer, r.Tx) {
				if _, ok := m.peers[p]; ok {
					m.orphans.addEarly(now, r.Tx, p)
				}
			}
			m.requests.forget(txid)
			m.requests.forget(wtxid)
			f.Orphan = m.orphans.has(wtxid)
		}
	case WitnessStripped:
		// The txid is that of a transaction that may be good.
	case Known:
		m.requests.forget(wtxid)
	case Reconsiderable:
		m.reconsiderable.Add(wtxid)
		m.requests.forget(wtxid)
		if r.Judged {
			f.Package = m.findPackage(peer, r.Tx)
		}
	case RefusedInputs:
		// The same with any other witness. Noted by its txid too, so that it is
		// not fetched again as somebody's parent.
		m.reject(txid)
		m.reject(wtxid)
	default:
		m.reject(wtxid)
	}
	if r.Judged {
		m.letGo(r.Tx)
	}
	if r.Cause != InputsMissing && r.Cause != Premature {
		m.orphans.erase(wtxid)
	}
	f.Requests = m.settle(now)
	return f
}

// reject remembers a transaction under one of its ids as not worth fetching.
func (m *Manager) reject(id wire.Hash) {
	m.rejects.Add(id)
	m.requests.forget(id)
}

// adopt keeps a transaction whose parents are missing, and asks for these all
// peers that have announced it, one after the other. It does not if a parent
// was rejected: then no parent will come.
func (m *Manager) adopt(now time.Time, peer PeerID, r *Rejection, f *Followup) {
	txid, wtxid := r.Tx.TxID(), r.Tx.WTxID()
	parents := parents(r)
	low := 0 // parents that pay too little alone
	for _, h := range parents {
		if m.reconsiderable.Has(h) && !m.pool.HasTx(h) {
			low++
		}
		// A package has one parent; with two that pay too little there is
		// no hope.
		if m.rejects.Has(h) || low > 1 {
			m.reject(txid)
			m.reject(wtxid)
			return
		}
	}
	missing := m.missing(parents)
	for _, p := range m.holders(peer, r.Tx) {
		if m.askParents(now, p, wtxid, missing) {
			m.orphans.add(now, r.Tx, parents, p)
		}
	}
	m.requests.forget(txid)
	m.requests.forget(wtxid)
	x := m.orphans.byID[wtxid]
	f.Parents, f.Orphan = missing, x != nil
	for _, h := range parents {
		if x != nil && (m.pool.HasTx(h) || m.confirmed.Has(h)) {
			m.orphans.wake(x) // it has arrived since the child was judged
		}
	}
}

// holders returns the peers that are known to have a transaction that one of
// them has sent.
func (m *Manager) holders(peer PeerID, tx *wire.Tx) []PeerID {
	txid, wtxid := tx.TxID(), tx.WTxID()
	all := append([]PeerID{peer}, m.requests.candidates(txid)...)
	if wtxid != txid {
		all = append(all, m.requests.candidates(wtxid)...)
	}
	return all
}

// parents returns the ids of the transactions whose outputs were missing, each
// once.
func parents(r *Rejection) (list []wire.Hash) {
	add := func(op wire.OutPoint) {
		if !slices.Contains(list, op.Hash) {
			list = append(list, op.Hash)
		}
	}
	for _, op := range r.Missing {
		add(op)
	}
	if len(r.Missing) == 0 {
		for i := range r.Tx.In {
			add(r.Tx.In[i].PrevOut)
		}
	}
	return list
}

// findPackage returns the parent with an orphan of the same peer that spends
// it, unless that was tried before.
func (m *Manager) findPackage(peer PeerID, parent *wire.Tx) *Package {
	for _, child := range m.orphans.children(parent, peer) {
		p := &Package{parent, child}
		if !m.reconsiderable.Has(p.id()) && !m.rejects.Has(child.WTxID()) && !m.rejects.Has(child.TxID()) {
			return p
		}
	}
	return nil
}

// id names a package by the witness ids of its transactions, whatever their
// order.
func (p *Package) id() wire.Hash {
	a, b := p.Parent.WTxID(), p.Child.WTxID()
	if slices.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	return sha256.Sum256(append(a[:], b[:]...))
}

// PackageRejected tells that a package was not accepted as a whole, so that it
// is not tried again. The outcome of each of its transactions is to be told as
// well.
func (m *Manager) PackageRejected(p *Package) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reconsiderable.Add(p.id())
}

// Next returns an orphan that is worth another try because a parent has
// arrived, and the peer on whose account it is tried. Peers take turns.
func (m *Manager) Next() (peer PeerID, tx *wire.Tx, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.orphans.next()
}

// HasWork reports whether [Manager.Next] would return an orphan.
func (m *Manager) HasWork() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.orphans.hasWork()
}

// Moved tells that the tip has changed: these transactions were connected, in
// the order of blocks; and whether blocks were disconnected. What was rejected
// may be valid now. The ids of the transactions must be hashed already.
func (m *Manager) Moved(connected [][]wire.Tx, disconnected bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if disconnected {
		m.confirmed.Reset()
	}
	for _, txs := range connected {
		m.orphans.block(txs)
		for i := range txs {
			tx := &txs[i]
			m.orphans.arrived(tx)
			for _, id := range []wire.Hash{tx.TxID(), tx.WTxID()} {
				m.confirmed.Add(id)
				m.requests.forget(id)
				if !tx.HasWitness() {
					break
				}
			}
		}
	}
	m.rejects.Reset()
	m.reconsiderable.Reset()
	m.orphans.tipMoved()
}

// Orphan describes a transaction whose parents are missing.
type Orphan struct {
	Tx   *wire.Tx
	From []PeerID // who announced it
}

// Orphans lists the orphans, the oldest first.
func (m *Manager) Orphans() []Orphan {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []Orphan
	for e := m.orphans.byAge.Front(); e != nil; e = e.Next() {
		x := e.Value.(*orphan)
		o := Orphan{Tx: x.tx}
		for _, c := range x.from {
			o.From = append(o.From, c.peer)
		}
		all = append(all, o)
	}
	return all
}

// Stats counts what is kept.
type Stats struct {
	Tracked      int // transactions that were announced and have not arrived
	InFlight     int // of them were asked for
	Orphans      int
	OrphanWeight int // of all orphans, in weight units
}

// Stats returns what is kept at the moment.
func (m *Manager) Stats() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := Stats{Tracked: len(m.requests.targets), Orphans: len(m.orphans.byID), OrphanWeight: m.orphans.weight}
	for _, p := range m.requests.peers {
		s.InFlight += p.inFlight
	}
	return s
}

// Judged returns how many transactions have been passed on to be judged since the
// start. Those that were refused before are not.
func (m *Manager) Judged() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.judged
}

// Announced returns how many transactions of a peer are tracked, and how many
// of them are asked of it.
func (m *Manager) Announced(peer PeerID) (tracked, inFlight int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.requests.count(peer), m.requests.inFlight(peer)
}
