package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"starling/store"
)

// wallets is the format of the tests, that of wallets.
var wallets = Format{Magic: "STARLING WALLET\n", Name: "wallet", Advice: "restore it from a backup"}

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
	f, err := wallets.Create(fsys, "w.dat", b)
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
	b, err := wallets.read(fsys, path)
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
	if _, err := wallets.Create(fsys, "w.dat", batch()); !errors.Is(err, ErrExists) {
		t.Errorf("created twice: %v", err)
	}
	f, err := wallets.Open(fsys, "w.dat")
	if err != nil {
		t.Fatal(err)
	}
	wantContent(t, f, want)
	if n, kept := f.Torn(); n != 0 || kept != "" {
		t.Errorf("%d bytes torn, kept in %q", n, kept)
	}
	if _, err := wallets.Open(fsys, "other.dat"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	for k := range f.All("c") {
		if k != "c" {
			t.Errorf("%q begins with c?", k)
		}
	}
}

// TestTornEnd has a crash cut the last commit short at every place: what came
// before must be there, and the bytes must be kept, beside those of the crash
// before.
func TestTornEnd(t *testing.T) {
	fsys := vfs.NewMem()
	f := mustCreate(t, fsys, batch("a", "1"))
	mustCommit(t, f, "b", "2")
	before := readAll(t, fsys, "w.dat")
	mustCommit(t, f, "c", strings.Repeat("3", 40))
	whole := readAll(t, fsys, "w.dat")
	for n := len(before); n < len(whole); n++ {
		for _, tail := range []string{"", "\x00\x00\x00\x00\x00\x00\x00", recordMagic} {
			fsys := vfs.NewMem()
			// The mark is written when all else is on disk.
			raw := append(bytes.Clone(before), whole[len(before):n]...)
			raw = append(raw, tail...)
			for _, name := range []string{"w.dat", "w.dat.torn"} {
				if err := store.WriteWhole(fsys, name, append(bytes.Clone(raw), name[5:]...)); err != nil {
					t.Fatal(err)
				}
			}
			f, err := wallets.Open(fsys, "w.dat")
			if err != nil {
				t.Fatalf("cut at %d: %v", n, err)
			}
			want := map[string]string{"a": "1", "b": "2"}
			wantContent(t, f, want)
			torn, kept := f.Torn()
			mustCommit(t, f, "d", "4")
			want["d"] = "4"
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			if f, err = wallets.Open(fsys, "w.dat"); err != nil {
				t.Fatal(err)
			}
			wantContent(t, f, want)
			if len(raw) == len(before) {
				continue
			}
			if torn != len(raw)-len(before) || kept != "w.dat.torn-2" || !bytes.Equal(readAll(t, fsys, kept), raw) {
				t.Errorf("cut at %d: of what was left out %d bytes are kept in %q", n, torn, kept)
			}
			if aside, err := Aside(fsys, "/w.dat"); err != nil || len(aside) != 2 {
				t.Errorf("set aside: %q, %v", aside, err)
			}
		}
	}
}

// TestDamage changes every byte, and cuts the file off at every place. Whatever
// was committed must be there, or else opening must fail and write nothing.
func TestDamage(t *testing.T) {
	for name, make := range map[string]func(t *testing.T) (whole []byte, want map[string]string){
		"as it was written": func(t *testing.T) ([]byte, map[string]string) {
			fsys := vfs.NewMem()
			f := mustCreate(t, fsys, batch("a", "1"))
			mustCommit(t, f, "b", "2")
			mustCommit(t, f, "c", "3")
			return readAll(t, fsys, "w.dat"), content(f)
		},
		"written anew": func(t *testing.T) ([]byte, map[string]string) {
			fsys := vfs.NewMem()
			f := mustCreate(t, fsys, batch("a", "1", "c", "3"))
			if err := f.Replace(batch("b", "2")); err != nil {
				t.Fatal(err)
			}
			return readAll(t, fsys, "w.dat"), content(f)
		},
	} {
		t.Run(name, func(t *testing.T) {
			whole, want := make(t)
			refused := 0
			try := func(what string, raw []byte) {
				t.Helper()
				fsys := vfs.NewMem()
				if err := store.WriteWhole(fsys, "w.dat", bytes.Clone(raw)); err != nil {
					t.Fatal(err)
				}
				f, err := wallets.Open(fsys, "w.dat")
				if err == nil {
					wantContent(t, f, want)
					return
				}
				refused++
				var corrupt *store.CorruptError
				var version *store.VersionError
				if !errors.As(err, &corrupt) && !errors.As(err, &version) || strings.Contains(err.Error(), "\n") {
					t.Fatalf("%s: %v", what, err)
				}
				if !bytes.Equal(readAll(t, fsys, "w.dat"), raw) {
					t.Fatalf("%s: the damaged file was changed", what)
				}
				if names, _ := fsys.List(""); len(names) != 1 {
					t.Errorf("%s: files %v", what, names)
				}
				if _, err := wallets.Read(fsys, "w.dat"); err == nil {
					t.Errorf("%s: taken for a good backup", what)
				}
			}
			for i := range whole {
				for _, mask := range []byte{0x01, 0x10, 0xff} {
					raw := bytes.Clone(whole)
					raw[i] ^= mask
					try(fmt.Sprintf("byte %d", i), raw)
				}
				try(fmt.Sprintf("cut at %d", i), whole[:i])
			}
			// Damage to one mark leaves the other.
			if n := 4*len(whole) - 3*2*markSize; refused != n {
				t.Errorf("%d of %d refused", refused, n)
			}
		})
	}
}

// TestFirstVersion opens a file without marks, of the first version of the
// format. It is written anew, and from then on proves itself.
func TestFirstVersion(t *testing.T) {
	head := append([]byte(wallets.Magic), 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	raw := append(head, appendSum(head)...)
	raw = appendRecord(raw, 1, (&Change{Key: []byte("a"), Value: []byte("1")}).append(nil), false)
	raw = appendRecord(raw, 2, (&Change{Key: []byte("b"), Value: []byte("2")}).append(nil), false)
	for _, c := range []struct {
		name string
		raw  []byte
		want map[string]string
	}{
		{"whole", raw, map[string]string{"a": "1", "b": "2"}},
		{"torn", raw[:len(raw)-1], map[string]string{"a": "1"}},
	} {
		fsys := vfs.NewMem()
		if err := store.WriteWhole(fsys, "w.dat", bytes.Clone(c.raw)); err != nil {
			t.Fatal(err)
		}
		f, err := wallets.Open(fsys, "w.dat")
		if err != nil {
			t.Fatal(c.name, err)
		}
		wantContent(t, f, c.want)
		f.Close()
		now := readAll(t, fsys, "w.dat")
		if err := store.WriteWhole(fsys, "w.dat", bytes.Clone(now[:len(now)-1])); err != nil {
			t.Fatal(err)
		}
		var corrupt *store.CorruptError
		if _, err := wallets.Open(fsys, "w.dat"); !errors.As(err, &corrupt) {
			t.Errorf("%s, cut short afterwards: %v", c.name, err)
		}
	}
}

// TestOtherFormat opens a file of another kind, which must stay as it is.
func TestOtherFormat(t *testing.T) {
	fsys := vfs.NewMem()
	mustCreate(t, fsys, batch("a", "1"))
	others := Format{Magic: "STARLING OTHERS\n", Name: "list of others", Advice: "delete it"}
	_, err := others.Open(fsys, "w.dat")
	var corrupt *store.CorruptError
	if !errors.As(err, &corrupt) || corrupt.What != "it does not start as a list of others does" || corrupt.Advice != others.Advice {
		t.Errorf("%v", err)
	}
	if _, err := wallets.Open(fsys, "w.dat"); err != nil {
		t.Error(err)
	}
}

func TestVersion(t *testing.T) {
	fsys := vfs.NewMem()
	mustCreate(t, fsys, batch("a", "1"))
	raw := readAll(t, fsys, "w.dat")
	raw[len(wallets.Magic)] = 9
	copy(raw[fileHeaderSize-4:], appendSum(raw[:fileHeaderSize-4]))
	if err := store.WriteWhole(fsys, "w.dat", bytes.Clone(raw)); err != nil {
		t.Fatal(err)
	}
	_, err := wallets.Open(fsys, "w.dat")
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
// ever, and nothing that was overtaken may be in it after Replace.
func TestRewrite(t *testing.T) {
	fsys := vfs.NewMem()
	f := mustCreate(t, fsys, batch("secret", "plain text"))
	for i := range 300 {
		mustCommit(t, f, "k", fmt.Sprint(i)+strings.Repeat("x", 20_000))
	}
	if n := len(readAll(t, fsys, "w.dat")); n > 2*rewriteAbove {
		t.Errorf("%d bytes", n)
	}
	if err := f.Replace(batch("secret", "sealed", "k", nil)); err != nil {
		t.Fatal(err)
	}
	if raw := readAll(t, fsys, "w.dat"); bytes.Contains(raw, []byte("plain text")) || bytes.Contains(raw, []byte("xxx")) {
		t.Error("what was overtaken is still in the file")
	}
	mustCommit(t, f, "z", "1")
	f.Close()
	f, err := wallets.Open(fsys, "w.dat")
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
	got, err := wallets.Read(fsys, "copy.dat")
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || string(got["a"]) != "2" || string(got["b"]) != "3" {
		t.Errorf("%q", got)
	}
	raw := readAll(t, fsys, "copy.dat")
	if err := store.WriteWhole(fsys, "short.dat", raw[:len(raw)-1]); err != nil {
		t.Fatal(err)
	}
	var corrupt *store.CorruptError
	if _, err := wallets.Read(fsys, "short.dat"); !errors.As(err, &corrupt) {
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
		f, err := wallets.Create(fsys, "dir/w.dat", batch("a", "0"))
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"a": "0"}
		seed := rapid.Uint64().Draw(t, "seed")
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				if err := f.Replace(batch()); err != nil {
					t.Fatal(err)
				}
			case 1, 2:
				clone := fsys.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(seed, 1))})
				g, err := wallets.Open(clone, "dir/w.dat")
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
					if rapid.IntRange(0, 20).Draw(t, "large") == 0 {
						v = strings.Repeat("v", partSize) // takes several records
					}
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
	f.Add([]byte(wallets.Magic))
	f.Fuzz(func(t *testing.T, raw []byte) {
		fsys := vfs.NewMem()
		if err := store.WriteWhole(fsys, "w.dat", bytes.Clone(raw)); err != nil {
			t.Fatal(err)
		}
		f, err := wallets.Open(fsys, "w.dat")
		if err != nil {
			return
		}
		want := content(f)
		want["new"] = "value"
		mustCommit(t, f, "new", "value")
		f.Close()
		if f, err = wallets.Open(fsys, "w.dat"); err != nil {
			t.Fatal(err)
		}
		wantContent(t, f, want)
	})
}

// TestLargeCommit commits more at once than goes into a record, and has a crash
// cut it short at some places: it must be there as a whole or not at all.
func TestLargeCommit(t *testing.T) {
	fsys := vfs.NewMem()
	f := mustCreate(t, fsys, batch("a", "1"))
	before := readAll(t, fsys, "w.dat")
	b, want := &Batch{}, map[string]string{"a": "1"}
	for i := range 70 {
		k, v := fmt.Sprintf("tx:%02d", i), strings.Repeat(string(rune('a'+i%26)), 1<<20)
		b.Set(k, []byte(v))
		want[k] = v
	}
	if err := f.Commit(b); err != nil {
		t.Fatal(err)
	}
	mustCommit(t, f, "z", "2")
	want["z"] = "2"
	f.Close()
	f, err := wallets.Open(fsys, "w.dat")
	if err != nil {
		t.Fatal(err)
	}
	wantContent(t, f, want)
	if err := f.WriteTo(fsys, "copy.dat"); err != nil {
		t.Fatal(err)
	}
	if got, err := wallets.Read(fsys, "copy.dat"); err != nil || len(got) != len(want) {
		t.Errorf("%d keys, %v", len(got), err)
	}
	f.Close()

	whole := readAll(t, fsys, "w.dat")
	second := bytes.Index(whole[headSize+100:], []byte(partMagic)) + headSize + 100
	for name, raw := range map[string][]byte{
		"in its first record":  whole[:headSize+1000],
		"between its records":  whole[:second],
		"in its second record": whole[:second+100],
		// Nothing says in which order records get to disk before the sync.
		"a hole": append(append(bytes.Clone(whole[:second]), make([]byte, 5000)...), whole[second+5000:second+10<<20]...),
	} {
		fsys := vfs.NewMem()
		raw = append(bytes.Clone(before), raw[len(before):]...)
		if err := store.WriteWhole(fsys, "w.dat", raw); err != nil {
			t.Fatal(err)
		}
		f, err := wallets.Open(fsys, "w.dat")
		if err != nil {
			t.Fatal(name, err)
		}
		wantContent(t, f, map[string]string{"a": "1"})
	}
}

// TestTooLarge has the limits of the format refuse what it has no room for. The
// file must go on afterwards.
func TestTooLarge(t *testing.T) {
	fsys := vfs.NewMem()
	f := mustCreate(t, fsys, batch("a", "1"))
	var value Batch
	value.Set("b", make([]byte, MaxValue+1))
	for name, b := range map[string]*Batch{"value": &value, "key": batch(strings.Repeat("k", MaxKey+1), "1")} {
		if err := f.Commit(b); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
		if err := f.Replace(b); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
	mustCommit(t, f, "b", "2")
	wantContent(t, f, map[string]string{"a": "1", "b": "2"})
}

// TestPrivate looks at the modes of what is written to a real disk, and at what
// stands beside it.
func TestPrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files have no such modes here")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "w.dat")
	f, err := wallets.Create(vfs.Default, path, batch("a", "1"))
	if err != nil {
		t.Fatal(err)
	}
	mustCommit(t, f, "b", "2")
	backup := filepath.Join(dir, "backup.dat")
	if err := os.WriteFile(backup+".new", []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := f.WriteTo(vfs.Default, backup); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(backup + ".new"); err != nil || string(b) != "mine" {
		t.Errorf("what stood beside the backup: %q, %v", b, err)
	}
	f.Close()
	// One that is too open, and torn.
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Chmod(path, 0o644), os.WriteFile(path, append(raw, 1, 2, 3), 0o644)); err != nil {
		t.Fatal(err)
	}
	if f, err = wallets.Open(vfs.Default, path); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if f, err = wallets.Open(vfs.Default, path); err != nil {
		t.Fatal(err)
	}
	f.Close()
	for _, name := range []string{path, backup, path + ".torn"} {
		if st, err := os.Stat(name); err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, st.Mode(), err)
		}
	}
}

// TestPayloadEnds reads payloads that fail in the middle: reading must end
// there, with an error, and tell of no change that is not whole.
func TestPayloadEnds(t *testing.T) {
	whole := (&Change{Key: []byte("k"), Value: []byte("v")}).append(nil)
	for name, tail := range map[string][]byte{
		"unknown kind":      {9, 1, 1, 1},
		"key too long":      {opSet, 0xfd, 0xff, 0xff, 1, 1},
		"value cut short":   {opSet, 1, 'k', 5, 1},
		"deletion cut off":  {opDelete},
		"size not shortest": {opDelete, 0xfd, 1, 0, 'k'},
	} {
		calls := 0
		err := parsePayload(append(bytes.Clone(whole), tail...), func(Change) {
			if calls++; calls > 10 {
				t.Fatalf("%s: it goes on for ever", name)
			}
		})
		if err == nil || calls != 1 {
			t.Errorf("%s: %d changes, %v", name, calls, err)
		}
	}
}

// The marks are written in turn also if commits have more than one record, so
// that the one before the last is there should the last be cut short; and so they
// are after the file has been opened again.
func TestMarksInTurn(t *testing.T) {
	fs := vfs.NewMem()
	f := mustCreate(t, fs, batch("k", "v"))
	large := strings.Repeat("x", partSize)
	var seqs []uint64
	for range 2 {
		for range 2 {
			n := len(seqs) // other keys each time, so that the file is not written anew
			mustCommit(t, f, fmt.Sprint("a", n), large, fmt.Sprint("b", n), large)
			seqs = append(seqs, f.log.seq)
			head := readAll(t, fs, "w.dat")[:headSize]
			var got []uint64
			for slot := range int64(2) {
				one := bytes.Clone(head)
				clear(one[markOffset(1-slot):markOffset(2-slot)])
				m, _ := parseMarks(one)
				got = append(got, m.seq)
			}
			slices.Sort(got)
			if n > 0 && !slices.Equal(got, seqs[n-1:]) {
				t.Errorf("the marks stand for records %d, want %d", got, seqs[n-1:])
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		var err error
		if f, err = wallets.Open(fs, "w.dat"); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
