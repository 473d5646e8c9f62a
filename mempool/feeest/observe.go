package feeest

import (
	"starling/chain/headertree"
	"starling/mempool"
	"starling/wire"
)

// Watcher feeds an estimator from a pool: it is a [mempool.Observer].
type Watcher struct {
	Estimator *Estimator
	// Current reports whether the chain is up to date; what comes meanwhile
	// says nothing about fees. Nil for always. It must not call the pool.
	Current func() bool

	confirmed []wire.Hash // since the last TipMoved
}

var _ mempool.Observer = (*Watcher)(nil)

// TxAdded implements [mempool.Observer].
func (w *Watcher) TxAdded(e *mempool.Entry) {
	// Sequence 0 is for what a reorganisation puts back.
	if !e.Orphanless || e.Packaged || e.Sequence == 0 || w.Current != nil && !w.Current() {
		return
	}
	w.Estimator.Added(Tx{ID: e.TxID, Height: e.Height, Fee: e.Fee, VSize: e.VSize})
}

// TxRemoved implements [mempool.Observer].
func (w *Watcher) TxRemoved(e *mempool.Entry, why mempool.RemovalReason) {
	if why == mempool.RemovedBlock {
		w.confirmed = append(w.confirmed, e.TxID)
		return
	}
	w.Estimator.Removed(e.TxID)
}

// TipMoved implements [mempool.Observer]. Of several blocks at once the last
// one counts as that which held the transactions.
func (w *Watcher) TipMoved(_ *headertree.Node, connected []*headertree.Node) {
	for i, n := range connected {
		if i < len(connected)-1 {
			w.Estimator.Block(n.Height, nil)
			continue
		}
		w.Estimator.Block(n.Height, w.confirmed)
	}
	if len(connected) > 0 {
		clear(w.confirmed)
		w.confirmed = w.confirmed[:0]
	}
}
