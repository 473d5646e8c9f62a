package relay

import (
	"slices"
	"time"

	"starling/wire"
)

const (
	// The time from one announcement of own transactions to the next one is
	// drawn evenly between these, as in Bitcoin Core.
	ownIntervalMin = 10 * time.Minute
	ownIntervalMax = 15 * time.Minute

	// maxMined is how many own transactions are remembered after a block has
	// held them, in case that the block is taken back.
	maxMined = 1000
)

// ownSet holds the ids of this node's own transactions.
type ownSet struct {
	ids   []wire.Hash        // those in the pool, in the order in which they came
	mined []wire.Hash        // those that a block holds, the last ones
	is    map[wire.Hash]bool // of both: whether it is in the pool
	next  time.Time          // when they are announced again; zero if there are none
}

// Own marks a transaction of the pool as this node's own. All peers are told of
// it now, and every ten minutes or so again until a block holds it, whether or
// not they are known to have it: it may have been lost there.
func (m *Manager) Own(now time.Time, txid wire.Hash) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.takeEvents(now)
	it := m.pool[txid]
	if it == nil {
		return // it has left again
	}
	m.own.add(txid)
	m.startOwn(now)
	m.announceAgain(now, it)
}

// Restore marks those of the given transactions that are in the pool as this
// node's own, without announcing them at once. It is for ids that [Manager.Owned]
// returned in an earlier run.
func (m *Manager) Restore(now time.Time, ids []wire.Hash) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.takeEvents(now)
	for _, txid := range ids {
		if m.pool[txid] != nil {
			m.own.add(txid)
		}
	}
	m.startOwn(now)
}

// Owned returns the ids of this node's own transactions in the pool.
func (m *Manager) Owned() []wire.Hash {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.own.ids)
}

// Again has those peers told of a transaction of the pool that are not known to
// have it, although it is not new.
func (m *Manager) Again(now time.Time, txid wire.Hash) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.takeEvents(now)
	it := m.pool[txid]
	if it == nil {
		return
	}
	for _, l := range m.order {
		if l.info.Wants {
			l.add(it)
			m.schedule(now, l)
		}
	}
}

// announceAgain has all peers told of a transaction, also those that are known
// to have it.
func (m *Manager) announceAgain(now time.Time, it *item) {
	for _, l := range m.order {
		if l.info.Wants {
			l.force(it)
			m.schedule(now, l)
		}
	}
}

// startOwn draws when own transactions are announced again, if that was not
// done.
func (m *Manager) startOwn(now time.Time) {
	if m.own.next.IsZero() && len(m.own.ids) > 0 {
		m.own.next = now.Add(ownIntervalMin + time.Duration(m.rng.Int64N(int64(ownIntervalMax-ownIntervalMin))))
	}
}

// rebroadcast announces own transactions again if it is time.
func (m *Manager) rebroadcast(now time.Time) {
	if m.own.next.IsZero() || now.Before(m.own.next) {
		return
	}
	m.own.next = time.Time{}
	for _, txid := range m.own.ids {
		if it := m.pool[txid]; it != nil {
			m.announceAgain(now, it)
		}
	}
	m.startOwn(now)
}

func (o *ownSet) add(txid wire.Hash) {
	if !o.is[txid] {
		o.is[txid] = true
		o.ids = append(o.ids, txid)
	}
}

// left takes that a transaction has left the pool, perhaps into a block.
func (o *ownSet) left(txid wire.Hash, mined bool) {
	if !o.is[txid] {
		return
	}
	i := slices.Index(o.ids, txid)
	o.ids = slices.Delete(o.ids, i, i+1)
	if !mined {
		delete(o.is, txid)
		return
	}
	o.is[txid] = false
	if o.mined = append(o.mined, txid); len(o.mined) > maxMined {
		delete(o.is, o.mined[0])
		o.mined = o.mined[1:]
	}
}

// back takes that a transaction has entered the pool, and reports whether it is
// an own one that was in a block.
func (o *ownSet) back(txid wire.Hash) bool {
	if in, ok := o.is[txid]; !ok || in {
		return false
	}
	i := slices.Index(o.mined, txid)
	o.mined = slices.Delete(o.mined, i, i+1)
	o.add(txid)
	return true
}
