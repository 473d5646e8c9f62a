package store

import (
	"errors"
	"io"
	iofs "io/fs"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// lockName is the file whose lock stands for the data directory. Other nodes
// use the same name, so the two never share a directory by accident.
const lockName = ".lock"

// minFree is how many bytes are left alone on the disk. A store that runs into
// the end of the disk can only stop hard, so writing ends while there is still
// room for it to finish what it has begun. Bitcoin Core keeps as much.
const minFree = 50 << 20

// LockDir takes the data directory dir for this process, creating it if need
// be. Close releases it. If somebody else has it the error is a *LockedError.
func LockDir(fs vfs.FS, dir string) (io.Closer, error) {
	if err := makeDir(fs, dir); err != nil {
		return nil, err
	}
	path := fs.PathJoin(dir, lockName)
	l, err := fs.Lock(path)
	var open *iofs.PathError // as when the file may not be opened at all
	switch {
	case err == nil:
		return l, nil
	case isLocked(err), errors.Is(err, syscall.EACCES) && !errors.As(err, &open):
		return nil, &LockedError{Dir: dir, Err: err}
	}
	return nil, ioError(path, err)
}

// isLocked reports whether err says that somebody else has a lock.
func isLocked(err error) bool {
	// The text is what vfs says when the holder is this very process.
	return errors.Is(err, syscall.EAGAIN) || strings.Contains(err.Error(), "lock held by current process")
}

func fileExists(fs vfs.FS, path string) bool {
	_, err := fs.Stat(path)
	return err == nil
}

// makeDir creates dir and its parents so that they survive a power cut: each
// new name is synced into the directory that holds it.
func makeDir(fs vfs.FS, dir string) error {
	if dir == "" {
		return nil
	}
	// Where the new part begins. A directory may exist without its name being
	// on disk yet, so the one above the first existing is synced as well.
	var sync []string
	for d := dir; ; {
		parent := fs.PathDir(d)
		if parent == d {
			break
		}
		sync = append(sync, parent)
		if fileExists(fs, d) {
			break
		}
		d = parent
	}
	if err := fs.MkdirAll(dir, PrivateDir); err != nil {
		return ioError(dir, err)
	}
	for _, d := range sync {
		if err := SyncDir(fs, d); err != nil && !errors.Is(err, syscall.EACCES) {
			return err
		}
	}
	return nil
}

// SyncDir makes the names in dir durable.
func SyncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return ioError(dir, err)
	}
	if err = d.Sync(); err != nil {
		d.Close()
		return ioError(dir, err)
	}
	return ioError(dir, d.Close())
}

// checkSpace fails with a *FullDiskError if need more bytes would leave less
// than minFree on the disk that holds dir. File systems that cannot tell are
// taken to have room.
func checkSpace(fs vfs.FS, dir string, need int64) error {
	u, err := fs.GetDiskUsage(dir)
	if err == nil && u.AvailBytes < minFree+uint64(need) {
		return &FullDiskError{Path: dir, Avail: u.AvailBytes}
	}
	return nil
}
