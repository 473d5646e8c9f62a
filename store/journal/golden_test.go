package journal

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/store"
)

// TestGolden holds the format against a file that was written once and is never
// written again: what wallets there are must stay readable.
func TestGolden(t *testing.T) {
	golden, err := os.ReadFile(filepath.Join("testdata", "wallet-v2.dat"))
	if err != nil {
		t.Fatal(err)
	}
	fsys := vfs.NewMem()
	f := mustCreate(t, fsys, batch("meta", "of a wallet", "tx:1", "first"))
	mustCommit(t, f, "tx:1", nil, "tx:2", "second")
	mustCommit(t, f, "label:m", "rent")
	if got := readAll(t, fsys, "w.dat"); !bytes.Equal(got, golden) {
		t.Errorf("writes %x, and wrote %x", got, golden)
	}
	if err := store.WriteWhole(fsys, "old.dat", bytes.Clone(golden)); err != nil {
		t.Fatal(err)
	}
	old, err := wallets.Open(fsys, "old.dat")
	if err != nil {
		t.Fatal(err)
	}
	wantContent(t, old, map[string]string{"meta": "of a wallet", "tx:2": "second", "label:m": "rent"})
}
