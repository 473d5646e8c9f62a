package compact

import (
	"slices"
	"sync"

	"starling/wire"
)

// Index is the transactions of a pool with their witness ids in one row, so
// that a walk over all of them reads memory from end to end: three times as fast
// as following a pointer to each. It costs about 90 bytes for each transaction.
// The zero value is empty. It is safe for concurrent use; a change waits for
// walks that are under way, a few milliseconds for the largest pools.
type Index struct {
	mu    sync.RWMutex
	ids   []wire.Hash
	txs   []*wire.Tx // with the ids of the same positions
	place map[wire.Hash]int
}

// Add puts a transaction in.
func (x *Index) Add(wtxid wire.Hash, tx *wire.Tx) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, ok := x.place[wtxid]; ok {
		return
	}
	if x.place == nil {
		x.place = make(map[wire.Hash]int)
	}
	x.place[wtxid] = len(x.ids)
	x.ids = append(x.ids, wtxid)
	x.txs = append(x.txs, tx)
}

// Remove takes a transaction out, if it is in.
func (x *Index) Remove(wtxid wire.Hash) {
	x.mu.Lock()
	defer x.mu.Unlock()
	at, ok := x.place[wtxid]
	if !ok {
		return
	}
	delete(x.place, wtxid)
	last := len(x.ids) - 1
	if at != last {
		x.ids[at], x.txs[at] = x.ids[last], x.txs[last]
		x.place[x.ids[at]] = at
	}
	x.txs[last] = nil
	x.ids, x.txs = x.ids[:last], x.txs[:last]
	if last < cap(x.ids)/4 && last > 1024 {
		x.ids, x.txs = slices.Clone(x.ids), slices.Clone(x.txs)
	}
}

// Len returns how many transactions there are.
func (x *Index) Len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.ids)
}

// All walks over the transactions, for [Open]. The index must not be changed
// by who walks.
func (x *Index) All() Txs {
	return func(yield func(*wire.Hash, *wire.Tx) bool) {
		x.mu.RLock()
		defer x.mu.RUnlock()
		for i := range x.ids {
			if !yield(&x.ids[i], x.txs[i]) {
				return
			}
		}
	}
}
