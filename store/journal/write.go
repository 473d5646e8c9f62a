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
	changes []Change
	size    int
}

// Set gives key a value. The value must not be changed afterwards.
func (b *Batch) Set(key string, value []byte) {
	b.changes = append(b.changes, Change{Key: []byte(key), Value: value})
	b.size += len(key) + len(value) + 16
}

// Delete takes the value of key away.
func (b *Batch) Delete(key string) {
	b.changes = append(b.changes, Change{Deleted: true, Key: []byte(key)})
	b.size += len(key) + 16
}

// Len returns how many changes there are.
func (b *Batch) Len() int { return len(b.changes) }

// Size returns about how many bytes the changes take in a file, a little more.
func (b *Batch) Size() int { return b.size }

// check refuses what the format has no room for.
func (b *Batch) check() error {
	for _, c := range b.changes {
		if len(c.Key) > MaxKey || len(c.Value) > MaxValue {
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
	if f.log.failed != nil {
		return f.log.failed
	}
	if f.log.end+int64(b.size) > maxFile && f.log.end > f.live {
		if err := f.rewrite(); err != nil {
			return err
		}
	}
	if err := f.log.Append(b); err != nil {
		return err
	}
	f.apply(b.changes)
	if f.log.end > 2*f.live+rewriteAbove {
		// What was committed is safe whatever becomes of this.
		_ = f.rewrite()
	}
	return nil
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
	if f.log.failed != nil {
		return f.log.failed
	}
	old, live := maps.Clone(f.data), f.live
	f.apply(b.changes)
	err := f.rewrite()
	if err != nil && f.log.failed == nil {
		// Nothing has changed on disk.
		f.data, f.live = old, live
	}
	return err
}

// rewrite writes the file anew with the present content. The caller holds the
// lock.
func (f *File) rewrite() error { return f.log.rewrite(f.content()) }

// content yields the present content, as changes to an empty file.
func (f *File) content() iter.Seq[Change] {
	return func(yield func(Change) bool) {
		for _, k := range slices.Sorted(maps.Keys(f.data)) {
			if !yield(Change{Key: []byte(k), Value: f.data[k]}) {
				return
			}
		}
	}
}

// WriteTo writes a copy of the file, with nothing in it that was overtaken, to
// another place, durably. It touches no other file there, and refuses to
// overwrite one.
func (f *File) WriteTo(fsys vfs.FS, path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	made := false
	_, err := f.log.format.writeTo(f.content(), func() (vfs.File, error) {
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
