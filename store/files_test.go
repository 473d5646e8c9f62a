package store

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var testMagic = [4]byte{0xfa, 0xbf, 0xb5, 0xda}

func openFiles(t testing.TB, opts FilesOptions) *Files {
	t.Helper()
	if opts.FS == nil {
		opts.FS = vfs.NewMem()
	}
	if opts.Prefix == "" {
		opts.Prefix = "blk"
	}
	opts.Dir, opts.Magic = "d/blocks", testMagic
	f, err := OpenFiles(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func mustAppend(t testing.TB, f *Files, payload string) Pos {
	t.Helper()
	pos, err := f.Append([]byte(payload), nil)
	if err != nil {
		t.Fatal(err)
	}
	return pos
}

func readWhole(t testing.TB, fs vfs.FS, path string) []byte {
	t.Helper()
	h, err := fs.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	b, err := io.ReadAll(h)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// patch changes bytes of a file in place.
func patch(t testing.TB, fs vfs.FS, path string, off int64, b []byte) {
	t.Helper()
	h, err := fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.WriteAt(b, off); err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestFilesBytes(t *testing.T) {
	fs := vfs.NewMem()
	blk := openFiles(t, FilesOptions{FS: fs})
	rev := openFiles(t, FilesOptions{FS: fs, Prefix: "rev", Trailer: 4})
	if got := mustAppend(t, blk, "block"); got != (Pos{0, 8}) {
		t.Errorf("first record at %v", got)
	}
	if got := mustAppend(t, blk, "xy"); got != (Pos{0, 21}) {
		t.Errorf("second record at %v", got)
	}
	if got, err := rev.AppendTo(7, []byte("undo"), []byte("sum!")); err != nil || got != (Pos{7, 8}) {
		t.Errorf("undo record at %v, %v", got, err)
	}
	for path, want := range map[string]string{
		"d/blocks/blk00000.dat": "fabfb5da" + "05000000" + hex.EncodeToString([]byte("block")) +
			"fabfb5da" + "02000000" + hex.EncodeToString([]byte("xy")),
		"d/blocks/rev00007.dat": "fabfb5da" + "04000000" + hex.EncodeToString([]byte("undosum!")),
	} {
		if got := hex.EncodeToString(readWhole(t, fs, path)); got != want {
			t.Errorf("%s holds %s, want %s", path, got, want)
		}
	}
	if got, err := rev.Read(Pos{7, 8}, 4); err != nil || string(got) != "undo" {
		t.Errorf("undo reads %q, %v", got, err)
	}
}

func TestFilesLargeRecord(t *testing.T) {
	// Above joinLimit the parts are written one by one.
	f := openFiles(t, FilesOptions{Trailer: 3})
	for _, n := range []int{1, joinLimit - 12, joinLimit - 11, joinLimit - 10, joinLimit, 3 << 20} {
		want := bytes.Repeat([]byte{byte(n), 2, 3}, n)[:n]
		pos, err := f.Append(want, []byte("end"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := f.Read(pos, uint32(n))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes came back as %d, %v", n, len(got), err)
		}
		tail, err := f.ReadRange(pos, uint32(n), 3)
		if err != nil || string(tail) != "end" {
			t.Errorf("behind %d bytes is %q, %v", n, tail, err)
		}
	}
}

func TestFilesRollOver(t *testing.T) {
	f := openFiles(t, FilesOptions{MaxFileSize: 40})
	var got []Pos
	for range 5 {
		got = append(got, mustAppend(t, f, "0123456789"))
	}
	// A record longer than a file gets one of its own.
	long := mustAppend(t, f, string(make([]byte, 100)))
	got = append(got, long, mustAppend(t, f, "x"))
	want := []Pos{{0, 8}, {0, 26}, {1, 8}, {1, 26}, {2, 8}, {3, 8}, {4, 8}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	sizes := map[uint32]int64{0: 36, 1: 36, 2: 18, 3: 108, 4: 9}
	if d := cmp.Diff(sizes, f.Sizes()); d != "" {
		t.Error(d)
	}
	// Opened again, appending goes on in the last file.
	g := openFiles(t, FilesOptions{FS: f.fs, MaxFileSize: 40})
	if d := cmp.Diff(sizes, g.Sizes()); d != "" {
		t.Error(d)
	}
	if pos := mustAppend(t, g, "y"); pos != (Pos{4, 17}) {
		t.Errorf("goes on at %v", pos)
	}
}

func TestFilesReadErrors(t *testing.T) {
	f := openFiles(t, FilesOptions{MaxRecord: 100})
	pos := mustAppend(t, f, "payload")
	mustAppend(t, f, "another")
	tests := []struct {
		name string
		pos  Pos
		size uint32
		want string
	}{
		{"wrong size", pos, 6, "d/blocks/blk00000.dat is damaged at byte 8: the record has 7 bytes, 6 expected; " + adviseRecord},
		{"wrong place", Pos{0, 9}, 7, "d/blocks/blk00000.dat is damaged at byte 9: no record begins here; " + adviseRecord},
		{"before the first", Pos{0, 7}, 7, "d/blocks/blk00000.dat is damaged at byte 7: no record of 7 bytes can be here; " + adviseRecord},
		{"behind the end", Pos{0, 23}, 50, "d/blocks/blk00000.dat is damaged at byte 23: the file ends 43 bytes early; " + adviseRecord},
		{"far behind the end", Pos{0, 1 << 31}, 5, "d/blocks/blk00000.dat is damaged at byte 2147483648: the file ends 13 bytes early; " + adviseRecord},
		{"no such file", Pos{3, 8}, 7, "d/blocks/blk00003.dat is damaged at byte 8: the file is missing; " + adviseRecord},
		{"too large", pos, 101, "d/blocks/blk00000.dat is damaged at byte 8: no record of 101 bytes can be here; " + adviseRecord},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := f.Read(tt.pos, tt.size)
			var c *CorruptError
			if !errors.As(err, &c) {
				t.Fatalf("got %v, want a CorruptError", err)
			}
			if err.Error() != tt.want {
				t.Errorf("got  %s\nwant %s", err, tt.want)
			}
		})
	}
	if b, err := f.ReadRange(pos, 3, 4); err != nil || string(b) != "load" {
		t.Errorf("range reads %q, %v", b, err)
	}
	if _, err := f.ReadRange(pos, 20, 4); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("range behind the end: %v", err)
	}
	if _, err := f.Append(make([]byte, 101), nil); err == nil {
		t.Error("a record above the limit was accepted")
	}
	if _, err := f.Append([]byte("x"), []byte("unwanted")); err == nil {
		t.Error("a trailer of the wrong length was accepted")
	}
}

// What somebody knows of must be there; what nobody does stays, and new records
// go behind it.
func TestFilesRequire(t *testing.T) {
	fs := vfs.NewMem()
	f := openFiles(t, FilesOptions{FS: fs, MaxFileSize: 60})
	for i := range 8 {
		mustAppend(t, f, fmt.Sprintf("record %d", i)) // 16 bytes each, 3 in a file
	}
	g := openFiles(t, FilesOptions{FS: fs, MaxFileSize: 60})
	if err := g.Require(map[uint32]uint32{0: 48, 1: 16}); err != nil {
		t.Fatal(err)
	}
	var c *CorruptError
	for _, ends := range []map[uint32]uint32{{0: 49}, {5: 8}} {
		if err := g.Require(ends); !errors.As(err, &c) {
			t.Errorf("ends %v: %v, want a CorruptError", ends, err)
		}
	}
	if pos := mustAppend(t, g, "new"); pos != (Pos{2, 40}) {
		t.Errorf("goes on at %v", pos)
	}
	if d := cmp.Diff(map[uint32]int64{0: 48, 1: 48, 2: 43}, g.Sizes()); d != "" {
		t.Error(d)
	}
}

func TestFilesRemove(t *testing.T) {
	f := openFiles(t, FilesOptions{MaxFileSize: 20})
	a, b := mustAppend(t, f, "aaaaaaaa"), mustAppend(t, f, "bbbbbbbb")
	if _, err := f.Read(a, 8); err != nil {
		t.Fatal(err)
	}
	if err := f.Remove(a.File); err != nil {
		t.Fatal(err)
	}
	if err := f.Remove(a.File); err != nil {
		t.Errorf("removed twice: %v", err)
	}
	var c *CorruptError
	if _, err := f.Read(a, 8); !errors.As(err, &c) {
		t.Errorf("reads what was removed: %v", err)
	}
	if _, err := f.Read(b, 8); err != nil {
		t.Error(err)
	}
	if err := f.Sync(); err != nil {
		t.Error(err)
	}
	if fileExists(f.fs, f.Path(a.File)) {
		t.Error("Sync brought the file back")
	}
}

func TestFilesSyncsOnlyWhatChanged(t *testing.T) {
	var synced []string
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileSync {
			synced = append(synced, op.Path)
		}
		return nil
	}))
	f := openFiles(t, FilesOptions{FS: fs, MaxFileSize: 20})
	check := func(want ...string) {
		t.Helper()
		synced = nil
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, synced); d != "" {
			t.Error(d)
		}
	}
	mustAppend(t, f, "aaaaaaaa")
	mustAppend(t, f, "bbbbbbbb")
	check("d/blocks/blk00000.dat", "d/blocks/blk00001.dat", "d/blocks")
	check()
	if _, err := f.AppendTo(0, []byte("c"), nil); err != nil {
		t.Fatal(err)
	}
	check("d/blocks/blk00000.dat")
	mustAppend(t, f, "dddddddd")
	check("d/blocks/blk00002.dat", "d/blocks")
	if err := f.Remove(0); err != nil {
		t.Fatal(err)
	}
	check("d/blocks")
}

func TestFilesManyHandles(t *testing.T) {
	// More files than handles, read and written from many goroutines at once.
	f := openFiles(t, FilesOptions{MaxFileSize: 100})
	const n = 5 * maxReaders
	pos := make([]Pos, n)
	for i := range pos {
		pos[i] = mustAppend(t, f, fmt.Sprintf("%090d", i))
	}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(g)))
			for range 500 {
				i := rng.IntN(n)
				b, err := f.Read(pos[i], 90)
				if err != nil || string(b) != fmt.Sprintf("%090d", i) {
					t.Errorf("record %d reads %q, %v", i, b, err)
					return
				}
			}
		})
	}
	for range 2 {
		wg.Go(func() {
			for i := range 100 {
				if _, err := f.AppendTo(uint32(i), []byte("more"), nil); err != nil {
					t.Error(err)
					return
				}
				if i%10 == 0 {
					if err := f.Sync(); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	if len(f.readers.m) > maxReaders || len(f.writers.m) > maxWriters {
		t.Errorf("%d readers and %d writers are open", len(f.readers.m), len(f.writers.m))
	}
}

func TestFilesFullDisk(t *testing.T) {
	var full bool
	mem := vfs.NewMem()
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if full && op.Kind == errorfs.OpFileWriteAt {
			return syscall.ENOSPC
		}
		return nil
	}))
	f := openFiles(t, FilesOptions{FS: fs})
	mustAppend(t, f, "first")
	full = true
	_, err := f.Append([]byte("second"), nil)
	var fe *FullDiskError
	if !errors.Is(err, ErrDiskFull) || !errors.As(err, &fe) || !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("got %v", err)
	}
	if want := "disk is full: cannot write d/blocks/blk00000.dat; free some space and start again"; err.Error() != want {
		t.Errorf("got %s", err)
	}
	// With room again the record goes where the failed one would have been.
	full = false
	if pos := mustAppend(t, f, "third"); pos != (Pos{0, 21}) {
		t.Errorf("goes on at %v", pos)
	}
	// The end of the disk is seen before it is reached.
	mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: minFree + 100, TotalBytes: 1 << 40})
	f.opts.MaxFileSize = 10 // so that the next record needs a new file
	mustAppend(t, f, "0123456789")
	_, err = f.Append(make([]byte, 100), nil)
	if want := "disk is full: only 50 MiB left for d/blocks; free some space and start again"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestFilesFailedSyncIsForGood(t *testing.T) {
	var broken bool
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if broken && op.Kind == errorfs.OpFileSync {
			return syscall.EIO
		}
		return nil
	}))
	f := openFiles(t, FilesOptions{FS: fs})
	pos := mustAppend(t, f, "first")
	broken = true
	if err := f.Sync(); !errors.Is(err, syscall.EIO) {
		t.Fatalf("got %v", err)
	}
	broken = false
	if err := f.Sync(); !errors.Is(err, syscall.EIO) {
		t.Errorf("a second Sync says %v", err)
	}
	if _, err := f.Append([]byte("x"), nil); !errors.Is(err, syscall.EIO) {
		t.Errorf("Append says %v", err)
	}
	if b, err := f.Read(pos, 5); err != nil || string(b) != "first" {
		t.Errorf("reading still works, but got %q, %v", b, err)
	}
}

func TestFilesClosed(t *testing.T) {
	f := openFiles(t, FilesOptions{})
	pos := mustAppend(t, f, "x")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Read(pos, 1); !errors.Is(err, ErrClosed) {
		t.Errorf("Read: %v", err)
	}
	if _, err := f.ReadRange(pos, 0, 1); !errors.Is(err, ErrClosed) {
		t.Errorf("ReadRange: %v", err)
	}
	err := f.Scan(context.Background(), Pos{}, func(Pos, []byte) error { return nil })
	if !errors.Is(err, ErrClosed) {
		t.Errorf("Scan: %v", err)
	}
	if _, err := f.Append([]byte("y"), nil); !errors.Is(err, ErrClosed) {
		t.Errorf("Append: %v", err)
	}
	if err := f.Sync(); !errors.Is(err, ErrClosed) {
		t.Errorf("Sync: %v", err)
	}
}

// What was synced survives a crash, whatever else does, and the files work on
// behind what the crash has left of the rest.
func TestFilesCrash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mem := vfs.NewCrashableMem()
		opts := FilesOptions{FS: mem, Dir: "data/blocks", Prefix: "blk", Magic: testMagic, MaxFileSize: 10_000}
		f, err := OpenFiles(opts)
		if err != nil {
			t.Fatal(err)
		}
		type record struct {
			pos  Pos
			data []byte
		}
		var all []record
		synced, ends := 0, map[uint32]uint32{}
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		write := func() {
			data := make([]byte, 1+rng.IntN(6000))
			for i := range data {
				data[i] = byte(rng.Uint32())
			}
			pos, err := f.Append(data, nil)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, record{pos, data})
		}
		check := func() {
			for _, r := range all[:synced] {
				got, err := f.Read(r.pos, uint32(len(r.data)))
				if err != nil || !bytes.Equal(got, r.data) {
					t.Fatalf("a synced record at %v is lost: %v", r.pos, err)
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"append": func(*rapid.T) { write() },
			"sync": func(*rapid.T) {
				if err := f.Sync(); err != nil {
					t.Fatal(err)
				}
				synced, ends = len(all), map[uint32]uint32{}
				for n, size := range f.Sizes() {
					ends[n] = uint32(size)
				}
			},
			"crash": func(*rapid.T) {
				opts.FS = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
				f.Close()
				mem = opts.FS.(*vfs.MemFS)
				if f, err = OpenFiles(opts); err != nil {
					t.Fatal(err)
				}
				if err := f.Require(ends); err != nil {
					t.Fatal(err)
				}
				all = all[:synced]
				check()
			},
			"": func(*rapid.T) { check() },
		})
		f.Close()
	})
}

func BenchmarkFilesAppend(b *testing.B) {
	for _, size := range []int{250, 1_000_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			f, err := OpenFiles(FilesOptions{Dir: b.TempDir(), Prefix: "blk", Magic: testMagic})
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			payload := make([]byte, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := f.Append(payload, nil); err != nil {
					b.Fatal(err)
				}
				// Keep the benchmark from filling the disk.
				if f.cur == 4 {
					b.StopTimer()
					if err := errors.Join(f.Remove(0), f.Remove(1)); err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
				}
			}
		})
	}
}

func BenchmarkFilesRead(b *testing.B) {
	f, err := OpenFiles(FilesOptions{Dir: b.TempDir(), Prefix: "blk", Magic: testMagic})
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	const size = 1_000_000
	pos, err := f.Append(make([]byte, size), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Read(pos, size); err != nil {
			b.Fatal(err)
		}
	}
}

// Who asks for sizes or syncs does not wait for a record that is being written,
// and a sync meanwhile does not take it for synced.
func TestFilesAppendHoldsNobodyUp(t *testing.T) {
	mem := vfs.NewCrashableMem()
	reached, release := make(chan struct{}), make(chan struct{})
	var park atomic.Bool
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileWriteAt && park.CompareAndSwap(true, false) {
			close(reached)
			<-release
		}
		return nil
	}))
	f := openFiles(t, FilesOptions{FS: fs})
	mustAppend(t, f, "first")
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	before := f.Sizes()
	park.Store(true)
	var pos Pos
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		pos, err = f.Append([]byte("second"), nil)
	}()
	<-reached
	free := f.mu.TryLock()
	if free {
		f.mu.Unlock()
		if during := f.Sizes(); !cmp.Equal(before, during) {
			t.Errorf("sizes change from %v to %v before the record is there", before, during)
		}
		if err := f.Sync(); err != nil {
			t.Error(err)
		}
	} else {
		t.Error("the lock is held while a record is written")
	}
	close(release)
	<-done
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	after := openFiles(t, FilesOptions{FS: mem.CrashClone(vfs.CrashCloneCfg{})})
	if b, err := after.Read(pos, uint32(len("second"))); err != nil || string(b) != "second" {
		t.Errorf("after a crash: %q, %v", b, err)
	}
}
