package netsync

import (
	"time"

	"starling/chain/headertree"
	"starling/wire"
)

// PeerCompact takes a sendcmpct message: the peer understands compact blocks
// of this version, and wants new blocks announced so, or not. Other versions
// than 2 are ignored.
func (m *Manager) PeerCompact(id PeerID, announce bool, version uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p := m.peers[id]; p != nil && version == wire.CompactBlocksWitness {
		p.compact.speaks(announce)
	}
}

// CompactBlock takes the header of a compact block that arrived, and its hash,
// worked out by this node. The header enters the tree if its chain has the work.
// With open the caller is to rebuild the block now and tell of it with
// [Manager.CompactRead]; otherwise the message is of no use, and the actions
// fetch what is needed.
func (m *Manager) CompactBlock(now time.Time, id PeerID, hash wire.Hash, header *wire.Header) (open bool, actions []Action) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.active(id)
	if p == nil {
		return false, nil
	}
	open = m.takeCompact(now, p, hash, header)
	return open, m.settle(now, p)
}

func (m *Manager) takeCompact(now time.Time, p *peer, h wire.Hash, header *wire.Header) (open bool) {
	ok, decided := m.headers.enterCompact(now, p, h, header)
	m.do(decided...)
	if ok.len() == 0 {
		return false
	}
	n, _, err := m.accept(p, ok)
	if err != nil {
		m.do(m.headers.blameCompact(p, err)...)
		return false
	}
	f := m.window.flights[h]
	what := m.compact.open(now, p, n, f, n.Data() != nil || m.window.holds(h), m.order)
	switch what {
	case openNot:
		return false
	case openHere:
		m.window.takeBack(now, p, h)
		return false
	case openWhole:
		m.do(m.compact.askWhole(p, p.window.asking(h))...)
		return false
	}
	m.window.name(n)
	switch what {
	case openOwn:
		p.window.asking(h).reopen()
	case openPlace:
		m.window.ask(now, p, h, n)
		p.window.asking(h).open()
	}
	return true
}

// CompactRead tells what came of rebuilding a compact block, at once after
// [Manager.CompactBlock] or with the transactions that were asked for. Err is
// what was wrong, if anything was.
func (m *Manager) CompactRead(now time.Time, id PeerID, hash wire.Hash, r CompactResult, err error) (CompactStep, []Action) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.active(id)
	if p == nil {
		return CompactDrop, nil
	}
	step := m.readCompact(now, p, hash, r, err)
	return step, m.settle(now, p)
}

func (m *Manager) readCompact(now time.Time, p *peer, h wire.Hash, r CompactResult, err error) CompactStep {
	own := p.window.asking(h)
	m.obs.CompactRead(p.id, h, r, own != nil && own.answered)
	switch r {
	case CompactInvalid:
		m.badCompact(now, p, h, err)
		return CompactDrop
	case CompactComplete:
		n := m.chain.Headers().Lookup(h)
		if n == nil || n.Failed() {
			m.window.takeBack(now, p, h) // nobody submits it, so nobody else frees the slot
			return CompactDrop
		}
		if m.takeBlock(now, p, h, &n.Header).Submit {
			return CompactSubmit
		}
		return CompactDrop
	}
	switch m.compact.read(p, h, r, m.window.holds(h), rebuilding(m.order)) {
	case readAsk:
		return CompactAsk
	case readWhole:
		m.do(m.compact.askWhole(p, own)...)
	case readTakeBack:
		m.window.takeBack(now, p, h)
	}
	return CompactDrop
}

// badCompact deals with a peer that sends what no honest peer sends.
func (m *Manager) badCompact(now time.Time, p *peer, h wire.Hash, err error) {
	p.spoilt(now, h) // it is not asked for this block again, should it stay
	m.window.takeBack(now, p, h)
	m.do(Misbehaved{Peer: p.id, Offence: InvalidCompactBlock, Err: err})
}

// CompactTxs takes the arrival of transactions of a block (blocktxn). With
// fill the caller is to complete the compact block that it has kept, and tell
// of it with [Manager.CompactRead]; otherwise they were not asked for, or are
// no longer wanted.
func (m *Manager) CompactTxs(now time.Time, id PeerID, hash wire.Hash) (fill bool, actions []Action) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.active(id)
	if p == nil {
		return false, nil
	}
	fill, bad := m.compact.txs(p, hash)
	if fill {
		return true, nil
	}
	if bad {
		m.badCompact(now, p, hash, nil)
	}
	return false, m.settle(now, p)
}

// CompactWaits reports whether transactions of a block are awaited from the
// peer, so that what was kept of its compact block is still of use.
func (m *Manager) CompactWaits(id PeerID, hash wire.Hash) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.active(id)
	if p == nil {
		return false
	}
	own := p.window.asking(hash)
	return own != nil && own.stage == stageTxs
}

// BlockChecked tells that a block holds up to everything but its scripts and
// the coins that it spends. If it is news that builds on the tip, fast is true
// and the actions send it to the peers that want compact blocks and have its
// parent, before it is connected; the caller then serves it from memory until
// it is.
func (m *Manager) BlockChecked(n *headertree.Node) (fast bool, actions []Action) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.compact.fast(n, m.order)
}

// ServesCompact reports whether a block is to be served as a compact block
// where that is asked for, rather than whole.
func (m *Manager) ServesCompact(now time.Time, n *headertree.Node) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.compact.serves(now, n)
}

// ServesTxs reports whether single transactions of a block are served, rather
// than the whole block.
func (m *Manager) ServesTxs(n *headertree.Node) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.compact.servesTxs(n)
}
