package store

import (
	"errors"
	"io/fs"
	"os"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	// PrivateFile and PrivateDir are the modes of what only its owner may read.
	PrivateFile fs.FileMode = 0o600
	PrivateDir  fs.FileMode = 0o700
)

// onDisk reports whether fsys is the system's, whose files have modes that
// others could read by.
func onDisk(fsys vfs.FS) bool { return vfs.Root(fsys) == vfs.Default }

// CreatePrivate makes a new file that only its owner may read, from its first
// byte on. It replaces a file that is there; whoever has that one open does not
// see the new one.
func CreatePrivate(fsys vfs.FS, path string) (vfs.File, error) {
	if !onDisk(fsys) {
		return fsys.Create(path, vfs.WriteCategoryUnspecified)
	}
	if err := fsys.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return CreateNewPrivate(fsys, path)
}

// CreateNewPrivate is CreatePrivate for a file that must not be there yet: the
// error is fs.ErrExist if it is.
func CreateNewPrivate(fsys vfs.FS, path string) (vfs.File, error) {
	if !onDisk(fsys) {
		if _, err := fsys.Stat(path); err == nil {
			return nil, &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
		}
		return fsys.Create(path, vfs.WriteCategoryUnspecified)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, PrivateFile)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	return fsys.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
}

// MakePrivate takes the right to read a file or a directory away from all but
// its owner.
func MakePrivate(fsys vfs.FS, path string) error {
	if !onDisk(fsys) {
		return nil
	}
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	mode := st.Mode().Perm()
	if mode&0o077 == 0 {
		return nil
	}
	return os.Chmod(path, mode&0o700)
}
