package walletcmd

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// try runs a command on wallets whose node does not run.
func try(t *testing.T, dir string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	c := New()
	var out, notes bytes.Buffer
	c.SetOut(&out)
	c.SetErr(&notes)
	c.SetArgs(append(args, "--datadir", dir, "--network", "regtest"))
	err = c.ExecuteContext(t.Context())
	return out.String(), notes.String(), err
}

// run is try for commands that must work.
func run(t *testing.T, dir string, args ...string) (stdout, stderr string) {
	t.Helper()
	stdout, stderr, err := try(t, dir, args...)
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return stdout, stderr
}

// TestImportRefused imports descriptors of which the node takes one and refuses the
// other: the command fails, and with --json it prints the whole answer all the same.
func TestImportRefused(t *testing.T) {
	dir := t.TempDir()
	run(t, dir, "create", "w", "--watch-only")
	file := filepath.Join(dir, "two.json")
	const two = `[{"desc":"addr(bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080)#zx3ynfm8","timestamp":"now"},{"desc":"raw(51)#00000000","timestamp":"now"}]`
	if err := os.WriteFile(file, []byte(two), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"import", file}, {"import", file, "--json"}} {
		out, _, err := try(t, dir, args...)
		if err == nil || !strings.Contains(err.Error(), "was not added") || (len(args) == 3) != strings.Contains(out, `"success": false`) {
			t.Errorf("%v: %v; %s", args, err, out)
		}
	}
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
