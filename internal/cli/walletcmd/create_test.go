package walletcmd

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// run runs a command on wallets whose node does not run.
func run(t *testing.T, dir string, args ...string) (stdout, stderr string) {
	t.Helper()
	c := New()
	var out, notes bytes.Buffer
	c.SetOut(&out)
	c.SetErr(&notes)
	c.SetArgs(append(args, "--datadir", dir, "--network", "regtest"))
	if err := c.ExecuteContext(t.Context()); err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return out.String(), notes.String()
}

// TestWarningsAreTold makes wallets of which the node cannot note that they are to be
// loaded at every start: what it warns of is told, and the phrase is not lost over it.
func TestWarningsAreTold(t *testing.T) {
	dir := t.TempDir()
	// Where the list would be written first.
	if err := os.MkdirAll(filepath.Join(dir, "regtest", "wallets", "autoload.dat.new", "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	const warning = "It is not noted whether"
	out, notes := run(t, dir, "create", "one")
	words := strings.TrimSpace(out)
	if !regexp.MustCompile(`^([a-z]+ ){11}[a-z]+$`).MatchString(words) || !strings.Contains(notes, warning) {
		t.Errorf("create: %q, %q", out, notes)
	}
	phrase, backup := filepath.Join(dir, "phrase.txt"), filepath.Join(dir, "one.dat")
	if err := os.WriteFile(phrase, []byte(words+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, notes := run(t, dir, "restore", "two", "--phrase-file", phrase); !strings.Contains(out, "restored") || !strings.Contains(notes, warning) {
		t.Errorf("restore: %q, %q", out, notes)
	}
	run(t, dir, "backup", "--name", "one", backup)
	if out, notes := run(t, dir, "restore", "three", "--backup", backup); !strings.Contains(out, "restored") || !strings.Contains(notes, warning) {
		t.Errorf("restore of a backup: %q, %q", out, notes)
	}
	if out, notes := run(t, dir, "load", "one"); !strings.Contains(out, "is loaded") || !strings.Contains(notes, warning) {
		t.Errorf("load: %q, %q", out, notes)
	}
}
