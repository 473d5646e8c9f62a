package store

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func TestLockDir(t *testing.T) {
	for name, tt := range map[string]struct {
		fs  vfs.FS
		dir string
	}{
		"memory": {vfs.NewMem(), "data/main"},
		"disk":   {vfs.Default, t.TempDir() + "/data/main"},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := LockDir(tt.fs, tt.dir)
			if err != nil {
				t.Fatal(err)
			}
			var le *LockedError
			if _, err := LockDir(tt.fs, tt.dir); !errors.As(err, &le) || le.Dir != tt.dir {
				t.Errorf("locked twice: %v", err)
			} else if want := "another node is using the data directory " + tt.dir; err.Error() != want {
				t.Errorf("got %s", err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			l, err = LockDir(tt.fs, tt.dir)
			if err != nil {
				t.Fatalf("after it was released: %v", err)
			}
			l.Close()
		})
	}
}

// lockless is a file system on which locks cannot be taken.
type lockless struct {
	vfs.FS
	err error
}

func (f lockless) Lock(string) (io.Closer, error) { return nil, f.err }

// A lock that may not be opened is no lock that somebody holds.
func TestLockDirPermission(t *testing.T) {
	for name, tt := range map[string]struct {
		err    error
		locked bool
	}{
		"held":              {syscall.EAGAIN, true},
		"held, on others":   {syscall.EACCES, true},
		"may not be opened": {&fs.PathError{Op: "open", Path: "data/.lock", Err: syscall.EACCES}, false},
	} {
		mem := vfs.NewMem()
		if err := makeDir(mem, "data"); err != nil {
			t.Fatal(err)
		}
		_, err := LockDir(lockless{mem, tt.err}, "data")
		var le *LockedError
		if errors.As(err, &le) != tt.locked || !errors.Is(err, tt.err) {
			t.Errorf("%s: %v", name, err)
		}
		if want := "store: open data/.lock: permission denied"; !tt.locked && err.Error() != want {
			t.Errorf("%s: %q, want %q", name, err, want)
		}
	}
}

// lockDirEnv makes the test binary try a lock and tell what it says.
const lockDirEnv = "STORE_TEST_LOCK_DIR"

func TestLockDirOtherProcess(t *testing.T) {
	if dir := os.Getenv(lockDirEnv); dir != "" {
		_, err := LockDir(vfs.Default, dir)
		var le *LockedError
		if !errors.As(err, &le) {
			t.Errorf("got %v", err)
		}
		return
	}
	dir := t.TempDir()
	l, err := LockDir(vfs.Default, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cmd := exec.Command(os.Args[0], "-test.run=^TestLockDirOtherProcess$")
	cmd.Env = append(os.Environ(), lockDirEnv+"="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("the other process: %v\n%s", err, out)
	}
}

func TestMakeDirSurvives(t *testing.T) {
	mem := vfs.NewCrashableMem()
	if err := makeDir(mem, "a/b/c"); err != nil {
		t.Fatal(err)
	}
	if err := makeDir(mem, "a/b/d"); err != nil {
		t.Fatal(err)
	}
	crashed := mem.CrashClone(vfs.CrashCloneCfg{})
	for _, dir := range []string{"a/b/c", "a/b/d"} {
		if !fileExists(crashed, dir) {
			t.Errorf("%s is gone", dir)
		}
	}
}
