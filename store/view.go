package store

import (
	"bytes"

	"github.com/cockroachdb/pebble/v2"
)

// Snapshot is the database as it was at one instant. It keeps what has been
// overwritten since from being freed, so it must be closed. Safe for concurrent
// use, but for Close.
type Snapshot struct {
	d *DB
	s *pebble.Snapshot
}

// Snapshot returns the database as it is now. After Close of the database all
// its methods return ErrClosed.
func (d *DB) Snapshot() *Snapshot {
	s := &Snapshot{d: d}
	if !d.use.enter() {
		return s
	}
	defer d.use.leave()
	s.s = d.db.NewSnapshot()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.snapshots[s] = struct{}{}
	return s
}

// Get is [DB.Get] at the instant of the snapshot.
func (s *Snapshot) Get(key []byte) ([]byte, bool, error) {
	if !s.d.use.enter() {
		return nil, false, ErrClosed
	}
	defer s.d.use.leave()
	if s.s == nil {
		return nil, false, ErrClosed
	}
	return s.d.get(s.s, key)
}

// Iterate is [DB.Iterate] at the instant of the snapshot.
func (s *Snapshot) Iterate(prefix []byte, fn func(key, value []byte) error) error {
	return s.IterateFrom(prefix, nil, fn)
}

// IterateFrom is [DB.IterateFrom] at the instant of the snapshot.
func (s *Snapshot) IterateFrom(prefix, from []byte, fn func(key, value []byte) error) error {
	if !s.d.use.enter() {
		return ErrClosed
	}
	defer s.d.use.leave()
	if s.s == nil {
		return ErrClosed
	}
	return s.d.iterate(s.s, prefix, from, fn)
}

// Close lets go of the snapshot. It must not be called while another call is
// under way, and may be called twice.
func (s *Snapshot) Close() error {
	if !s.d.use.enter() {
		return nil // the database closed it
	}
	defer s.d.use.leave()
	s.d.mu.Lock()
	_, open := s.d.snapshots[s]
	delete(s.d.snapshots, s)
	s.d.mu.Unlock()
	if !open {
		return nil
	}
	err := s.s.Close()
	s.s = nil
	return dbError(s.d.dir, err)
}

// Iterate calls fn for each key that begins with prefix, in order, until fn
// returns an error. That error is returned, but for [ErrStop], which ends the
// iteration well. Key and value are valid during the call only. It sees the
// database as it was when it began; fn may write to it.
func (d *DB) Iterate(prefix []byte, fn func(key, value []byte) error) error {
	return d.IterateFrom(prefix, nil, fn)
}

// IterateFrom is [DB.Iterate] without the keys below from.
func (d *DB) IterateFrom(prefix, from []byte, fn func(key, value []byte) error) error {
	if !d.use.enter() {
		return ErrClosed
	}
	defer d.use.leave()
	return d.iterate(d.db, prefix, from, fn)
}

func (d *DB) get(r pebble.Reader, key []byte) ([]byte, bool, error) {
	v, closer, err := r.Get(key)
	if err == pebble.ErrNotFound {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, d.readError(err)
	}
	v = append(make([]byte, 0, len(v)), v...)
	if err := closer.Close(); err != nil {
		return nil, false, d.readError(err)
	}
	return v, true, nil
}

func (d *DB) iterate(r pebble.Reader, prefix, from []byte, fn func(key, value []byte) error) (err error) {
	lower := prefix
	if bytes.Compare(from, lower) > 0 {
		lower = from
	}
	if len(lower) == 0 {
		lower = nil // no bound; with its own checks on, Pebble looks at the first byte of one
	}
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: prefixEnd(prefix)})
	if err != nil {
		return d.readError(err)
	}
	defer func() {
		if cerr := it.Close(); err == nil {
			err = d.readError(cerr)
		}
	}()
	for ok := it.First(); ok; ok = it.Next() {
		v, err := it.ValueAndErr()
		if err != nil {
			return d.readError(err)
		}
		if err := fn(it.Key(), v); err == ErrStop {
			return nil
		} else if err != nil {
			return err
		}
	}
	return d.readError(it.Error())
}

// prefixEnd returns the first key behind all that begin with prefix, or nil if
// there is none.
func prefixEnd(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xff {
			end := bytes.Clone(prefix[:i+1])
			end[i]++
			return end
		}
	}
	return nil
}
