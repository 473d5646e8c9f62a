package store

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// keyGeneration holds the number of the database's last synced write, in
// databases that have a mark.
var keyGeneration = []byte("\x00mark")

// tracker keeps the mark of one database. It sees, through the guard, all that
// Pebble writes to its logs and manifests and what of it is synced.
type tracker struct {
	fs   vfs.FS
	path string // of the mark

	mu         sync.Mutex // the fields below
	logs       map[string]*tracked
	generation uint64
	note       string

	saving sync.Mutex // held while the mark is written; the fields below
	kept   bool       // whether there is a mark to keep up to date
	torn   bool       // whether one of its slots could not be read
	last   mark       // what was written last
}

// tracked is one log or manifest.
type tracked struct {
	written, synced extent
}

func newTracker(fs vfs.FS, path string) *tracker {
	return &tracker{fs: fs, path: path, logs: map[string]*tracked{}}
}

// follows reports whether a file is one whose loss of a tail Pebble would not
// tell of. Tables are checked by Pebble, with all that is in them.
func follows(name string) bool {
	return strings.HasSuffix(name, ".log") || strings.HasPrefix(name, "MANIFEST-")
}

// adopt takes over a mark that was found beside the database and holds.
func (t *tracker) adopt(m *mark, whole bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range m.extents {
		t.logs[e.name] = &tracked{written: e, synced: e}
	}
	t.generation, t.note = m.generation, m.note
	t.last, t.kept, t.torn = *m, true, !whole
}

// begin notes that a file is written from its start.
func (t *tracker) begin(name string) *tracked {
	if t == nil || !follows(name) {
		return nil
	}
	l := &tracked{written: extent{name: name}}
	t.mu.Lock()
	t.logs[name] = l
	t.mu.Unlock()
	return l
}

// wrote notes how far a file is written.
func (t *tracker) wrote(l *tracked, e extent) {
	if l == nil {
		return
	}
	t.mu.Lock()
	l.written = e
	t.mu.Unlock()
}

// ahead returns how far a file will be written once p is. It is to be asked
// before: Pebble's file system in memory garbles what it is given when it is
// built for the race detector.
func (t *tracker) ahead(l *tracked, p []byte) (e extent) {
	if l == nil {
		return e
	}
	e = t.reached(l)
	e.length += int64(len(p))
	e.crc = crc32.Update(e.crc, crc32.MakeTable(crc32.Castagnoli), p)
	return e
}

// reached returns how far a file is written, for synced when a sync has ended
// that begins now.
func (t *tracker) reached(l *tracked) (e extent) {
	if l != nil {
		t.mu.Lock()
		e = l.written
		t.mu.Unlock()
	}
	return e
}

func (t *tracker) synced(l *tracked, e extent) {
	if l == nil {
		return
	}
	t.mu.Lock()
	if e.length > l.synced.length {
		l.synced = e
	}
	t.mu.Unlock()
}

// leave is called before a file goes or gets another name. Whatever took its
// place is then to be in the mark: Pebble has put the content of a log into
// tables, and if the manifest lost its end nobody would miss them. If the mark
// names the file it is written anew in both slots, since either is believed.
func (t *tracker) leave(name string) error {
	if t == nil || !follows(name) {
		return nil
	}
	t.mu.Lock()
	delete(t.logs, name)
	t.mu.Unlock()
	t.saving.Lock()
	defer t.saving.Unlock()
	if !t.kept {
		return nil
	}
	named := slices.ContainsFunc(t.last.extents, func(e extent) bool { return e.name == name })
	if err := t.saveLocked(); err != nil || !named {
		return err
	}
	return t.saveLocked()
}

// reach notes that a synced write has been made. The note may be empty for no
// change.
func (t *tracker) reach(generation uint64, note string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.generation = generation
	if note != "" {
		t.note = note[:min(len(note), maxNote)]
	}
}

// save writes the mark if there is one to keep.
func (t *tracker) save() error {
	t.saving.Lock()
	defer t.saving.Unlock()
	if !t.kept {
		return nil
	}
	return t.saveLocked()
}

func (t *tracker) saveLocked() error {
	m := t.now()
	if err := writeMark(t.fs, t.path, m); err != nil {
		return err
	}
	t.last = *m
	return nil
}

// now returns the mark that belongs to what is synced.
func (t *tracker) now() *mark {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := &mark{number: t.last.number + 1, generation: t.generation, note: t.note}
	for _, l := range t.logs {
		if l.synced.length > 0 {
			m.extents = append(m.extents, l.synced)
		}
	}
	// The newest first, should there be more than a slot holds.
	slices.SortFunc(m.extents, func(a, b extent) int { return strings.Compare(b.name, a.name) })
	return m
}

// create makes the mark of a database that has none.
func (t *tracker) create() error {
	t.saving.Lock()
	defer t.saving.Unlock()
	m := t.now()
	if err := createMark(t.fs, t.path, m); err != nil {
		return err
	}
	t.last, t.kept = *m, true
	return nil
}

// state reports whether there is a mark to keep, and whether one of its slots
// could not be read. Damage found beside the opening may take it away.
func (t *tracker) state() (kept, torn bool) {
	t.saving.Lock()
	defer t.saving.Unlock()
	return t.kept, t.torn
}

// release leaves the mark as it is from here on.
func (t *tracker) release() {
	t.saving.Lock()
	defer t.saving.Unlock()
	t.kept = false
}

// distrust takes the mark away from a database that has turned out damaged, so
// that the next opening does not believe what it has not read.
func (t *tracker) distrust() {
	if t == nil {
		return
	}
	t.saving.Lock()
	defer t.saving.Unlock()
	t.kept = false
	// Should this fail, the damage is found again when it is next read.
	_ = t.fs.Remove(t.path)
}

// checkMark compares the database in d.dir with its mark, before anything is
// opened or written. Without a mark, or with one that cannot be read, it does
// nothing.
func (d *DB) checkMark() error {
	m, whole, err := readMark(d.fs, d.track.path)
	switch {
	case isNotExist(err):
		return nil
	case err != nil:
		return err
	case m == nil:
		return nil
	}
	if err := m.check(d.fs, d.dir); err != nil {
		return err
	}
	// The empty files that name the valid ones have no content to check.
	if len(m.extents) > 0 {
		desc, err := pebble.Peek(d.dir, d.fs)
		if err != nil {
			return openError(d.dir, err)
		}
		if !desc.Exists || desc.FormatMajorVersion < formatVersion {
			return &CorruptError{Path: d.dir, What: "one of its marker files is missing", Advice: adviseDB}
		}
	}
	d.track.adopt(m, whole)
	return nil
}

// settleMark compares the generation of the opened database with that of its
// mark, and makes the mark if the database has never had one.
func (d *DB) settleMark() error {
	v, has, err := d.get(d.db, keyGeneration)
	if err != nil {
		return err
	}
	if has && len(v) != 8 {
		return &CorruptError{Path: d.dir, What: "its generation does not decode", Advice: adviseDB}
	}
	var generation uint64
	if has {
		generation = binary.LittleEndian.Uint64(v)
	}
	if kept, torn := d.track.state(); kept {
		if want := d.track.generation; generation < want {
			what := "it is older than its mark"
			if note := d.track.note; note != "" {
				what += " (it held " + note + ")"
			}
			return &CorruptError{Path: d.dir, What: what, Advice: adviseDB}
		}
		d.generation = generation
		if !torn {
			return nil
		}
		return errors.Join(d.track.save(), d.track.save())
	}
	d.generation = generation
	d.track.reach(generation, "")
	if has {
		d.doubt = true // there was a mark once
		return nil
	}
	// New, or from before there were marks. The file comes first, so that a
	// generation without a mark means that the mark was lost.
	if err := d.track.create(); err != nil {
		return err
	}
	return d.Write(d.NewBatch(), true)
}

// InDoubt reports whether the database has lost its mark, so that it may be
// older than it should without saying so. Who opened it compares its content
// with something else, and then calls [DB.Trust].
func (d *DB) InDoubt() bool { return d.doubt }

// Trust gives a database in doubt a new mark.
func (d *DB) Trust() error {
	if !d.use.enter() {
		return ErrClosed
	}
	defer d.use.leave()
	d.syncing.Lock()
	defer d.syncing.Unlock()
	if err := d.failure(); err != nil {
		return err
	}
	if err := d.track.create(); err != nil {
		return err
	}
	d.doubt = false
	return nil
}

// RemoveDB deletes the database in dir with its mark, which goes first: a
// database without its mark is in doubt, a mark without its database is damage.
func RemoveDB(fs vfs.FS, dir string) error {
	if err := fs.Remove(dir + MarkSuffix); err != nil && !isNotExist(err) {
		return ioError(dir+MarkSuffix, err)
	}
	if err := SyncDir(fs, fs.PathDir(dir)); err != nil && !isNotExist(err) {
		return err
	}
	return ioError(dir, fs.RemoveAll(dir))
}
