package compact

import (
	"sync"

	"starling/wire"
)

const (
	// DefaultExtra is how many transactions an [Extra] keeps, as Bitcoin Core
	// does. With [MaxExtraSize] they take 10 MB at most.
	DefaultExtra = 100
	// MaxExtraSize is the size, in bytes, from which on a transaction is not
	// kept: few are that large, and they would fill the memory.
	MaxExtraSize = 100_000
)

// Extra keeps the last transactions that the pool has refused, replaced or
// could not judge (orphans). Miners may see them otherwise, and a block that
// holds one can then be rebuilt all the same. The zero value keeps
// [DefaultExtra] of them. It is safe for concurrent use.
type Extra struct {
	mu   sync.Mutex
	ring []*wire.Tx
	next int
}

// Add keeps a transaction. The oldest one makes room for it.
func (e *Extra) Add(tx *wire.Tx) {
	if tx == nil || tx.Size() >= MaxExtraSize {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.ring) < DefaultExtra {
		e.ring = append(e.ring, tx)
		return
	}
	e.ring[e.next] = tx
	e.next = (e.next + 1) % len(e.ring)
}

// All returns what is kept, in no particular order.
func (e *Extra) All() []*wire.Tx {
	if e == nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]*wire.Tx(nil), e.ring...)
}
