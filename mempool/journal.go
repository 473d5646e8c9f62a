package mempool

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"starling/store/journal"
	"starling/wire"
)

// Beside the file of a pool there may be a journal: what has changed since the
// file was written. What it says is true of that one file only, so it names it,
// and the file that is written in its place, by the SHA-256 of what they hold.
// The keys of its changes are
//
//	"base"   the file that all others are changes to; the first of the first
//	         commit, and nowhere else
//	"next"   a file that holds all that the journal does
//	32 bytes a txid. Without a value, nothing is left of the transaction. A value
//	         of the kind 0 is of one that is not in the pool:
//	           8 bytes  what prioritisation adds to its fee, in satoshi
//	         of kind 1 or 3, in the pool; 3 if it is unbroadcast:
//	           8 bytes  when it came, in seconds since 1970, little-endian
//	           8 bytes  what prioritisation adds to its fee
//	           length and bytes of the transaction
//
// Each commit makes of one state of the pool a later one.
const (
	journalSuffix = ".journal"

	keyBase = "base"
	keyNext = "next"

	kindAbsent      = 0
	kindPresent     = 1
	kindUnbroadcast = kindPresent | 2

	minJournalEntry = 1 + 8 + 8 + 1
)

// journalFormat is that of the journal of a pool.
func journalFormat() journal.Format {
	return journal.Format{
		Magic:  "STARLING MEMPOOL",
		Name:   "journal of a mempool",
		Advice: "what it held beyond that is lost",
	}
}

// fileSum names what the file of a pool holds.
type fileSum [sha256.Size]byte

// state is how a transaction stands: whether it is in the pool, and what is to
// be saved of it.
type state struct {
	present     bool
	unbroadcast bool
	time        time.Time
	delta       int64
	raw         []byte
}

// noted is a transaction of which something has changed.
type noted struct {
	id wire.Hash
	state
}

// stateOf returns how a transaction stands. The lock must be held for reading.
func (p *Pool) stateOf(id wire.Hash) state {
	s := state{delta: p.deltas[id], unbroadcast: has(p.unbroadcast, id)}
	if it := p.byTxID[id]; it != nil {
		s.present, s.time, s.raw = true, it.e.Time, it.e.Tx.Bytes()
	}
	return s
}

// record adds a transaction to what goes into the journal.
func (n *noted) record(b *journal.Batch) {
	key := string(n.id[:])
	switch {
	case n.present:
		kind := byte(kindPresent)
		if n.unbroadcast {
			kind = kindUnbroadcast
		}
		v := append(make([]byte, 0, minJournalEntry+9+len(n.raw)), kind)
		v = binary.LittleEndian.AppendUint64(v, uint64(n.time.Unix()))
		v = binary.LittleEndian.AppendUint64(v, uint64(n.delta))
		b.Set(key, wire.AppendVarBytes(v, n.raw))
	case n.delta != 0:
		b.Set(key, binary.LittleEndian.AppendUint64([]byte{kindAbsent}, uint64(n.delta)))
	default:
		b.Delete(key)
	}
}

// parseState reads what record writes as a value.
func parseState(c *wire.Cursor) (s state) {
	switch kind := c.Uint8(); kind {
	case kindAbsent:
		s.delta = int64(c.Uint64())
	case kindPresent, kindUnbroadcast:
		s.present, s.unbroadcast = true, kind == kindUnbroadcast
		s.time = time.Unix(int64(c.Uint64()), 0)
		s.delta = int64(c.Uint64())
		s.raw = c.VarBytes(wire.MaxBlockSize)
	default:
		c.Failf("a transaction of kind %d", kind)
	}
	return s
}

// replay is what a journal says in the end.
type replay struct {
	begun  bool
	base   fileSum
	next   []fileSum
	states map[wire.Hash]state
}

// take reads one commit: all of it or, with an error, nothing.
func (r *replay) take(changes []journal.Change) error {
	got := *r
	states := make([]noted, 0, len(changes))
	for i := range changes {
		ch := &changes[i]
		c := wire.NewCursor(ch.Value, "mempool journal")
		switch key, first := string(ch.Key), !r.begun && i == 0; {
		case first && key == keyBase:
			got.begun, got.base = true, fileSum(c.Hash())
		case first:
			c.Failf("it begins with the key %q", key)
		case key == keyNext:
			got.next = append(got.next, fileSum(c.Hash()))
		case len(key) == wire.HashSize:
			n := noted{id: wire.Hash(ch.Key)}
			if !ch.Deleted {
				n.state = parseState(&c)
			}
			states = append(states, n)
		default:
			c.Failf("a change with the key %q", key)
		}
		if err := c.End(); err != nil {
			return err
		}
	}
	if got.states == nil {
		got.states = make(map[wire.Hash]state, len(states))
	}
	for _, n := range states {
		got.states[n.id] = n.state
	}
	*r = got
	return nil
}

// appliesTo reports whether the journal tells of changes to a file.
func (r *replay) appliesTo(file fileSum) bool { return r.begun && r.base == file }

// doneWith reports whether a file holds all that the journal tells of.
func (r *replay) doneWith(file fileSum) bool { return slices.Contains(r.next, file) }
