package store

import (
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// guardFS is the file system as a database's Pebble sees it. Pebble cannot live
// with a write that fails: it ends the process if that was its log, and tries
// for ever if it was a table, with writers waiting for it. So the guard tells
// the database of the first failure and from then on lets nothing more through,
// while Pebble goes on in the belief that all is well. The disk stays as a power
// cut at that instant would have left it, which is what recovery is made for,
// and every call under way ends, to find the database failed.
type guardFS struct {
	vfs.FS
	d *DB
}

// write runs one operation that changes the disk, unless the disk has failed.
// It reports whether it took place.
func (d *DB) write(path string, op func() error) bool {
	if d.frozen.Load() {
		return false
	}
	if err := op(); err != nil {
		d.fail(ioError(path, err))
		return false
	}
	return true
}

// opened is what a call that opens a file for writing returns: the file behind
// the guard, or, if the disk has failed, one that takes everything.
func (g guardFS) opened(name string, open func() (vfs.File, error)) (vfs.File, error) {
	var f vfs.File
	ok := g.d.write(name, func() (err error) {
		f, err = open()
		return err
	})
	if !ok {
		f = vfs.NewMemFile(nil)
	}
	return &guardFile{File: f, d: g.d, path: name}, nil
}

// written is opened for a file that is written from its start, one behind the
// other, and followed for the mark.
func (g guardFS) written(name string, open func() (vfs.File, error)) (vfs.File, error) {
	f, err := g.opened(name, open)
	if err == nil {
		f.(*guardFile).log = g.d.track.begin(g.FS.PathBase(name))
	}
	return f, err
}

// leaving is called before a file goes or gets another name.
func (g guardFS) leaving(name string) {
	g.d.write(name, func() error { return g.d.track.leave(g.FS.PathBase(name)) })
}

// markerPrefix begins the names of the empty files by which Pebble says which
// of its files are the valid ones.
const markerPrefix = "marker."

// orderMarker is called before a marker is made or removed. Pebble makes a file,
// makes a marker that points to it, removes the old marker, and then syncs the
// directory once. A power cut in between may keep any of these changes and lose
// those before it, and the database would not open again; so each is synced
// before the next.
func (g guardFS) orderMarker(name string) {
	if strings.HasPrefix(g.FS.PathBase(name), markerPrefix) {
		g.d.write(name, func() error { return SyncDir(g.FS, g.FS.PathDir(name)) })
	}
}

// Create implements vfs.FS.
func (g guardFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	g.orderMarker(name)
	return g.written(name, func() (vfs.File, error) { return g.FS.Create(name, c) })
}

// OpenReadWrite implements vfs.FS.
func (g guardFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return g.opened(name, func() (vfs.File, error) { return g.FS.OpenReadWrite(name, c, opts...) })
}

// ReuseForWrite implements vfs.FS.
func (g guardFS) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	g.leaving(oldname)
	return g.written(newname, func() (vfs.File, error) { return g.FS.ReuseForWrite(oldname, newname, c) })
}

// OpenDir implements vfs.FS.
func (g guardFS) OpenDir(name string) (vfs.File, error) {
	f, err := g.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &guardFile{File: f, d: g.d, path: name}, nil
}

// Rename implements vfs.FS.
func (g guardFS) Rename(oldname, newname string) error {
	g.d.write(newname, func() error { return g.FS.Rename(oldname, newname) })
	return nil
}

// Link implements vfs.FS.
func (g guardFS) Link(oldname, newname string) error {
	g.d.write(newname, func() error { return g.FS.Link(oldname, newname) })
	return nil
}

// manifestMarker begins the name of the marker that ends with the name of the
// valid manifest.
const manifestMarker = markerPrefix + "manifest."

// Remove implements vfs.FS. A file that cannot be removed does no harm, so that
// is no failure; but after one nothing may be removed any more, since what was
// to replace it never reached the disk.
func (g guardFS) Remove(name string) error {
	g.orderMarker(name)
	if old, ok := strings.CutPrefix(g.FS.PathBase(name), manifestMarker); ok {
		// Another manifest is valid now; Pebble keeps this one for a while.
		_, old, _ = strings.Cut(old, ".")
		g.leaving(old)
	} else {
		g.leaving(name)
	}
	if g.d.frozen.Load() {
		return nil
	}
	return g.FS.Remove(name)
}

// RemoveAll implements vfs.FS.
func (g guardFS) RemoveAll(name string) error {
	if g.d.frozen.Load() {
		return nil
	}
	return g.FS.RemoveAll(name)
}

// Unwrap implements vfs.FS.
func (g guardFS) Unwrap() vfs.FS { return g.FS }

// guardFile is a file opened through a guard.
type guardFile struct {
	vfs.File
	d    *DB
	path string
	log  *tracked // nil for files that the mark does not name
}

// Write implements vfs.File.
func (f *guardFile) Write(p []byte) (int, error) {
	n, written := len(p), f.d.track.ahead(f.log, p)
	if f.d.write(f.path, func() error { _, err := f.File.Write(p); return err }) {
		f.d.track.wrote(f.log, written)
	}
	return n, nil
}

// WriteAt implements vfs.File.
func (f *guardFile) WriteAt(p []byte, off int64) (int, error) {
	f.d.write(f.path, func() error { _, err := f.File.WriteAt(p, off); return err })
	return len(p), nil
}

// Preallocate implements vfs.File.
func (f *guardFile) Preallocate(off, length int64) error {
	f.d.write(f.path, func() error { return f.File.Preallocate(off, length) })
	return nil
}

// Sync implements vfs.File.
func (f *guardFile) Sync() error { return f.sync(f.File.Sync) }

// SyncData implements vfs.File.
func (f *guardFile) SyncData() error { return f.sync(f.File.SyncData) }

func (f *guardFile) sync(op func() error) error {
	e := f.d.track.reached(f.log)
	if f.d.write(f.path, op) {
		f.d.track.synced(f.log, e)
	}
	return nil
}

// SyncTo implements vfs.File.
func (f *guardFile) SyncTo(length int64) (full bool, err error) {
	f.d.write(f.path, func() (err error) { full, err = f.File.SyncTo(length); return err })
	return full, nil
}
