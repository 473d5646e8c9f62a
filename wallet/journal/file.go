package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/store"
)

// advice is what a person can do about a damaged file.
const advice = "nothing was changed; restore it from a backup, or restore the wallet from its seed phrase"

// rewriteAbove is how many bytes beyond twice its content a file may grow
// before it is written anew.
const rewriteAbove = 1 << 20

// Errors of this package. Damage is a [*store.CorruptError], a file of a newer
// program a [*store.VersionError].
var (
	// ErrExists is returned by Create for a file that is there already.
	ErrExists = errors.New("the file exists already")
	// ErrTooLarge is returned for commits above [MaxRecord].
	ErrTooLarge = errors.New("too much for one commit to a wallet file")
)

// File is an open file. It is safe for concurrent use.
type File struct {
	fs   vfs.FS
	path string

	mu     sync.Mutex
	f      vfs.File
	end    int64 // where the next record goes
	seq    uint64
	data   map[string][]byte
	live   int64 // bytes of keys and values
	torn   int   // bytes left out at the end when it was opened
	failed error
}

// Create makes a new file that holds what b does, durably.
func Create(fsys vfs.FS, path string, b *Batch) (*File, error) {
	if _, err := fsys.Stat(path); err == nil {
		return nil, fmt.Errorf("%w: %s", ErrExists, path)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	f := &File{fs: fsys, path: path, data: map[string][]byte{}}
	f.apply(b)
	if err := f.rewrite(); err != nil {
		return nil, err
	}
	return f, nil
}

// Open reads a file. If its end was cut short by a crash, what was left out is
// kept in a file beside it; [File.Torn] tells. A missing file is
// fs.ErrNotExist.
func Open(fsys vfs.FS, path string) (*File, error) {
	raw, err := read(fsys, path)
	if err != nil {
		return nil, err
	}
	f := &File{fs: fsys, path: path, data: map[string][]byte{}}
	if err := f.load(raw); err != nil {
		return nil, err
	}
	if f.torn > 0 {
		// It is most likely a commit that never returned. In case it is not,
		// the bytes are kept.
		if err := writeWhole(fsys, path+".torn", bytes.Clone(raw)); err != nil {
			return nil, err
		}
		return f, f.rewrite()
	}
	f.f, err = fsys.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Read reads the content of a file without opening it for writing. A file with
// a torn end is damaged for Read: it is meant for backups.
func Read(fsys vfs.FS, path string) (map[string][]byte, error) {
	raw, err := read(fsys, path)
	if err != nil {
		return nil, err
	}
	f := &File{path: path, data: map[string][]byte{}}
	if err := f.load(raw); err != nil {
		return nil, err
	}
	if f.torn > 0 {
		return nil, f.corrupt(f.end, "the file was cut short")
	}
	return f.data, nil
}

func read(fsys vfs.FS, path string) ([]byte, error) {
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
		return nil, &store.CorruptError{Path: path, What: fmt.Sprintf("%d bytes long", st.Size()), Advice: advice}
	}
	raw := make([]byte, st.Size())
	if _, err := io.ReadFull(f, raw); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return raw, nil
}

func (f *File) corrupt(off int64, format string, args ...any) error {
	return &store.CorruptError{Path: f.path, Offset: off, What: fmt.Sprintf(format, args...), Advice: advice}
}

// load reads all records of raw, which it keeps.
func (f *File) load(raw []byte) error {
	if len(raw) < fileHeaderSize {
		return f.corrupt(0, "it ends in its header")
	}
	if string(raw[:len(fileMagic)]) != fileMagic {
		return f.corrupt(0, "it does not start as a wallet does")
	}
	if binary.LittleEndian.Uint32(raw[fileHeaderSize-4:]) != checksum(raw[:fileHeaderSize-4]) {
		return f.corrupt(0, "the checksum of its header does not match")
	}
	if v := binary.LittleEndian.Uint32(raw[len(fileMagic):]); v != fileVersion {
		return &store.VersionError{Path: f.path, Have: uint16(min(v, 1<<16-1)), Want: fileVersion}
	}
	off := fileHeaderSize
	for off < len(raw) {
		h, ok := parseRecordHeader(raw[off:])
		end := off + recordHeaderSize + int(h.length)
		if !ok || end > len(raw) || checksum(raw[off+recordHeaderSize:end]) != h.sum {
			rest := raw[off:]
			if ok {
				rest = rest[recordHeaderSize:]
			}
			if soundAfter(rest, f.seq) {
				return f.corrupt(int64(off), "a record's checksum does not match")
			}
			if f.seq == 0 {
				// The first record is written together with the file.
				return f.corrupt(int64(off), "its first record is not whole")
			}
			f.torn = len(raw) - off
			break
		}
		if h.seq != f.seq+1 {
			return f.corrupt(int64(off), "record %d follows record %d", h.seq, f.seq)
		}
		if err := parsePayload(raw[off+recordHeaderSize:end], f.change); err != nil {
			return f.corrupt(int64(off), "%v", err)
		}
		f.seq = h.seq
		off = end
	}
	if f.seq == 0 {
		return f.corrupt(int64(off), "it has no record")
	}
	f.end = int64(off)
	return nil
}

// change carries one change out in memory.
func (f *File) change(c change) {
	if old, ok := f.data[string(c.key)]; ok {
		f.live -= int64(len(c.key) + len(old))
	}
	if c.del {
		delete(f.data, string(c.key))
		return
	}
	f.data[string(c.key)] = c.value
	f.live += int64(len(c.key) + len(c.value))
}

func (f *File) apply(b *Batch) {
	for _, c := range b.changes {
		f.change(c)
	}
}

// Path returns where the file is.
func (f *File) Path() string { return f.path }

// Torn returns how many bytes at the end were left out when the file was
// opened.
func (f *File) Torn() int { return f.torn }

// Get returns the value of a key, which must not be changed.
func (f *File) Get(key string) ([]byte, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v, ok := f.data[key]
	return v, ok
}

// All returns all keys that begin with prefix and their values, in order of
// the keys. It sees the file as it was when the iteration began.
func (f *File) All(prefix string) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		f.mu.Lock()
		found := map[string][]byte{}
		for k, v := range f.data {
			if len(k) >= len(prefix) && k[:len(prefix)] == prefix {
				found[k] = v
			}
		}
		f.mu.Unlock()
		for _, k := range slices.Sorted(maps.Keys(found)) {
			if !yield(k, found[k]) {
				return
			}
		}
	}
}

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

// Commit carries all of b out, or nothing, and returns when it is on disk.
// After an error of the disk every later commit fails with it: what the file
// holds is known again only once it has been opened anew.
func (f *File) Commit(b *Batch) error {
	if len(b.changes) == 0 {
		return nil
	}
	for _, c := range b.changes {
		if len(c.key) > MaxKey {
			return ErrTooLarge
		}
	}
	if b.size > MaxRecord {
		return ErrTooLarge
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed != nil {
		return f.failed
	}
	payload := make([]byte, 0, b.size)
	for i := range b.changes {
		payload = b.changes[i].append(payload)
	}
	rec := appendRecord(make([]byte, 0, recordHeaderSize+len(payload)), f.seq+1, payload)
	if _, err := f.f.WriteAt(rec, f.end); err != nil {
		return f.fail(err)
	}
	if err := f.f.Sync(); err != nil {
		return f.fail(err)
	}
	f.end += int64(len(rec))
	f.seq++
	f.apply(b)
	if f.end > 2*f.live+rewriteAbove {
		// What was committed is safe whatever becomes of this.
		_ = f.rewrite()
	}
	return nil
}

// fail records that the disk failed.
func (f *File) fail(err error) error {
	if vfs.IsNoSpaceError(err) {
		err = &store.FullDiskError{Path: f.path, Err: err}
	}
	f.failed = err
	return err
}

// Rewrite writes the file anew, so that it holds nothing that was overtaken.
// It is called after secrets have been encrypted.
func (f *File) Rewrite() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed != nil {
		return f.failed
	}
	return f.rewrite()
}

// rewrite is Rewrite with the lock held.
func (f *File) rewrite() error {
	raw := f.encode()
	size, seq := int64(len(raw)), lastSeq(raw)
	tmp := f.path + ".new"
	if err := writeWhole(f.fs, tmp, raw); err != nil {
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
	if err := syncDir(f.fs, f.fs.PathDir(f.path)); err != nil {
		return f.fail(err)
	}
	var err error
	if f.f, err = f.fs.OpenReadWrite(f.path, vfs.WriteCategoryUnspecified); err != nil {
		return f.fail(err)
	}
	f.end, f.seq = size, seq
	return nil
}

// encode returns the bytes of a file with the present content.
func (f *File) encode() []byte {
	raw := appendFileHeader(make([]byte, 0, f.live+f.live/8+4096))
	var payload []byte
	seq := uint64(0)
	flush := func() {
		seq++
		raw = appendRecord(raw, seq, payload)
		payload = payload[:0]
	}
	for _, k := range slices.Sorted(maps.Keys(f.data)) {
		c := change{key: []byte(k), value: f.data[k]}
		if len(payload) > 0 && len(payload)+len(k)+len(c.value) > MaxRecord/2 {
			flush()
		}
		payload = c.append(payload)
	}
	if len(payload) > 0 || seq == 0 {
		flush()
	}
	return raw
}

// lastSeq returns the number of the last record of what encode made.
func lastSeq(raw []byte) uint64 {
	seq := uint64(0)
	for off := fileHeaderSize; off < len(raw); {
		h, _ := parseRecordHeader(raw[off:])
		seq = h.seq
		off += recordHeaderSize + int(h.length)
	}
	return seq
}

// WriteTo writes a copy of the file, with nothing in it that was overtaken, to
// another place, durably. It refuses to overwrite a file.
func (f *File) WriteTo(fsys vfs.FS, path string) error {
	f.mu.Lock()
	raw := f.encode()
	f.mu.Unlock()
	if _, err := fsys.Stat(path); err == nil {
		return fmt.Errorf("%w: %s", ErrExists, path)
	}
	tmp := path + ".new"
	if err := writeWhole(fsys, tmp, raw); err != nil {
		_ = fsys.Remove(tmp)
		return err
	}
	if err := fsys.Rename(tmp, path); err != nil {
		return err
	}
	return syncDir(fsys, fsys.PathDir(path))
}

// Close closes the file. Every commit is on disk already.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.f == nil {
		return nil
	}
	err := f.f.Close()
	f.f = nil
	if f.failed == nil {
		f.failed = store.ErrClosed
	}
	return err
}

// writeWhole writes a file durably. A file system may use b as it likes, so that
// it is not to be read afterwards.
func writeWhole(fsys vfs.FS, path string, b []byte) error {
	f, err := fsys.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func syncDir(fsys vfs.FS, dir string) error {
	d, err := fsys.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
