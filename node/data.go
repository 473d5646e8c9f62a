package node

import (
	"os"
	"path/filepath"
	"slices"
)

// Pruned reports whether old block files of a data directory were deleted: they
// have numbers from 0 on, and the oldest go first.
func Pruned(dir string) (bool, error) {
	files, err := filepath.Glob(filepath.Join(dir, "blocks", "blk[0-9]*.dat"))
	if err != nil || len(files) == 0 {
		return false, err
	}
	return filepath.Base(slices.Min(files)) != "blk00000.dat", nil
}

// HasData reports whether a node or a wallet has been in a data directory. Other
// networks may have directories in it.
func HasData(dir string) bool {
	for _, path := range []string{filepath.Join(dir, "blocks"), WalletDir(dir)} {
		if _, err := os.Stat(path); err == nil {
			return true
		}
	}
	return false
}
