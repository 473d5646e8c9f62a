package wallet

import (
	"context"
	"errors"
	"sync"

	"starling/wire"
)

// maxPoolEvents bounds what the pool has told of and nobody has looked at yet:
// about 16 MB. Beyond it the pool is looked through as a whole instead.
const maxPoolEvents = 50_000

// poolEvent is a transaction that came into the pool or left it.
type poolEvent struct {
	tx    *wire.Tx
	added bool
}

// poolEvents is a queue between the pool, which must not wait, and the
// wallets, which may be busy. Events are for all wallets; whoever takes them
// gives them to each.
type poolEvents struct {
	mu   sync.Mutex
	list []poolEvent
	lost bool // some did not fit
	wake chan struct{}
}

// TxAdded tells that a transaction came into the pool. It only takes note, and
// may be called with the pool locked.
func (m *Manager) TxAdded(tx *wire.Tx) { m.events.put(poolEvent{tx: tx, added: true}) }

// TxRemoved tells that a transaction left the pool, for whatever reason. It
// only takes note, and may be called with the pool locked.
func (m *Manager) TxRemoved(tx *wire.Tx) { m.events.put(poolEvent{tx: tx}) }

func (e *poolEvents) put(ev poolEvent) {
	e.mu.Lock()
	if len(e.list) >= maxPoolEvents {
		e.lost = true
	} else {
		e.list = append(e.list, ev)
	}
	e.mu.Unlock()
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

func (e *poolEvents) take() (list []poolEvent, lost bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	list, lost = e.list, e.lost
	e.list, e.lost = nil, false
	return list, lost
}

// deliver gives what the pool told of to all wallets.
func (m *Manager) deliver() {
	m.delivery.Lock()
	defer m.delivery.Unlock()
	list, lost := m.events.take()
	if len(list) == 0 && !lost {
		return
	}
	for _, w := range m.Loaded() {
		w.takePoolEvents(list)
		if lost {
			w.lookThroughPool()
		}
	}
}

// takePoolEvents takes note of what came into the pool and left it.
func (w *Wallet) takePoolEvents(list []poolEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ev := range list {
		if ev.added {
			w.seen(ev.tx)
		} else if w.ledger.PoolRemoved(ev.tx) {
			w.retry()
		}
	}
	w.saveLater()
}

// seen takes note of a transaction in the pool. The caller holds mu.
func (w *Wallet) seen(tx *wire.Tx) {
	news, retry := w.ledger.PoolAdded(tx, w.now())
	if news {
		w.markUsed(tx)
	}
	if retry {
		w.retry()
	}
}

// retry has unconfirmed payments handed in again soon. The caller holds mu.
func (w *Wallet) retry() {
	w.resentAt = nil
	w.poke()
}

// lookThroughPool has a wallet look at all that is in the pool.
func (m *Manager) lookThroughPool(w *Wallet) {
	m.delivery.Lock()
	defer m.delivery.Unlock()
	w.lookThroughPool()
}

// lookThroughPool compares what the wallet believes of the pool with the pool.
func (w *Wallet) lookThroughPool() {
	all := w.m.pool.All()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ledger.ForgetPool()
	for _, tx := range all {
		w.seen(tx)
	}
	w.saveLater()
}

// saveLater writes changes that nobody waits for. What does not get to disk is
// found again in the pool or in a block.
func (w *Wallet) saveLater() {
	if !w.hasChanges() {
		return
	}
	if err := w.save(); err != nil {
		w.log.Error("wallet not written", "err", err)
	}
}

// resend hands unconfirmed payments to the node that its pool does not have:
// after a start, after a reorganisation, when the pool dropped them, and when
// what they spend has come into the pool or what stood in their way has left it.
func (w *Wallet) resend(ctx context.Context) {
	w.mu.Lock()
	if w.resentAt == w.at {
		w.mu.Unlock()
		return
	}
	w.resentAt = w.at
	todo := w.ledger.Unsent()
	w.mu.Unlock()
	for _, r := range todo {
		known := w.m.pool.Has(r.ID)
		var err error
		if !known {
			err = w.m.pool.Submit(ctx, r.Tx)
		}
		if err == nil {
			w.mu.Lock()
			w.ledger.PoolTaken(r)
			w.mu.Unlock()
		}
		switch {
		case err != nil:
			w.log.Debug("unconfirmed transaction not taken by the node", "tx", r.ID, "err", err)
		case !known:
			w.log.Info("unconfirmed transaction given to the node again", "tx", r.ID)
		}
	}
	if len(todo) > 0 {
		w.m.deliver() // one may have taken another's place
	}
}

// errNoPool is what a node without a pool says to payments.
var errNoPool = errors.New("this node keeps no unconfirmed transactions")

// noPool is the pool of a node that has none.
type noPool struct{}

func (noPool) Submit(context.Context, *wire.Tx) error { return errNoPool }
func (noPool) Has(wire.Hash) bool                     { return false }
func (noPool) Tx(wire.Hash) *wire.Tx                  { return nil }
func (noPool) All() []*wire.Tx                        { return nil }
func (noPool) MinFee() int64                          { return 0 }
func (noPool) IncrementalFee() int64                  { return 0 }
func (noPool) EstimateFee(int, bool) (int64, bool)    { return 0, false }
func (noPool) Package(wire.Hash) (Package, bool)      { return Package{}, false }
