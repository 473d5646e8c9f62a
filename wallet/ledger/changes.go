package ledger

import (
	"bytes"
	"maps"
	"slices"

	"starling/wire"
)

// Changes is what has yet to be written to disk.
type Changes struct {
	Records []*Record   // new ones and those that have changed, ordered by id
	Removed []wire.Hash // records that are gone
	// Frozen are outputs that are frozen from now on, and Thawed those that are
	// so no more.
	Frozen, Thawed []wire.OutPoint
}

// Changes returns what has changed since [Ledger.Saved] was last called.
func (l *Ledger) Changes() Changes {
	var c Changes
	for _, id := range slices.SortedFunc(maps.Keys(l.dirty), compareHashes) {
		c.Records = append(c.Records, l.records[id])
	}
	c.Removed = slices.SortedFunc(maps.Keys(l.removed), compareHashes)
	for _, op := range slices.SortedFunc(maps.Keys(l.locks), compareOutPoints) {
		if l.locks[op] {
			c.Frozen = append(c.Frozen, op)
		} else {
			c.Thawed = append(c.Thawed, op)
		}
	}
	return c
}

// Saved says that all that [Ledger.Changes] named has been written.
func (l *Ledger) Saved() {
	clear(l.dirty)
	clear(l.removed)
	clear(l.locks)
	l.unsaved = 0
}

// Changed reports whether anything has to be written.
func (l *Ledger) Changed() bool { return len(l.dirty)+len(l.removed)+len(l.locks) > 0 }

// Unsaved returns how many records have yet to be written, and how large their
// transactions are together.
func (l *Ledger) Unsaved() (records, bytes int) { return len(l.dirty), l.unsaved }

// touch has a record written with the next save.
func (l *Ledger) touch(r *Record) {
	if !l.dirty[r.ID] {
		l.dirty[r.ID] = true
		l.unsaved += len(r.Tx.Bytes())
	}
	delete(l.removed, r.ID)
}

func compareHashes(a, b wire.Hash) int { return bytes.Compare(a[:], b[:]) }

func compareOutPoints(a, b wire.OutPoint) int {
	if d := compareHashes(a.Hash, b.Hash); d != 0 {
		return d
	}
	return int(int64(a.Index) - int64(b.Index))
}
