package coins

import (
	"starling/store"
	"starling/wire"
)

// Snapshot is the UTXO set as the store holds it at one block. It is for
// scans, and stays as it is while the chain goes on. Close it after use.
type Snapshot struct {
	Best wire.Hash
	snap *store.Snapshot

	dir   string
	total Total
	known bool // whether total is right
}

// Snapshot returns the UTXO set as last flushed. Only the writer may call it;
// the snapshot may be used anywhere.
func (c *Cache) Snapshot() *Snapshot {
	return &Snapshot{Best: c.best, snap: c.db.Snapshot(), dir: c.db.Dir(), total: c.total, known: c.known}
}

// Close releases the snapshot.
func (s *Snapshot) Close() error { return s.snap.Close() }

// All calls fn with every coin, in the order of transaction id (as bytes) and
// index, until fn returns an error.
func (s *Snapshot) All(fn func(op wire.OutPoint, c Coin) error) error {
	return s.snap.Iterate([]byte{keyCoin}, func(key, value []byte) error {
		op, ok := outPointOf(key)
		if !ok {
			return s.damage("a key of the UTXO set does not decode")
		}
		c, err := DecodeCoin(value)
		if err != nil {
			return s.damage("the coin " + op.Hash.String() + " does not decode")
		}
		return fn(op, c)
	})
}
