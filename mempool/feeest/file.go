package feeest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/store"
)

// fileVersion is the version of the encoding below. The frame around it, with
// a checksum, is that of store.WriteFileAtomic. All numbers are little-endian:
//
//	8 bytes  when it was written, in seconds since 1970
//	4 bytes  height of the last block
//	4 bytes  heights of the first and
//	4 bytes  the last block that something was learned from
//	4 bytes  number of buckets
//	then for each horizon, short to long, numbers of 8 bytes (IEEE 754), one
//	for each bucket: transactions seen, sum of their rates, and for each
//	period: confirmed within, failed after
//
// It changes with the buckets or the horizons.
const fileVersion = 1

// maxAge is how old a file may be: fees of days ago mislead.
const maxAge = 60 * time.Hour

// ErrStale says that a file is too old to be of use.
var ErrStale = errors.New("fee estimates are more than 60 hours old; starting without")

const fileHeader = 8 + 4 + 4 + 4 + 4

// each calls f with all sums in the order of the file.
func (s *stats) each(f func([]float64)) {
	f(s.seen)
	f(s.rates)
	for i := range s.within {
		f(s.within[i])
		f(s.failed[i])
	}
}

// Save writes what was learned, in one step. now is for the age of the file.
func (e *Estimator) Save(fs vfs.FS, path string, now time.Time) error {
	return store.WriteFileAtomic(fs, path, fileVersion, e.encode(now))
}

func (e *Estimator) encode(now time.Time) []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	first, last := e.first, e.best
	if old := e.oldBest - e.oldFirst; e.oldFirst != 0 && e.best-e.oldBest <= oldestHistory &&
		(e.first == 0 || e.best-e.first <= old/2) {
		first, last = e.oldFirst, e.oldBest // more was learned before this run
	}
	b := binary.LittleEndian.AppendUint64(nil, uint64(now.Unix()))
	for _, n := range []int32{e.best, first, last, int32(len(e.bounds))} {
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	for _, s := range e.stats {
		s.each(func(v []float64) {
			for _, x := range v {
				b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
			}
		})
	}
	return b
}

// Load reads what Save wrote, in place of what the estimator has counted; it
// should have seen nothing yet. On an
// error the estimator is as before: *store.CorruptError and *store.VersionError
// for what can not be read, ErrStale for what is too old, fs.ErrNotExist for
// what is not there.
func (e *Estimator) Load(fs vfs.FS, path string, now time.Time) error {
	b, err := store.ReadFileChecked(fs, path, fileVersion)
	if err != nil {
		return err
	}
	if err := e.decode(b, now); errors.Is(err, ErrStale) {
		return err
	} else if err != nil {
		return &store.CorruptError{Path: path, What: err.Error(), Advice: "remove it; fees will be learned anew"}
	}
	return nil
}

func (e *Estimator) decode(b []byte, now time.Time) error {
	n := New()
	want := fileHeader
	for _, s := range n.stats {
		s.each(func(v []float64) { want += 8 * len(v) })
	}
	if len(b) != want {
		return fmt.Errorf("%d bytes of fee estimates instead of %d", len(b), want)
	}
	written := time.Unix(int64(binary.LittleEndian.Uint64(b)), 0)
	b = b[8:]
	var heights [4]int32
	for i := range heights {
		heights[i] = int32(binary.LittleEndian.Uint32(b))
		b = b[4:]
	}
	n.best, n.oldFirst, n.oldBest = heights[0], heights[1], heights[2]
	if n.oldFirst < 0 || n.oldFirst > n.oldBest || n.oldBest > n.best || int(heights[3]) != len(n.bounds) {
		return errors.New("heights out of order")
	}
	for _, s := range n.stats {
		s.used = true
		s.each(func(v []float64) {
			for i := range v {
				v[i] = math.Float64frombits(binary.LittleEndian.Uint64(b))
				b = b[8:]
			}
		})
		if !s.valid() {
			return errors.New("sums that can not be")
		}
	}
	if now.Sub(written) > maxAge {
		return ErrStale
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	// Blocks that were seen meanwhile are seen: heights never go back.
	e.stats, e.best, e.oldFirst, e.oldBest = n.stats, max(e.best, n.best), n.oldFirst, n.oldBest
	return nil
}
