package netmake

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"starling/store"
)

// draft is a file on its way: it gets its name when it is whole, and leaves
// nothing behind if it never is.
type draft struct {
	path    string
	replace bool
	tmp     *os.File // nil when there is no more to do
}

// begin makes room for a file, beside its place. Directories that it has to
// make are private: one of them may be the data directory. The error is an
// [*ExistsError] if the file is there and not to be replaced.
func begin(path string, replace bool) (*draft, error) {
	d := &draft{path: path, replace: replace}
	if err := d.free(); err != nil {
		return nil, err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, store.PrivateDir); err != nil {
		return nil, err
	}
	var err error
	d.tmp, err = os.CreateTemp(dir, "."+filepath.Base(path)+"-*")
	return d, err
}

// free returns an error if the place of the file is taken.
func (d *draft) free() error {
	if _, err := os.Lstat(d.path); err == nil && !d.replace {
		return &ExistsError{d.path}
	}
	return nil
}

// finish puts the file into its place. It looks once more whether that is free:
// the first look may have been long ago.
func (d *draft) finish(text []byte) error {
	_, err := d.tmp.Write(text)
	// Others are given the file, so they may read it.
	if err = errors.Join(err, d.tmp.Chmod(0o644), d.tmp.Sync(), d.tmp.Close(), d.free()); err != nil {
		return err
	}
	if err := os.Rename(d.tmp.Name(), d.path); err != nil {
		return err
	}
	d.tmp = nil
	// The rename itself must not be lost either.
	dir, err := os.Open(filepath.Dir(d.path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// drop removes what was begun and not finished.
func (d *draft) drop() error {
	if d.tmp == nil {
		return nil
	}
	err := d.tmp.Close()
	if errors.Is(err, fs.ErrClosed) {
		err = nil
	}
	return errors.Join(err, os.Remove(d.tmp.Name()))
}
