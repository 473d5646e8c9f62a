package node

import (
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/chain"
)

// Pruned reports whether blocks of a data directory were deleted to save space
// and not fetched anew.
func Pruned(dir string) (bool, error) { return chain.Pruned(vfs.Default, dir) }

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
