package relay

import (
	"slices"
	"sync"
	"time"

	"starling/chain/headertree"
	"starling/mempool"
)

// event is something that the pool has told.
type event struct {
	entry   *mempool.Entry
	removed bool
	mined   bool
}

// events is what the pool has told since it was last looked at. The pool is
// locked while it tells, so that nothing else is done then.
type events struct {
	mu   sync.Mutex
	list []event
}

func (e *events) push(ev event) {
	e.mu.Lock()
	e.list = append(e.list, ev)
	e.mu.Unlock()
}

func (e *events) take() []event {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := e.list
	e.list = nil
	return list
}

func (e *events) pending() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.list) > 0
}

var _ mempool.Observer = (*Manager)(nil)

// TxAdded implements [mempool.Observer]: the transaction is to be announced.
func (m *Manager) TxAdded(e *mempool.Entry) { m.events.push(event{entry: e}) }

// TxRemoved implements [mempool.Observer].
func (m *Manager) TxRemoved(e *mempool.Entry, why mempool.RemovalReason) {
	m.events.push(event{entry: e, removed: true, mined: why == mempool.RemovedBlock})
}

// TipMoved implements [mempool.Observer].
func (m *Manager) TipMoved(*headertree.Node, []*headertree.Node) {}

// takeEvents brings all in line with the pool.
func (m *Manager) takeEvents(now time.Time) {
	for _, ev := range m.events.take() {
		if ev.removed {
			m.removed(ev)
			continue
		}
		it := &item{entry: ev.entry, txid: ev.entry.TxID, rate: ev.entry.FeeRate()}
		m.pool[it.txid] = it
		m.sequence = max(m.sequence, ev.entry.Sequence+1)
		if m.own.back(it.txid) {
			m.startOwn(now)
		}
		for _, l := range m.order {
			if l.info.Wants {
				l.add(it)
				m.schedule(now, l)
			}
		}
	}
}

func (m *Manager) removed(ev event) {
	txid := ev.entry.TxID
	if it := m.pool[txid]; it != nil {
		it.entry = nil
		delete(m.pool, txid)
	}
	m.own.left(txid, ev.mined)
}

// inOrder returns all transactions of the pool, best fee rate first.
func (m *Manager) inOrder() []*item {
	all := make([]*item, 0, len(m.pool))
	for _, it := range m.pool {
		all = append(all, it)
	}
	slices.SortFunc(all, compareItems)
	return all
}
