package walkthrough

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWarningsAreTold makes a wallet of which the node cannot note that it is to be
// loaded at every start.
func TestWarningsAreTold(t *testing.T) {
	dir := t.TempDir()
	// Where the list would be written first.
	if err := os.MkdirAll(filepath.Join(dir, "node-8000", "regtest", "wallets", "autoload.dat.new", "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	c := newCreateWalletAlias()
	var out, notes bytes.Buffer
	c.SetOut(&out)
	c.SetErr(&notes)
	c.SetArgs([]string{"--datadir", dir, "--node-id", "8000", "--network", "regtest"})
	if err := c.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "Your seed phrase") || !strings.Contains(notes.String(), "It is not noted whether") {
		t.Errorf("told: %q, %q", out.String(), notes.String())
	}
}
