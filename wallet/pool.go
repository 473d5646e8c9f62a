package wallet

import (
	"context"
	"errors"
	"sync"

	"starling/wire"
)

// maxPoolEvents bounds what the pool has told a wallet of and it has not looked at
// yet, counted in bytes of transactions. All wallets share these, so that it is
// what those that wait longest cost together. Beyond it the wallet looks through
// the pool as a whole instead.
const maxPoolEvents = 16 << 20

// eventCost is what an event takes beside its transaction's bytes.
const eventCost = 300

// poolEvent is a transaction that came into the pool or left it.
type poolEvent struct {
	tx    *wire.Tx
	added bool
}

// poolEvents is a queue between the pool, which must not wait, and a wallet, which
// may be busy.
type poolEvents struct {
	mu   sync.Mutex
	list []poolEvent
	size int
	lost bool // some did not fit
	wake chan struct{}
}

// TxAdded tells that a transaction came into the pool. It only takes note, and
// may be called with the pool locked.
func (m *Manager) TxAdded(tx *wire.Tx) { m.note(poolEvent{tx: tx, added: true}) }

// TxRemoved tells that a transaction left the pool, for whatever reason. It
// only takes note, and may be called with the pool locked.
func (m *Manager) TxRemoved(tx *wire.Tx) { m.note(poolEvent{tx: tx}) }

// note puts an event into the queue of each wallet. One that is loaded later looks
// through the pool by itself.
func (m *Manager) note(ev poolEvent) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, w := range m.loaded {
		w.events.put(ev)
	}
}

func (e *poolEvents) put(ev poolEvent) {
	cost := ev.tx.Size() + eventCost
	e.mu.Lock()
	if e.size+cost > maxPoolEvents {
		e.lost = true
	} else {
		e.list = append(e.list, ev)
		e.size += cost
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
	e.list, e.size, e.lost = nil, 0, false
	return list, lost
}

// listen takes in what the pool tells of until ctx ends.
func (w *Wallet) listen(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.events.wake:
			w.deliver()
		}
	}
}

// deliver takes in what the pool has told of.
func (w *Wallet) deliver() {
	w.delivery.Lock()
	defer w.delivery.Unlock()
	list, lost := w.events.take()
	if len(list) > 0 {
		w.takePoolEvents(list)
	}
	if lost {
		w.comparePool()
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

// lookThroughPool has the wallet look at all that is in the pool.
func (w *Wallet) lookThroughPool() {
	w.delivery.Lock()
	defer w.delivery.Unlock()
	w.comparePool()
}

// comparePool compares what the wallet believes of the pool with the pool. The caller
// holds delivery.
func (w *Wallet) comparePool() {
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
		w.deliver() // one may have taken another's place
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
