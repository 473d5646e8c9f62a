package store

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// markedDB returns a file system with a closed database in data/db, which has
// data in tables and in its log, and all its keys.
func markedDB(t testing.TB) (*vfs.MemFS, []string) {
	t.Helper()
	fs := vfs.NewCrashableMem()
	d := openDB(t, DBOptions{FS: fs, Marked: true})
	n := 0
	write := func(k int) {
		for range k {
			b := d.NewBatch()
			b.Set(fmt.Appendf(nil, "key%03d", n), []byte("value"))
			b.Note(fmt.Sprintf("%d keys", n+1))
			n++
			if err := d.Write(b, n%2 == 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 3 {
		write(4)
		if err := d.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	write(5)
	want := list(t, d.IterateFrom, "key", "")
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return fs, want
}

// killedDB is markedDB for a database that never syncs a write and is not closed:
// what it has flushed and what not.
func killedDB(t testing.TB) (fs *vfs.MemFS, want []string, flushed int) {
	t.Helper()
	fs = vfs.NewCrashableMem()
	d := openDB(t, DBOptions{FS: fs, Marked: true})
	defer d.Close()
	for i := range 20 {
		put(t, d, false, fmt.Sprintf("key%03d", i), "value")
		if i%4 == 3 {
			if err := d.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	put(t, d, false, "key020", "value")
	// Pebble deletes the logs that it has no more use for when it likes.
	for logs := 2; logs > 1; runtime.Gosched() {
		names, err := fs.List("data/db")
		if err != nil {
			t.Fatal(err)
		}
		logs = 0
		for _, name := range names {
			if strings.HasSuffix(name, ".log") {
				logs++
			}
		}
	}
	d.track.saving.Lock() // not in the middle of writing the mark
	defer d.track.saving.Unlock()
	return copyOf(fs), list(t, d.IterateFrom, "key", ""), 20
}

func copyOf(fs *vfs.MemFS) *vfs.MemFS {
	return fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(0, 0))})
}

// create writes a file in place of what is there.
func create(t testing.TB, fs vfs.FS, p string, b []byte) {
	t.Helper()
	if err := WriteWhole(fs, p, slices.Clone(b)); err != nil {
		t.Fatal(err)
	}
}

// Whatever happens to any byte of a database or its mark, it opens with all its
// data, or says that it is damaged, or says that it is in doubt; it never opens
// short in silence.
func TestMarkDamage(t *testing.T) {
	t.Run("closed", func(t *testing.T) {
		whole, want := markedDB(t)
		testMarkDamage(t, whole, want, len(want))
	})
	t.Run("killed", func(t *testing.T) {
		whole, want, least := killedDB(t)
		testMarkDamage(t, whole, want, least)
	})
}

// testMarkDamage expects at least the first keys of want.
func testMarkDamage(t testing.TB, whole *vfs.MemFS, want []string, least int) {
	step := 7
	if os.Getenv("STARLING_TEST_LONG") != "" {
		step = 1
	}
	outcomes := map[string]map[string]int{}
	try := func(fs vfs.FS, kind string) {
		t.Helper()
		outcome := func() string {
			d, err := OpenDB(DBOptions{FS: fs, Dir: "data/db", Marked: true})
			var c *CorruptError
			if err == nil {
				defer d.Close()
				var got []string
				err = d.Iterate([]byte("key"), func(k, v []byte) error {
					got = append(got, fmt.Sprintf("%s=%s", k, v))
					return nil
				})
				switch {
				case err != nil:
				case slices.Equal(want, got) && d.InDoubt():
					return "in doubt"
				case slices.Equal(want, got):
					return "whole"
				case len(got) >= least && slices.Equal(want[:len(got)], got):
					return "without what was not synced"
				case d.InDoubt():
					return "short, in doubt"
				default:
					t.Errorf("%s: opens with %d keys of %d", kind, len(got), len(want))
					return "short"
				}
			}
			if !errors.As(err, &c) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "--reindex") {
				t.Errorf("%s: not a good message: %v", kind, err)
			}
			return "refused"
		}()
		if outcomes[kind] == nil {
			outcomes[kind] = map[string]int{}
		}
		outcomes[kind][outcome]++
	}
	names, err := whole.List("data/db")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(names, "../db"+MarkSuffix) {
		p := path.Join("data/db", name)
		kind := strings.TrimRight(strings.Trim(path.Base(name), "0123456789"), "-")
		b := readWhole(t, whole, p)
		for at := 0; at < len(b); at += step {
			fs := copyOf(whole)
			patch(t, fs, p, int64(at), []byte{b[at] ^ 1<<(at%8)})
			try(fs, "flipped "+kind)
		}
		for _, n := range []int{0, len(b) / 3, len(b) - 1} {
			if n >= 0 && n < len(b) {
				fs := copyOf(whole)
				create(t, fs, p, b[:n])
				try(fs, "cut "+kind)
			}
		}
		fs := copyOf(whole)
		if err := fs.Remove(p); err != nil {
			t.Fatal(err)
		}
		try(fs, "lost "+kind)
	}
	for _, k := range slices.Sorted(maps.Keys(outcomes)) {
		t.Log(k, outcomes[k])
	}
	if outcomes["flipped MANIFEST"]["refused"] == 0 {
		t.Error("no damage to a manifest was noticed")
	}
}

// A database put in place of a newer one, from before there were marks, or
// without its mark is each told from the others.
func TestMarkOtherDatabase(t *testing.T) {
	open := func(fs vfs.FS) (*DB, error) { return OpenDB(DBOptions{FS: fs, Dir: "data/db", Marked: true}) }
	t.Run("from before there were marks", func(t *testing.T) {
		fs := vfs.NewMem()
		d := openDB(t, DBOptions{FS: fs})
		put(t, d, true, "a", "1")
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			d, err := open(fs)
			if err != nil {
				t.Fatal(err)
			}
			if d.InDoubt() {
				t.Error("in doubt")
			}
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
	t.Run("older copy", func(t *testing.T) {
		fs, _ := markedDB(t)
		old := copyOf(fs)
		d, err := open(fs)
		if err != nil {
			t.Fatal(err)
		}
		put(t, d, true, "a", "1")
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		create(t, old, "data/db"+MarkSuffix, readWhole(t, fs, "data/db"+MarkSuffix))
		if _, err := open(old); err == nil || !strings.Contains(err.Error(), "16 keys") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("emptied", func(t *testing.T) {
		fs, _ := markedDB(t)
		if err := fs.RemoveAll("data/db"); err != nil {
			t.Fatal(err)
		}
		var c *CorruptError
		if _, err := open(fs); !errors.As(err, &c) {
			t.Errorf("got %v", err)
		}
		if err := RemoveDB(fs, "data/db"); err != nil {
			t.Fatal(err)
		}
		d, err := open(fs)
		if err != nil {
			t.Fatal(err)
		}
		d.Close()
	})
	t.Run("in doubt until it is trusted", func(t *testing.T) {
		fs, _ := markedDB(t)
		if err := fs.Remove("data/db" + MarkSuffix); err != nil {
			t.Fatal(err)
		}
		for i, want := range []bool{true, true, false} {
			d, err := open(fs)
			if err != nil {
				t.Fatal(err)
			}
			if d.InDoubt() != want {
				t.Errorf("open %d: in doubt %v", i, d.InDoubt())
			}
			put(t, d, true, "a", "1")
			if i == 1 {
				if err := d.Trust(); err != nil {
					t.Fatal(err)
				}
			}
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
