package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/store"
)

// Log is a file of commits that keeps none of them in memory: who opens one is
// handed what they hold, once and in order. It is not safe for concurrent use.
type Log struct {
	format Format
	fs     vfs.FS
	path   string

	f      vfs.File
	end    int64 // where the next record goes
	seq    uint64
	slot   int64 // where the next mark goes
	torn   int   // bytes left out at the end when it was opened
	failed error
}

// CreateLog makes a new file that holds b as its first commit, durably. If it
// fails it leaves none behind, and one that was there before alone.
func (k Format) CreateLog(fsys vfs.FS, path string, b *Batch) (*Log, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	return k.create(fsys, path, slices.Values(b.changes))
}

func (k Format) create(fsys vfs.FS, path string, content iter.Seq[Change]) (*Log, error) {
	if _, err := fsys.Stat(path); err == nil {
		return nil, fmt.Errorf("%w: %s", ErrExists, path)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	l := &Log{format: k, fs: fsys, path: path}
	if err := l.rewrite(content); err != nil {
		_ = fsys.Remove(path) // nothing was there, so this is what has just been made
		return nil, err
	}
	return l, nil
}

// OpenLog reads a file and hands each commit to take, which may keep what it is
// given. If take returns an error that is OpenLog's, and so is damage, when take
// has seen what is whole before it. If the end was cut short by a crash
// ([Log.Torn]) nothing can be appended; otherwise the file goes on.
func (k Format) OpenLog(fsys vfs.FS, path string, take func([]Change) error) (*Log, error) {
	l, raw, err := k.open(fsys, path, take)
	if err != nil {
		return nil, err
	}
	if l.f == nil {
		l.failed = l.corrupt(l.end, "%d bytes at its end are not whole", len(raw)-int(l.end))
	}
	return l, nil
}

// open reads a file and opens it for appending, unless its end is torn or it is
// of an old version. It returns the bytes of the file, too.
func (k Format) open(fsys vfs.FS, path string, take func([]Change) error) (*Log, []byte, error) {
	raw, err := k.read(fsys, path)
	if err != nil {
		return nil, nil, err
	}
	if err := store.MakePrivate(fsys, path); err != nil {
		return nil, nil, err
	}
	l := &Log{format: k, fs: fsys, path: path}
	version, err := l.load(raw, take)
	if err != nil {
		return nil, nil, err
	}
	if l.torn == 0 && version == fileVersion {
		l.f, err = fsys.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	}
	return l, raw, err
}

func (k Format) read(fsys vfs.FS, path string) ([]byte, error) {
	f, err := fsys.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if st.Size() > maxFile {
		return nil, &store.CorruptError{Path: path, What: fmt.Sprintf("%d bytes long", st.Size()), Advice: k.Advice}
	}
	raw := make([]byte, st.Size())
	if _, err := io.ReadFull(f, raw); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return raw, nil
}

// Size returns how many bytes the file has, but for a torn end.
func (l *Log) Size() int64 { return l.end }

// Torn returns how many bytes at the end were left out when the file was
// opened.
func (l *Log) Torn() int { return l.torn }

// Append carries all of b out, however much it is, or nothing, and returns when
// it is on disk. It costs what b holds, whatever the file does. After an error
// of the disk every later call fails with it: what the file holds is known again
// only once it has been opened anew.
func (l *Log) Append(b *Batch) error {
	if len(b.changes) == 0 {
		return nil
	}
	if err := b.check(); err != nil {
		return err
	}
	if l.failed != nil {
		return l.failed
	}
	if l.end+int64(b.size) > maxFile {
		return ErrTooLarge
	}
	end, seq := l.end, l.seq
	for rec := range records(slices.Values(b.changes), &seq) {
		if _, err := l.f.WriteAt(rec, end); err != nil {
			return l.fail(err)
		}
		end += int64(len(rec))
	}
	if err := l.f.Sync(); err != nil {
		return l.fail(err)
	}
	// What is written now needs no sync: if it is lost the file only proves
	// less of itself.
	m := mark{seq: seq, end: end}
	if _, err := l.f.WriteAt(m.append(nil), markOffset(l.slot)); err != nil {
		return l.fail(err)
	}
	l.end, l.seq, l.slot = end, seq, 1-l.slot
	return nil
}

// records yields the records of one commit, and leaves the number of the last
// one in seq. A record is good until the next.
func records(changes iter.Seq[Change], seq *uint64) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		var payload, rec []byte
		for c := range changes {
			if len(payload) > 0 && len(payload)+len(c.Key)+len(c.Value) > partSize {
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
func (l *Log) fail(err error) error {
	if vfs.IsNoSpaceError(err) {
		err = &store.FullDiskError{Path: l.path, Err: err}
	}
	l.failed = err
	return err
}

// rewrite writes the file anew with content as its first commit.
func (l *Log) rewrite(content iter.Seq[Change]) error {
	tmp := l.path + ".new"
	m, err := l.format.writeTo(content, func() (vfs.File, error) { return store.CreatePrivate(l.fs, tmp) })
	if err != nil {
		_ = l.fs.Remove(tmp) // gives the space back; the first error counts
		if vfs.IsNoSpaceError(err) {
			err = &store.FullDiskError{Path: l.path, Err: err}
		}
		return err
	}
	var old vfs.File
	old, l.f = l.f, nil
	if old != nil {
		if err := old.Close(); err != nil {
			return l.fail(err)
		}
	}
	if err := l.fs.Rename(tmp, l.path); err != nil {
		return l.fail(err)
	}
	if err := store.SyncDir(l.fs, l.fs.PathDir(l.path)); err != nil {
		return l.fail(err)
	}
	if l.f, err = l.fs.OpenReadWrite(l.path, vfs.WriteCategoryUnspecified); err != nil {
		return l.fail(err)
	}
	l.end, l.seq = m.end, m.seq
	return nil
}

// writeTo writes content to a new file, durably, with the mark that proves it,
// which it returns.
func (k Format) writeTo(content iter.Seq[Change], create func() (vfs.File, error)) (m mark, err error) {
	w, err := create()
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	m.end = headSize
	for rec := range records(content, &m.seq) {
		if _, err := w.WriteAt(rec, m.end); err != nil {
			return m, err
		}
		m.end += int64(len(rec))
	}
	// The mark stands there twice, so that no damage to one takes the proof away.
	head := m.append(m.append(k.appendHeader(nil)))
	if _, err := w.WriteAt(head, 0); err != nil {
		return m, err
	}
	return m, w.Sync()
}

// Close closes the file. Every commit is on disk already.
func (l *Log) Close() error {
	if l.f == nil {
		return nil
	}
	err := errors.Join(l.f.Sync(), l.f.Close())
	l.f = nil
	if l.failed == nil {
		l.failed = store.ErrClosed
	}
	return err
}
