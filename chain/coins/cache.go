package coins

import (
	"sync"
	"sync/atomic"

	"starling/script"
	"starling/store"
	"starling/wire"
)

// entryCost is what one coin costs in memory, in bytes: a 36-byte key, a
// 56-byte entry and its share of the map's free slots and control bytes.
const entryCost = 136

// inlineScript is how many script bytes fit into an entry. Every standard
// output but bare multisig and data carriers fits; longer scripts are kept
// aside. Entries have no pointers, so the garbage collector never walks them.
const inlineScript = 42

const (
	flagDirty = 1 << iota // differs from the store
	flagFresh             // the store has no coin under this key
	flagSpent             // a tombstone: spent since the last flush
	flagLong              // the script is kept aside
)

type entry struct {
	value  int64
	code   uint32 // height << 1 | coinbase
	flags  uint8
	n      uint8 // script length, if it is inline
	script [inlineScript]byte
}

// Cache is the UTXO set: a cache of changes in front of the store. One writer
// at a time may call the methods that change it; any number of goroutines may
// look coins up meanwhile.
type Cache struct {
	db *store.DB

	mu      sync.RWMutex // the fields below; held for writing while a block is applied
	entries map[wire.OutPoint]entry
	long    map[wire.OutPoint][]byte
	longLen int64
	best    wire.Hash
	heads   *Heads // set while a flush is unfinished
	total   Total  // of the set with its changes, if known
	known   bool
	stored  bool // whether the store has the total
	hasher  hasher

	// Changed by the writer only.
	epoch   atomic.Uint64 // counts the flushes that dropped entries; see Get
	dbEmpty atomic.Bool   // whether nothing was ever flushed
	broken  error         // why a flush failed; see Flush
}

// Heads names the blocks between which a flush was interrupted: the store
// holds some of the changes that lead from Old to New.
type Heads struct{ Old, New wire.Hash }

// Open reads the state of the UTXO set in db. The cache does not close db.
func Open(db *store.DB) (*Cache, error) {
	c := &Cache{db: db, entries: make(map[wire.OutPoint]entry), long: make(map[wire.OutPoint][]byte)}
	if err := c.readMarks(); err != nil {
		return nil, err
	}
	if err := c.readTotal(); err != nil {
		return nil, err
	}
	return c, nil
}

// Best returns the block that the UTXO set stands for; zero before the first.
func (c *Cache) Best() wire.Hash {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.best
}

// Interrupted returns what an unfinished flush left behind, or nil.
func (c *Cache) Interrupted() *Heads { return c.heads }

// Bytes returns about how much memory the cached entries take.
func (c *Cache) Bytes() int64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return int64(len(c.entries))*entryCost + c.longLen
}

// Get returns the coin at op, and the block that this answer stands for. With an
// error it returns neither.
func (c *Cache) Get(op wire.OutPoint) (coin Coin, ok bool, at wire.Hash, err error) {
	// The lock is not held while the disk is read, so that no reader keeps the
	// writer waiting. What was read is the answer if op has no entry before and
	// after, and no flush was finished in between: whatever changes a coin makes
	// an entry of it, and only the end of a flush, which may have written the
	// change, takes entries of changes away. Otherwise it is read again, which
	// happens about once for each flush.
	var epoch uint64
	for read := false; ; read = true {
		c.mu.RLock()
		if e, hit := c.entries[op]; hit {
			var arena []byte
			coin, ok = c.coinOf(&op, &e, &arena)
			at = c.best
			c.mu.RUnlock()
			return coin, ok, at, nil
		}
		now, best := c.epoch.Load(), c.best
		c.mu.RUnlock()
		if read && now == epoch {
			return coin, ok, best, nil
		}
		epoch = now
		if coin, ok, err = c.load(&op); err != nil {
			return Coin{}, false, wire.Hash{}, err
		}
	}
}

// coinOf turns an entry into a coin, its script appended to arena. It reports
// false for a tombstone. The lock must be held.
func (c *Cache) coinOf(op *wire.OutPoint, e *entry, arena *[]byte) (Coin, bool) {
	if e.flags&flagSpent != 0 {
		return Coin{}, false
	}
	coin := Coin{Value: e.value, Height: int32(e.code >> 1), Coinbase: e.code&1 != 0}
	if e.flags&flagLong != 0 {
		coin.Script = c.long[*op]
		return coin, true
	}
	at := len(*arena)
	*arena = append(*arena, e.script[:e.n]...)
	coin.Script = (*arena)[at:len(*arena):len(*arena)]
	return coin, true
}

// load reads a coin from the store.
func (c *Cache) load(op *wire.OutPoint) (Coin, bool, error) {
	if c.dbEmpty.Load() {
		return Coin{}, false, nil
	}
	var buf [1 + wire.OutPointSize]byte
	v, ok, err := c.db.Get(appendKey(buf[:0], op))
	if err != nil || !ok {
		return Coin{}, false, err
	}
	coin, err := DecodeCoin(v)
	if err != nil {
		return Coin{}, false, &store.CorruptError{
			Path: c.db.Dir(), What: "the coin " + op.Hash.String() + " does not decode",
			Advice: "rebuild the UTXO set with --reindex",
		}
	}
	return coin, true, nil
}

// add puts a new coin into the cache. fresh says that the store certainly has
// no coin there. The lock must be held for writing.
func (c *Cache) add(op wire.OutPoint, out *wire.TxOut, height int32, coinbase, fresh bool) {
	old, had := c.entries[op]
	if had {
		c.dropLong(op, &old)
		// A tombstone in place means that the store may still hold the coin
		// that was spent; a fresh entry means that it does not.
		fresh = old.flags&flagFresh != 0
	}
	e := entry{value: out.Value, code: uint32(height) << 1, flags: flagDirty}
	if coinbase {
		e.code |= 1
	}
	if fresh {
		e.flags |= flagFresh
	}
	if len(out.Script) <= inlineScript {
		e.n = uint8(copy(e.script[:], out.Script))
	} else {
		e.flags |= flagLong
		c.long[op] = append([]byte(nil), out.Script...)
		c.longLen += int64(len(out.Script)) + entryCost
	}
	c.entries[op] = e
}

// remove takes a coin out, whether the cache holds it or only the store. The
// lock must be held for writing.
func (c *Cache) remove(op wire.OutPoint) {
	e, had := c.entries[op]
	if had {
		c.dropLong(op, &e)
		if e.flags&flagFresh != 0 {
			delete(c.entries, op)
			return
		}
	}
	c.entries[op] = entry{flags: flagDirty | flagSpent}
}

func (c *Cache) dropLong(op wire.OutPoint, e *entry) {
	if e.flags&flagLong != 0 {
		c.longLen -= int64(len(c.long[op])) + entryCost
		delete(c.long, op)
	}
}

// has reports whether a coin exists at op. Only the writer may call it.
func (c *Cache) has(op *wire.OutPoint) (bool, error) {
	c.mu.RLock()
	e, hit := c.entries[*op]
	c.mu.RUnlock()
	if hit {
		return e.flags&flagSpent == 0, nil
	}
	_, ok, err := c.load(op)
	return ok, err
}

// spendable reports whether an output enters the UTXO set at all.
func spendable(out *wire.TxOut) bool { return !script.IsUnspendable(out.Script) }
