package chain

import (
	"errors"
	"io/fs"
	"path"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/store"
)

// wholeVersion is the version of the file that says that the block files are
// whole, which is empty.
const wholeVersion = 1

// wholeFile returns the path of a file that stands beside block files that do not
// begin with number 0 and yet hold all that the node has ever had since it began
// anew. On a pruned node that is rebuilt, blocks go behind the files that are
// left, so that the first number never comes back. The file is written before
// anything is deleted for the rebuild, and goes before the next block file is
// deleted to save space, once the index says so.
func wholeFile(dir string) string { return path.Join(dir, "blocks", "whole.dat") }

// Pruned reports whether blocks of the data directory dir were deleted to save
// space and not fetched anew, so that the block files are not all that there ever
// was. It looks at the names of the files alone, since the index may be what is to
// be rebuilt: they have numbers from 0 on, and the oldest go first.
func Pruned(fsys vfs.FS, dir string) (bool, error) {
	blocks := path.Join(dir, "blocks")
	names, err := fsys.List(blocks)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		ok, _ := path.Match("blk[0-9]*.dat", name)
		return !ok
	})
	if len(names) == 0 || slices.Min(names) == "blk00000.dat" {
		return false, nil
	}
	whole, err := isWhole(fsys, dir)
	return !whole, err
}

// isWhole reports whether the file says so. One that cannot be believed says
// nothing.
func isWhole(fsys vfs.FS, dir string) (bool, error) {
	_, err := store.ReadFileChecked(fsys, wholeFile(dir), wholeVersion)
	var corrupt *store.CorruptError
	if errors.Is(err, fs.ErrNotExist) || errors.As(err, &corrupt) {
		return false, nil
	}
	return err == nil, err
}

// beginWhole notes that from now on all that comes is kept, if the block files do
// not show that by themselves. What is derived from them is about to be deleted.
func (c *Chain) beginWhole() error {
	pruned, err := Pruned(c.cfg.FS, c.cfg.Dir)
	if err != nil || !pruned {
		return err
	}
	return store.WriteFileAtomic(c.cfg.FS, wholeFile(c.cfg.Dir), wholeVersion, nil)
}

// endWhole takes the note away. The index says already what is deleted next.
func (c *Chain) endWhole() error { return store.RemoveFile(c.cfg.FS, wholeFile(c.cfg.Dir)) }
