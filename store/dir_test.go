package store

import (
	"errors"
	"os"
	"os/exec"
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
