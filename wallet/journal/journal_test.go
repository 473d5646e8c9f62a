package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"starling/store"
)

// batch makes a batch of pairs; a nil value deletes.
func batch(pairs ...any) *Batch {
	var b Batch
	for i := 0; i < len(pairs); i += 2 {
		if v, ok := pairs[i+1].(string); ok {
			b.Set(pairs[i].(string), []byte(v))
		} else {
			b.Delete(pairs[i].(string))
		}
	}
	return &b
}

func content(f *File) map[string]string {
	all := map[string]string{}
	for k, v := range f.All("") {
		all[k] = string(v)
	}
	return all
}

func mustCreate(t testing.TB, fsys vfs.FS, b *Batch) *File {
	t.Helper()
	f, err := Create(fsys, "w.dat", b)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func mustCommit(t testing.TB, f *File, pairs ...any) {
	t.Helper()
	if err := f.Commit(batch(pairs...)); err != nil {
		t.Fatal(err)
	}
}

func wantContent(t testing.TB, f *File, want map[string]string) {
	t.Helper()
	if got := content(f); !maps.Equal(got, want) {
		t.Errorf("content is %v, want %v", got, want)
	}
}

func readAll(t testing.TB, fsys vfs.FS, path string) []byte {
	t.Helper()
	b, err := read(fsys, path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReopen(t *testing.T) {
	fsys := vfs.NewMem()
	f := mustCreate(t, fsys, batch("a", "1", "b", "2"))
	mustCommit(t, f, "b", nil, "c", "3")
	mustCommit(t, f, "a", "4")
	mustCommit(t, f)
	want := map[string]string{"a": "4", "c": "3"}
	wantContent(t, f, want)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(batch("d", "5")); !errors.Is(err, store.ErrClosed) {
		t.Errorf("commit after close: %v", err)
	}
	if _, err := Create(fsys, "w.dat", batch()); !errors.Is(err, ErrExists) {
		t.Errorf("created twice: %v", err)
	}
	f, err := Open(fsys, "w.dat")
	if err != nil {
		t.Fatal(err)
	}
	wantContent(t, f, want)
	if f.Torn() != 0 {
		t.Errorf("%d bytes torn", f.Torn())
	}
	if _, err := Open(fsys, "other.dat"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	for k := range f.All("c") {
		if k != "c" {
			t.Errorf("%q begins with c?", k)
		}
	}
}

// TestTornEnd cuts the last record short at every place: what came before must
// be there, and the bytes must be kept.
func TestTornEnd(t *testing.T) {
	fsys := vfs.NewMem()
	f := mustCreate(t, fsys, batch("a", "1"))
	mustCommit(t, f, "b", "2")
	before := len(readAll(t, fsys, "w.dat"))
	mustCommit(t, f, "c", strings.Repeat("3", 40))
	whole := readAll(t, fsys, "w.dat")
	for n := before; n < len(whole); n++ {
		for _, tail := range []string{"", "\x00\x00\x00\x00\x00\x00\x00", recordMagic} {
			fsys := vfs.NewMem()
			raw := append(bytes.Clone(whole[:n]), tail...)
			if err := writeWhole(fsys, "w.dat", bytes.Clone(raw)); err != nil {
				t.Fatal(err)
			}
			f, err := Open(fsys, "w.dat")
			if err != nil {
				t.Fatalf("cut at %d: %v", n, err)
			}
			want := map[string]string{"a": "1", "b": "2"}
			wantContent(t, f, want)
			mustCommit(t, f, "d", "4")
			want["d"] = "4"
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			if f, err = Open(fsys, "w.dat"); err != nil {
				t.Fatal(err)
			}
			wantContent(t, f, want)
			if len(raw) > before && !bytes.Equal(readAll(t, fsys, "w.dat.torn"), raw) {
				t.Errorf("cut at %d: what was left out is not kept", n)
			}
		}
	}
}

// TestDamage changes every byte but those of the last record: opening must
// fail, and nothing may be written.
func TestDamage(t *testing.T) {
	fsys := vfs.NewMem()
	f := mustCreate(t, fsys, batch("a", "1"))
	mustCommit(t, f, "b", "2")
	before := len(readAll(t, fsys, "w.dat"))
	mustCommit(t, f, "c", "3")
	whole := readAll(t, fsys, "w.dat")
	for i := range before {
		fsys := vfs.NewMem()
		raw := bytes.Clone(whole)
		raw[i] ^= 0x10
		if err := writeWhole(fsys, "w.dat", bytes.Clone(raw)); err != nil {
			t.Fatal(err)
		}
		_, err := Open(fsys, "w.dat")
		var corrupt *store.CorruptError
		var version *store.VersionError
		if !errors.As(err, &corrupt) && !errors.As(err, &version) {
			t.Fatalf("byte %d: %v", i, err)
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("more than one line: %v", err)
		}
		if !bytes.Equal(readAll(t, fsys, "w.dat"), raw) {
			t.Fatalf("byte %d: the damaged file was changed", i)
		}
		if names, _ := fsys.List(""); len(names) != 1 {
			t.Errorf("byte %d: files %v", i, names)
		}
	}
}

func TestVersion(t *testing.T) {
	fsys := vfs.NewMem()
	mustCreate(t, fsys, batch("a", "1"))
	raw := readAll(t, fsys, "w.dat")
	raw[len(fileMagic)] = 9
	copy(raw[fileHeaderSize-4:], appendSum(raw[:fileHeaderSize-4]))
	if err := writeWhole(fsys, "w.dat", bytes.Clone(raw)); err != nil {
		t.Fatal(err)
	}
	_, err := Open(fsys, "w.dat")
	var v *store.VersionError
	if !errors.As(err, &v) || v.Have != 9 {
		t.Errorf("%v", err)
	}
}

func appendSum(b []byte) []byte {
	n := checksum(b)
	return []byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)}
}

// TestRewrite overwrites one key again and again: the file must not grow for
// ever, and nothing that was overtaken may be in it after Rewrite.
func TestRewrite(t *testing.T) {
	fsys := vfs.NewMem()
	f := mustCreate(t, fsys, batch("secret", "plain text"))
	for i := range 300 {
		mustCommit(t, f, "k", fmt.Sprint(i)+strings.Repeat("x", 20_000))
	}
	if n := len(readAll(t, fsys, "w.dat")); n > 2*rewriteAbove {
		t.Errorf("%d bytes", n)
	}
	mustCommit(t, f, "secret", "sealed", "k", nil)
	if err := f.Rewrite(); err != nil {
		t.Fatal(err)
	}
	if raw := readAll(t, fsys, "w.dat"); bytes.Contains(raw, []byte("plain text")) || bytes.Contains(raw, []byte("xxx")) {
		t.Error("what was overtaken is still in the file")
	}
	mustCommit(t, f, "z", "1")
	f.Close()
	f, err := Open(fsys, "w.dat")
	if err != nil {
		t.Fatal(err)
	}
	wantContent(t, f, map[string]string{"secret": "sealed", "z": "1"})
}

func TestCopy(t *testing.T) {
	fsys := vfs.NewMem()
	f := mustCreate(t, fsys, batch("a", "1"))
	mustCommit(t, f, "a", "2", "b", "3")
	if err := f.WriteTo(fsys, "copy.dat"); err != nil {
		t.Fatal(err)
	}
	if err := f.WriteTo(fsys, "copy.dat"); !errors.Is(err, ErrExists) {
		t.Errorf("overwrote a copy: %v", err)
	}
	got, err := Read(fsys, "copy.dat")
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || string(got["a"]) != "2" || string(got["b"]) != "3" {
		t.Errorf("%q", got)
	}
	raw := readAll(t, fsys, "copy.dat")
	if err := writeWhole(fsys, "short.dat", raw[:len(raw)-1]); err != nil {
		t.Fatal(err)
	}
	var corrupt *store.CorruptError
	if _, err := Read(fsys, "short.dat"); !errors.As(err, &corrupt) {
		t.Errorf("a short copy: %v", err)
	}
}

// TestCrash takes the power away after every commit, with chance deciding what
// of the unsynced data is kept: every commit that returned must be there, and
// nothing else but perhaps the one under way.
func TestCrash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fsys := vfs.NewCrashableMem()
		if err := fsys.MkdirAll("dir", 0o755); err != nil {
			t.Fatal(err)
		}
		root, err := fsys.OpenDir("")
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(root.Sync(), root.Close()); err != nil {
			t.Fatal(err)
		}
		f, err := Create(fsys, "dir/w.dat", batch("a", "0"))
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"a": "0"}
		seed := rapid.Uint64().Draw(t, "seed")
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				if err := f.Rewrite(); err != nil {
					t.Fatal(err)
				}
			case 1, 2:
				clone := fsys.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(seed, 1))})
				g, err := Open(clone, "dir/w.dat")
				if err != nil {
					t.Fatalf("after a crash: %v", err)
				}
				if got := content(g); !maps.Equal(got, want) {
					t.Fatalf("after a crash %v, want %v", got, want)
				}
				fsys, f = clone, g
			default:
				k := rapid.StringMatching("[abc]").Draw(t, "key")
				if rapid.Bool().Draw(t, "delete") {
					delete(want, k)
					err = f.Commit(batch(k, nil))
				} else {
					v := rapid.StringN(0, 3000, 9000).Draw(t, "value")
					want[k] = v
					err = f.Commit(batch(k, v))
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

// FuzzOpen opens arbitrary bytes: no panic, and what opens can be written to
// and opened again with the same content.
func FuzzOpen(f *testing.F) {
	fsys := vfs.NewMem()
	j := mustCreate(f, fsys, batch("a", "1", "b", "2"))
	mustCommit(f, j, "a", nil, "c", "3")
	raw := readAll(f, fsys, "w.dat")
	f.Add(raw)
	f.Add(raw[:len(raw)-3])
	f.Add([]byte(fileMagic))
	f.Fuzz(func(t *testing.T, raw []byte) {
		fsys := vfs.NewMem()
		if err := writeWhole(fsys, "w.dat", bytes.Clone(raw)); err != nil {
			t.Fatal(err)
		}
		f, err := Open(fsys, "w.dat")
		if err != nil {
			return
		}
		want := content(f)
		want["new"] = "value"
		mustCommit(t, f, "new", "value")
		f.Close()
		if f, err = Open(fsys, "w.dat"); err != nil {
			t.Fatal(err)
		}
		wantContent(t, f, want)
	})
}

// TestPayloadEnds reads payloads that fail in the middle: reading must end
// there, with an error, and tell of no change that is not whole.
func TestPayloadEnds(t *testing.T) {
	whole := (&change{key: []byte("k"), value: []byte("v")}).append(nil)
	for name, tail := range map[string][]byte{
		"unknown kind":      {9, 1, 1, 1},
		"key too long":      {opSet, 0xfd, 0xff, 0xff, 1, 1},
		"value cut short":   {opSet, 1, 'k', 5, 1},
		"deletion cut off":  {opDelete},
		"size not shortest": {opDelete, 0xfd, 1, 0, 'k'},
	} {
		calls := 0
		err := parsePayload(append(bytes.Clone(whole), tail...), func(change) {
			if calls++; calls > 10 {
				t.Fatalf("%s: it goes on for ever", name)
			}
		})
		if err == nil || calls != 1 {
			t.Errorf("%s: %d changes, %v", name, calls, err)
		}
	}
}
