package walkthrough

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCreateBlockchainAgain has the directory of the node in the way of the first
// attempt. Once it is not, the next one works.
func TestCreateBlockchainAgain(t *testing.T) {
	dir := t.TempDir()
	create := func() error {
		c := newCreateBlockchainAlias()
		c.SetOut(io.Discard)
		c.SetErr(io.Discard)
		c.SetArgs([]string{"--datadir", dir, "--node-id", "8000", "--address", "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"})
		return c.ExecuteContext(t.Context())
	}
	inTheWay := filepath.Join(dir, "node-8000")
	if err := os.WriteFile(inTheWay, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := create(); err == nil || strings.Contains(err.Error(), "already") {
		t.Errorf("the first: %v", err)
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	if err := create(); err != nil {
		t.Errorf("the second: %v", err)
	}
	if err := create(); err == nil || !strings.Contains(err.Error(), "there is a blockchain already") {
		t.Errorf("the third: %v", err)
	}
}
