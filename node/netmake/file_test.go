package netmake

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// names lists what is in a directory.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// holds checks what is in a file.
func holds(t *testing.T, path, want string) {
	t.Helper()
	if got, err := os.ReadFile(path); string(got) != want || err != nil {
		t.Errorf("%s holds %q (%v), want %q", path, got, err, want)
	}
}

// The first file of a network may be what makes the data directory, which only
// its owner may read. The file itself is for others.
func TestDraftModes(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	path := filepath.Join(data, "networks", "demo.toml")
	d, err := begin(path, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.finish([]byte("text")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{data: 0o700, filepath.Dir(path): 0o700, path: 0o644} {
		st, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if mode := st.Mode().Perm(); mode != want {
			t.Errorf("%s has mode %o, want %o", name, mode, want)
		}
	}
	if err := d.drop(); err != nil {
		t.Error(err)
	}
	holds(t, path, "text")
}

// TestDraftWhole looks into the directory while a file is on its way: nothing
// has its name before it is whole, and nothing is left of one that never is.
func TestDraftWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "demo.toml")
	for _, finish := range []bool{false, true} {
		d, err := begin(path, false)
		if err != nil {
			t.Fatal(err)
		}
		if got := names(t, dir); len(got) != 1 || got[0] == "demo.toml" || filepath.Ext(got[0]) == ".toml" {
			t.Errorf("there are %q before it is finished", got)
		}
		var want []string
		if finish {
			if err := d.finish([]byte("text")); err != nil {
				t.Fatal(err)
			}
			want = []string{"demo.toml"}
		}
		if err := d.drop(); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(want, names(t, dir)); diff != "" {
			t.Errorf("finished: %v: %s", finish, diff)
		}
	}
}

// TestDraftTaken begins files whose place is taken, or is taken before they are
// finished.
func TestDraftTaken(t *testing.T) {
	for _, tc := range []struct {
		about           string
		before, replace bool
		want            string
	}{
		{"there before", true, false, "theirs"},
		{"there meanwhile", false, false, "theirs"},
		{"to be replaced", true, true, "ours"},
		{"there meanwhile, to be replaced", false, true, "ours"},
	} {
		t.Run(tc.about, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "demo.toml")
			put := func() {
				if err := os.WriteFile(path, []byte("theirs"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if tc.before {
				put()
			}
			d, err := begin(path, tc.replace)
			if err == nil {
				if !tc.before {
					put()
				}
				err = errors.Join(d.finish([]byte("ours")), d.drop())
			}
			var exists *ExistsError
			if got := errors.As(err, &exists); got == tc.replace || got && exists.Path != path {
				t.Errorf("got %v", err)
			}
			holds(t, path, tc.want)
			if diff := cmp.Diff([]string{"demo.toml"}, names(t, dir)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A link that leads nowhere is a file that somebody put there.
func TestDraftDeadLink(t *testing.T) {
	path := filepath.Join(t.TempDir(), "demo.toml")
	if err := os.Symlink("nowhere", path); err != nil {
		t.Fatal(err)
	}
	var exists *ExistsError
	if _, err := begin(path, false); !errors.As(err, &exists) {
		t.Errorf("got %v", err)
	}
}
