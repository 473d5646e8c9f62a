package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/store"
)

// rewriteAbove is how many bytes beyond twice its content a file may grow
// before it is written anew.
const rewriteAbove = 1 << 20

// Errors of this package. Damage is a [*store.CorruptError], a file of a newer
// program a [*store.VersionError].
var (
	// ErrExists is returned by Create for a file that is there already.
	ErrExists = errors.New("the file exists already")
	// ErrTooLarge is returned for keys above [MaxKey], for values above
	// [MaxValue], and for what would make a file too long to be opened again.
	ErrTooLarge = errors.New("too much for one file")
)

// Format tells one kind of files from others. How they are laid out is the same
// for all.
type Format struct {
	// Magic is what they begin with: 16 bytes.
	Magic string
	// Name is what errors call what such a file holds.
	Name string
	// Advice is what a person can do about a damaged one.
	Advice string
}

// File is an open [Log] with all that it holds in memory. It is safe for
// concurrent use.
type File struct {
	mu    sync.Mutex
	log   *Log
	data  map[string][]byte
	live  int64  // bytes of keys and values
	torn  int    // bytes left out at the end when it was opened
	aside string // where the file as it was then is kept
}

// Create makes a new file that holds what b does, durably. If it fails it leaves
// none behind, and one that was there before alone.
func (k Format) Create(fsys vfs.FS, path string, b *Batch) (*File, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	f := &File{data: map[string][]byte{}}
	f.apply(b.changes)
	var err error
	f.log, err = k.create(fsys, path, f.content())
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Open reads a file. If its end was cut short by a crash, the file as it was is
// kept beside it; [File.Torn] tells. A missing file is fs.ErrNotExist.
func (k Format) Open(fsys vfs.FS, path string) (*File, error) {
	f := &File{data: map[string][]byte{}}
	l, raw, err := k.open(fsys, path, f.take)
	if err != nil {
		return nil, err
	}
	f.log, f.torn = l, l.torn
	if f.torn > 0 {
		// It is a commit that never returned. In case it is not, the bytes are
		// kept.
		if f.aside, err = k.setAside(fsys, path, raw); err != nil {
			return nil, err
		}
	}
	if l.f == nil {
		return f, f.rewrite()
	}
	return f, nil
}

// tornSuffix is what the names of files end in that Open has set aside, but for
// a number.
const tornSuffix = ".torn"

// setAside keeps raw in a file beside path, and returns its name. It leaves
// others alone that were set aside before.
func (k Format) setAside(fsys vfs.FS, path string, raw []byte) (string, error) {
	for i := 1; ; i++ {
		name := path + tornSuffix
		if i > 1 {
			name += fmt.Sprintf("-%d", i)
		}
		old, err := k.read(fsys, name)
		if errors.Is(err, fs.ErrNotExist) {
			return name, store.WriteWhole(fsys, name, bytes.Clone(raw))
		}
		if err == nil && bytes.Equal(old, raw) {
			// The last start ended before it could write the file anew.
			return name, nil
		}
	}
}

// ReadAside reads what is whole of a file that was set aside.
func (k Format) ReadAside(fsys vfs.FS, path string) (map[string][]byte, error) {
	raw, err := k.read(fsys, path)
	if err != nil {
		return nil, err
	}
	f := &File{data: map[string][]byte{}}
	_, err = (&Log{format: k, path: path}).load(raw, f.take)
	return f.data, err
}

// Aside lists the files beside path that Open has set aside.
func Aside(fsys vfs.FS, path string) ([]string, error) {
	names, err := fsys.List(fsys.PathDir(path))
	if err != nil {
		return nil, err
	}
	var aside []string
	for _, n := range names {
		if strings.HasPrefix(n, fsys.PathBase(path)+tornSuffix) {
			aside = append(aside, fsys.PathJoin(fsys.PathDir(path), n))
		}
	}
	slices.Sort(aside)
	return aside, nil
}

// Read reads the content of a file without opening it for writing. A file with
// a torn end is damaged for Read: it is meant for backups.
func (k Format) Read(fsys vfs.FS, path string) (map[string][]byte, error) {
	raw, err := k.read(fsys, path)
	if err != nil {
		return nil, err
	}
	f := &File{data: map[string][]byte{}}
	l := &Log{format: k, path: path}
	if _, err := l.load(raw, f.take); err != nil {
		return nil, err
	}
	if l.torn > 0 {
		return nil, l.corrupt(l.end, "the file was cut short")
	}
	return f.data, nil
}

// change carries one change out in memory.
func (f *File) change(c Change) {
	if old, ok := f.data[string(c.Key)]; ok {
		f.live -= int64(len(c.Key) + len(old))
	}
	if c.Deleted {
		delete(f.data, string(c.Key))
		return
	}
	f.data[string(c.Key)] = c.Value
	f.live += int64(len(c.Key) + len(c.Value))
}

func (f *File) apply(changes []Change) {
	for _, c := range changes {
		f.change(c)
	}
}

// take is apply for what is read from a file.
func (f *File) take(changes []Change) error {
	f.apply(changes)
	return nil
}

// Path returns where the file is.
func (f *File) Path() string { return f.log.path }

// Torn returns how many bytes at the end were left out when the file was
// opened, and the name of the file that has them.
func (f *File) Torn() (bytes int, kept string) { return f.torn, f.aside }

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

// Close closes the file. Every commit is on disk already.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.Close()
}
