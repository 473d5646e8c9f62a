package netmake

import (
	"os"
	"path/filepath"
	"testing"
)

// The first file of a network may be what makes the data directory, which only
// its owner may read.
func TestWriteFileMakesPrivateDirs(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	if err := writeFile(filepath.Join(data, "networks", "demo.toml"), []byte("text")); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{data, filepath.Join(data, "networks")} {
		st, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		if mode := st.Mode().Perm(); mode != 0o700 {
			t.Errorf("%s has mode %o", dir, mode)
		}
	}
}
