package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/store"
)

// Batch gathers changes for one commit. The zero value is empty.
type Batch struct {
	changes []change
	size    int
}

// Set gives key a value. The value must not be changed afterwards.
func (b *Batch) Set(key string, value []byte) {
	b.changes = append(b.changes, change{key: []byte(key), value: value})
	b.size += len(key) + len(value) + 16
}

// Delete takes the value of key away.
func (b *Batch) Delete(key string) {
	b.changes = append(b.changes, change{del: true, key: []byte(key)})
	b.size += len(key) + 16
}

// Len returns how many changes there are.
func (b *Batch) Len() int { return len(b.changes) }

// check refuses what the format has no room for.
func (b *Batch) check() error {
	for _, c := range b.changes {
		if len(c.key) > MaxKey || len(c.value) > MaxValue {
			return ErrTooLarge
		}
	}
	return nil
}

// Commit carries all of b out, however much it is, or nothing, and returns when
// it is on disk. After an error of the disk every later commit fails with it:
// what the file holds is known again only once it has been opened anew.
func (f *File) Commit(b *Batch) error {
	if len(b.changes) == 0 {
		return nil
	}
	if err := b.check(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed != nil {
		return f.failed
	}
	if f.end+int64(b.size) > maxFile && f.end > f.live {
		if err := f.rewrite(); err != nil {
			return err
		}
	}
	if f.end+int64(b.size) > maxFile {
		return ErrTooLarge
	}
	end, seq := f.end, f.seq
	for rec := range records(slices.Values(b.changes), &seq) {
		if _, err := f.f.WriteAt(rec, end); err != nil {
			return f.fail(err)
		}
		end += int64(len(rec))
	}
	if err := f.f.Sync(); err != nil {
		return f.fail(err)
	}
	// What is written now needs no sync: if it is lost the file only proves
	// less of itself.
	m := mark{seq: seq, end: end}
	if _, err := f.f.WriteAt(m.append(nil), markOffset(f.slot)); err != nil {
		return f.fail(err)
	}
	f.end, f.seq, f.slot = end, seq, 1-f.slot
	f.apply(b)
	if f.end > 2*f.live+rewriteAbove {
		// What was committed is safe whatever becomes of this.
		_ = f.rewrite()
	}
	return nil
}

// records yields the records of one commit, and leaves the number of the last
// one in seq. A record is good until the next.
func records(changes iter.Seq[change], seq *uint64) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		var payload, rec []byte
		for c := range changes {
			if len(payload) > 0 && len(payload)+len(c.key)+len(c.value) > partSize {
				*seq++
				rec = appendRecord(rec[:0], *seq, payload, true)
				if !yield(rec) {
					return
				}
				payload = payload[:0]
			}
			payload = c.append(payload)
		}
		*seq++
		yield(appendRecord(rec[:0], *seq, payload, false))
	}
}

// fail records that the disk failed.
func (f *File) fail(err error) error {
	if vfs.IsNoSpaceError(err) {
		err = &store.FullDiskError{Path: f.path, Err: err}
	}
	f.failed = err
	return err
}

// Replace carries b out by writing the file anew: in one step there is a file
// that holds nothing of what was overtaken. It is for secrets that are encrypted
// from now on.
func (f *File) Replace(b *Batch) error {
	if err := b.check(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed != nil {
		return f.failed
	}
	old, live := maps.Clone(f.data), f.live
	f.apply(b)
	err := f.rewrite()
	if err != nil && f.failed == nil {
		// Nothing has changed on disk.
		f.data, f.live = old, live
	}
	return err
}

// rewrite writes the file anew with the present content. The caller holds the
// lock.
func (f *File) rewrite() error {
	tmp := f.path + ".new"
	m, err := f.writeTo(func() (vfs.File, error) { return store.CreatePrivate(f.fs, tmp) })
	if err != nil {
		_ = f.fs.Remove(tmp) // gives the space back; the first error counts
		if vfs.IsNoSpaceError(err) {
			err = &store.FullDiskError{Path: f.path, Err: err}
		}
		return err
	}
	var old vfs.File
	old, f.f = f.f, nil
	if old != nil {
		if err := old.Close(); err != nil {
			return f.fail(err)
		}
	}
	if err := f.fs.Rename(tmp, f.path); err != nil {
		return f.fail(err)
	}
	if err := store.SyncDir(f.fs, f.fs.PathDir(f.path)); err != nil {
		return f.fail(err)
	}
	if f.f, err = f.fs.OpenReadWrite(f.path, vfs.WriteCategoryUnspecified); err != nil {
		return f.fail(err)
	}
	f.end, f.seq = m.end, m.seq
	return nil
}

// content yields the present content, as changes to an empty file.
func (f *File) content() iter.Seq[change] {
	return func(yield func(change) bool) {
		for _, k := range slices.Sorted(maps.Keys(f.data)) {
			if !yield(change{key: []byte(k), value: f.data[k]}) {
				return
			}
		}
	}
}

// writeTo writes the present content to a new file, durably, with the mark that
// proves it, which it returns.
func (f *File) writeTo(create func() (vfs.File, error)) (m mark, err error) {
	w, err := create()
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	m.end = headSize
	for rec := range records(f.content(), &m.seq) {
		if _, err := w.WriteAt(rec, m.end); err != nil {
			return m, err
		}
		m.end += int64(len(rec))
	}
	// The mark stands there twice, so that no damage to one takes the proof away.
	head := m.append(m.append(f.format.appendHeader(nil)))
	if _, err := w.WriteAt(head, 0); err != nil {
		return m, err
	}
	return m, w.Sync()
}

// WriteTo writes a copy of the file, with nothing in it that was overtaken, to
// another place, durably. It touches no other file there, and refuses to
// overwrite one.
func (f *File) WriteTo(fsys vfs.FS, path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	made := false
	_, err := f.writeTo(func() (vfs.File, error) {
		w, err := store.CreateNewPrivate(fsys, path)
		made = err == nil
		return w, err
	})
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%w: %s", ErrExists, path)
	case err != nil && made:
		return errors.Join(err, fsys.Remove(path))
	case err != nil:
		return err
	}
	return store.SyncDir(fsys, fsys.PathDir(path))
}
