package coins

import (
	"fmt"

	"starling/store"
	"starling/wire"
)

// Keys in the store. Coins are under keyCoin, see appendKey.
const (
	keyCoin  = 'C'
	keyBest  = 'B' // hash of the block that the stored set stands for
	keyHeads = 'H' // old and new hash, while a flush is unfinished
	keyTotal = 'T' // total of the stored set; written with the heads, for the new block
)

// MaxBatch is how many bytes of changes one batch of a flush holds at most,
// and so about what a flush costs in memory.
const MaxBatch = 16 << 20

func (c *Cache) readMarks() error {
	best, hasBest, err := c.db.Get([]byte{keyBest})
	if err != nil {
		return err
	}
	heads, hasHeads, err := c.db.Get([]byte{keyHeads})
	if err != nil {
		return err
	}
	switch {
	case hasHeads && len(heads) == 2*wire.HashSize:
		c.heads = &Heads{Old: wire.Hash(heads[:wire.HashSize]), New: wire.Hash(heads[wire.HashSize:])}
		c.best = c.heads.Old
	case hasBest && len(best) == wire.HashSize:
		c.best = wire.Hash(best)
	case hasHeads || hasBest:
		return &store.CorruptError{
			Path: c.db.Dir(), What: "the mark of the best block is damaged",
			Advice: "rebuild the UTXO set with --reindex",
		}
	default:
		c.dbEmpty.Store(true)
	}
	return nil
}

// Flush writes all changes to the store and returns how many coins that were.
// With drop it also empties the cache; otherwise what is unspent stays cached.
// began, if not nil, is called once the first record is on disk: from then
// until Flush returns a crash leaves an interrupted flush behind.
//
// Whatever the changes rest on, blocks and undo records, must be on disk
// already. Only the writer may call it; readers go on meanwhile.
//
// After an error the cache can not be written any more, and says so each time:
// what is in the store then is part of the way to one block, and no other way
// may begin there. Opening the store anew recovers.
func (c *Cache) Flush(drop bool, began func()) (written int, err error) {
	if c.broken == nil {
		written, c.broken = c.flush(drop, began)
	}
	return written, c.broken
}

func (c *Cache) flush(drop bool, began func()) (written int, err error) {
	// The entries are stable: only the writer changes them. Readers keep
	// finding everything in memory until the lock is taken at the end.
	old, _, err := c.db.Get([]byte{keyBest})
	if err != nil {
		return 0, err
	}
	if c.heads != nil {
		old = c.heads.Old[:]
	}
	if len(old) != wire.HashSize {
		old = make([]byte, wire.HashSize)
	}
	if c.heads == nil && wire.Hash(old) == c.best && c.stored == c.known {
		// The store stands for the same block, so whatever has changed since
		// has changed back.
		c.settle(drop)
		return 0, nil
	}
	if err := c.writeFirst(old); err != nil {
		return 0, err
	}
	c.dbEmpty.Store(false)
	if began != nil {
		began()
	}
	if written, err = c.writeChanges(); err != nil {
		return written, err
	}
	if err := c.writeLast(); err != nil {
		return written, err
	}
	c.settle(drop)
	return written, nil
}

// writeFirst writes the record that comes before the changes: the block that the
// store stands for and that where it goes, with the total of the set there.
func (c *Cache) writeFirst(old []byte) error {
	b := c.db.NewBatch()
	b.Delete([]byte{keyBest})
	b.Set([]byte{keyHeads}, append(append([]byte(nil), old...), c.best[:]...))
	if c.known {
		b.Set([]byte{keyTotal}, c.total.encode(c.best))
	} else {
		b.Delete([]byte{keyTotal})
	}
	b.Note(c.note())
	return c.db.Write(b, true)
}

// writeChanges writes all that differs from the store, in batches, and returns
// how many coins that were.
func (c *Cache) writeChanges() (written int, err error) {
	b := c.db.NewBatch()
	var key [1 + wire.OutPointSize]byte
	var val []byte
	for op, e := range c.entries {
		if e.flags&flagDirty == 0 {
			continue
		}
		k := appendKey(key[:0], &op)
		if e.flags&flagSpent != 0 {
			b.Delete(k)
		} else {
			coin := Coin{Value: e.value, Height: int32(e.code >> 1), Coinbase: e.code&1 != 0, Script: e.script[:e.n]}
			if e.flags&flagLong != 0 {
				coin.Script = c.long[op]
			}
			val = coin.Append(val[:0])
			b.Set(k, val)
		}
		written++
		if b.Len() >= MaxBatch {
			if err := c.db.Write(b, false); err != nil {
				return written, err
			}
			b = c.db.NewBatch()
		}
	}
	return written, c.db.Write(b, false)
}

// writeLast writes the record that comes after the changes: the store stands for
// the cache's block.
func (c *Cache) writeLast() error {
	b := c.db.NewBatch()
	b.Set([]byte{keyBest}, c.best[:])
	b.Delete([]byte{keyHeads})
	return c.db.Write(b, true)
}

// note says what the store holds after a flush.
func (c *Cache) note() string {
	if !c.known {
		return fmt.Sprintf("the coins of block %v", c.best)
	}
	return fmt.Sprintf("the %d coins of block %v", c.total.Coins, c.best)
}

// settle notes that the store holds all that the cache does, and with drop
// empties the cache.
func (c *Cache) settle(drop bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heads, c.stored = nil, c.known
	c.epoch.Add(1)
	if drop {
		// New maps, not emptied ones: a map never gives its memory back.
		c.entries = make(map[wire.OutPoint]entry)
		c.long = make(map[wire.OutPoint][]byte)
		c.longLen = 0
		return
	}
	for op, e := range c.entries {
		if e.flags&flagSpent != 0 {
			delete(c.entries, op)
		} else if e.flags != e.flags&flagLong {
			e.flags &= flagLong
			c.entries[op] = e
		}
	}
}
