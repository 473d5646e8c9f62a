package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

// fill writes enough for tables on more than one level to exist.
func fill(t testing.TB, d *DB) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 5 {
		b := d.NewBatch()
		for i := range 2000 {
			k := binary.BigEndian.AppendUint64([]byte("key"), uint64(i)*7919%2000)
			v := make([]byte, 40)
			for j := range v {
				v[j] = byte(rng.Uint32())
			}
			b.Set(k, v)
		}
		if err := d.Write(b, true); err != nil {
			t.Fatal(err)
		}
		if err := d.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	put(t, d, true, "in the log", "only")
}

// Damage in or loss of any file of a closed database ends in a CorruptError or
// goes unnoticed because it does not matter, but never gives wrong data.
func TestDBDamage(t *testing.T) {
	whole := vfs.NewCrashableMem()
	d := openDB(t, DBOptions{FS: whole, Marked: true})
	fill(t, d)
	want := list(t, d.IterateFrom, "key", "")
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := whole.List("data/db")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	// check opens the database and reads all of it.
	check := func(t *testing.T, fs vfs.FS, mustFail bool) {
		err := func() error {
			d, err := OpenDB(DBOptions{FS: fs, Dir: "data/db", Marked: true})
			if err != nil {
				return err
			}
			defer d.Close()
			var got []string
			err = d.Iterate([]byte("key"), func(k, v []byte) error {
				got = append(got, fmt.Sprintf("%s=%s", k, v))
				return nil
			})
			if err != nil {
				return err
			}
			if !slices.Equal(want, got) {
				t.Errorf("wrong data: %d keys, want %d", len(got), len(want))
			}
			return nil
		}()
		var c *CorruptError
		switch {
		case err == nil && mustFail:
			t.Error("nothing was noticed")
		case err != nil && !errors.As(err, &c):
			t.Errorf("got %T %v, want a CorruptError", err, err)
		case err != nil && (strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "--reindex") || c.Path == ""):
			t.Errorf("not a good message: %v", err)
		case err != nil:
			t.Log(err)
		}
	}
	clone := func() *vfs.MemFS {
		return whole.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(0, 0))})
	}
	for _, name := range names {
		p := path.Join("data/db", name)
		b := readWhole(t, whole, p)
		table := strings.HasSuffix(name, ".sst")
		t.Run("flipped "+name, func(t *testing.T) {
			if len(b) == 0 {
				return
			}
			fs := clone()
			at := len(b) / 2
			patch(t, fs, p, int64(at), []byte{b[at] ^ 0x10})
			check(t, fs, table)
		})
		t.Run("missing "+name, func(t *testing.T) {
			fs := clone()
			if err := fs.Remove(p); err != nil {
				t.Fatal(err)
			}
			check(t, fs, table)
		})
	}
}

// The disk runs full or fails at the n-th write: that is an error of the right
// type, nothing hangs, every goroutine ends, and all that was synced is there
// when the disk works again.
func TestDBWriteFailures(t *testing.T) {
	for _, cause := range []error{syscall.ENOSPC, syscall.EIO} {
		for n := range 40 {
			t.Run(fmt.Sprintf("%s at %d", cause, n*3), func(t *testing.T) {
				testWriteFailure(t, cause, int64(n*3))
			})
		}
	}
}

func testWriteFailure(t *testing.T, cause error, at int64) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	mem := vfs.NewCrashableMem()
	var armed atomic.Bool
	var writes atomic.Int64
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		switch op.Kind {
		case errorfs.OpFileWrite, errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpCreate, errorfs.OpReuseForWrite, errorfs.OpFilePreallocate:
			if armed.Load() && writes.Add(1) > at {
				return &errPath{op.Path, cause}
			}
		}
		return nil
	}))
	d, err := OpenDB(DBOptions{FS: fs, Dir: "data/db", MemTableBytes: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	armed.Store(true)
	synced := -1
	value := bytes.Repeat([]byte("v"), 2000)
	for i := 0; err == nil; i++ {
		if i > 5000 {
			t.Fatal("the failure never shows")
		}
		b := d.NewBatch()
		b.Set(fmt.Appendf(nil, "%06d", i), value)
		sync := i%5 == 0
		if err = d.Write(b, sync); err == nil && sync {
			synced = i
		}
	}
	if cause == syscall.ENOSPC && !errors.Is(err, ErrDiskFull) || !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
	if again := d.Write(d.NewBatch(), true); again == nil {
		t.Error("writing works again")
	}
	done := make(chan error, 1)
	go func() { done <- d.Close() }()
	select {
	case err := <-done:
		if err == nil {
			t.Error("Close knows of no error")
		}
	case <-time.After(30 * time.Second):
		t.Fatal("Close hangs")
	}
	armed.Store(false)
	d, err = OpenDB(DBOptions{FS: mem.CrashClone(vfs.CrashCloneCfg{}), Dir: "data/db"})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for i := range synced + 1 {
		if ok, err := d.Has(fmt.Appendf(nil, "%06d", i)); !ok || err != nil {
			t.Fatalf("key %d of %d synced is lost: %v", i, synced, err)
		}
	}
}

type errPath struct {
	path string
	err  error
}

func (e *errPath) Error() string { return e.path + ": " + e.err.Error() }
func (e *errPath) Unwrap() error { return e.err }

func TestDBLowSpace(t *testing.T) {
	mem := vfs.NewMem()
	d := openDB(t, DBOptions{FS: mem})
	put(t, d, true, "a", "1")
	mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: minFree - 1, TotalBytes: 1 << 40})
	b := d.NewBatch()
	b.Set([]byte("b"), []byte("2"))
	err := d.Write(b, true)
	if !errors.Is(err, ErrDiskFull) || err.Error() != "disk is full: only 49 MiB left for data/db; free some space and start again" {
		t.Errorf("got %v", err)
	}
	// It was seen before anything was written, so it can go on.
	mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: minFree * 2, TotalBytes: 1 << 40})
	if err := d.Write(b, true); err != nil {
		t.Error(err)
	}
	if ok, _ := d.Has([]byte("b")); !ok {
		t.Error("the batch was lost")
	}
}

// After a crash the database holds what some number of its writes left, in
// order, and at least those up to the last synced one.
func TestDBCrash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mem := vfs.NewCrashableMem()
		open := func() *DB {
			d, err := OpenDB(DBOptions{FS: mem, Dir: "data/db", MemTableBytes: 64 << 10, Marked: true})
			if err != nil {
				t.Fatal(err)
			}
			if d.InDoubt() {
				t.Fatal("the mark is lost")
			}
			return d
		}
		d := open()
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		// Write number n sets the counter to n and key n%7 to n, in one batch.
		last, synced := 0, 0
		num := func(d *DB, key string) int {
			v, ok, err := d.Get([]byte(key))
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				return 0
			}
			return int(binary.BigEndian.Uint64(v))
		}
		write := func(sync bool) {
			last++
			v := append(binary.BigEndian.AppendUint64(nil, uint64(last)), make([]byte, rng.IntN(3000))...)
			b := d.NewBatch()
			b.Set([]byte("n"), v)
			b.Set([]byte{'k', byte(last % 7)}, v)
			if err := d.Write(b, sync); err != nil {
				t.Fatal(err)
			}
			if sync {
				synced = last
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"write": func(*rapid.T) { write(false) },
			"sync":  func(*rapid.T) { write(true) },
			"flush": func(*rapid.T) {
				if err := d.Flush(); err != nil {
					t.Fatal(err)
				}
				synced = last
			},
			"crash": func(*rapid.T) {
				crashed := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
				if err := d.Close(); err != nil {
					t.Fatal(err)
				}
				mem = crashed
				d = open()
				n := num(d, "n")
				if n < synced || n > last {
					t.Fatalf("after the crash at write %d, %d synced, %d are there", last, synced, n)
				}
				for k := range 7 {
					// The newest write up to n that touched key k.
					want := n - (n-k+7)%7
					if got := num(d, string([]byte{'k', byte(k)})); got != max(want, 0) {
						t.Fatalf("%d writes are there, but key %d has %d, want %d", n, k, got, want)
					}
				}
				last, synced = n, n
			},
			"": func(*rapid.T) {},
		})
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// The power is cut at every write of creating a database and of opening it
// again, with any part of what was not synced lost: it always opens, with all
// that was in it.
func TestDBCrashOnOpen(t *testing.T) {
	empty := vfs.NewCrashableMem()
	d := openDB(t, DBOptions{FS: empty, Marked: true})
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	full := vfs.NewCrashableMem()
	d = openDB(t, DBOptions{FS: full, Marked: true})
	fill(t, d)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	for name, was := range map[string]*vfs.MemFS{"new": vfs.NewCrashableMem(), "empty": empty, "full": full} {
		t.Run(name, func(t *testing.T) {
			for at, done := 0, false; !done; at++ {
				for seed := range uint64(10) {
					rng := rand.New(rand.NewPCG(seed, uint64(at)))
					mem := was.CrashClone(vfs.CrashCloneCfg{})
					var crashed *vfs.MemFS
					var mu sync.Mutex // Pebble deletes files beside its other work
					writes := 0
					fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
						if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && op.Kind != errorfs.OpFileClose {
							mu.Lock()
							defer mu.Unlock()
							if writes == at {
								crashed = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 10 + rng.IntN(80), RNG: rng})
							}
							writes++
						}
						return nil
					}))
					d, err := OpenDB(DBOptions{FS: fs, Dir: "data/db", Marked: true})
					if err != nil {
						t.Fatal(err)
					}
					if err := d.Close(); err != nil {
						t.Fatal(err)
					}
					// Close has waited for all of Pebble's goroutines.
					if crashed == nil {
						done = true
						break
					}
					d, err = OpenDB(DBOptions{FS: crashed, Dir: "data/db", Marked: true})
					if err != nil {
						t.Fatalf("before write %d, seed %d: %v", at, seed, err)
					}
					if d.InDoubt() {
						t.Fatalf("before write %d, seed %d: the mark is lost", at, seed)
					}
					if name == "full" {
						if ok, err := d.Has([]byte("in the log")); !ok || err != nil {
							t.Fatalf("before write %d, seed %d: lost, %v", at, seed, err)
						}
					}
					if err := d.Close(); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}
