package wallet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/store/journal"
)

// Backup writes a copy of the wallet to path, or into path if that is a
// directory, on the system's file system. It never overwrites a file.
func (w *Wallet) Backup(path string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return ErrClosed
	}
	if err := w.save(); err != nil {
		return err
	}
	fsys := w.outside()
	if st, err := fsys.Stat(path); err == nil && st.IsDir() {
		path = fsys.PathJoin(path, w.name+".dat")
	}
	return w.file.WriteTo(fsys, path)
}

// outside is the file system that people name files of.
func (w *Wallet) outside() vfs.FS { return w.m.cfg.FS }

// Restore makes a wallet of a backup and loads it. The backup is checked first,
// and stays as it is.
func (m *Manager) Restore(ctx context.Context, name, path string) (*Wallet, error) {
	release, err := m.reserveNew(name)
	if err != nil {
		return nil, err
	}
	defer release()
	if m.exists(name) {
		return nil, ErrExists
	}
	content, err := fileFormat().Read(m.cfg.FS, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no backup at %s", path)
	}
	if err != nil {
		return nil, err
	}
	var b journal.Batch
	for k, v := range content {
		b.Set(k, v)
	}
	if err := m.writeBackup(name, &b); err != nil {
		return nil, err
	}
	w, err := m.open(name)
	if err == nil {
		if err = w.holdBlocks(); err != nil {
			var gone *PrunedError
			if errors.As(err, &gone) {
				gone.Resumes = true
			}
			err = errors.Join(err, w.close())
		} else {
			err = m.adopt(w)
		}
	}
	if err != nil {
		return nil, errors.Join(err, m.discard(name))
	}
	w.lookThroughPool()
	return w, nil
}

// writeBackup makes a wallet's file of what a backup holds, or else leaves nothing
// behind.
func (m *Manager) writeBackup(name string, b *journal.Batch) error {
	if err := m.makeDir(name); err != nil {
		return err
	}
	f, err := fileFormat().Create(m.cfg.FS, m.path(name), b)
	if err != nil {
		_ = m.cfg.FS.Remove(m.dir(name)) // unless something is in it
		return err
	}
	if err := f.Close(); err != nil {
		_ = m.discard(name) // the first error counts
		return err
	}
	return nil
}
