package store

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"pgregory.net/rapid"
)

func TestSmallFileBytes(t *testing.T) {
	mem := vfs.NewMem()
	if err := WriteFileAtomic(mem, "peers", 3, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	want := "5346494c" + "0300" + "0000" + "05000000" + "d0f22fc2" + "68656c6c6f"
	if got := hex.EncodeToString(readWhole(t, mem, "peers")); got != want {
		t.Errorf("file is %s, want %s", got, want)
	}
	if fileExists(mem, "peers.new") {
		t.Error("the temporary file is still there")
	}
	if got, err := ReadFileChecked(mem, "peers", 3); err != nil || string(got) != "hello" {
		t.Errorf("reads %q, %v", got, err)
	}
	var v *VersionError
	if _, err := ReadFileChecked(mem, "peers", 2); !errors.As(err, &v) || *v != (VersionError{"peers", 3, 2}) {
		t.Errorf("other version: %v", err)
	}
	if _, err := ReadFileChecked(mem, "bans", 2); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if err := WriteFileAtomic(mem, "peers", 4, nil); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadFileChecked(mem, "peers", 4); err != nil || len(got) != 0 {
		t.Errorf("empty file reads %q, %v", got, err)
	}
}

func TestSmallFileDamage(t *testing.T) {
	mem := vfs.NewMem()
	if err := WriteFileAtomic(mem, "f", 1, []byte("some data")); err != nil {
		t.Fatal(err)
	}
	whole := readWhole(t, mem, "f")
	put := func(b []byte) {
		h, err := mem.Create("f", vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		// A vfs may change what it was given to write.
		if _, err := h.Write(bytes.Clone(b)); err != nil {
			t.Fatal(err)
		}
		h.Close()
	}
	var c *CorruptError
	for bit := range 8 * len(whole) {
		b := bytes.Clone(whole)
		b[bit/8] ^= 1 << (bit % 8)
		put(b)
		if got, err := ReadFileChecked(mem, "f", 1); !errors.As(err, &c) {
			t.Errorf("bit %d flipped: %q, %v", bit, got, err)
		}
	}
	for n := range whole {
		put(whole[:n])
		if got, err := ReadFileChecked(mem, "f", 1); !errors.As(err, &c) {
			t.Errorf("cut to %d bytes: %q, %v", n, got, err)
		}
	}
	put(append(bytes.Clone(whole), 0))
	_, err := ReadFileChecked(mem, "f", 1)
	if want := "f is damaged at byte 8: 10 bytes of data, 9 expected; delete the file to start it afresh"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

// A failed write of any kind leaves the old content, whichever step it was.
func TestSmallFileFailedWrite(t *testing.T) {
	for _, kind := range []errorfs.OpKind{errorfs.OpCreate, errorfs.OpFileWrite, errorfs.OpFileSync, errorfs.OpRename} {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			mem := vfs.NewMem()
			var full bool
			efs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
				if full && op.Kind == kind {
					return syscall.ENOSPC
				}
				return nil
			}))
			if err := WriteFileAtomic(efs, "f", 1, []byte("old")); err != nil {
				t.Fatal(err)
			}
			full = true
			if err := WriteFileAtomic(efs, "f", 1, []byte("new")); !errors.Is(err, ErrDiskFull) {
				t.Errorf("got %v", err)
			}
			if got, err := ReadFileChecked(mem, "f", 1); err != nil || string(got) != "old" {
				t.Errorf("reads %q, %v", got, err)
			}
		})
	}
}

// After a crash at any write the file holds one of the two contents, and what
// was reported as written stays.
func TestSmallFileCrash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mem := vfs.NewCrashableMem()
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		at := rapid.IntRange(0, 40).Draw(t, "crash at")
		percent := rapid.IntRange(0, 100).Draw(t, "unsynced percent")
		var crashed *vfs.MemFS
		ops, done, doneAtCrash := 0, 0, 0
		efs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if ops == at && crashed == nil {
				crashed = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rng})
				doneAtCrash = done
			}
			ops++
			return nil
		}))
		content := func(i int) string { return strings.Repeat(fmt.Sprintf("content %d ", i), 1000) }
		if err := makeDir(mem, "data"); err != nil {
			t.Fatal(err)
		}
		for i := 1; crashed == nil; i++ {
			if err := WriteFileAtomic(efs, "data/f", 1, []byte(content(i))); err != nil {
				t.Fatal(err)
			}
			done = i
		}
		got, err := ReadFileChecked(crashed, "data/f", 1)
		if errors.Is(err, fs.ErrNotExist) && doneAtCrash == 0 {
			return
		}
		if err != nil || string(got) != content(doneAtCrash) && string(got) != content(doneAtCrash+1) {
			t.Fatalf("after %d writes and a crash: %.30q, %v", doneAtCrash, got, err)
		}
	})
}

func FuzzSmallFile(f *testing.F) {
	f.Add(encodeSmall(1, []byte("data")))
	f.Add(encodeSmall(65535, nil))
	f.Add([]byte(smallMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		version, data, err := decodeSmall("f", b)
		if err != nil {
			var c *CorruptError
			if !errors.As(err, &c) {
				t.Errorf("got %v", err)
			}
			return
		}
		// Two bytes are spare, and covered by the checksum.
		again := encodeSmall(version, data)
		if b[6] == 0 && b[7] == 0 && !bytes.Equal(again, b) {
			t.Errorf("%x is encoded again as %x", b, again)
		}
	})
}
