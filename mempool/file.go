package mempool

import (
	"encoding/binary"
	"time"

	"starling/wire"
)

// fileVersion is the version of the encoding below. The frame around it, with
// a checksum, is that of store.WriteFileAtomic.
//
//	count of entries, then for each, in the order of [Pool.Entries]:
//	  1 byte   1 if a chunk begins here, else 0
//	  8 bytes  when it came, in seconds since 1970, little-endian
//	  8 bytes  what prioritisation adds to its fee, in satoshi
//	  length and bytes of the transaction
//	count of prioritised transactions that are not there, then for each:
//	  32 bytes txid, 8 bytes what is added
//	count of unbroadcast transactions, then for each: 32 bytes txid
//
// Counts and lengths are CompactSizes.
const fileVersion = 1

const (
	minSavedEntry = 1 + 8 + 8 + 1
	savedDelta    = wire.HashSize + 8
)

// saved is what the file of a pool holds.
type saved struct {
	entries     []savedEntry
	deltas      []Delta
	unbroadcast []wire.Hash
}

type savedEntry struct {
	raw   []byte // a view into the file
	time  time.Time
	delta int64
	first bool // of its chunk
}

// encode appends the form above to dst.
func (s *saved) encode(dst []byte) []byte {
	dst = wire.AppendCompactSize(dst, uint64(len(s.entries)))
	for i := range s.entries {
		e := &s.entries[i]
		first := byte(0)
		if e.first {
			first = 1
		}
		dst = append(dst, first)
		dst = binary.LittleEndian.AppendUint64(dst, uint64(e.time.Unix()))
		dst = binary.LittleEndian.AppendUint64(dst, uint64(e.delta))
		dst = wire.AppendVarBytes(dst, e.raw)
	}
	dst = wire.AppendCompactSize(dst, uint64(len(s.deltas)))
	for _, d := range s.deltas {
		dst = append(dst, d.TxID[:]...)
		dst = binary.LittleEndian.AppendUint64(dst, uint64(d.Delta))
	}
	dst = wire.AppendCompactSize(dst, uint64(len(s.unbroadcast)))
	for _, id := range s.unbroadcast {
		dst = append(dst, id[:]...)
	}
	return dst
}

// size returns about how many bytes encode appends, a little more.
func (s *saved) size() int {
	n := 3 * 9
	for i := range s.entries {
		n += minSavedEntry + 9 + len(s.entries[i].raw)
	}
	return n + len(s.deltas)*savedDelta + len(s.unbroadcast)*wire.HashSize
}

// decodeSaved reads what encode writes. All counts are bounded by the input.
func decodeSaved(b []byte) (*saved, error) {
	c := wire.NewCursor(b, "mempool file")
	s := &saved{entries: make([]savedEntry, 0, c.Count(len(b), minSavedEntry))}
	for range cap(s.entries) {
		e := savedEntry{first: c.Uint8() != 0}
		e.time = time.Unix(int64(c.Uint64()), 0)
		e.delta = int64(c.Uint64())
		e.raw = c.VarBytes(wire.MaxBlockSize)
		if c.Err() != nil {
			break
		}
		s.entries = append(s.entries, e)
	}
	n := c.Count(len(b), savedDelta)
	for range n {
		s.deltas = append(s.deltas, Delta{TxID: c.Hash(), Delta: int64(c.Uint64())})
	}
	n = c.Count(len(b), wire.HashSize)
	for range n {
		s.unbroadcast = append(s.unbroadcast, c.Hash())
	}
	if err := c.End(); err != nil {
		return nil, err
	}
	return s, nil
}

// chunks cuts the entries where chunks begin. No chunk is longer than a
// package of ours can be.
func (s *saved) chunks() [][]savedEntry {
	var out [][]savedEntry
	from := 0
	for i := 1; i <= len(s.entries); i++ {
		if i == len(s.entries) || s.entries[i].first || i-from == MaxClusterCount {
			out = append(out, s.entries[from:i])
			from = i
		}
	}
	return out
}

// snapshot collects what is to be saved. The lock must be held for reading.
func (p *Pool) snapshot() *saved {
	s := &saved{entries: make([]savedEntry, 0, len(p.byTxID))}
	for c := range p.graph.Best() {
		for i, t := range c.Txs {
			e := owner(t).e
			s.entries = append(s.entries, savedEntry{
				raw: e.Tx.Bytes(), time: e.Time, delta: e.ModifiedFee - e.Fee, first: i == 0,
			})
		}
	}
	for id, d := range p.deltas {
		if p.byTxID[id] == nil {
			s.deltas = append(s.deltas, Delta{TxID: id, Delta: d})
		}
	}
	for id := range p.unbroadcast {
		s.unbroadcast = append(s.unbroadcast, id)
	}
	return s
}
